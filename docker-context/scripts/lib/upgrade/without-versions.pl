#!/usr/bin/env perl
# Removes attribute versions (the option pg_attver of a column) from an SQL dump, stdin to stdout, statement by statement: names,
# comments and function bodies may contain any text over any number of lines, also what looks like the option.
use strict;
use warnings;

my ($statement, $inside) = ('', '');
while (my $line = <STDIN>) {
    $statement .= $line;
    $inside = scan($line, $inside);
    next if $inside ne '' || $line !~ /;\s*\z/;
    print without_version($statement);
    $statement = '';
}
print $statement;
close(STDOUT) or die "the dump can't be written: $!\n";

# State at a line's end: '' (a statement), a quote, E (string with escapes) or a dollar quote's tag. Arguments: line, prior state.
sub scan {
    my ($text, $within) = @_;
    return $within if $within eq '' && $text !~ /['"\$]/;
    pos($text) = 0;
    while (pos($text) < length $text) {
        if ($within eq '') {
            next if $text =~ /\G[^'"\$-]+/gc || $text =~ /\G--.*/gc;
            if ($text =~ /\G(?<![\w\x80-\xff])\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/gc) { $within = $&; }
            elsif ($text =~ /\G(['"])/gc) { $within = $1 eq "'" && substr($text, 0, pos($text) - 1) =~ /(?<![\w\x80-\xff])E\z/i ? 'E' : $1; }
            else { $text =~ /\G./gcs; }
        } elsif ($within eq 'E') {
            next if $text =~ /\G(?:[^'\\]|\\.)+/gcs;
            $text =~ /\G'/gc and $within = '';
        } else {
            my $end = index($text, $within, pos($text));
            return $within if $end < 0;
            pos($text) = $end + length $within;
            $within = '';
        }
    }
    return $within;
}

# Arguments: statement, with the comments before it.
sub without_version {
    my ($text) = @_;
    return $text if index($text, 'pg_attver=') < 0 || $text !~ /\A(?:\s*--[^\n]*\n|\s)*ALTER /;
    if ($text =~ / SET \(([^()]*)\);\s*\z/) {
        my $options = join ', ', grep { !/\Apg_attver=\d+\z/ } split /, /, $1;
        return '' if $options eq '';
        $text =~ s/ SET \([^()]*\);(\s*)\z/ SET ($options);$1/;
    }
    return $text;
}
