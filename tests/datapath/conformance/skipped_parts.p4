// construct: control, action, table (skipped); extern functions and objects (declared); package; generic types of blocks
// construct: annotations, structured and not; match_kind; main instantiation
// packet: 0102 -> accept NoError 16 h=0102
#include <core.p4>
match_kind { range, selector }
extern Counter<I> { Counter(bit<32> size); void count(in I index); abstract bit<8> f(); }
extern void log<T>(string text, in T data);
parser Parser<H>(packet_in p, out H hdr);
control Pipe<H>(inout H hdr);
control Out<H>(packet_out p, in H hdr);
package Switch<H>(Parser<H> p, Pipe<H> c, Out<H> d);
@name("the header") @pure header h_t { @hidden bit<8> x; @format[text="y", n=3] bit<8> y; }
struct headers_t { h_t h; }
@pkginfo(a, 3 + 4, "z", {1, 2}) parser P(packet_in p, out headers_t hdr) {
    @name(".begin") state start { p.extract(hdr.h); transition accept; }
}
control C(inout headers_t hdr) {
    Counter<bit<8>>(16) counter = { bit<8> f() { return 1; } };
    action set(bit<8> v) { hdr.h.x = v; counter.count(v); }
    action drop() { exit; }
    table t {
        key = { hdr.h.x: ternary @name("x"); hdr.h.y + 1: range; }
        actions = { set; @defaultonly drop; }
        const entries = { (1 &&& 3, 5 .. 9): set(4); _: set(0); }
        default_action = drop();
        size = 1024;
    }
    apply {
        if (t.apply().hit) { log("hit", hdr.h.x); }
        switch (t.apply().action_run) { set: { return; } default: {} }
    }
}
control D(packet_out p, in headers_t hdr) { apply { p.emit(hdr); } }
Switch(P(), C(), D()) main;
