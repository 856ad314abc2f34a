// In-band network telemetry, INT-MD over TCP and UDP: a shim behind the transport header, an instruction header, and a
// stack of metadata to which each hop adds some words.
// Source: P4.org Applications Working Group, In-band Network Telemetry Dataplane Specification 2.1, sections 5.7 and 5.8.
#include <core.p4>
#include <ovsp4.p4>

#include "l2l3_headers.p4"

// Which DSCP says that there is INT is up to the operator (section 5.7.2).
#ifndef INT_DSCP
#define INT_DSCP 0x17
#endif
const bit<8> DSCP_INT = INT_DSCP << 2; // as it stands in diffserv, without ECN
const bit<8> DSCP_MASK = 0xfc;
const bit<4> INT_MD = 1; // type of the shim
const bit<4> INT_VERSION = 2;
const bit<8> INT_MD_WORDS = 3; // of the instruction header
const bit<32> LAST_WORD = 15; // index of the last word of metadata that is looked at

error {
    IntVersion,
    IntLength // the shim is too short for the instruction header
}

header tcp_options_t {
    varbit<320> options;
}

header int_shim_t {
    bit<4> type;
    bit<2> nextProtocol;
    bit<2> reserved;
    bit<8> length; // of instruction header and stack, in 4 bytes
    bit<16> original; // port, protocol or DSCP, by nextProtocol
}

header int_md_t {
    bit<4> version;
    bit<1> discard; // the sink drops the packet
    bit<1> exceeded; // no hop may add any more
    bit<1> mtuExceeded;
    bit<12> reserved;
    bit<5> hopWords; // that each hop adds
    bit<8> hopsLeft;
    bit<16> instructions;
    bit<16> domain;
    bit<16> domainInstructions;
    bit<16> domainFlags;
}

// The last hop's words come first.
header int_word_t {
    bit<32> value;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    tcp_t tcp;
    tcp_options_t tcpOptions;
    udp_t udp;
    int_shim_t shim;
    int_md_t instructions;
    int_word_t[16] words;
}

parser Int(packet_in packet, out headers_t hdr) {
    bit<8> left; // words of the stack

    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_VLAN: parse_vlan;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.etherType) {
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        verify(hdr.ipv4.ihl >= 5, error.HeaderTooShort);
        packet.extract(hdr.ipv4Options, ((bit<32>)hdr.ipv4.ihl - 5) * 32);
        transition select(hdr.ipv4.fragOffset, hdr.ipv4.protocol) {
            (0, PROTO_TCP): parse_tcp;
            (0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nextHdr) {
            PROTO_TCP: parse_tcp;
            PROTO_UDP: parse_udp;
            default: accept;
        }
    }

    state parse_tcp {
        packet.extract(hdr.tcp);
        verify(hdr.tcp.dataOffset >= 5, error.HeaderTooShort);
        packet.extract(hdr.tcpOptions, ((bit<32>)hdr.tcp.dataOffset - 5) * 32);
        transition look_for_int;
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition look_for_int;
    }

    // Whichever of the two is not there has zeros.
    state look_for_int {
        transition select(hdr.ipv4.diffserv | hdr.ipv6.trafficClass) {
            DSCP_INT &&& DSCP_MASK: parse_shim;
            default: accept;
        }
    }

    state parse_shim {
        packet.extract(hdr.shim);
        transition select(hdr.shim.type) {
            INT_MD: parse_instructions;
            default: accept;
        }
    }

    state parse_instructions {
        packet.extract(hdr.instructions);
        verify(hdr.instructions.version == INT_VERSION, error.IntVersion);
        verify(hdr.shim.length >= INT_MD_WORDS, error.IntLength);
        left = hdr.shim.length - INT_MD_WORDS;
        transition select(left) {
            0: accept;
            default: parse_word;
        }
    }

    state parse_word {
        packet.extract(hdr.words.next);
        left = left - 1;
        transition select(left, hdr.words.lastIndex) {
            (0, _): accept;
            (_, LAST_WORD): skip_words;
            default: parse_word;
        }
    }

    state skip_words {
        packet.advance((bit<32>)left << 5);
        transition accept;
    }
}

Switch(Int()) main;
