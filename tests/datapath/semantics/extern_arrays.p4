// Arrays of externs, as p4c has them: each element keeps what it has seen for itself.
// spec: 7.2.8, 8.23
// packet: 0001 0002 -> accept NoError 32 h=00010002 meta.first=0xfffe meta.second=0xfffd meta.none=0xffff
#include <core.p4>
extern Checksum16 {
    Checksum16();
    void clear();
    void update<T>(in T data);
    bit<16> get();
}
header h_t { bit<16> a; bit<16> b; }
struct headers_t { h_t h; }
struct meta_t { bit<16> first; bit<16> second; bit<16> none; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Checksum16() sums[3];
    Checksum16() pairs[2][1];
    state start {
        p.extract(hdr.h);
        sums[0].update({ hdr.h.a });
        pairs[1][0].update({ hdr.h.b });
        meta.first = sums[0].get();
        meta.second = pairs[1][0].get();
        meta.none = sums[2].get();
        transition accept;
    }
}
