# Which timeline is meant, before its history can be read.
package Timeline;
use strict;
use warnings;
use Archive qw(slurp parse_json);
use Wal qw(read_wal read_local);

# Input: wal (of the plan of that name); local (see Wal); live.json (the archive's own; optional). Request: timeline (what is asked
# for by name), live (timeline of the data that are to be replaced), segment_bytes.
# Lines: `timeline=N` and, but for the first, `history=` archive, local or none: where its history is.
sub plan {
    my ($folder, $request) = @_;
    my $wal = read_wal("$folder/wal");
    my $local = read_local("$folder/local", $request->{segment_bytes});
    my ($newest) = sort { $b <=> $a } 0, map { keys %{ $wal->{$_} } } qw(stored histories);
    my ($timeline) = grep { length } $request->{timeline}, $request->{live};
    $timeline //= live_timeline("$folder/live.json") // $newest;
    return ("timeline=$timeline", 'problem=the archive holds no WAL') if $timeline == 0;
    return "timeline=$timeline" if $timeline == 1;
    my $history = $wal->{histories}{$timeline} ? 'archive' : $local->{histories}{$timeline} ? 'local' : 'none';
    return ("timeline=$timeline", "history=$history");
}

# The timeline that the archive's owner is on; nothing in an archive of an earlier version of this image.
sub live_timeline {
    my $text = slurp($_[0]) // '';
    return if $text !~ /\S/;
    my $live = eval { parse_json($text, '')->{timeline} } // '';
    return $live if !ref $live && $live =~ /^[1-9]\d{0,9}$/;
    die "which timeline of the archive lives can't be read (postgres-stack/live.json): name the one that is meant with RESTORE_TIMELINE\n";
}

1;
