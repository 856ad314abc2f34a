// Names: unknown, misspelt, declared twice, of the wrong kind.
#include <core.p4>
const bit<16> TYPE_IPV4 = 0x800;
const bit<8> TYPE_IPV4 = 4;
header ethernet_t { bit<48> dst; bit<48> src; bit<16> etherType; bit<8> dst; }
struct headers_t { ethernt_t broken; ethernet_t ethernet; }
error { NoMatch, Mine }
typedef TYPE_IPV4 strange_t;
parser P(packet_in pkt, out headers_t hdr) {
    state start {
        pkt.extrct(hdr.ethernet);
        pkt.extract(hdr.ethernt);
        verify(true, error.Mien);
        transition select(hdr.ethernet.ethertype) {
            TYPE_IPV6: parse_ip;
            TYPE_IPV4: parse_ipv4;
            default: acept;
        }
    }
    state parse_ipv4 { transition accept; }
    state parse_ipv4 { transition accept; }
    state accept { transition reject; }
}
