// Slips of the pen: braces left out, words misspelt, C instead of P4.
#include <core.p4>
heder lost_t { bit<8> x; }
const bit<16> HEX = 0x8g0;
header first_t {
    bit<8> x;
header second_t { bit<8> y; }
struct headers_t { first_t first; second_t second; }
parser P(packet_in packet, out headers_t hdr) {
    sate early { transition accept; }
    state start {
        packet.extract(hdr.first);
        hdr.first.x == 1;
        hdr.first.x++;
        if (hdr.first.x = 1) { hdr.first.x = 2; }
        transition accept;
        hdr.first.x = 3;
        transition reject;
    }
    state open {
        transition select(hdr.first.x) { default: accept;
    }
    state behind { transition accept; }

control C(inout headers_t hdr) {
    tabel t { actions = { } }
    apply { hdr.first.x = 1;
parser Q(packet_in packet, out headers_t hdr) {
    state start { transition accept; }
}
}
enum kinds_t { ONE; TWO }
#define SIX 6;
const bit<8> MADE = SIX + 1;
control D(inout headers_t hdr) {
    state begin { transition accept; }
    apply {
        while (true) { }
        if (true) { } elif (false) { }
    }
}
const bit<8> LAST = 1;
