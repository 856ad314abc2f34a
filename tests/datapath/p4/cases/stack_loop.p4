// A stack filled in a loop, its last element, its index, push and pop.
#include <core.p4>
header label_t { bit<20> label; bit<3> tc; bit<1> bos; bit<8> ttl; }
header tail_t { bit<8> n; }
struct headers_t { label_t[4] labels; tail_t tail; }
parser P(packet_in pkt, out headers_t hdr) {
    state start {
        pkt.extract(hdr.labels.next);
        transition select(hdr.labels.last.bos) {
            0: start;
            1: check;
        }
    }
    state check {
        verify(hdr.labels.lastIndex < 3, error.StackOutOfBounds);
        bit<32> i = hdr.labels.lastIndex;
        hdr.labels[i].ttl = hdr.labels[i].ttl - 1;
        hdr.labels.pop_front(1);
        hdr.labels.push_front(2);
        hdr.tail.setValid();
        hdr.tail.n = (bit<8>)hdr.labels.size;
        transition accept;
    }
}
