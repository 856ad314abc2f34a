// construct: checksum externs keep their state from state to state, and in a sub-parser from one application to the next; get_state and set_state; sums of data that is no multiple of 16 bits (zeros behind it)
// packet: 010203040506 -> accept NoError 48 h[0]=0102 h[1]=0304 h[2]=0506 meta.inner=0xfbf9 meta.outer=0xf6f3 meta.odd=0xfff1 meta.of_nothing=0xffff
#include <core.p4>
#include <psa.p4>
header h_t { bit<16> x; }
struct headers_t { h_t[3] h; }
struct meta_t { bit<16> inner; bit<16> outer; bit<16> odd; bit<16> of_nothing; }
parser Summing(packet_in p, out h_t h, out bit<16> sum) {
    InternetChecksum() ck;
    state start {
        p.extract(h);
        ck.add(h);
        sum = ck.get();
        transition accept;
    }
}
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Summing() summing;
    InternetChecksum() ck;
    state start {
        meta.of_nothing = ck.get();
        summing.apply(p, hdr.h[0], meta.inner);
        summing.apply(p, hdr.h[1], meta.inner);
        ck.add(16w31);
        ck.set_state(ck.get_state() + 5);
        ck.subtract(16w36);
        ck.clear();
        ck.add(31w7);
        meta.odd = ck.get();
        ck.clear();
        ck.add({ hdr.h[0].x, hdr.h[1].x });
        transition last;
    }
    state last {
        p.extract(hdr.h[2]);
        ck.add(hdr.h[2]);
        meta.outer = ck.get();
        transition accept;
    }
}
