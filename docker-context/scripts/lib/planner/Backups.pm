# The base backups of one system, oldest first.
package Backups;
use strict;
use warnings;
use Archive qw(read_backups);

# Input: backups.json. Request: system; timeline (empty: any).
# Lines: names.
sub plan {
    my ($folder, $request) = @_;
    return map { $_->{name} }
        grep { $_->{system} eq $request->{system} }
        grep { ($request->{timeline} // '') eq '' || $_->{timeline} == $request->{timeline} } read_backups("$folder/backups.json");
}

1;
