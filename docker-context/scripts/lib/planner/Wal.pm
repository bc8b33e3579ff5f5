# An archive's WAL as ranges of segment numbers, for each timeline. Reads a list of a million line by line.
package Wal;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(segment_name segment_number read_wal read_local merged part_of object_of);
use constant COMPACT => 20_000; # ranges

# Arguments: timeline, number, bytes of a segment.
sub segment_name {
    my ($timeline, $number, $bytes) = @_;
    my $of_log = 4294967296 / $bytes;
    return sprintf '%08X%08X%08X', $timeline, int($number / $of_log), $number % $of_log;
}

# Returns timeline and number. Arguments: name, bytes of a segment.
sub segment_number {
    my ($name, $bytes) = @_;
    return (hex substr($name, 0, 8), hex(substr $name, 8, 8) * (4294967296 / $bytes) + hex substr($name, 16, 8));
}

# Input: standard input, the output of `wal-g st ls wal_005/`. Request: segment_bytes.
# Lines: `range TIMELINE FIRST LAST SUFFIX`, in order, and `history TIMELINE`; SUFFIX ends the objects' names.
sub plan {
    my ($folder, $request) = @_;
    my $of_log = 4294967296 / $request->{segment_bytes};
    my (%ranges, @histories);
    my ($prefix, $suffix, $first, $last, $count) = ('', '', 0, -1, 0);
    my $keep = sub { push @{ $ranges{"$prefix $suffix"} }, [$first, $last] if $last >= $first };
    my $head = <STDIN> // '';
    refuse('the list of WAL is none') if $head !~ /^type\s+size\s/;
    while (<STDIN>) {
        if (/^obj\s.*\s([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})((?:\.[a-z0-9]+)?)\s*$/) {
            next if $4 eq '.partial';
            my $number = hex($2) * $of_log + hex $3;
            refuse("WAL segment $1$2$3 is not one of $request->{segment_bytes} bytes") if hex $3 >= $of_log;
            if ($number == $last + 1 && $1 eq $prefix && $4 eq $suffix) { $last = $number; next }
            $keep->();
            ($prefix, $suffix, $first, $last) = ($1, $4, $number, $number);
            if (++$count % COMPACT == 0) { $_ = merged($_) for values %ranges }
        }
        elsif (/^obj\s.*\s([0-9A-F]{8})\.history(?:\.[a-z0-9]+)?\s*$/) { push @histories, hex $1 }
    }
    $keep->();
    my @lines;
    for my $key (sort keys %ranges) {
        my ($timeline, $end) = split / /, $key, 2;
        push @lines, map { join ' ', 'range', hex $timeline, @$_, $end } @{ merged($ranges{$key}) };
    }
    return (@lines, map { "history $_" } @histories);
}

# Reads to the end first: a closed pipe would kill the writer, whose message would hide ours. Arguments: what is wrong.
sub refuse { 1 while <STDIN>; die "$_[0]\n" }

# Sorts ranges and merges adjacent ones. Arguments: lists of [first, last].
sub merged {
    my @merged;
    for my $range (sort { $a->[0] <=> $b->[0] } map { @$_ } @_) {
        if (@merged && $range->[0] <= $merged[-1][1] + 1) {
            $merged[-1][1] = $range->[1] if $range->[1] > $merged[-1][1];
        }
        else { push @merged, [@$range] }
    }
    return \@merged;
}

# The range that contains a number, nothing if none does. Arguments: ranges in order, number.
sub part_of {
    my ($ranges, $number) = @_;
    my ($low, $high) = (0, $#{ $ranges // [] });
    while ($low <= $high) {
        my $middle = int(($low + $high) / 2);
        if    ($ranges->[$middle][1] < $number) { $low  = $middle + 1 }
        elsif ($ranges->[$middle][0] > $number) { $high = $middle - 1 }
        else                                    { return $ranges->[$middle] }
    }
    return;
}

# Reads the lines of `plan`: stored (ranges by timeline), objects ([timeline, first, last, suffix]), histories (by timeline).
sub read_wal {
    my ($file) = @_;
    my %wal = (stored => {}, objects => [], histories => {});
    open my $in, '<', $file or die "$file can't be read: $!\n";
    while (<$in>) {
        my ($what, $timeline, $first, $last, $suffix) = /^(\w+) (\d+)(?: (\d+) (\d+) ?(\S*))?$/ or die "$file has a line that is none\n";
        if ($what eq 'history') { $wal{histories}{$timeline} = 1; next }
        push @{ $wal{stored}{$timeline} }, [$first, $last];
        push @{ $wal{objects} }, [$timeline, $first, $last, $suffix];
    }
    close $in or die "$file can't be read: $!\n";
    $_ = merged($_) for values %{ $wal{stored} };
    return \%wal;
}

# The name of a stored segment's object; nothing when it is not stored. Arguments: wal, timeline, number, bytes of a segment.
sub object_of {
    my ($wal, $timeline, $number, $bytes) = @_;
    for (@{ $wal->{objects} }) {
        return segment_name($timeline, $number, $bytes) . $_->[3]
            if $_->[0] == $timeline && $_->[1] <= $number && $number <= $_->[2];
    }
    return;
}

# Reads the WAL of the data to be replaced: all (ranges by timeline), ended (the certainly complete ones: marked as ready to be
# archived or as archived), histories (by timeline, when the file was written, in microseconds).
# Arguments: file with the output of `find pg_wal -printf '%P %T@\n'`, missing without such data; bytes of a segment.
sub read_local {
    my ($file, $bytes) = @_;
    my %local = (all => {}, ended => {}, histories => {});
    open my $in, '<', $file or return \%local;
    while (<$in>) {
        if (m{^(archive_status/)?([0-9A-F]{24})(?:\.(?:ready|done))? }) {
            my ($timeline, $number) = segment_number($2, $bytes);
            push @{ $local{ $1 ? 'ended' : 'all' }{$timeline} }, [$number, $number];
        }
        elsif (/^([0-9A-F]{8})\.history (\d+(?:\.\d+)?)$/) { $local{histories}{ hex $1 } = int($2 * 1_000_000) }
    }
    close $in or die "$file can't be read: $!\n";
    for my $ranges (@local{qw(all ended)}) { $_ = merged($_) for values %$ranges }
    return \%local;
}

1;
