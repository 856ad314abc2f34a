// Geneve: a tunnel whose header carries options, each with a class, a type and a length of its own; up to four are
// matchable, more are skipped.
// Source: RFC 8926, sections 3.4 (header) and 3.5 (options).
#include <core.p4>
#include <ovsp4.p4>

#include "inner_headers.p4"

const bit<16> PORT_GENEVE = 6081;
const bit<16> TYPE_BRIDGED = 0x6558; // an Ethernet frame
const bit<32> LAST_OPTION = 3; // index of the last option that is looked at

error {
    GeneveVersion,
    GeneveOption // an option is longer than the options together
}

header geneve_t {
    bit<2> version;
    bit<6> optLen; // of all options, in 4 bytes
    bit<1> oam; // a control packet
    bit<1> critical; // there are critical options
    bit<6> reserved;
    bit<16> protocol; // an EtherType
    bit<24> vni;
    bit<8> reserved2;
}

// What an option begins with.
header geneve_option_head_t {
    bit<16> optionClass;
    bit<8> type; // the first bit says whether it is critical
    bit<3> reserved;
    bit<5> length; // of the data, in 4 bytes
}

header geneve_option_t {
    bit<16> optionClass;
    bit<8> type;
    bit<3> reserved;
    bit<5> length;
    varbit<992> data;
}

// RFC 768; the checksum sums the tunnel and the packet inside too, all of which begin on an even byte.
header geneve_udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "ipv4.srcAddr", "ipv4.dstAddr", "ipv4.protocol", "ipv6.srcAddr",
              "ipv6.dstAddr", "ipv6.nextHdr", "geneve", "options[0]", "options[1]", "options[2]", "options[3]",
              "inner.ethernet", "inner.ipv4", "inner.ipv6", "inner.icmp", "inner.icmpv6", "inner.tcp",
              "inner.udp"]
    bit<16> checksum;
}

struct inner_t {
    ethernet_t ethernet;
    inner_ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    icmp_t icmp;
    inner_icmpv6_t icmpv6;
    inner_tcp_t tcp;
    inner_udp_t udp;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    geneve_udp_t udp;
    geneve_t geneve;
    geneve_option_t[4] options;
    inner_t inner;
}

parser Geneve(packet_in packet, out headers_t hdr) {
    bit<6> left; // of the options, in 4 bytes

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

#include "underlay_states.p4"

    state parse_tunnel {
        transition select(hdr.udp.dstPort) {
            PORT_GENEVE: parse_geneve;
            default: accept;
        }
    }

    state parse_geneve {
        packet.extract(hdr.geneve);
        verify(hdr.geneve.version == 0, error.GeneveVersion);
        left = hdr.geneve.optLen;
        transition select(hdr.geneve.optLen) {
            0: parse_payload;
            default: parse_option;
        }
    }

    state parse_option {
        bit<5> length = packet.lookahead<geneve_option_head_t>().length;
        verify((bit<6>)length < left, error.GeneveOption);
        packet.extract(hdr.options.next, (bit<32>)length << 5);
        left = left - (bit<6>)length - 1;
        transition select(left, hdr.options.lastIndex) {
            (0, _): parse_payload;
            (_, LAST_OPTION): skip_options;
            default: parse_option;
        }
    }

    state skip_options {
        packet.advance((bit<32>)left << 5);
        transition parse_payload;
    }

    state parse_payload {
        transition select(hdr.geneve.protocol) {
            TYPE_BRIDGED: parse_inner_ethernet;
            TYPE_IPV4: parse_inner_ipv4;
            TYPE_IPV6: parse_inner_ipv6;
            default: accept;
        }
    }

    state parse_inner_ethernet {
        packet.extract(hdr.inner.ethernet);
        transition select(hdr.inner.ethernet.etherType) {
            TYPE_IPV4: parse_inner_ipv4;
            TYPE_IPV6: parse_inner_ipv6;
            default: accept;
        }
    }

#include "inner_states.p4"
}

Switch(Geneve()) main;
