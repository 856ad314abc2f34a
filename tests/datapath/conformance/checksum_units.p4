// construct: an extern of the program's own that is a checksum by name and methods (Checksum16, Ck16); an extern instance that parsers share
// packet: 4500001c00010000400066e00a0000010a000001 -> accept NoError 160 ip=4500001c00010000400066e00a0000010a000001
// packet: 4500001c00010000400066e10a0000010a000001 -> reject WrongSum 160 ip=4500001c00010000400066e10a0000010a000001
#include <core.p4>
extern Ck16 {
    Ck16();
    void clear();
    void update<T>(in T data);
    bit<16> get();
}
error { WrongSum }
header ip_t { bit<160> all; }
struct headers_t { ip_t ip; }
Ck16() unit;
parser P(packet_in p, out headers_t hdr) {
    state start {
        p.extract(hdr.ip);
        unit.clear();
        unit.update(hdr.ip.all[159:64]);
        unit.update(hdr.ip.all[63:0]);
        verify(unit.get() == 0, error.WrongSum);
        transition accept;
    }
}
