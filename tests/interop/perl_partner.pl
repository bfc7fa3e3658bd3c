#!/usr/bin/perl
# A partner on Perl's Net::SMPP: perl perl_partner.pl PORT. The module neither encodes
# nor cuts texts, so this script does: ASCII letters and digits as they are, all others
# as UCS2. It sends everything without waiting and reads what comes.
use strict;
use warnings;
use Encode qw(encode);
use IO::Select;
use JSON::PP;
use Net::SMPP;

my ($port) = @ARGV;
my $json = JSON::PP->new->utf8->canonical;
my ($smpp, %asked, $unread);
my $select = IO::Select->new(\*STDIN);
$unread = '';
$| = 1;

sub say_event {
    my ($event, %fields) = @_;
    print $json->encode({ event => $event, %fields }), "\n";
}

sub leave {
    $select->remove($smpp);
    close $smpp;
    undef $smpp;
}

my %do = (
    bind => sub {
        my ($command) = @_;
        my $make = "new_$command->{kind}";
        # In list context the constructor gives the answer as well.
        my ($made, $answer) = Net::SMPP->$make('127.0.0.1', port => $port,
            system_id => $command->{system_id}, password => $command->{password},
            system_type => '', interface_version => 0x34);
        return say_event('bound', status => -1, peer => '') unless $answer;
        $smpp = $made;
        $select->add($smpp) if $answer->status == 0;
        say_event('bound', status => $answer->status, peer => $answer->{system_id} // '');
    },
    submit => sub {
        my ($command) = @_;
        my $text = $command->{text};
        my $is_gsm = $text =~ m{^[A-Za-z0-9 .,:;!?/()+=%&*\#<>'"-]*$};
        my $octets = $is_gsm ? $text : encode('UTF-16BE', $text);
        my @fields = (
            source_addr_ton => 5, source_addr_npi => 0, source_addr => $command->{source},
            dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $command->{to},
            registered_delivery => 1, data_coding => $is_gsm ? 0 : 8, async => 1,
        );
        my $form = $command->{form};
        if ($form eq 'payload' || $form eq 'data_sm') {
            my $number = $form eq 'data_sm'
                ? $smpp->data_sm(@fields, message_payload => $octets)
                : $smpp->submit_sm(@fields, short_message => '',
                    message_payload => $octets);
            $asked{$number} = $command->{tag};
            return;
        }
        my @parts = length($octets) <= ($is_gsm ? 160 : 140) ? ($octets)
            : unpack($is_gsm ? '(a153)*' : '(a134)*', $octets);
        for my $index (1 .. @parts) {
            my $part = $parts[$index - 1];
            my @content = (short_message => $part);
            if ($form eq 'sar') {
                push @content, sar_msg_ref_num => pack('n', 77),
                    sar_total_segments => pack('C', scalar @parts),
                    sar_segment_seqnum => pack('C', $index);
            } elsif (@parts > 1) {
                my $header = pack('C6', 5, 0, 3, 77, scalar @parts, $index);
                @content = (esm_class => 0x40, short_message => $header . $part);
            }
            $asked{ $smpp->submit_sm(@fields, @content) } = $command->{tag};
        }
    },
    multi => sub {
        my ($command) = @_;
        my @to = @{ $command->{to} };
        my $number = $smpp->submit_multi(
            source_addr_ton => 5, source_addr_npi => 0, source_addr => $command->{source},
            dest_addr_ton => [(1) x @to], dest_addr_npi => [(1) x @to],
            destination_addr => \@to, registered_delivery => 1, data_coding => 0,
            short_message => $command->{text}, async => 1);
        $asked{$number} = $command->{tag};
    },
    replace => sub {
        my ($command) = @_;
        $smpp->replace_sm(message_id => $command->{id}, source_addr_ton => 5,
            source_addr_npi => 0, source_addr => $command->{source},
            registered_delivery => 1, short_message => $command->{text}, async => 1);
    },
    query => sub {
        my ($command) = @_;
        $smpp->query_sm(message_id => $command->{id}, source_addr_ton => 5,
            source_addr_npi => 0, source_addr => $command->{source}, async => 1);
    },
    cancel => sub {
        my ($command) = @_;
        $smpp->cancel_sm(message_id => $command->{id}, source_addr_ton => 5,
            source_addr_npi => 0, source_addr => $command->{source}, async => 1,
            dest_addr_ton => 0, dest_addr_npi => 0, destination_addr => '');
    },
    enquire => sub { $smpp->enquire_link(async => 1) },
    unbind => sub { $smpp->unbind(async => 1) },
);

sub submitted {
    my ($pdu) = @_;
    say_event('submitted', tag => delete $asked{ $pdu->seq }, status => $pdu->status,
        id => $pdu->message_id // '', refused => $pdu->{destination_addr} // []);
}

my %came = (
    submit_sm_resp => \&submitted,
    data_sm_resp => \&submitted,
    submit_multi_resp => \&submitted,
    replace_sm_resp => sub { say_event('replaced', status => $_[0]->status) },
    deliver_sm => sub {
        my ($pdu) = @_;
        $smpp->deliver_sm_resp(seq => $pdu->seq, message_id => '');
        my $octets = $pdu->{message_payload} // $pdu->{short_message};
        my $id = $pdu->{receipted_message_id};
        $id =~ s/\0+$// if defined $id;
        my $state = $pdu->{message_state};
        say_event('deliver', esm_class => $pdu->{esm_class},
            source => $pdu->{source_addr}, destination => $pdu->{destination_addr},
            data_coding => $pdu->{data_coding}, octets => unpack('H*', $octets),
            id => $id, state => defined $state ? unpack('C', $state) : undef);
    },
    query_sm_resp => sub {
        my ($pdu) = @_;
        say_event('queried', status => $pdu->status, state => $pdu->{message_state});
    },
    cancel_sm_resp => sub { say_event('canceled', status => $_[0]->status) },
    enquire_link_resp => sub { say_event('enquired', status => $_[0]->status) },
    enquire_link => sub { $smpp->enquire_link_resp(seq => $_[0]->seq) },
    unbind_resp => sub {
        say_event('unbound', status => $_[0]->status);
        leave();
    },
    generic_nack => sub { say_event('nacked', status => $_[0]->status) },
);

while (1) {
    for my $ready ($select->can_read) {
        if ($ready == \*STDIN) {
            exit 0 unless sysread STDIN, $unread, 65536, length $unread;
            while ($unread =~ s/^(.*)\n//) {
                my $command = $json->decode($1);
                $do{ $command->{do} }->($command);
            }
        } elsif (my $pdu = $smpp->read_pdu) {
            my $handle = $came{ $pdu->explain_cmd };
            $handle->($pdu) if $handle;
        } else {
            leave();
            say_event('closed');
        }
    }
}
