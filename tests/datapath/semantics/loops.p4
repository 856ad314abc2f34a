// A loop that no stack bounds may visit 64 states in a packet, then ParserTimeout; a stack's loop is bounded by the
// stack and not counted.
// spec: 13.10
// packet: 01*63 00 -> accept NoError 512 h=00 meta=64
// packet: 01*64 00 -> reject ParserTimeout 512 h=01 meta=64
// packet: 02 -> reject ParserTimeout 8 h=02 meta=64
// packet: 03 04*69 05 -> accept NoError 568 h=03 s[0]=04 s[1]=04 s[2]=04 s[3]=04 s[4]=04 s[5]=04 s[6]=04 s[7]=04 s[8]=04 s[9]=04 s[10]=04 s[11]=04 s[12]=04 s[13]=04 s[14]=04 s[15]=04 s[16]=04 s[17]=04 s[18]=04 s[19]=04 s[20]=04 s[21]=04 s[22]=04 s[23]=04 s[24]=04 s[25]=04 s[26]=04 s[27]=04 s[28]=04 s[29]=04 s[30]=04 s[31]=04 s[32]=04 s[33]=04 s[34]=04 s[35]=04 s[36]=04 s[37]=04 s[38]=04 s[39]=04 s[40]=04 s[41]=04 s[42]=04 s[43]=04 s[44]=04 s[45]=04 s[46]=04 s[47]=04 s[48]=04 s[49]=04 s[50]=04 s[51]=04 s[52]=04 s[53]=04 s[54]=04 s[55]=04 s[56]=04 s[57]=04 s[58]=04 s[59]=04 s[60]=04 s[61]=04 s[62]=04 s[63]=04 s[64]=04 s[65]=04 s[66]=04 s[67]=04 s[68]=04 s[69]=05 meta=1
#include <core.p4>
header h_t { bit<8> x; }
header s_t { bit<8> x; }
struct headers_t { h_t h; s_t[80] s; }
parser P(packet_in p, out headers_t hdr, inout bit<8> meta) {
    state start {
        p.extract(hdr.h);
        meta = meta + 1;
        transition select(hdr.h.x) { 1: start; 2: spin; 3: stack; _: accept; }
    }
    state stack {
        p.extract(hdr.s.next);
        transition select(hdr.s.last.x) { 4: stack; _: accept; }
    }
    state spin { meta = meta + 1; transition spin; }
}
