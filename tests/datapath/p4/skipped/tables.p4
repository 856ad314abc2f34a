// What is wrong in a table.
#include <core.p4>
#include <ovsp4.p4>
header tag_t { bit<8> kind; bit<16> id; }
struct headers_t { tag_t tag; }
parser P(packet_in packet, out headers_t hdr) { state start { packet.extract(hdr.tag); transition accept; } }
bit<8> f() { return 1; }
action set() { }
control C(packet_out packet, in headers_t hdr) {
    bit<8> seen;
    action set(bit<8> value) { seen = value; }
    action from(in bit<8> value, bit<8> more) { seen = value + more; }
    action late(bit<8> more, in bit<8> value) { seen = value + more; }
    table no_actions { key = { hdr.tag.kind: exact; } }
    table kinds {
        key = { hdr.tag.kind: exat; hdr.tag: exact; hdr.tag.sid: lpm; }
        actions = { set; }
    }
    table listed {
        actions = { set; set; from; from(1, 2); f; sett; NoAction(1); }
        default_action = drop();
    }
    table default_first { default_action = set(1); actions = { set; } }
    table default_args {
        actions = { @tableonly set; from(seen); }
        default_action = set(1);
    }
    table other_default { actions = { from(seen); set; } default_action = from(3, seen); }
    table another_set { actions = { set; } default_action = .set(); }
    table missing { actions = { set; } default_action = set(); }
    table no_key { actions = { set; } entries = { 1: set(1); } }
    table entered {
        key = { hdr.tag.kind: lpm; hdr.tag.id: ternary; }
        actions = { set; @defaultonly from(seen); }
        size = true;
        size = 5;
        const entries = {
            (1, 2): set(1);
            priority = 4: (3 &&& 5, 2): set(1);
            (1, 2 .. 3): set(1);
            (1, 2, 3): set(1);
            (true, 1): set(1);
            (1, 1): from(seen, 3);
            (1, 2): from();
        }
    }
    table twins {
        key = { hdr.tag.kind: exact; }
        actions = { set; }
        const entries = { 1: set(1); 0x01: set(2); seen: set(3); }
    }
    table priorities {
        key = { hdr.tag.kind: ternary; }
        actions = { set; }
        priority_delta = 10;
        largest_priority_wins = 3;
        entries = { priority = 5: 1: set(1); 2: set(2); }
    }
    table unsure { key = { hdr.tag.kind: ternary; } actions = { set; } entries = { 1: set(1); priority = 2: 2: set(2); } }
    action apply_it() { twins.apply(); }
    apply {
        if (twins.apply().hits) { }
        if (twins.apply() == twins.apply()) { }
        switch (twins.apply().action_run) { sett: { } set: { } set: { } }
        switch (twins.apply()) { set: { } }
        twins.apply(1);
        twins.aply();
    }
}
Switch(P(), C()) main;
