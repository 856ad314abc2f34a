// construct: functions, called from parsers; overloading by number of arguments; in, out and inout parameters; named and default arguments
// construct: return; functions that call functions
// packet: 0503 -> accept NoError 16 h=0503 meta=26
// packet: 0305 -> accept NoError 16 h=0305 meta=26
#include <core.p4>
header h_t { bit<8> x; bit<8> y; }
struct headers_t { h_t h; }
bit<8> max(in bit<8> a, in bit<8> b) { if (a > b) { return a; } return b; }
bit<8> max(in bit<8> a, in bit<8> b, in bit<8> c) { return max(max(a, b), c); }
void split(in bit<8> v, out bit<4> high, out bit<4> low) { high = v[7:4]; low = v[3:0]; }
void swap(inout bit<8> a, inout bit<8> b) { bit<8> t = a; a = b; b = t; }
bit<8> scale(in bit<8> v, in bit<8> by = 2) { return v * by; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        bit<8> a = hdr.h.x;
        bit<8> b = hdr.h.y;
        bit<4> high;
        bit<4> low;
        swap(a, b);
        split(a, high, low);
        meta = max(a, b, 4) * 2 + scale(v = b) + scale(by = 2, v = (bit<8>)low);
        transition accept;
    }
}
