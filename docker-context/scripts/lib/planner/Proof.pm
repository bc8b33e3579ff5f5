# Whether all parts of a base backup are stored, and which WAL makes it consistent.
package Proof;
use strict;
use warnings;
use JSON::PP ();
use Archive qw(slurp read_backups);

# Input: backups.json; parts (the output of `wal-g st ls` for its tar_partitions). Request: name, segment_bytes.
# Lines: `segment NAME` for each segment that makes it consistent, in order; then `manifest JSON`. WAL-G numbers the parts and
# counts the bytes it sends, so a truncated list shows.
sub plan {
    my ($folder, $request) = @_;
    my ($name, $size) = @$request{qw(name segment_bytes)};
    my ($backup) = grep { $_->{name} eq $name } read_backups("$folder/backups.json");
    die "base backup $name is not in the list of base backups\n" if !$backup;
    my @parts = parts(slurp("$folder/parts") // die "the list of parts is missing\n");
    my %bytes = map { stem($_->[0]) => $_->[1] } @parts;
    my ($numbered, $sum) = (0, 0);
    for (keys %bytes) {
        my ($number) = /^part_(\d+)$/;
        $numbered = $number if defined $number && $number > $numbered;
        $sum += $bytes{$_};
        die "base backup $name: its part $_ is empty\n" if !$bytes{$_};
    }
    for ('pg_control', map { sprintf 'part_%03d', $_ } 1 .. $numbered) {
        die "base backup $name: its part $_ is missing\n" if !exists $bytes{$_};
    }
    die "base backup $name: its parts have $sum bytes, and $backup->{compressed} were sent\n" if $sum < $backup->{compressed};
    my @numbers = (int($backup->{start} / $size) .. int(($backup->{finish} - 1) / $size));
    my @segments = map { segment($backup->{timeline}, $_, $size) } @numbers;
    my %manifest = (
        name     => $name,
        parts    => [map { [$_->[0], 0 + $_->[1]] } @parts],
        first    => $segments[0],
        last     => $segments[-1],
        timeline => $backup->{timeline},
        system   => $backup->{system},
    );
    return ((map { "segment $_" } @segments), 'manifest ' . JSON::PP->new->canonical->encode(\%manifest));
}

# Returns names and bytes. Arguments: the output of `wal-g st ls`.
sub parts {
    my @parts = map { /^obj\s+(\d+)\s.*\s(\S+)\s*$/ ? [$2, $1] : () } split /\n/, $_[0];
    return sort { $a->[0] cmp $b->[0] } @parts;
}

# A part's name without the suffix of its compression.
sub stem { return $_[0] =~ /^(\w+)\.tar/ ? $1 : $_[0] }

sub segment {
    my ($timeline, $number, $size) = @_;
    my $of_log = 4294967296 / $size;
    return sprintf '%08X%08X%08X', $timeline, int($number / $of_log), $number % $of_log;
}

1;
