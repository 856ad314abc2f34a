// push_front and pop_front of a stack of unions and of a local stack, with what next and lastIndex say behind them.
// spec: 8.18, 8.20
// packet: 01 0a 0b0c -> accept NoError 32 kind=01 u[1].one=0a u[2].two=0b0c meta=2
// packet: 02 0a 0b0c -> accept NoError 32 kind=02 u[0].two=0b0c meta=0
// packet: 03 0a 0b0c -> accept NoError 32 kind=03 meta=255
// packet: 04 0a 0b0c -> accept NoError 32 kind=04 meta=2
// packet: 05 0a 0b0c -> reject StackOutOfBounds 32 kind=05 u[1].one=0a u[2].two=0b0c
// packet: 06 0a 0b0c 0d -> accept NoError 40 kind=06 u[0].two=0b0c u[1].one=0d meta=1
// packet: 07 0a 0b0c 0d0e -> accept NoError 48 kind=07 u[0].one=0a u[1].two=0b0c meta=13
// packet: 08 0a 0b0c 0d0e -> accept NoError 48 kind=08 u[0].one=0a u[1].two=0b0c meta=14
#include <core.p4>
header one_t { bit<8> x; }
header two_t { bit<16> x; }
header_union u_t { one_t one; two_t two; }
struct headers_t { one_t kind; u_t[3] u; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    one_t[2] local;
    state start {
        p.extract(hdr.kind);
        p.extract(hdr.u.next.one);
        p.extract(hdr.u.next.two);
        transition select(hdr.kind.x) {
            1: push; 2: pop; 3: empty; 4: far; 5: full; 6: again; 7: local_push; 8: local_pop;
        }
    }
    state push { hdr.u.push_front(1); transition done; }
    state pop { hdr.u.pop_front(1); transition done; }
    state empty { hdr.u.pop_front(5); transition done; }
    state far { hdr.u.push_front(9); transition done; }
    state full { hdr.u.push_front(1); p.extract(hdr.u.next.one); transition done; }
    state again { hdr.u.pop_front(1); p.extract(hdr.u.next.one); transition done; }
    state done { meta = hdr.u.lastIndex[7:0]; transition accept; }
    state local_push {
        p.extract(local.next);
        local.push_front(1);
        meta = local[1].x;
        p.advance(8);
        transition accept;
    }
    state local_pop {
        p.extract(local.next);
        p.extract(local.next);
        local.pop_front(1);
        meta = local[0].x;
        transition accept;
    }
}
