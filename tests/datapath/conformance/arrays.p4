// construct: arrays of bits and of structs, in headers, in structs, as variables; arrays of arrays
// construct: array index, known and at run time, read and written; assignment, comparison and initialisers of arrays
// packet: 01 a0 a1 a2 a3 11 22 33 44 -> accept NoError 72 row=01a0a1a2a3 pair=11223344 result=a10468005070 row.cell[3]=163 pair.of[1].x=51
// packet: 03 a0 a1 a2 a3 11 22 33 44 -> accept NoError 72 row=03a0a1a2a3 pair=11223344 result=a30466010007 result.grid[1][1]=7
// packet: 07 a0 a1 a2 a3 11 22 33 44 -> accept NoError 72 row=07a0a1a2a3 pair=11223344 result=000000000000
// packet: 01 a0 a1 a2 -> reject PacketTooShort 0
#include <core.p4>
struct point_t { bit<8> x; bit<8> y; }
header row_t { bit<8> which; bit<8>[4] cell; }
header pair_t { point_t[2] of; }
header result_t { bit<8> picked; bit<16> sum; bit<8> same; bit<4>[2][2] grid; }
struct headers_t { row_t row; pair_t pair; result_t result; }
const bit<16>[4] WEIGHT = { 1000, 100, 10, 1 };
parser P(packet_in p, out headers_t hdr) {
    bit<8>[4] copy;
    point_t[2] points;
    state start {
        p.extract(hdr.row);
        p.extract(hdr.pair);
        hdr.result.setValid();
        copy = hdr.row.cell;
        hdr.result.picked = copy[hdr.row.which];
        points = hdr.pair.of;
        points[hdr.row.which[0:0]] = { 7, hdr.row.which };
        hdr.result.same = points[1] == { 7, 3 } ? 8w1 : 0;
        hdr.result.grid[hdr.row.which >> 1][(bit<1>) 0 ++ hdr.row.which[1:1]] = 5;
        hdr.result.grid[hdr.row.which > 3 ? 8w2 : hdr.row.which & 1][hdr.row.which >> 1] = 7;
        transition select(hdr.row.which) { 0..3: total; default: accept; }
    }
    state total {
        bit<16>[4] part = WEIGHT;
        bit<2> i = hdr.row.which[1:0];
        part[i] = part[i] ^ (bit<16>) hdr.pair.of[0].x;
        hdr.result.sum = part[0] + part[1] - (part == WEIGHT ? 16w1000 : 0) + part[2] + part[3];
        transition accept;
    }
}
