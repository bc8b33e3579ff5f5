#!/usr/bin/perl
# Computes a plan from files that others have read from the archive; touches nothing and queries nothing.
# Arguments: plan (a module of this folder), folder with its input, fields of the request as NAME=VALUE.
# Prints: the plan's lines, all of them or none. Exit: 0, or 1 when the input is not reliable; standard error says why.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);

my %PLANS = map { $_ => ucfirst } qw(retention identity backups proof segment wal restore key parts way);

sub main {
    my ($plan, $folder, @fields) = @_;
    my $module = $PLANS{ $plan // '' } or die "no such plan\n";
    my %request = map { /^(\w+)=(.*)$/s ? ($1, $2) : die "'$_' is no NAME=VALUE\n" } @fields;
    require "$module.pm";
    my @lines = $module->can('plan')->($folder, \%request);
    print map { "$_\n" } @lines;
    close STDOUT or die "the plan can't be written: $!\n";
}

eval { main(@ARGV); 1 } or do { print STDERR $@; exit 1 };
