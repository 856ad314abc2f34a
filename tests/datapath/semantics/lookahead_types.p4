// What lookahead reads may be signed, a bool, an enum or wider than a word.
// spec: 13.8.3
// packet: ff 02 01*14 -> accept NoError 0 meta=0x01f7
// packet: ff 01 01*14 -> accept NoError 0 meta=0x0100
// packet: 7f 02 01*14 -> accept NoError 0 meta=0x0101
// packet: ff 02 01*13 -> reject PacketTooShort 0
#include <core.p4>
enum bit<8> Kind { A = 1, B = 2 }
struct top_t { bool flag; bit<7> rest; Kind kind; }
struct wide_t { bit<120> high; bit<8> low; }
header none_t { bit<8> x; }
struct headers_t { none_t none; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    state start {
        int<8> signed = p.lookahead<int<8>>();
        top_t top = p.lookahead<top_t>();
        meta[15:8] = p.lookahead<wide_t>().low;
        meta[7:0] = p.lookahead<bit<127>>()[1:1] ++ 7w0;
        if (signed < 0 && top.flag && top.kind == Kind.B) { meta[7:0] = (bit<8>)(signed - 8); }
        else if (!top.flag) { meta[7:0] = 1; }
        transition accept;
    }
}
