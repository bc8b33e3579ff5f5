# Reads a JSON object of any length from a stream, piece by piece, for the keys of one of its members.
package JsonStream;
use strict;
use warnings;

use constant PIECE => 1 << 20;

sub new { my ($class, $in) = @_; return bless { in => $in, text => '' }, $class }

# Returns the keys of an object that is a member of the outermost object; nothing without that member. Dies when the stream is
# not a JSON object, or ends early.
sub keys_of {
    my ($self, $member) = @_;
    my $found;
    $self->token eq '{' or die "no object\n";
    $self->members(sub {
        my ($key) = @_;
        return $self->skip if $key ne $member;
        $found = [];
        $self->token eq '{' or die "no object\n";
        $self->members(sub { push @$found, $_[0]; $self->skip });
    });
    $self->token eq '' or die "something follows\n";
    return $found;
}

# Calls back for each member of an opened object, with its key; the callback reads the value.
sub members {
    my ($self, $read) = @_;
    my $token = $self->token;
    return if $token eq '}';
    while (1) {
        $token =~ /^"(.*)"$/s or die "no key\n";
        my $key = $1 =~ s{\\(["\\/])}{$1}gr;
        $self->token eq ':' or die "no value\n";
        $read->($key);
        $token = $self->token;
        return if $token eq '}';
        $token eq ',' or die "no member\n";
        $token = $self->token;
    }
}

# Skips a value.
sub skip {
    my ($self) = @_;
    my @open;
    while (1) {
        # at once, everything but brackets and the end of the piece
        1 while @open && ($self->{text} =~ /\G(?:[^"{}\[\]\\]++|"(?:[^"\\]++|\\.)*+"(?=.))++/gcs);
        my $token = $self->token;
        if ($token eq '{' || $token eq '[') { push @open, $token eq '{' ? '}' : ']' }
        elsif ($token eq '}' || $token eq ']') { (pop @open // '') eq $token or die "brackets cross\n" }
        elsif ($token eq '') { die "it ends early\n" }
        return if !@open;
    }
}

# Returns the next token: a bracket, a colon, a comma, a whole string or a word; nothing at the end of the stream.
sub token {
    my ($self) = @_;
    while (1) {
        return $1 if $self->{text} =~ /\G\s*([{}\[\]:,]|"(?:[^"\\]++|\\.)*+"|[^\s{}\[\]:,"]++(?=.))/gcs;
        my $rest = substr $self->{text}, pos $self->{text} // 0;
        my $read = read $self->{in}, my $more, PIECE;
        die "it can't be read: $!\n" if !defined $read;
        if ($read == 0) {
            return $rest =~ /^\s*$/ ? '' : die "it ends early\n";
        }
        $self->{text} = $rest . $more;
        pos($self->{text}) = 0;
    }
}

1;
