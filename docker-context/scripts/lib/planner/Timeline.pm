# Chooses the timeline, before its history can be read.
package Timeline;
use strict;
use warnings;
use Archive qw(slurp parse_json);

# Returns the named timeline, else that of the data to be replaced, else the archive's live one, else the newest; and where its
# history is: archive, local or none, nothing for timeline 1. Arguments: folder with live.json (the archive's own; optional),
# request with by_name and live (may be empty), stored and local WAL (of the module Wal).
sub choose {
    my ($folder, $request, $wal, $local) = @_;
    my ($newest) = sort { $b <=> $a } 0, map { keys %{ $wal->{$_} } } qw(stored histories);
    my ($timeline) = grep { length } @$request{qw(by_name live)};
    $timeline //= live_timeline("$folder/live.json") // $newest;
    return ($timeline, '') if $timeline <= 1;
    return ($timeline, $wal->{histories}{$timeline} ? 'archive' : $local->{histories}{$timeline} ? 'local' : 'none');
}

# The timeline of the archive's owner; nothing in an archive of an earlier version of this image.
sub live_timeline {
    my $text = slurp($_[0]) // '';
    return if $text !~ /\S/;
    my $live = eval { parse_json($text, '')->{timeline} } // '';
    return $live if !ref $live && $live =~ /^[1-9]\d{0,9}$/;
    die "which timeline of the archive lives can't be read (postgres-stack/live.json): name the one that is meant with RESTORE_TIMELINE\n";
}

1;
