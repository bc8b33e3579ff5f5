# The WAL from a base backup along the timelines to the end: how far it reaches, and what is missing.
package Path;
use strict;
use warnings;
use Archive qw(slurp parse_json read_backups read_history microseconds FAR);
use Timeline;
use Wal qw(read_wal read_local merged part_of segment_name segment_number object_of);

# Reads a plan's input. Input: backups.json, wal, local, history, timelines, reach.json, commits (lines SEGMENT VALUE: the time of
# its last commit, `none`, or `closed` when unreadable; optional). Request: segment_bytes, timeline (or what Timeline chooses it
# by), live (timeline of the data to be replaced, or empty), live_segment (the last that their crash recovery does not need).
# A path without timelines is one whose history must be read first.
sub new {
    my ($class, $folder, $request) = @_;
    my $bytes = $request->{segment_bytes};
    my $self = bless {
        bytes        => $bytes,
        live         => $request->{live} // '',
        live_segment => $request->{live_segment} // -1,
        backups      => [read_backups("$folder/backups.json")],
        wal          => read_wal("$folder/wal"),
        local        => read_local("$folder/local", $bytes),
        began        => { read_began("$folder/timelines") },
        commits      => { read_commits("$folder/commits") },
        reach        => read_reach("$folder/reach.json"),
    }, $class;
    my ($stored, $local) = ($self->{wal}{stored}, $self->{local});
    @$self{qw(timeline history)}
        = defined $request->{timeline} ? ($request->{timeline}, '') : Timeline::choose($folder, $request, $self->{wal}, $local);
    my $known = $self->{timeline} == 1 || $self->{timeline} > 1 && ($self->{history} eq '' || -e "$folder/history");
    $self->{path} = [$known ? read_history($self->{timeline}, "$folder/history") : ()];
    for (map { $_->{timeline} } @{ $self->{path} }) {
        $self->{have}{$_} = merged($stored->{$_} // [], $local->{all}{$_} // []);
        # nobody writes to what is left of another timeline
        $self->{firm}{$_} = merged($stored->{$_} // [], $local->{ $_ eq $self->{live} ? 'ended' : 'all' }{$_} // []);
    }
    return $self;
}

# When timelines began, as far as that is readable.
sub read_began {
    my @marks = grep { ref eq 'HASH' } map { eval { parse_json($_, '') } // () } split /\n/, slurp($_[0]) // '';
    return map { @$_{qw(timeline began)} } grep { ($_->{timeline} // '') =~ /^\d+$/ && ($_->{began} // '') =~ /^\d{1,18}$/ } @marks;
}

# Up to which segment everything was archived, and when. An unreadable mark, such as half of one, tells nothing.
sub read_reach {
    my $reach = eval { parse_json(slurp($_[0]) // '', '') };
    my ($segment, $at) = ref $reach eq 'HASH' ? map { $_ // '' } @$reach{qw(segment at)} : ('', '');
    return $segment =~ /^[0-9A-F]{24}$/ && $at =~ /^\d{1,18}$/ ? $reach : undef;
}

sub read_commits {
    my ($file) = @_;
    open my $in, '<', $file or return;
    my %commits = map { /^([0-9A-F]{24}) (.+)$/ ? ($1, $2) : die "$file has a line that is none\n" } <$in>;
    for (values %commits) { $_ = microseconds($_) if !/^(?:none|closed)$/ }
    return %commits;
}

# Whether the path ends on the timeline of the data to be replaced, whose newest WAL is on the volume.
sub is_live { return $_[0]{path}[-1]{timeline} eq $_[0]{live} }

sub name { return segment_name($_[1], $_[2], $_[0]{bytes}) }

# Follows WAL from a base backup. Returns gap (name of the first missing segment, or empty), last ([timeline, number] of the last
# one before the gap or the end; none when the first is missing), count, end (LSN after it), and promised ([timeline, first, last]
# for each timeline).
sub follow {
    my ($self, $backup) = @_;
    my $number = int($backup->{start} / $self->{bytes});
    my %found = (gap => '', count => 0, promised => [], end => 0);
    my $take = sub {
        my ($timeline, $last) = @_;
        return if $last < $number;
        $found{last} = [$timeline, $last];
        $found{count} += $last - $number + 1;
        my $promised = $found{promised};
        if (@$promised && $promised->[-1][0] == $timeline) { $promised->[-1][2] = $last }
        else                                               { push @$promised, [$timeline, $number, $last] }
        $number = $last + 1;
        $found{end} = $number * $self->{bytes};
    };
    for my $step (grep { $_->{timeline} >= $backup->{timeline} } @{ $self->{path} }) {
        my $timeline = $step->{timeline};
        my $open = $step->{end} == FAR;
        # a segment in which the timeline changes is read from the new one
        my $last = $open ? ($self->is_live ? $self->{live_segment} : -1) : int($step->{end} / $self->{bytes}) - 1;
        my $must = !$open || $last >= 0;
        if (!$must || $number <= $last) {
            my $range = part_of($self->{have}{$timeline}, $number);
            my $reached = $range ? $range->[1] : $number - 1;
            $take->($timeline, $must && $reached > $last ? $last : $reached);
            if ($must ? $number <= $last : $self->stored_after($timeline, $number)) {
                $found{gap} = $self->name($timeline, $number);
                last;
            }
        }
        # after the start of crash recovery, only completed segments are certain
        if ($open && $self->is_live && (my $range = part_of($self->{firm}{$timeline}, $number))) { $take->($timeline, $range->[1]) }
    }
    return \%found;
}

sub stored_after {
    my ($self, $timeline, $number) = @_;
    my $ranges = $self->{wal}{stored}{$timeline} // [];
    return @$ranges && $ranges->[-1][1] > $number;
}

# The time that the WAL found reaches at least, in microseconds, and whether no more can be known. No time of the store counts,
# because a copy of the archive has others. Arguments: result of follow, base backups of the path.
sub reach {
    my ($self, $found, @backups) = @_;
    return (0, 1) if !$found->{last};
    my ($timeline, $last) = @{ $found->{last} };
    my $reached = 0;
    for (@backups) {
        $reached = $_->{finished} if $_->{finish} <= $found->{end} && $_->{finished} > $reached;
    }
    my $exact = 0;
    if (my $reach = $self->{reach}) {
        my ($of, $number) = segment_number($reach->{segment}, $self->{bytes});
        my ($step) = grep { $_->{timeline} == $of } @{ $self->{path} };
        if ($step && $number <= $last && $number * $self->{bytes} < $step->{end}) {
            $reached = $reach->{at} if $reach->{at} > $reached;
            $exact = $of == $timeline && $number == $last;
        }
    }
    my ($commit, $asked) = $self->last_commit($timeline, $last);
    $reached = $commit if defined $commit && $commit > $reached;
    return ($reached, $exact || !defined $asked);
}

# The time of the last commit up to a segment, as far as it was looked for, and the next object to read: nothing once a commit was
# found, or after many segments without any. Arguments: timeline, number.
sub last_commit {
    my ($self, $timeline, $last) = @_;
    for (my $number = $last; $number > $last - 16 && $number >= 0; $number--) {
        my $name = $self->name($timeline, $number);
        my $commit = $self->{commits}{$name};
        if (!defined $commit) {
            my $object = object_of($self->{wal}, $timeline, $number, $self->{bytes})
                // (part_of($self->{local}{all}{$timeline}, $number) ? "local:$name" : undef);
            return (undef, $object);
        }
        return if $commit eq 'closed';
        return $commit if $commit ne 'none';
    }
    return;
}

1;
