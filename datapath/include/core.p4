// core.p4: what every P4_16 program may use, declared from the P4_16 language specification, version 1.2.5.
#ifndef _CORE_P4_
#define _CORE_P4_

// Version of the core library, for #if.
#define __CORE_P4_VERSION 10205

// Reasons for which a parser rejects a packet.
error {
    NoError,
    PacketTooShort,
    NoMatch,
    StackOutOfBounds,
    HeaderTooShort,
    ParserTimeout,
    ParserInvalidArgument
}

// The packet as a parser sees it: a sequence of bits and a cursor.
extern packet_in {
    // Fills in a header of fixed width and moves the cursor behind it.
    void extract<T>(out T hdr);
    // The same for a header with a varbit field, which gets `varbit_bits` bits.
    void extract<T>(out T hdr, in bit<32> varbit_bits);
    // Reads at the cursor without moving it.
    T lookahead<T>();
    // Skips bits.
    void advance(in bit<32> bits);
    // Size of the packet in bytes.
    bit<32> length();
}

// The packet as a deparser writes it.
extern packet_out {
    void emit<T>(in T hdr);
}

extern void verify(in bool condition, in error reason);

extern bool static_assert(bool condition, string message);
extern bool static_assert(bool condition);

@noWarn("unused")
action NoAction() {}

match_kind {
    exact,
    ternary,
    lpm
}

#endif
