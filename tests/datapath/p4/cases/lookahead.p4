// lookahead of numbers and headers, local headers, advance by a computed amount, extract into _, length().
#include <core.p4>
header small_t { bit<4> kind; bit<12> size; }
header big_t { bit<32> a; bit<32> b; }
header option_t { bit<8> size; varbit<256> data; }
struct headers_t { small_t small; big_t big; option_t option; }
parser P(packet_in pkt, out headers_t hdr) {
    small_t peeked;
    bit<32> n;
    state start {
        transition select(pkt.lookahead<bit<4>>(), pkt.length()) {
            (1, _): local;
            (2, 64 .. 128): skip;
            default: plain;
        }
    }
    state local {
        pkt.extract(peeked);
        hdr.small = peeked;
        n = (bit<32>)pkt.lookahead<small_t>().size;
        pkt.advance(n * 8);
        transition accept;
    }
    state skip {
        pkt.extract<big_t>(_);
        transition plain;
    }
    state plain {
        hdr.small = pkt.lookahead<small_t>();
        pkt.extract(hdr.option, (bit<32>)pkt.lookahead<bit<8>>() << 3);
        transition accept;
    }
}
