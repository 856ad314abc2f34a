// push_front and pop_front move elements and next with them, which stays between nothing and the size.
// spec: 8.18
// packet: 01 0a0b -> accept NoError 24 kind=01 h[1]=0a h[2]=0b meta=2
// packet: 02 0a0b -> accept NoError 24 kind=02 h[0]=0b meta=0
// packet: 03 0a0b -> accept NoError 24 kind=03 meta=255
// packet: 04 0a0b -> accept NoError 24 kind=04 meta=2
// packet: 05 0a0b -> reject StackOutOfBounds 24 kind=05 h[1]=0a h[2]=0b
// packet: 06 0a0b 0c -> accept NoError 32 kind=06 h[0]=0b h[1]=0c meta=1
#include <core.p4>
header h_t { bit<8> x; }
struct headers_t { h_t kind; h_t[3] h; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.kind);
        p.extract(hdr.h.next);
        p.extract(hdr.h.next);
        transition select(hdr.kind.x) { 1: push; 2: pop; 3: empty; 4: far; 5: full; _: again; }
    }
    state push { hdr.h.push_front(1); transition done; }
    state pop { hdr.h.pop_front(1); transition done; }
    state empty { hdr.h.pop_front(5); transition done; }
    state far { hdr.h.push_front(9); transition done; }
    state full { hdr.h.push_front(1); p.extract(hdr.h.next); transition done; }
    state again { hdr.h.pop_front(1); p.extract(hdr.h.next); transition done; }
    state done { meta = hdr.h.lastIndex[7:0]; transition accept; }
}
