// A market data feed: messages of many kinds in a UDP datagram.  The first order message is a header union, so flows match
// on the stock or on the order, whichever kind it is; the heads of the first four messages are a stack.
// Source: Nasdaq, MoldUDP64 Protocol Specification 1.00; Nasdaq TotalView-ITCH 5.0, section 1.
#include <core.p4>
#include <ovsp4.p4>

#include "l2l3_headers.p4"

// Which groups and ports a venue uses is its own business.
#ifndef FEED_PORT
#define FEED_PORT 26400
#endif
const bit<16> PORT_FEED = FEED_PORT;
const bit<16> END_OF_SESSION = 0xffff;
const bit<32> LAST_MESSAGE = 3; // index of the last message that is looked at

error {
    MessageLength // a message is shorter than its kind
}

header mold_t {
    bit<80> session;
    bit<64> sequence; // of the first message
    bit<16> nMessages; // 0: heartbeat
}

// The length of MoldUDP64, and what all messages of ITCH have in common.
header message_t {
    bit<16> length; // of what follows
    bit<8> type;
    bit<16> stockLocate;
    bit<16> tracking;
    bit<48> timestamp; // nanoseconds since midnight
}

header add_order_t { // "A"; "F" has an attribution behind it
    bit<64> order;
    bit<8> side;
    bit<32> shares;
    bit<64> stock;
    bit<32> price;
}

header executed_t { // "E"; "C" has a price behind it
    bit<64> order;
    bit<32> shares;
    bit<64> matchNumber;
}

header cancel_t { // "X"
    bit<64> order;
    bit<32> shares;
}

header delete_t { // "D"
    bit<64> order;
}

header replace_t { // "U"
    bit<64> order;
    bit<64> newOrder;
    bit<32> shares;
    bit<32> price;
}

header trade_t { // "P"
    bit<64> order;
    bit<8> side;
    bit<32> shares;
    bit<64> stock;
    bit<32> price;
    bit<64> matchNumber;
}

header_union body_t {
    add_order_t add;
    executed_t executed;
    cancel_t cancel;
    delete_t delete;
    replace_t replace;
    trade_t trade;
}

struct headers_t {
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t ipv4;
    ipv4_options_t ipv4Options;
    ipv6_t ipv6;
    udp_t udp;
    mold_t mold;
    message_t[4] messages;
    body_t body; // of the first message, if it is about an order
}

parser MarketData(packet_in packet, out headers_t hdr) {
    bit<16> left; // messages
    bit<16> rest; // bytes of the message at hand

    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            TYPE_VLAN: parse_vlan;
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.etherType) {
            TYPE_IPV4: parse_ipv4;
            TYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

#include "underlay_states.p4"

    state parse_tunnel {
        transition select(hdr.udp.dstPort) {
            PORT_FEED: parse_mold;
            default: accept;
        }
    }

    state parse_mold {
        packet.extract(hdr.mold);
        left = hdr.mold.nMessages;
        transition select(hdr.mold.nMessages) {
            0: accept;
            END_OF_SESSION: accept;
            default: parse_message;
        }
    }

    state parse_message {
        packet.extract(hdr.messages.next);
        verify(hdr.messages.last.length >= 11, error.MessageLength);
        rest = hdr.messages.last.length - 11;
        left = left - 1;
        transition select(hdr.messages.lastIndex, hdr.messages.last.type) {
            (0, 0x41): parse_add;
            (0, 0x46): parse_add;
            (0, 0x45): parse_executed;
            (0, 0x43): parse_executed;
            (0, 0x58): parse_cancel;
            (0, 0x44): parse_delete;
            (0, 0x55): parse_replace;
            (0, 0x50): parse_trade;
            default: skip_body;
        }
    }

    state parse_add {
        packet.extract(hdr.body.add);
        verify(rest >= 25, error.MessageLength);
        rest = rest - 25;
        transition skip_body;
    }

    state parse_executed {
        packet.extract(hdr.body.executed);
        verify(rest >= 20, error.MessageLength);
        rest = rest - 20;
        transition skip_body;
    }

    state parse_cancel {
        packet.extract(hdr.body.cancel);
        verify(rest >= 12, error.MessageLength);
        rest = rest - 12;
        transition skip_body;
    }

    state parse_delete {
        packet.extract(hdr.body.delete);
        verify(rest >= 8, error.MessageLength);
        rest = rest - 8;
        transition skip_body;
    }

    state parse_replace {
        packet.extract(hdr.body.replace);
        verify(rest >= 24, error.MessageLength);
        rest = rest - 24;
        transition skip_body;
    }

    state parse_trade {
        packet.extract(hdr.body.trade);
        verify(rest >= 33, error.MessageLength);
        rest = rest - 33;
        transition skip_body;
    }

    // To the next message; more than four are not looked at.
    state skip_body {
        transition select(left, hdr.messages.lastIndex) {
            (0, _): accept;
            (_, LAST_MESSAGE): accept;
            default: next_message;
        }
    }

    state next_message {
        packet.advance((bit<32>)rest << 3);
        transition parse_message;
    }
}

Switch(MarketData()) main;
