// TCP with its options: each kind has a header of its own, whatever their order; unknown ones are skipped by their length.
// Source: RFC 9293, sections 3.1 and 3.2 (options, maximum segment size); RFC 7323 (window scale, timestamps); RFC 2018
// (selective acknowledgments).
#include <core.p4>
#include <ovsp4.p4>

#include "l2l3_headers.p4"

const bit<8> KIND_END = 0;
const bit<8> KIND_NOP = 1;
const bit<8> KIND_MSS = 2;
const bit<8> KIND_WINDOW_SCALE = 3;
const bit<8> KIND_SACK_PERMITTED = 4;
const bit<8> KIND_SACK = 5;
const bit<8> KIND_TIMESTAMPS = 8;

error {
    TcpOption // an option is too short to be one, or longer than the header
}

header tcp_mss_t {
    bit<8> kind;
    bit<8> length;
    bit<16> mss;
}

header tcp_window_scale_t {
    bit<8> kind;
    bit<8> length;
    bit<8> shift;
}

header tcp_sack_permitted_t {
    bit<8> kind;
    bit<8> length;
}

header tcp_sack_t {
    bit<8> kind;
    bit<8> length;
    varbit<256> blocks; // up to four, of 8 bytes
}

header tcp_timestamps_t {
    bit<8> kind;
    bit<8> length;
    bit<32> value;
    bit<32> echo;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    tcp_t tcp;
    tcp_mss_t mss;
    tcp_window_scale_t windowScale;
    tcp_sack_permitted_t sackPermitted;
    tcp_sack_t sack;
    tcp_timestamps_t timestamps;
}

parser TcpOptions(packet_in packet, out headers_t hdr) {
    bit<8> left; // bytes of options
    bit<8> length; // of the option at hand

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
            default: accept;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nextHdr) {
            PROTO_TCP: parse_tcp;
            default: accept;
        }
    }

    state parse_tcp {
        packet.extract(hdr.tcp);
        verify(hdr.tcp.dataOffset >= 5, error.HeaderTooShort);
        left = ((bit<8>)hdr.tcp.dataOffset - 5) << 2;
        transition next_option;
    }

    state next_option {
        transition select(left) {
            0: accept;
            default: parse_kind;
        }
    }

    state parse_kind {
        transition select(packet.lookahead<bit<8>>()) {
            KIND_END: accept;
            KIND_NOP: skip_nop;
            default: parse_length;
        }
    }

    state skip_nop {
        packet.advance(8);
        left = left - 1;
        transition next_option;
    }

    // A known kind with another length than it should have is skipped like an unknown one.
    state parse_length {
        length = packet.lookahead<bit<16>>()[7:0];
        verify(length >= 2 && length <= left, error.TcpOption);
        left = left - length;
        transition select(packet.lookahead<bit<16>>()) {
            KIND_MSS ++ 8w4: parse_mss;
            KIND_WINDOW_SCALE ++ 8w3: parse_window_scale;
            KIND_SACK_PERMITTED ++ 8w2: parse_sack_permitted;
            KIND_SACK ++ 8w0 &&& 16w0xff00: parse_sack;
            KIND_TIMESTAMPS ++ 8w10: parse_timestamps;
            default: skip_option;
        }
    }

    state parse_mss {
        packet.extract(hdr.mss);
        transition next_option;
    }

    state parse_window_scale {
        packet.extract(hdr.windowScale);
        transition next_option;
    }

    state parse_sack_permitted {
        packet.extract(hdr.sackPermitted);
        transition next_option;
    }

    state parse_sack {
        packet.extract(hdr.sack, ((bit<32>)length - 2) << 3);
        transition next_option;
    }

    state parse_timestamps {
        packet.extract(hdr.timestamps);
        transition next_option;
    }

    state skip_option {
        packet.advance((bit<32>)length << 3);
        transition next_option;
    }
}

Switch(TcpOptions()) main;
