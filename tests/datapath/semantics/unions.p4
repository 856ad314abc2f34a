// At most one member of a union is valid: extract, setValid and assignment of a valid header make it so.  setInvalid
// of any member, and assignment of an invalid header, leave none.  Writing an invalid member makes nothing valid.  Local ones are no other.
// spec: 8.19, 8.25
// packet: 01 aa -> accept NoError 16 k=01 u.a=aa meta=1
// packet: 02 aa -> accept NoError 16 k=02 u.b=0000 meta=1
// packet: 03 aa -> accept NoError 16 k=03 u.b=0007 meta=1
// packet: 04 aa -> accept NoError 16 k=04 meta=0
// packet: 05 aa -> accept NoError 16 k=05 meta=0
// packet: 06 aa -> accept NoError 16 k=06 meta=0
// packet: 07 aa -> accept NoError 16 k=07 u.a=aa meta=1
// packet: 08 aa bbcc -> accept NoError 32 k=08 u.b=bbcc meta=1
// packet: 09 aa -> accept NoError 16 k=09 u.a=aa w.a=aa meta=3
// packet: 0a aa -> accept NoError 16 k=0a meta=0
// packet: 0b aa -> accept NoError 16 k=0b u.b=00aa meta=1
// packet: 0c aa -> accept NoError 16 k=0c u.b=0009 meta=1
// packet: 0d aa -> accept NoError 16 k=0d meta=0
#include <core.p4>
header k_t { bit<8> x; }
header a_t { bit<8> x; }
header b_t { bit<16> x; }
header_union u_t { a_t a; b_t b; }
struct headers_t { k_t k; u_t u; u_t w; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    a_t a;
    b_t b;
    state start {
        p.extract(hdr.k);
        p.extract(hdr.u.a);
        transition select(hdr.k.x) {
            2: valid; 3: assign; 4: invalid; 5: other; 6: assign_invalid; 7: write; 8: again; 9: copy; 10: copy_none;
            11: from_other; 12: local; 13: local_invalid; _: done;
        }
    }
    state valid { hdr.u.b.setValid(); transition done; }
    state assign { hdr.u.b = { 7 }; transition done; }
    state invalid { hdr.u.a.setInvalid(); transition done; }
    state other { hdr.u.b.setInvalid(); transition done; }
    state assign_invalid { hdr.u.b = b; transition done; }
    state write { hdr.u.b.x = 3; transition done; }
    state again { p.extract(hdr.u.b); transition done; }
    state copy { hdr.w = hdr.u; meta[1:1] = 1; transition done; }
    state copy_none { hdr.u = hdr.w; transition done; }
    state from_other { hdr.u.b = { 8w0 ++ hdr.u.a.x }; transition done; }
    state local {
        u_t tmp;
        tmp.a = { 1 };
        tmp.b = { 9 };
        hdr.u = tmp;
        transition done;
    }
    state local_invalid {
        u_t tmp;
        tmp.a = { 1 };
        tmp.b.setInvalid();
        hdr.u = tmp;
        transition done;
    }
    state done {
        meta[0:0] = hdr.u.isValid() ? 1w1 : 0;
        transition accept;
    }
}
