// Cases that only the packet tells: values, masks, ranges, structs; evaluated in order, up to the one that holds, while
// the keys are evaluated before any of them.
// spec: 13.6, 8.15
// packet: 03 05 03 -> accept NoError 16 h=0305 meta=1
// packet: 05 05 fe -> accept NoError 16 h=0505 meta=2
// packet: f6 05 fe -> accept NoError 16 h=f605 meta=3
// packet: 08 05 07 -> accept NoError 16 h=0805 meta=4
// packet: 30 05 40 -> accept NoError 16 h=3005 meta=5
// packet: 50 05 40 -> reject NoMatch 16 h=5005 meta=0
// packet: 03 05 -> reject PacketTooShort 16 h=0305 meta=0
// packet: 07 05 -> accept NoError 16 h=0705 meta=7
// packet: 0c 55 0c aa -> accept NoError 16 h=0c55 meta=8
// packet: 0c 55 0c -> reject PacketTooShort 16 h=0c55 meta=0
#include <core.p4>
struct pair_t { bit<8> a; bit<8> b; }
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
bit<8> bump(inout bit<8> n) { n = n + 1; return n; }
parser Low(in bit<8> key, in bit<8> highest, out bool is_low) {
    state start {
        is_low = false;
        transition select(key) { 0..highest: yes; default: accept; }
    }
    state yes { is_low = true; transition accept; }
}
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    bit<8> n = 4;
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.x) {
            7: known;
            0x0c: paired;
            p.lookahead<bit<8>>(): same;
            bump(n): five;
            hdr.h.x &&& 0xf0: ranged;
            default: reject;
        }
    }
    state known { meta = 7; transition accept; }
    state same { meta = 1; transition accept; }
    state five { meta = n == 5 ? 8w2 : 0xff; transition accept; }
    state paired {
        pair_t wanted = { 0x0c, p.lookahead<bit<16>>()[7:0] };
        transition select(hdr.h.x, (pair_t) { hdr.h.x, 0xaa }, n) {
            (0x0c, wanted, 4): eight;
            _: reject;
        }
    }
    state eight { meta = 8; transition accept; }
    state ranged {
        bool is_low;
        Low.apply(hdr.h.x, hdr.h.x == 0x30 ? 8w0x30 : 9, is_low);
        transition select((int<8>) hdr.h.x, is_low, n) {
            ((int<8>) -10 .. (int<8>) (0 - hdr.h.y), _, 5): negative;
            (_, true, 5): low;
            (0x40, _, _): reject;
        }
    }
    state negative { meta = 3; transition accept; }
    state low { meta = hdr.h.x == 0x30 ? 8w5 : 4; transition accept; }
}
