# Whether a base backup is whole: compares its stored parts with those that it had.
package Parts;
use strict;
use warnings;
use Archive qw(slurp parse_json);
use JsonStream;

# Input: parts (the output of `wal-g st ls -r` for its folder), and the list of its parts, by source: manifest (the file manifest:
# ours, with names and sizes), metadata (standard input: WAL-G's files_metadata.json, of any length) or sentinel (the file
# sentinel: the backup was made without these, so WAL-G's numbering and the sum of the sizes decide).
# Request: backup, source. Lines: problem=, empty when it is whole; or `unreadable=true`: this source is unusable, as half a
# manifest.
sub plan {
    my ($folder, $request) = @_;
    my $name = $request->{backup};
    my %stored = stored(slurp("$folder/parts") // die("the parts of $name can't be listed\n"));
    my %check = (manifest => \&by_manifest, metadata => \&by_metadata, sentinel => \&by_sentinel);
    my $damage = $check{ $request->{source} }->($folder, $name, \%stored) // '';
    return 'unreadable=true' if $damage eq 'unreadable';
    $damage = 'its part pg_control is missing' if $damage eq '' && !grep { /^pg_control\.tar/ } keys %stored;
    return 'problem=' . ($damage eq '' ? '' : "base backup $name is damaged: $damage");
}

sub stored {
    my ($list) = @_;
    die "the list of parts is none\n" if $list !~ /^type\s+size\s/;
    return map { m{^obj\s+(\d+)\s.*\s/?tar_partitions/(\S+)\s*$} ? ($2, $1) : () } split /\n/, $list;
}

sub by_manifest {
    my ($folder, $name, $stored) = @_;
    my $manifest = eval { parse_json(slurp("$folder/manifest") // '', '') };
    my @parts = ref $manifest eq 'HASH' && ref $manifest->{parts} eq 'ARRAY' ? @{ $manifest->{parts} } : ();
    return 'unreadable' if !@parts || grep { ref ne 'ARRAY' || @$_ != 2 } @parts;
    for (@parts) {
        my ($part, $bytes) = @$_;
        return "its part $part is missing" if !defined $stored->{$part};
        return "its part $part has $stored->{$part} bytes, not $bytes" if $stored->{$part} != $bytes;
    }
    return;
}

sub by_metadata {
    my ($folder, $name, $stored) = @_;
    my $parts = eval { JsonStream->new(\*STDIN)->keys_of('TarFileSets') };
    # a closed pipe would kill the writer
    1 while read STDIN, my $rest, 1 << 20;
    return 'the list of its parts (files_metadata.json) ends early, or is none' if !$parts || !@$parts;
    my ($missing) = grep { !defined $stored->{$_} } sort @$parts;
    return defined $missing ? "its part $missing is missing" : undef;
}

sub by_sentinel {
    my ($folder, $name, $stored) = @_;
    my $sentinel = eval { parse_json(slurp("$folder/sentinel") // '', '') };
    return 'its sentinel can\'t be read' if ref $sentinel ne 'HASH';
    return 'the list of its parts, files_metadata.json, is missing' if !$sentinel->{FilesMetadataDisabled};
    my %numbers = map { /^part_(\d+)\.tar/ ? (0 + $1, 1) : () } keys %$stored;
    my ($missing) = grep { !$numbers{$_} } 1 .. keys %numbers;
    return sprintf 'its part part_%03d is missing', $missing if defined $missing;
    my $bytes = 0;
    $bytes += $_ for values %$stored;
    my $sent = $sentinel->{CompressedSize} // 0;
    # wal-g does not always count the last bytes of a part, so more is no damage
    return "its parts have $bytes bytes, and $sent were sent" if !$sent || $bytes < $sent;
    return;
}

1;
