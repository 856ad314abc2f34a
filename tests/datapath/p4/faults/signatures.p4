// Parameters, and instances with a body.
#include <core.p4>
#include <ovsp4.p4>
extern Memory<T> {
    Memory(bit<32> size);
    void Memory();
    T read(in bit<32> index);
    T read(in bit<32> index);
    abstract void update(inout T value, @optional out bit<8> more);
    @optional abstract void clear();
}
extern void keep<T>(in T value);
struct headers_t { }
header_union some_t<T> { T one; }
header word_t<T> { T value; }
void by_name(in string text, out int number, in Memory<bit<8>> memory) { }
void defaults(out bit<8> x = 1, bit<8> y = 2) { }
void takes_control(Parser<headers_t> p) { }
package Two<A, A>(Parser<A> p, in bit<8> size);
control Bad<H>(inout H H)(bit<8> H) { apply { } }
control Needs()(bit<8> size) { apply { } }
control Given()(Bad c) { apply { } }
tuple<Memory<bit<8>>, void> pair() { return { }; }
some_t<bit<8>> wrong() { }
word_t bare() { }
Needs(3) at_the_top;
parser P(packet_in packet, out headers_t hdr) {
    Memory<bit<8>>(16) plain;
    Memory<bit<8>>(16) full = {
        void update(inout bit<8> value) { value = value + 1; this.read(0); }
        void other() { }
    };
    Memory<bit<8>>(16) twisted = { bit<8> update(in bit<8> value) { return value; } };
    word_t<bit<7>> fine;
    word_t<int> odd;
    state start { keep(5); keep(P); keep(this); transition accept; }
}
control C(packet_out packet, in headers_t hdr) {
    apply { }
}
Switch(P(), C()) main;
