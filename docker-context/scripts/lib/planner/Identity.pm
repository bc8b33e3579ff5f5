# Decides who owns an archive. An owner is an object that no other one replaces; whoever can't be told apart is a stranger.
package Identity;
use strict;
use warnings;
use POSIX qw(strftime);
use Archive qw(slurp parse_json read_json_lines read_backups);

# Input: owners (one JSON object per line), live.json (optional), and for an archive that nobody claimed, once they were read:
# backups.json, and wal-system (of its newest segment; empty when it has none).
# Request: uuid (empty: this volume has claimed nothing yet), claimed (1: this archive, by that uuid), system, owner, prefix,
# timeline, takeover (1: data were replaced on purpose, human: by order), collision (segment that differs), cloned_from.
# Lines: `verdict WORD [UUIDS]`, `why TEXT` for a stranger, and `live TIMELINE` when live.json has one. Words: owner, rename UUIDS
# (the object must get the database's current name, and replaces those), adopt UUID, unowned (backups.json and wal-system are
# needed), claim, takeover UUIDS (replaces those), withdraw (another claim came in between: take back our own), stranger.
sub plan {
    my ($folder, $request) = @_;
    my $live = live_timeline($folder);
    return (judge($folder, $request), defined $live ? "live $live" : ());
}

# The timeline in live.json; nothing when it is missing or truncated, as a killed upload leaves it in a file system.
sub live_timeline {
    my ($folder) = @_;
    my $text = slurp("$folder/live.json") // return;
    my $timeline = eval { parse_json($text, 'the live timeline of the archive')->{timeline} } // '';
    return $timeline =~ /^\d+$/ ? $timeline : undef;
}

sub judge {
    my ($folder, $request) = @_;
    my %request = (map({ $_ => '' } qw(uuid claimed owner timeline takeover collision cloned_from)), %$request);
    utf8::decode($_) for @request{qw(owner prefix cloned_from)}; # as JSON is
    my %owner = map { $_->{uuid} => $_ } map { checked($_) } read_json_lines("$folder/owners", 'an owner of the archive (the damaged object below postgres-stack/owners/ is to be removed by hand)');
    my %replaced = map { $_ => 1 } map { @{ $_->{replaces} } } values %owner;
    my @valid = sort { $a->{at} <=> $b->{at} || $a->{uuid} cmp $b->{uuid} } grep { !$replaced{ $_->{uuid} } } values %owner;
    my ($mine) = grep { $_->{uuid} eq $request{uuid} } @valid;
    my @others = grep { $_->{uuid} ne $request{uuid} } @valid;
    die "every owner of the archive is replaced by another one\n" if %owner && !@valid;

    return stranger("it holds other content of WAL segment $request{collision}, so another database, or a copy of this volume, writes there")
        if $request{collision} ne '';
    return by_name(\%request, @valid) if $request{system} eq '';
    return of_nobody($folder, \%request) if !@valid;
    return ('verdict withdraw', stranger_why(\%request, @others)) if $mine && !$request{claimed} && @others;
    return of_mine($folder, \%request, $mine, keys %owner) if $mine;
    return of_others($folder, \%request, \@others, keys %owner);
}

# Checks an owner's object: an unreadable one may be anybody's, so it is an error.
sub checked {
    my ($owner) = @_;
    die "an owner of the archive is none\n" if ref $owner ne 'HASH';
    for (qw(uuid system owner at)) {
        die "an owner of the archive has no $_\n" if !defined $owner->{$_} || ref $owner->{$_};
    }
    $owner->{replaces} //= [];
    die "an owner of the archive replaces what is no list\n" if ref $owner->{replaces} ne 'ARRAY';
    return $owner;
}

sub stranger { return ('verdict stranger', "why $_[0]") }

# Arguments: request, owners of the archive.
sub stranger_why {
    my ($request, @owners) = @_;
    my @names = map {
        ($_->{owner} ne '' ? $_->{owner} : 'another database') . " (system $_->{system}, $_->{uuid}, since " . day($_->{at}) . ')'
    } @owners;
    return 'why it belongs to ' . join ' and ', @names;
}

# Where the data can't be asked, only the name decides.
sub by_name {
    my ($request, @valid) = @_;
    my @others = grep { $_->{owner} ne '' && $_->{owner} ne $request->{owner} && $_->{uuid} ne $request->{uuid} } @valid;
    return @others ? ('verdict stranger', stranger_why($request, @others)) : 'verdict owner';
}

sub day { return strftime('%Y-%m-%d', gmtime $_[0]) }

sub of_mine {
    my ($folder, $request, $mine, @all) = @_;
    if ($mine->{system} ne $request->{system}) {
        return 'verdict takeover ' . join ',', sort @all if $request->{takeover};
        return stranger("it is that of this volume, but of system $mine->{system}, and the data are of system $request->{system}");
    }
    my @behind = of_old_copy($folder, $request);
    return @behind if @behind;
    return 'verdict rename ' . join ',', @{ $mine->{replaces} } if $request->{owner} ne '' && $request->{owner} ne $mine->{owner};
    return 'verdict owner';
}

# Lines for data that the archive has gone on from; none for others. Half a live.json is of the owner, who writes it anew.
sub of_old_copy {
    my ($folder, $request) = @_;
    my $live = live_timeline($folder);
    return if !defined $live || $request->{takeover} || $request->{timeline} !~ /^\d+$/ || $live <= $request->{timeline};
    return stranger("it has gone on to timeline $live, and these data are on timeline $request->{timeline}: "
            . 'this volume is an old copy of the one that writes there');
}

sub of_others {
    my ($folder, $request, $others, @all) = @_;
    my @why = ('verdict stranger', stranger_why($request, @$others));
    my $same_name = sub { $_[0]{owner} ne '' && $_[0]{owner} eq $request->{owner} };
    if ($request->{takeover}) {
        for (@$others) {
            return @why if !$same_name->($_) && ($_->{owner} ne '' || $_->{system} ne $request->{system});
        }
        return 'verdict takeover ' . join ',', sort @all;
    }
    my ($same) = grep { $same_name->($_) && $_->{system} eq $request->{system} } @$others;
    return @why if !$same || $request->{uuid} ne '';
    my @behind = of_old_copy($folder, $request);
    return @behind ? @behind : "verdict adopt $same->{uuid}";
}

# Judges an archive without owners: one of an earlier version of this image, or an empty one.
sub of_nobody {
    my ($folder, $request) = @_;
    return 'verdict unowned' if !-e "$folder/backups.json" || !-e "$folder/wal-system";
    return 'verdict claim' if $request->{takeover} eq 'human';
    return stranger('this volume was cloned from it') if $request->{cloned_from} ne '' && $request->{cloned_from} eq $request->{prefix};
    my @systems = map { $_->{system} } read_backups("$folder/backups.json");
    @systems = grep { /\S/ } split /\s+/, slurp("$folder/wal-system") if !@systems;
    return 'verdict claim' if !@systems || grep { $_ eq $request->{system} } @systems;
    return stranger("what it holds is of system $systems[-1], and these data are of system $request->{system}");
}

1;
