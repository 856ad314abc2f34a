// construct: TNA's Checksum in a parser: add, subtract, verify, get, subtract_all_and_deposit (the sum as it is at the end of the parser's state)
// packet: 010203040506 -> accept NoError 48 a=0102 b=0304 c=0506 meta.residual=0xfbf9 meta.late=0xf9f7 meta.valid=0 meta.sum=0xfbf9
// packet: 7fff80000506 -> accept NoError 48 a=7fff b=8000 c=0506 meta.residual=0xffff meta.valid=1 meta.sum=0
// packet: 0102 -> reject PacketTooShort 16 a=0102 meta.residual=0
#include <core.p4>
#include <tna.p4>
header h_t { bit<16> x; }
struct headers_t { h_t a; h_t b; h_t c; }
struct meta_t { bit<16> residual; bit<16> late; bit<1> valid; bit<16> sum; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Checksum() left;
    Checksum() all;
    state start {
        p.extract(hdr.a);
        left.subtract({ hdr.a.x });
        all.add(hdr.a);
        transition second;
    }
    state second {
        p.extract(hdr.b);
        if (hdr.b.x != 0) { left.subtract_all_and_deposit(meta.residual); }
        left.subtract({ hdr.b.x });
        all.add(hdr.b);
        if (all.verify()) { meta.valid = 1; }
        meta.sum = all.get();
        transition third;
    }
    state third {
        p.extract(hdr.c);
        left.subtract({ hdr.b.x - hdr.a.x });
        meta.late = ~left.get();
        transition accept;
    }
}
