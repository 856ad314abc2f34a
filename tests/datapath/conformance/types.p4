// construct: bit<W>, int<W>, bool, varbit; typedef; type (new types); enum; serializable enum; error; tuple; list
// construct: string constants; int constants of any size and base; struct initialisers, by list and by name; default initialiser ...
// packet: 2a -> accept NoError 8 h=2a meta=0x2b0307
// packet: 01 -> accept NoError 8 h=01 meta=0x020309
#include <core.p4>
typedef bit<8> byte_t;
type bit<8> label_t;
enum Color { RED, GREEN, BLUE }
enum bit<8> Code { ONE = 1, ANSWER = 42 }
struct pair_t { byte_t first; byte_t second; }
const string NAME = "quoted \"name\"";
const int HUGE = 1 << 100;
const byte_t THREE = (byte_t)(HUGE >> 99) + 8w0b1;
const pair_t PAIR = { first = 1, second = 2 };
const tuple<bit<8>, bool> T = { 8w3, true };
const list<pair_t> PAIRS = { {1, 2}, {3, 4} };
header h_t { Code code; }
struct headers_t { h_t h; }
parser P(packet_in p, out headers_t hdr, inout bit<24> meta) {
    state start {
        p.extract(hdr.h);
        label_t label = (label_t)(bit<8>)hdr.h.code;
        Color color = hdr.h.code == Code.ANSWER ? Color.BLUE : Color.GREEN;
        pair_t pair = { THREE, ... };
        tuple<bit<8>, bool> t = { 1, true };
        pair.second = color == Color.BLUE && t[1] ? 8w7 : 8w9;
        meta = ((byte_t)label + t[0]) ++ pair.first ++ pair.second;
        transition accept;
    }
}
