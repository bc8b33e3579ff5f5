# An archive's contents, read from what WAL-G printed. LSNs and segments are numbers, times microseconds since 1970. Incomplete
# input is an error: half a list would look like a loss.
package Archive;
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();
use Time::Local qw(timegm);

our @EXPORT_OK = qw(slurp parse_json read_json_lines microseconds show_time lsn_number read_backups read_history contains chain on_path FAR);
use constant FAR => 9223372036854775807;

# Reads a whole file; nothing when it is missing.
sub slurp {
    my ($file) = @_;
    open my $in, '<:raw', $file or return;
    local $/;
    my $text = <$in>;
    close $in or die "$file can't be read: $!\n";
    return $text // '';
}

sub parse_json {
    my ($text, $what) = @_;
    my $value = eval { JSON::PP->new->utf8->allow_nonref->decode($text) };
    die "$what is no JSON, or only a part of it\n" if !defined $value;
    return $value;
}

# Reads one object per line; a missing file has none.
sub read_json_lines {
    my ($file, $what) = @_;
    return map { parse_json($_, $what) } grep { /\S/ } split /\n/, slurp($file) // '';
}

sub microseconds {
    my ($text) = @_;
    $text =~ /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d)?)$/
        or die "'$text' is no time\n";
    my ($seconds, $fraction, $sign, $hours, $minutes) = (timegm($6, $5, $4, $3, $2 - 1, $1), $7 // '', $8, $9, $10);
    $seconds -= "${sign}1" * ($hours * 3600 + ($minutes // 0) * 60) if $sign;
    return $seconds * 1_000_000 + substr("${fraction}000000", 0, 6);
}

# Formats a time for people. Arguments: microseconds since 1970.
sub show_time {
    my ($second, $minute, $hour, $day, $month, $year) = gmtime int($_[0] / 1_000_000);
    return sprintf '%04d-%02d-%02d %02d:%02d:%02d+00', $year + 1900, $month + 1, $day, $hour, $minute, $second;
}

# Arguments: LSN such as 0/3000060.
sub lsn_number {
    my ($high, $low) = $_[0] =~ m{^([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})$} or die "'$_[0]' is no LSN\n";
    return hex($high) * 4294967296 + hex $low;
}

# Reads base backups, oldest first. Arguments: file with `wal-g backup-list --json --detail`; truncated JSON does not parse.
sub read_backups {
    my ($file) = @_;
    my $list = parse_json(slurp($file) // die("$file is missing\n"), "the list of base backups");
    die "the list of base backups is no list\n" if ref $list ne 'ARRAY';
    my @backups = map { read_backup($_) } @$list;
    return sort { $a->{finished} <=> $b->{finished} || $a->{name} cmp $b->{name} } @backups;
}

sub read_backup {
    my ($entry) = @_;
    die "the list of base backups has an entry that is none\n" if ref $entry ne 'HASH' || ref($entry->{backup_name} // []);
    my $name = $entry->{backup_name};
    for (qw(start_time finish_time start_lsn finish_lsn pg_version system_identifier)) {
        die "base backup $name has no $_\n" if !defined $entry->{$_} || ref $entry->{$_};
    }
    $name =~ /^base_([0-9A-F]{8})([0-9A-F]{16})(?:_D_([0-9A-F]{24}))?(?:_[0-9A-F]{8,16})?$/
        or die "base backup $name has a name that is not understood\n";
    return {
        name      => $name,
        timeline  => hex $1,
        segment   => "$1$2",
        parent    => $3,
        start     => $entry->{start_lsn},
        finish    => $entry->{finish_lsn},
        started   => microseconds($entry->{start_time}),
        finished  => microseconds($entry->{finish_time}),
        system    => "$entry->{system_identifier}",
        version   => $entry->{pg_version},
        bytes     => $entry->{uncompressed_size} // 0,
        compressed => $entry->{compressed_size} // 0,
        permanent => $entry->{is_permanent} ? 1 : 0,
    };
}

# Returns the path to a timeline: its ancestors, each with the LSN at which it was left, then itself. Arguments: timeline, file
# with its history, which only timeline 1 does without.
sub read_history {
    my ($timeline, $file) = @_;
    my ($text, @path) = (slurp($file));
    if ($timeline > 1 && !defined $text) { die "the history of timeline $timeline is missing\n" }
    for (grep { /^[^#]*\S/ } split /\n/, $text // '') {
        /^\s*(\d+)\s+(\S+)(\s|$)/ or die "the history of timeline $timeline has a line that is none: $_\n";
        my ($from, $end) = ($1, lsn_number($2));
        die "the history of timeline $timeline is in no order\n" if $from >= $timeline || @path && $path[-1]{timeline} >= $from;
        push @path, { timeline => $from, end => $end };
    }
    die "the history of timeline $timeline is empty\n" if $timeline > 1 && !@path;
    return (@path, { timeline => $timeline, end => FAR });
}

# Whether a base backup lies on a path. Arguments: backup, path.
sub contains {
    my ($backup, @path) = @_;
    my ($on) = grep { $_->{timeline} == $backup->{timeline} } @path;
    return defined $on && $backup->{finish} <= $on->{end};
}

# Returns a base backup and those it builds on as an increment, itself first. Arguments: backup, all backups.
sub chain {
    my ($backup, @all) = @_;
    my @chain = ($backup);
    while (defined $chain[-1]{parent}) {
        my ($parent) = grep { $_->{segment} eq $chain[-1]{parent} && $_->{start} < $chain[-1]{start} } @all;
        die "base backup $chain[-1]{name} is damaged: the base backup of $chain[-1]{parent} that it was made on is missing\n" if !$parent;
        push @chain, $parent;
    }
    return @chain;
}

# Whether a base backup and those it builds on lie on a path: one on an abandoned history holds pages of that.
# Arguments: backup, all backups, path.
sub on_path {
    my ($backup, $all, @path) = @_;
    my @chain = eval { chain($backup, @$all) };
    return @chain && !grep { !contains($_, @path) } @chain;
}

1;
