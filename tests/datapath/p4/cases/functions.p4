// Functions: early returns, out parameters, generics, a call in a condition that may be skipped, a switch, a loop.
#include <core.p4>
header h_t { bit<8> a; bit<8> b; }
struct headers_t { h_t h; }
bit<8> clamp(in bit<8> x) {
    if (x > 10) {
        return 10;
    }
    bit<8> y = x + 1;
    return y;
}
void swap<T>(inout T x, inout T y) {
    T keep = x;
    x = y;
    y = keep;
}
bool bump(inout bit<8> n) {
    n = n + 1;
    return n == 3;
}
bit<8> pick(in bit<8> n) {
    switch (n) {
        1:
        2: { return 20; }
        3: { return 30; }
        default: { return 0; }
    }
}
bit<8> total(in bit<8> n) {
    bit<8> sum = 0;
    for (bit<8> i in 1 .. 3) {
        sum = sum + n * i;
    }
    return sum;
}
parser P(packet_in pkt, out headers_t hdr, out bit<8> meta) {
    state start {
        pkt.extract(hdr.h);
        hdr.h.a = clamp(hdr.h.a) + clamp(5);
        swap(hdr.h.a, hdr.h.b);
        bool found = hdr.h.a == 1 && bump(hdr.h.b);
        meta = found ? pick(hdr.h.a) : total(hdr.h.b);
        transition accept;
    }
}
