# How many bytes a WAL segment of an archive has, without data on the volume to tell: each base backup says at which LSN it began,
# and in which segment.
package Segment;
use strict;
use warnings;
use Archive qw(read_backups);

# Input: backups.json. Request: bytes, the assumed size unless something contradicts it.
# Lines: `bytes=NUMBER`.
sub plan {
    my ($folder, $request) = @_;
    my @backups = read_backups("$folder/backups.json");
    # earlier ones of another database may have another segment size
    @backups = grep { $_->{system} eq $backups[-1]{system} } @backups;
    my @fit = grep { fits($_, @backups) } $request->{bytes}, map { 1048576 << $_ } 0 .. 10;
    return 'bytes=' . ($fit[0] // $request->{bytes});
}

# Arguments: bytes, base backups.
sub fits {
    my ($bytes, @backups) = @_;
    for (@backups) {
        my ($of_log, $segment) = map { hex } $_->{segment} =~ /^.{8}(.{8})(.{8})$/;
        return 0 if $of_log != $_->{start} >> 32 || $segment != int(($_->{start} & 0xffffffff) / $bytes);
    }
    return 1;
}

1;
