// Controls, actions, tables and instances with a body: checked, and nothing of it is wrong.
#include <core.p4>
match_kind { range, optional }
enum bit<8> kind_t { ONE = 1, TWO = 2 }
header tag_t { bit<8> kind; bit<16> id; }
struct headers_t { tag_t tag; tag_t[2] more; }
struct pair_t { bit<8> a; bit<8> b; }
extern Memory<T> {
    Memory(bit<32> size);
    T read(in bit<32> index);
    void write(in bit<32> index, in T value);
    abstract void update(inout T value, @optional out bit<8> more);
    @optional abstract void clear();
}
extern void log<T>(string text, in T data);
extern T choose<T>(in bool first, in T a, in T b);
extern T choose<T>(in kind_t which, in T a, in T b);
bit<8> next_of(in bit<8> x) { if (x == 255) { return 0; } else { return x + 1; } }
T same<T>(in T x) { return x; }
parser Parser<H>(packet_in packet, out H hdr);
control Pipe<H>(inout H hdr);
package Top<H>(Parser<H> p, Pipe<H> c);
parser P(packet_in packet, out headers_t hdr) { state start { packet.extract(hdr.tag); transition accept; } }
action outside(inout bit<8> x) { x = 8w1; }
control Inner(inout bit<8> x)(bit<8> start, bool on) { apply { if (on) { x = start; exit; } } }
control C(inout headers_t hdr) {
    bit<8> seen = hdr.tag.kind;
    const bit<8> LIMIT = 7;
    Inner(LIMIT + 1, true) inner;
    Memory<bit<8>>(16) memory = {
        void update(inout bit<8> value) { value = next_of(value); this.write(0, value); }
    };
    action set(bit<8> value, pair_t both) { seen = value + both.b; memory.write((bit<32>) value, both.a); }
    action from(inout bit<8> target, in bit<8> value, bit<8> data) { target = value |+| data; return; }
    table plain { actions = { NoAction; outside(seen); } default_action = outside(seen); }
    table matched {
        key = {
            hdr.tag.kind: exact @name("kind");
            hdr.tag.id + 1: lpm;
            hdr.tag.isValid(): optional;
            hdr.tag.id[7:0]: range;
            choose(kind_t.ONE, hdr.tag.id, 0): ternary;
        }
        actions = { set; from(hdr.tag.kind, seen); @defaultonly .NoAction; }
        const default_action = NoAction;
        size = 1 << 10;
        largest_priority_wins = false;
        priority_delta = 2;
        vendor_property = { 1, 2 };
        entries = {
            priority = 3: (kind_t.ONE, 0x1200 &&& 0xff00, true, 1 .. 4, _): set(1, { 2, 3 });
            const (LIMIT, _, _, _, 3): from(hdr.tag.kind, seen, 3);
        }
    }
    apply {
        bit<8> low = seen[3:0] ++ 4w0;
        bit<8> seen = low;
        if (matched.apply().hit && !plain.apply().miss) { log("hit", { hdr.tag.id, seen }); }
        switch (matched.apply().action_run) { set: from: { inner.apply(seen); } default: { return; } }
        switch (seen) { 1 + 2: LIMIT: { seen = same(seen); } default: { } }
        switch ((kind_t) seen) { kind_t.ONE: { outside(seen); } }
        for (bit<8> i = 0; i < LIMIT; i = i + 1) { if (i == 3) { continue; } break; }
        for (bit<16> j in 1 .. 9) { hdr.more[0].id[j+:4] = 4w1; }
        hdr.more.push_front(1);
        hdr.more[1] = { kind_t.TWO, 5 };
        hdr.tag.id = choose(true, hdr.tag.id, 16w1);
        from(hdr.tag.kind, 1, seen);
        tuple<bit<8>, bool> both = { seen, hdr.tag.isValid() };
        pair_t pair = seen == 1 ? { 1, both[0] } : { a = 2, b = 3 };
        hdr.tag.kind = pair.a + memory.read(0);
    }
}
Top(P(), C()) main;
