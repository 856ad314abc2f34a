// A checksum's field list with what is nested in a header: a struct, an array, one element of it.
#include <core.p4>
#include <v1model.p4>
struct half_t { bit<8> a; bit<8> b; }
header part_t { half_t half; bit<8>[4] bytes; bit<16> sum; }
header one_t { bit<16>[3] words; bit<16> sum; }
struct hdr_t { part_t part; one_t one; }
struct meta_t { }
parser P(packet_in p, out hdr_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start { p.extract(hdr.part); p.extract(hdr.one); transition accept; }
}
control V(inout hdr_t hdr, inout meta_t meta) { apply { } }
control I(inout hdr_t hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { } }
control U(inout hdr_t hdr, inout meta_t meta) {
    apply {
        update_checksum(true, { hdr.part.half, hdr.part.bytes }, hdr.part.sum, HashAlgorithm.csum16);
        update_checksum(true, { hdr.one.words[2], hdr.one.words[0] }, hdr.one.sum, HashAlgorithm.csum16);
    }
}
control D(packet_out p, in hdr_t hdr) { apply { p.emit(hdr); } }
V1Switch(P(), V(), I(), I(), U(), D()) main;
