// Network service header: a service path with context headers of fixed or of variable length, between Ethernet (or
// VXLAN-GPE) and the packet.
// Source: RFC 8300, sections 2.2 to 2.5; draft-ietf-nvo3-vxlan-gpe for the port and its next protocol.
#include <core.p4>
#include <ovsp4.p4>

#include "inner_headers.p4"

const bit<16> TYPE_NSH = 0x894f;
const bit<16> PORT_VXLAN_GPE = 4790;
const bit<8> GPE_NSH = 4;
const bit<8> NSH_IPV4 = 1;
const bit<8> NSH_IPV6 = 2;
const bit<8> NSH_ETHERNET = 3;
const bit<32> LAST_CONTEXT = 3; // index of the last variable-length context header that is looked at

error {
    NshVersion,
    NshLength // Length does not fit the metadata type, or a context header does not fit into it
}

header vxlan_gpe_t {
    bit<8> flags;
    bit<16> reserved;
    bit<8> nextProtocol;
    bit<24> vni;
    bit<8> reserved2;
}

// Base header and service path header
header nsh_t {
    bit<2> version;
    bit<1> oam;
    bit<1> unassigned;
    bit<6> ttl;
    bit<6> length; // of the whole header, in 4 bytes
    bit<4> unassigned2;
    bit<4> mdType;
    bit<8> nextProtocol;
    bit<24> servicePath;
    bit<8> serviceIndex;
}

// Metadata type 1
header nsh_fixed_t {
    bit<32> context1;
    bit<32> context2;
    bit<32> context3;
    bit<32> context4;
}

// Metadata type 2
header nsh_context_t {
    bit<16> metadataClass;
    bit<8> type;
    bit<1> unassigned;
    bit<7> length; // of the metadata, in bytes; padded to a multiple of 4
    varbit<1024> metadata;
}

// RFC 768; the checksum sums the tunnel and the packet inside too, all of which begin on an even byte.
header nsh_udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "ipv4.srcAddr", "ipv4.dstAddr", "ipv4.protocol", "ipv6.srcAddr",
              "ipv6.dstAddr", "ipv6.nextHdr", "gpe", "nsh", "context", "contexts[0]", "contexts[1]",
              "contexts[2]", "contexts[3]", "inner.ethernet", "inner.ipv4", "inner.ipv6", "inner.icmp",
              "inner.icmpv6", "inner.tcp", "inner.udp"]
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
    nsh_udp_t udp;
    vxlan_gpe_t gpe;
    nsh_t nsh;
    nsh_fixed_t context;
    nsh_context_t[4] contexts;
    inner_t inner;
}

parser Nsh(packet_in packet, out headers_t hdr) {
    bit<6> left; // of the context headers, in 4 bytes

    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_VLAN: parse_vlan;
            TYPE_NSH: parse_nsh;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.etherType) {
            TYPE_NSH: parse_nsh;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

#include "underlay_states.p4"

    state parse_tunnel {
        transition select(hdr.udp.dstPort) {
            PORT_VXLAN_GPE: parse_gpe;
            default: accept;
        }
    }

    state parse_gpe {
        packet.extract(hdr.gpe);
        transition select(hdr.gpe.nextProtocol) {
            GPE_NSH: parse_nsh;
            default: accept;
        }
    }

    state parse_nsh {
        packet.extract(hdr.nsh);
        verify(hdr.nsh.version == 0, error.NshVersion);
        transition select(hdr.nsh.mdType, hdr.nsh.length) {
            (1, 6): parse_fixed;
            (1, _): refuse_length;
            (2, 2): parse_payload;
            (2, 0 .. 1): refuse_length;
            (2, _): parse_contexts;
            default: accept; // a metadata type of the future
        }
    }

    state refuse_length {
        verify(false, error.NshLength);
        transition reject;
    }

    state parse_fixed {
        packet.extract(hdr.context);
        transition parse_payload;
    }

    state parse_contexts {
        left = hdr.nsh.length - 2;
        transition parse_context;
    }

    state parse_context {
        bit<7> length = packet.lookahead<bit<32>>()[6:0];
        bit<7> words = (length >> 2) + (bit<7>)(bit<1>)(length[1:0] != 0);
        verify(words < (bit<7>)left, error.NshLength);
        packet.extract(hdr.contexts.next, (bit<32>)words << 5);
        left = left - words[5:0] - 1;
        transition select(left, hdr.contexts.lastIndex) {
            (0, _): parse_payload;
            (_, LAST_CONTEXT): skip_contexts;
            default: parse_context;
        }
    }

    state skip_contexts {
        packet.advance((bit<32>)left << 5);
        transition parse_payload;
    }

    state parse_payload {
        transition select(hdr.nsh.nextProtocol) {
            NSH_IPV4: parse_inner_ipv4;
            NSH_IPV6: parse_inner_ipv6;
            NSH_ETHERNET: parse_inner_ethernet;
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

Switch(Nsh()) main;
