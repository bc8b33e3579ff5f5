# Which base backups retention deletes, from the live history: names order by timeline first, so an abandoned higher timeline
# would outlive the live one.
package Retention;
use strict;
use warnings;
use Archive qw(read_backups read_history read_json_lines on_path);

# Input: backups.json, history (of the live timeline; timeline 1 needs none), readers (one JSON object per line; optional).
# Request: live (timeline), system (identifier), retain, now (seconds since 1970).
# Lines: `keep NAME`, `delete NAME` (increments before what they build on), and at most one `wal-before NAME`: a base backup
# before which `wal-g delete before NAME --use-sentinel-time` finds only WAL that no kept one needs.
sub plan {
    my ($folder, $request) = @_;
    for (qw(live system retain now)) {
        die "retention: $_ is no number above 0: '" . ($request->{$_} // '') . "'\n" if ($request->{$_} // '') !~ /^[1-9]\d*$/;
    }
    my @all = read_backups("$folder/backups.json");
    my @path = read_history($request->{live}, "$folder/history");
    my $kept = kept(\@all, \@path, $request, read_by("$folder/readers", $request->{now}));
    my @kept = grep { $kept->{ $_->{name} } } @all;
    my @deleted = grep { !$kept->{ $_->{name} } } @all;
    return (
        (map { "keep $_->{name}" } @kept),
        # an increment starts after what it builds on
        (map { "delete $_->{name}" } sort { $b->{start} <=> $a->{start} } @deleted),
        (map { "wal-before $_->{name}" } first_of_all($request->{system}, @kept)),
    );
}

# The base backups being read now. Arguments: file, seconds since 1970.
sub read_by {
    my ($file, $now) = @_;
    my %read;
    for my $reader (read_json_lines($file, 'a reader of the archive')) {
        die "a reader of the archive has no backup or no until\n"
            if ref $reader ne 'HASH' || ($reader->{backup} // '') eq '' || ($reader->{until} // '') !~ /^\d+$/;
        $read{ $reader->{backup} } = 1 if $reader->{until} >= $now;
    }
    return \%read;
}

# The names to keep: nothing goes without a newer live backup.
sub kept {
    my ($all, $path, $request, $read) = @_;
    my @live = grep { $_->{system} eq $request->{system} && on_path($_, $all, @$path) } @$all;
    my $first = @live > $request->{retain} ? $live[-$request->{retain}] : $live[0];
    my %kept;
    for my $backup (@$all) {
        $kept{ $backup->{name} } = 1
            if !$first
            || $backup->{finished} >= $first->{finished}
            || $backup->{system} ne $request->{system}
            || $backup->{permanent}
            || $read->{ $backup->{name} };
    }
    # an increment needs what it builds on
    for my $backup (sort { $b->{start} <=> $a->{start} } @$all) {
        next if !$kept{ $backup->{name} } || !defined $backup->{parent};
        $kept{ $_->{name} } = 1 for grep { $_->{segment} eq $backup->{parent} } @$all;
    }
    return \%kept;
}

# The kept backup that comes first by time, by WAL and by timeline: WAL-G orders by the first two, or by the last two if it can't
# read the times. Nothing when there is no such backup, or when WAL of another system lies between.
sub first_of_all {
    my ($system, @kept) = @_;
    return if !@kept || grep { $_->{system} ne $system } @kept;
    my ($first) = sort { $a->{started} <=> $b->{started} } @kept;
    return if defined $first->{parent};
    return if grep { $_->{start} < $first->{start} || $_->{timeline} < $first->{timeline} } @kept;
    return $first;
}

1;
