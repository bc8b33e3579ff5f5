# Whether an archive leads back to a server's present state: by its newest base backup and the WAL after it, without a gap.
package Way;
use strict;
use warnings;
use Archive qw(chain contains);
use Path;

# Input and request: see Path, whose timeline is the server's; and system, max_age (seconds since the backup ended), now (seconds).
# Lines: backup=, chain= (including what an increment builds on), problem=.
sub plan {
    my ($folder, $request) = @_;
    my $path = Path->new($folder, $request);
    my ($newest) = grep { $_->{system} eq $request->{system} && contains($_, @{ $path->{path} }) } reverse @{ $path->{backups} };
    return 'problem=the archive has no base backup of this database' if !$newest;
    my ($age, $limit) = ($request->{now} - int($newest->{finished} / 1_000_000), $request->{max_age});
    my $gap = $path->follow($newest)->{gap};
    my $problem
        = $age > $limit ? "the newest base backup $newest->{name} ended $age s ago, more than PG_UPGRADE_BACKUP_MAX_AGE ($limit s)"
        : $gap          ? "WAL segment $gap after base backup $newest->{name} is missing in the archive"
        :                 '';
    return ("backup=$newest->{name}", 'chain=' . join(' ', map { $_->{name} } chain($newest, @{ $path->{backups} })), "problem=$problem");
}

1;
