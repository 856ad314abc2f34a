// A loop that only the packet bounds: TCP options, skipped by their lengths; the last MSS is kept as metadata.
#include <core.p4>

header tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<64> seqAck;
    bit<4> dataOffset;
    bit<12> flags;
    bit<48> rest;
}
header mss_t {
    bit<8> kind;
    bit<8> length;
    bit<16> mss;
}
struct headers_t {
    tcp_t tcp;
    mss_t mss;
}
struct meta_t {
    bit<16> mss;
    bit<8> left; // bytes of options
}
error {
    BadOption
}

parser TcpOptions(packet_in packet, out headers_t hdr, inout meta_t meta) {
    bit<8> length;

    state start {
        packet.extract(hdr.tcp);
        verify(hdr.tcp.dataOffset >= 5, error.HeaderTooShort);
        meta.left = ((bit<8>)hdr.tcp.dataOffset - 5) << 2;
        transition next;
    }
    state next {
        transition select(meta.left, packet.lookahead<bit<8>>()) {
            (0, _): accept;
            (_, 0): accept;
            (_, 1): nop;
            (_, 2): mss;
            default: other;
        }
    }
    state nop {
        packet.advance(8);
        meta.left = meta.left - 1;
        transition next;
    }
    state mss {
        packet.extract(hdr.mss);
        meta.mss = hdr.mss.mss;
        meta.left = meta.left |-| 4;
        transition next;
    }
    state other {
        length = packet.lookahead<bit<16>>()[7:0];
        verify(length >= 2 && length <= meta.left, error.BadOption);
        packet.advance((bit<32>)length << 3);
        meta.left = meta.left - length;
        transition next;
    }
}
