// A stack of header unions, as TCP options are parsed, and a local stack: which element is next is known at run time.
#include <core.p4>
header end_t { bit<8> kind; }
header mss_t { bit<8> kind; bit<8> size; bit<16> value; }
header_union option_t { end_t end; mss_t mss; }
struct headers_t { option_t[3] options; }
parser P(packet_in pkt, out headers_t hdr, out bit<16> sum) {
    end_t[2] seen;
    state start {
        transition select(pkt.lookahead<bit<8>>()) {
            0: end;
            2: mss;
        }
    }
    state mss {
        pkt.extract(hdr.options.next.mss);
        sum = sum + hdr.options.last.mss.value;
        transition start;
    }
    state end {
        pkt.extract(hdr.options.next.end);
        pkt.extract(seen.next);
        seen[seen.lastIndex].kind = seen.last.kind + 1;
        sum = sum + (bit<16>)seen[0].kind;
        transition select(hdr.options[hdr.options.lastIndex].end.isValid()) {
            true: accept;
        }
    }
}
