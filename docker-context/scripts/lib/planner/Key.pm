# Whether the current key opens the WAL that a restore certainly needs: the key may have changed since the base backup. For a
# time, looks into segments to find what it needs, because the store's times mean nothing.
package Key;
use strict;
use warnings;
use List::Util qw(max min);
use Archive qw(lsn_number);
use Path;

# Input and request: see Path, kind, target and epoch of Restore, and promised (of that plan, for one base backup).
# Lines: `ask=OBJECT`: read its last commit; or `verdict=open`, or `verdict=closed` and `segment=NAME`.
sub plan {
    my ($folder, $request) = @_;
    my $path = Path->new($folder, $request);
    my ($count, @spans) = spans($path, $request);
    my $object = sub {
        my ($index) = @_;
        my ($span) = grep { $_->[0] <= $index } reverse @spans;
        return $path->name($span->[3], $span->[1] + $index - $span->[0]) . $span->[4];
    };
    my $state = sub { $path->{commits}{ substr $object->($_[0]), 0, 24 } };
    # the first one is the backup's own and opens with its key
    return 'verdict=open' if $count < 2 || $request->{kind} eq 'xid' || $request->{kind} eq 'name';
    my $closed = $count - 1;
    return 'ask=' . $object->($closed) if !defined $state->($closed);
    return 'verdict=open' if $state->($closed) ne 'closed';
    if ($request->{kind} eq 'time') {
        my $open = 0;
        while ($closed - $open > 1) {
            my $middle = int(($open + $closed) / 2);
            return 'ask=' . $object->($middle) if !defined $state->($middle);
            if ($state->($middle) eq 'closed') { $closed = $middle }
            else                               { $open   = $middle }
        }
        for (my $index = $open; $index >= 0 && $index > $open - 16; $index--) {
            return 'ask=' . $object->($index) if !defined $state->($index);
            next if $state->($index) !~ /^\d+$/;
            return 'verdict=open' if $state->($index) >= $request->{epoch};
            last;
        }
    }
    return ('verdict=closed', 'segment=' . substr $object->($closed), 0, 24);
}

# The stored part of the promised segments, up to the target if that is an LSN, as [index of the first, number of the first, of
# the last, timeline, suffix], in order; the backup's own comes first.
sub spans {
    my ($path, $request) = @_;
    my $bound = $request->{kind} eq 'lsn' ? int(lsn_number($request->{target}) / $path->{bytes}) : undef;
    my ($count, @spans) = (0);
    for (split / /, $request->{promised}) {
        my ($timeline, $from, $to) = /^(\d+):(\d+)-(\d+)$/ or die "'$_' is no range of WAL\n";
        $to = min($to, $bound // $to);
        for my $object (sort { $a->[1] <=> $b->[1] } grep { $_->[0] == $timeline } @{ $path->{wal}{objects} }) {
            my ($first, $last) = (max($from, $object->[1]), min($to, $object->[2]));
            next if $first > $last;
            push @spans, [$count, $first, $last, $timeline, $object->[3]];
            $count += $last - $first + 1;
        }
    }
    return ($count, @spans);
}

1;
