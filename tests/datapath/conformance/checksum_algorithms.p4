// construct: PSA's Checksum in a parser: CRC16, CRC32, ONES_COMPLEMENT16, IDENTITY; Hash in a parser
// packet: 313233343536373839 -> accept NoError 72 h=313233343536373839 meta.crc16=0xbb3d meta.crc32=0xcbf43926 meta.ones=0xf62a meta.identity=0x373839 meta.hash=0xcbf43926 meta.one_of_ten=102 meta.cleared=0
// packet: 3132333435363738 -> reject PacketTooShort 0 meta.crc16=0 meta.ones=0
#include <core.p4>
#include <psa.p4>
header h_t { bit<72> digits; }
struct headers_t { h_t h; }
struct meta_t {
    bit<16> crc16; bit<32> crc32; bit<16> ones; bit<24> identity; bit<32> hash; bit<32> one_of_ten; bit<32> cleared;
}
parser P(packet_in p, out headers_t hdr, inout meta_t meta) {
    Checksum<bit<16>>(PSA_HashAlgorithm_t.CRC16) crc16;
    Checksum<bit<32>>(PSA_HashAlgorithm_t.CRC32) crc32;
    Checksum<bit<16>>(PSA_HashAlgorithm_t.ONES_COMPLEMENT16) ones;
    Checksum<bit<24>>(PSA_HashAlgorithm_t.IDENTITY) identity;
    Hash<bit<32>>(PSA_HashAlgorithm_t.CRC32_CUSTOM) hash;
    state start {
        p.extract(hdr.h);
        crc16.update(hdr.h.digits[71:40]);
        crc32.update(hdr.h.digits[71:64]);
        identity.update(hdr.h.digits[71:40]);
        transition rest;
    }
    state rest {
        crc16.update({ hdr.h.digits[39:28], hdr.h.digits[27:0] });
        crc32.update(hdr.h.digits[63:0]);
        identity.update(hdr.h.digits[39:0]);
        ones.update(hdr.h);
        meta.crc16 = crc16.get();
        meta.crc32 = crc32.get();
        meta.ones = ones.get();
        meta.identity = identity.get();
        meta.hash = hash.get_hash(hdr.h);
        meta.one_of_ten = hash.get_hash(32w100, hdr.h, 32w10);
        crc32.clear();
        meta.cleared = crc32.get();
        transition accept;
    }
}
