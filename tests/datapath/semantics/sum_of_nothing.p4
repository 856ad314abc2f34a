// The sum of nothing: adding an empty list to a checksum changes nothing.  (Found by ci/fuzz compiler.)
// spec: 13.4
// packet: 1234 -> accept NoError 16 h=1234 meta=0xedcb
#include <core.p4>
#include <psa.p4>
header h_t { bit<16> x; }
struct empty_t { }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<16> meta) {
    InternetChecksum() sum;
    empty_t nothing;
    state start {
        p.extract(hdr.h);
        sum.clear();
        sum.add(hdr.h.x);
        sum.add(nothing);
        sum.subtract({ });
        meta = sum.get();
        transition accept;
    }
}
