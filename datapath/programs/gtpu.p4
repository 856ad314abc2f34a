// GTP-U, the user plane of mobile networks: optional fields, and a chain of extension headers of which the PDU session
// container (with the QoS flow) is looked into.
// Source: 3GPP TS 29.281, section 5 (header, extension headers); TS 38.415, section 5.5.2 (PDU session container).
#include <core.p4>
#include <ovsp4.p4>

#include "inner_headers.p4"

const bit<16> PORT_GTPU = 2152;
const bit<8> MESSAGE_PDU = 255; // a user's packet; all others are signalling
const bit<8> EXTENSION_NONE = 0;
const bit<8> EXTENSION_PDU_SESSION = 0x85;

error {
    GtpVersion,
    GtpExtension // an extension header of length 0
}

header gtpu_t {
    bit<3> version;
    bit<1> protocolType; // 1: GTP, 0: GTP'
    bit<1> spare;
    bit<1> hasExtension;
    bit<1> hasSequence;
    bit<1> hasNpdu;
    bit<8> messageType;
    bit<16> length; // of what follows these 8 bytes
    bit<32> teid;
}

// There if any of the three flags is set.
header gtpu_optional_t {
    bit<16> sequence;
    bit<8> npdu;
    bit<8> nextExtension;
}

// The content is as long as length * 4 - 2 bytes.
header gtpu_extension_t {
    bit<8> length;
    varbit<8144> content;
    bit<8> nextExtension;
}

header pdu_session_t {
    bit<8> length;
    bit<4> pduType; // 0: downlink, 1: uplink
    bit<4> flags;
    bit<1> ppp;
    bit<1> reflectiveQos;
    bit<6> qfi; // QoS flow identifier
    varbit<8128> rest;
    bit<8> nextExtension;
}

// RFC 768; the checksum sums the tunnel and the packet inside too, all of which begin on an even byte.
header gtpu_udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "ipv4.srcAddr", "ipv4.dstAddr", "ipv4.protocol", "ipv6.srcAddr",
              "ipv6.dstAddr", "ipv6.nextHdr", "gtpu", "gtpuOptional", "pduSession", "extensions[0]",
              "extensions[1]", "extensions[2]", "inner.ipv4", "inner.ipv6", "inner.icmp", "inner.icmpv6",
              "inner.tcp", "inner.udp"]
    bit<16> checksum;
}

struct inner_t {
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
    gtpu_udp_t udp;
    gtpu_t gtpu;
    gtpu_optional_t gtpuOptional;
    pdu_session_t pduSession;
    gtpu_extension_t[3] extensions; // other than the PDU session container
    inner_t inner;
}

parser Gtpu(packet_in packet, out headers_t hdr) {
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
            PORT_GTPU: parse_gtpu;
            default: accept;
        }
    }

    state parse_gtpu {
        packet.extract(hdr.gtpu);
        verify(hdr.gtpu.version == 1, error.GtpVersion);
        transition select(hdr.gtpu.protocolType, hdr.gtpu.hasExtension, hdr.gtpu.hasSequence, hdr.gtpu.hasNpdu) {
            (0, _, _, _): accept;
            (1, 0, 0, 0): parse_message;
            default: parse_optional;
        }
    }

    // Without the flag for it, the type of the next extension header means nothing.
    state parse_optional {
        packet.extract(hdr.gtpuOptional);
        transition select(hdr.gtpu.hasExtension, hdr.gtpuOptional.nextExtension) {
            (0, _): parse_message;
            (1, EXTENSION_NONE): parse_message;
            (1, EXTENSION_PDU_SESSION): parse_pdu_session;
            default: parse_extension;
        }
    }

    state parse_pdu_session {
        bit<8> length = packet.lookahead<bit<8>>();
        verify(length != 0, error.GtpExtension);
        packet.extract(hdr.pduSession, ((bit<32>)length << 5) - 32);
        transition select(hdr.pduSession.nextExtension) {
            EXTENSION_NONE: parse_message;
            default: parse_extension;
        }
    }

    state parse_extension {
        bit<8> length = packet.lookahead<bit<8>>();
        verify(length != 0, error.GtpExtension);
        packet.extract(hdr.extensions.next, ((bit<32>)length << 5) - 16);
        transition select(hdr.extensions.last.nextExtension) {
            EXTENSION_NONE: parse_message;
            EXTENSION_PDU_SESSION: parse_pdu_session;
            default: parse_extension;
        }
    }

    // Nothing says which version of IP the user's packet has, but its first four bits.
    state parse_message {
        transition select(hdr.gtpu.messageType) {
            MESSAGE_PDU: parse_payload;
            default: accept;
        }
    }

    state parse_payload {
        transition select(packet.lookahead<bit<4>>()) {
            4: parse_inner_ipv4;
            6: parse_inner_ipv6;
            default: accept;
        }
    }

#include "inner_states.p4"
}

Switch(Gtpu()) main;
