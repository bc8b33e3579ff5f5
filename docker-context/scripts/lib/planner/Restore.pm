# From which base backups, and along which timeline, a target can be reached, and what is reachable.
package Restore;
use strict;
use warnings;
use List::Util qw(max min);
use Archive qw(contains chain lsn_number show_time FAR);
use Wal qw(object_of);
use Path;

use constant MIB => 1048576;

# Input and request: see Path; and kind (latest, time, lsn, xid, name), target, epoch (of a time, in microseconds), to (the target
# as requested), backup and by_name (a timeline; both as requested, may be empty), system (may be empty), major, now
# (microseconds).
# Lines: `timeline=` and `history=`: read that timeline's history first, from the archive or from local data, or there is none.
# Or `ask=OBJECT` alone: read the time of the last commit in that segment first (`local:SEGMENT`: in that of the data to be
# replaced). Or fields of the plan: timeline, live, window, problem; candidates, those suitable for the target, newest first, up
# to the first with a problem; and for each, after its name and an underscore: problem, damage, system, end (LSN), promised, wal
# and bytes (room), chain.
sub plan {
    my ($folder, $request) = @_;
    my $path = Path->new($folder, $request);
    return 'problem=the archive holds no WAL' if $path->{timeline} == 0;
    return ("timeline=$path->{timeline}", "history=$path->{history}") if !@{ $path->{path} };
    my $hint = leave_later_timelines($path, $request);
    my $timeline = $path->{path}[-1]{timeline};
    my %plan = (timeline => $timeline, live => $path->is_live ? 'true' : 'false');
    my @usable = usable($path, $request);
    if (!@usable) {
        my $system = length $request->{system} ? $request->{system} : 'any';
        $plan{problem} = "the archive holds no base backup of this database (system $system, PostgreSQL $request->{major}) on timeline $timeline";
        return lines(\%plan);
    }
    my $ask = describe_window(\%plan, $path, $request, @usable);
    $ask //= add_candidates(\%plan, $path, $request, $hint, @usable);
    return defined $ask ? "ask=$ask" : lines(\%plan);
}

sub lines { my ($plan) = @_; return map { "$_=$plan->{$_}" } sort keys %$plan }

# Goes back to the timeline that was in use at a time: the present one or, for a time before it began, its parent, and so on.
# Returns a hint for somebody who meant the later one.
sub leave_later_timelines {
    my ($path, $request) = @_;
    my $hint = '';
    return $hint if $request->{kind} ne 'time' || length $request->{by_name};
    while (@{ $path->{path} } > 1) {
        my $timeline = $path->{path}[-1]{timeline};
        my ($began, $estimated) = began($path, $timeline);
        die "it is not known when timeline $timeline began, so not whether it was in use at $request->{to}: name the timeline that is meant with RESTORE_TIMELINE\n"
            if !defined $began;
        last if $began <= $request->{epoch};
        $hint = "; timeline $timeline began before " . show_time($began) . ": if that one is meant, name it with RESTORE_TIMELINE" if $estimated;
        pop @{ $path->{path} };
        $path->{path}[-1]{end} = FAR;
    }
    return $hint;
}

# When a timeline began, and whether that is an estimate: the first that is known of it, from the history file on the volume or
# its first base backup.
sub began {
    my ($path, $timeline) = @_;
    return ($path->{began}{$timeline}, 0) if defined $path->{began}{$timeline};
    my @times = map { $_->{started} } grep { $_->{timeline} == $timeline } @{ $path->{backups} };
    push @times, $path->{local}{histories}{$timeline} // () if $timeline eq $path->{live};
    return (min(@times), 1);
}

# Base backups of this system and major on the path, oldest first.
sub usable {
    my ($path, $request) = @_;
    return grep {
        int($_->{version} / 10000) == $request->{major}
            && (!length $request->{system} || $_->{system} eq $request->{system})
            && contains($_, @{ $path->{path} })
    } @{ $path->{backups} };
}

# Adds what can be reached, from one gap in the WAL to the next, and the backups. Returns the object to be read first, if any.
sub describe_window {
    my ($plan, $path, $request, @usable) = @_;
    my (@ranges, $found);
    for my $backup (@usable) {
        # a backup that begins before the end of the last range lies in it
        next if $found && (!$found->{gap} || $backup->{start} < $found->{end});
        $found = $path->follow($backup);
        my ($reached, $exact) = $path->reach($found, @usable);
        my $end = show_time(max($reached, $backup->{finished}));
        if (!$found->{gap}) {
            if    ($path->is_live) { $end = 'now' }
            elsif (!$exact)        { return next_object($path, $found) }
        }
        push @ranges, 'from ' . show_time($backup->{finished}) . " to $end" . ($found->{gap} ? " ($found->{gap} is missing)" : '');
    }
    my @list = map { "$_->{name} (ended " . show_time($_->{finished}) . ', ' . int($_->{bytes} / MIB) . ' MiB)' } @usable;
    $plan->{window} = "reachable on timeline $plan->{timeline}: " . join(', ', @ranges) . '; base backups: ' . join ', ', @list;
    return;
}

sub next_object { my ($path, $found) = @_; return ($path->last_commit(@{ $found->{last} }))[1] }

# Adds the base backups that ended before the target, as far as that is known: only replay shows whether a name or a transaction
# came before or after a backup. Returns the object to be read first, if any.
sub add_candidates {
    my ($plan, $path, $request, $hint, @usable) = @_;
    my @candidates;
    for my $backup (reverse @usable) {
        next if length $request->{backup} && $backup->{name} ne $request->{backup};
        next if $request->{kind} eq 'time' && $backup->{finished} >= $request->{epoch};
        next if $request->{kind} eq 'lsn'  && $backup->{finish} > lsn_number($request->{target});
        my $found = $path->follow($backup);
        my ($problem, $ask) = check_reach($path, $request, $backup, $found, @usable);
        # older ones only matter when this one is damaged
        return $ask if defined $ask && !@candidates;
        my $name = $backup->{name};
        my @chain = eval {
            my @of = chain($backup, @{ $path->{backups} });
            my ($left) = grep { !contains($_, @{ $path->{path} }) } @of;
            die "base backup $backup->{name} is damaged: it was made on $left->{name}, which is of a history that was left\n" if $left;
            @of;
        };
        push @candidates, $name;
        my %fields = (
            problem  => $problem eq '' ? '' : "$problem$hint",
            damage   => @chain         ? '' : $@ =~ s/\n$//r,
            system   => $backup->{system},
            end      => $found->{end},
            promised => join(' ', map { "$_->[0]:$_->[1]-$_->[2]" } @{ $found->{promised} }),
            wal      => $found->{count} * $path->{bytes},
            # an increment needs its base too
            bytes => max(map { $_->{bytes} } grep { $_->{finished} <= $backup->{finished} } @{ $path->{backups} }),
            chain => join(' ', map { $_->{name} } @chain),
        );
        $plan->{"${name}_$_"} = $fields{$_} for keys %fields;
        last if $problem ne '';
    }
    $plan->{candidates} = join ' ', @candidates;
    my $asked = length $request->{backup} ? " $request->{backup}" : '';
    $plan->{problem} = @candidates ? '' : "no base backup$asked ended before the target $request->{to}$hint";
    return;
}

# Checks that WAL reaches from a backup to the target without a gap. Returns the problem, or nothing, and the object to be read
# before that is known.
sub check_reach {
    my ($path, $request, $backup, $found, @usable) = @_;
    my $whole = !$found->{gap} && $path->is_live;
    my ($reached, $exact) = $whole ? ($request->{now}, 1) : $path->reach($found, @usable);
    my $ask;
    if ($request->{kind} eq 'time') {
        return '' if $request->{epoch} <= $reached;
        # the archive's own mark is a second early
        $ask = next_object($path, $found) if !$exact || $request->{epoch} - $reached < 2_000_000;
    }
    elsif ($request->{kind} eq 'lsn') { return '' if lsn_number($request->{target}) <= $found->{end} || $whole }
    else                              { return '' if !$found->{gap} }
    my $end = show_time(max($reached, $backup->{finished}));
    return ("the target $request->{to} is after the end of the archive at $end", $ask) if !$found->{gap};
    return ("WAL segment $found->{gap}, needed between base backup $backup->{name} and the target $request->{to}, "
            . "is missing in the archive; from that backup WAL reaches to $end", $ask);
}

1;
