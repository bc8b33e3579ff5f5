# The base backups of one system, oldest first.
package Backups;
use strict;
use warnings;
use Archive qw(read_backups read_history on_path);

# Input: backups.json; history (of live). Request: system; timeline (empty: any); live (optional: only those that lead to that timeline).
# Lines: names.
sub plan {
    my ($folder, $request) = @_;
    my @all = read_backups("$folder/backups.json");
    my @path = defined $request->{live} ? read_history($request->{live}, "$folder/history") : ();
    return map { $_->{name} }
        grep { !@path || on_path($_, \@all, @path) }
        grep { $_->{system} eq $request->{system} }
        grep { ($request->{timeline} // '') eq '' || $_->{timeline} == $request->{timeline} } @all;
}

1;
