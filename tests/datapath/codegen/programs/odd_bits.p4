// Headers that are no whole bytes, a varbit between fields, lengths in bits.
#include <core.p4>

header flag_t {
    bit<1> more;
    bit<2> kind;
}
header odd_t {
    bit<5> a;
    varbit<40> middle;
    bit<70> wide;
}
header value_t {
    int<12> number;
    bit<9> rest;
}
struct headers_t {
    flag_t[3] flags;
    odd_t odd;
    value_t value;
}
struct meta_t {
    int<12> limit;
    bit<100> kept;
}

parser OddBits(packet_in packet, out headers_t hdr, inout meta_t meta) {
    state start {
        packet.extract(hdr.flags.next);
        transition select(hdr.flags.last.more, hdr.flags.last.kind) {
            (1, _): start;
            (_, 0): value;
            (_, 1): odd;
            (_, 2): skip;
        }
    }
    state skip {
        packet.advance((bit<32>)packet.lookahead<bit<5>>());
        transition value;
    }
    state odd {
        packet.extract(hdr.odd, (bit<32>)packet.lookahead<bit<6>>());
        meta.kept = hdr.odd.wide[69:10] ++ hdr.odd.wide[39:0];
        transition value;
    }
    state value {
        packet.extract(hdr.value);
        meta.limit = hdr.value.number |+| 12s1000;
        transition select(hdr.value.number) {
            -100 .. 100: accept;
            default: reject;
        }
    }
}
