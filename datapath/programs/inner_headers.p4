// Headers of the packet inside a tunnel, for programs whose headers struct holds them in a struct called `inner`.  They
// are those of l2l3_headers.p4, but their checksums sum the inner addresses.
#ifndef INNER_HEADERS_P4
#define INNER_HEADERS_P4

#include "l2l3_headers.p4"

header inner_ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<8> diffserv;
    bit<16> totalLen;
    bit<16> identification;
    bit<3> flags;
    bit<13> fragOffset;
    bit<8> ttl;
    bit<8> protocol;
    @checksum["inner.ipv4Options"]
    bit<16> hdrChecksum;
    ip4Addr_t srcAddr;
    ip4Addr_t dstAddr;
}

header inner_icmpv6_t {
    bit<8> type;
    bit<8> code;
    @checksum["payload", "inner.ipv6.srcAddr", "inner.ipv6.dstAddr", "inner.ipv6.nextHdr"]
    bit<16> checksum;
}

header inner_tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seqNo;
    bit<32> ackNo;
    bit<4> dataOffset;
    bit<3> res;
    bit<3> ecn;
    bit<6> ctrl;
    bit<16> window;
    @checksum["payload", "inner.ipv4.srcAddr", "inner.ipv4.dstAddr", "inner.ipv4.protocol", "inner.ipv6.srcAddr",
              "inner.ipv6.dstAddr", "inner.ipv6.nextHdr"]
    bit<16> checksum;
    bit<16> urgentPtr;
}

header inner_udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "inner.ipv4.srcAddr", "inner.ipv4.dstAddr", "inner.ipv4.protocol",
              "inner.ipv6.srcAddr", "inner.ipv6.dstAddr", "inner.ipv6.nextHdr"]
    bit<16> checksum;
}

#endif
