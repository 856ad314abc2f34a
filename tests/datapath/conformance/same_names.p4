// construct: headers, metadata and locals of one name, which stay apart
// packet: 0111 22 -> accept NoError 24 tag.id=01 note=22 tag_2.id=11 tag_2.n=1
// packet: 0211 -> accept NoError 16 tag.id=02 tag_2.id=11 tag_2.n=2
#include <core.p4>
header id_t { bit<8> value; }
struct tags_t { id_t id; }
struct headers_t { tags_t tag; id_t note; }
struct metadata_t { id_t id; bit<8> n; }
parser P(packet_in p, out headers_t hdr, inout metadata_t tag) {
    state start {
        p.extract(hdr.tag.id);
        tag.n = hdr.tag.id.value;
        p.extract(tag.id);
        transition select(hdr.tag.id.value) { 1: ahead; default: accept; }
    }
    state ahead {
        id_t note = p.lookahead<id_t>();
        transition select(note.value) { 0x22: extract_note; default: accept; }
    }
    state extract_note { p.extract(hdr.note); transition accept; }
}
