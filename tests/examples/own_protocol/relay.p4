// A protocol of one's own: channels instead of addresses.  Nothing but this file tells the switch what it looks like.
#include <core.p4>
#include <ovsp4.p4>

header ethernet_t {
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}

header relay_t {
    bit<16> channel;
    bit<8> hops;
    bit<8> kind;
    @checksum bit<16> checksum;
}

struct headers_t {
    ethernet_t ethernet;
    relay_t relay;
}

parser Relay(packet_in packet, out headers_t hdr) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            0x88b6: parse_relay;
            default: reject;
        }
    }
    state parse_relay {
        packet.extract(hdr.relay);
        transition accept;
    }
}

Switch(Relay()) main;
