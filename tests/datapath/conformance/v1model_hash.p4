// construct: v1model's hash in a parser: crc16, crc32, csum16, xor16, identity
// packet: 313233343536373839 -> accept NoError 72 h=313233343536373839 meta.crc16=0x103d meta.base=0x1000 meta.crc32=0xcbf43926 meta.csum16=0xf62a meta.xor16=0x3908 meta.identity=0x3839
#include <core.p4>
#include <v1model.p4>
header h_t { bit<72> digits; }
struct headers_t { h_t h; }
struct meta_t { bit<16> crc16; bit<16> base; bit<32> crc32; bit<16> csum16; bit<16> xor16; bit<16> identity; }
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    state start {
        p.extract(hdr.h);
        hash(meta.crc16, HashAlgorithm.crc16, 16w0x1000, { hdr.h.digits }, 16w0x100);
        hash(meta.base, HashAlgorithm.crc16, 16w0x1000, { hdr.h.digits }, 16w0);
        hash(meta.crc32, HashAlgorithm.crc32, 32w0, { hdr.h.digits[71:8], hdr.h.digits[7:0] }, 64w0x100000000);
        hash(meta.csum16, HashAlgorithm.csum16, 16w0, hdr.h, 32w0x10000);
        hash(meta.xor16, HashAlgorithm.xor16, 16w0, hdr.h, 32w0x10000);
        hash(meta.identity, HashAlgorithm.identity, 16w0, hdr.h, 32w0x10000);
        transition accept;
    }
}
