// Header values: unions, assignment, initialisers, comparison, validity, nested structs, generics, sizes.
#include <core.p4>
struct flags_t { bit<1> df; bit<1> mf; }
header a_t { bit<6> x; flags_t flags; }
header b_t<T> { T y; }
header_union u_t { a_t a; b_t<bit<8>> b; }
struct inner_t { a_t one; b_t<bit<16>> two; }
struct headers_t { inner_t inner; u_t u; a_t[2] s; u_t[2] us; }
struct local_t { bit<8> n; a_t h; }
parser P(packet_in pkt, out headers_t hdr) {
    local_t keep;
    state start {
        pkt.extract(hdr.inner.one);
        hdr.inner.one.flags.df = 1;
        hdr.inner.one.flags = { 0, hdr.inner.one.flags.df };
        hdr.u.a = { 1, { mf = 1, df = 0 } };
        keep.h = hdr.u.a;
        keep = { 5, keep.h };
        hdr.s[0] = keep.h;
        hdr.s[1] = {#};
        transition select(hdr.u.isValid(), hdr.s[0] == hdr.s[1], hdr.inner.two.isValid()) {
            (true, false, _): next;
            default: accept;
        }
    }
    state next {
        hdr.us[1].b = { y = (bit<8>)a_t.minSizeInBits() };
        hdr.u.a.setInvalid();
        pkt.extract(hdr.inner.two);
        transition accept;
    }
}
