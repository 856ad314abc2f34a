// Headers of the protocols that every network has; shared by the programs in this folder.
#ifndef L2L3_HEADERS_P4
#define L2L3_HEADERS_P4

const bit<16> TYPE_IPV4 = 0x0800;
const bit<16> TYPE_ARP = 0x0806;
const bit<16> TYPE_VLAN = 0x8100; // IEEE 802.1Q, customer tag
const bit<16> TYPE_QINQ = 0x88a8; // IEEE 802.1ad, service tag
const bit<16> TYPE_IPV6 = 0x86dd;

const bit<8> PROTO_ICMP = 1;
const bit<8> PROTO_TCP = 6;
const bit<8> PROTO_UDP = 17;
const bit<8> PROTO_ICMPV6 = 58;

typedef bit<48> macAddr_t;
typedef bit<32> ip4Addr_t;
typedef bit<128> ip6Addr_t;

header ethernet_t {
    macAddr_t dstAddr;
    macAddr_t srcAddr;
    bit<16> etherType;
}

// IEEE 802.1Q
header vlan_t {
    bit<3> pcp;
    bit<1> dei;
    bit<12> vid;
    bit<16> etherType;
}

// RFC 826, for Ethernet and IPv4
header arp_t {
    bit<16> hwType;
    bit<16> protoType;
    bit<8> hwSize;
    bit<8> protoSize;
    bit<16> op;
    macAddr_t sha;
    ip4Addr_t spa;
    macAddr_t tha;
    ip4Addr_t tpa;
}

// RFC 791
header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<8> diffserv;
    bit<16> totalLen;
    bit<16> identification;
    bit<3> flags;
    bit<13> fragOffset;
    bit<8> ttl;
    bit<8> protocol;
    @checksum["ipv4Options"]
    bit<16> hdrChecksum;
    ip4Addr_t srcAddr;
    ip4Addr_t dstAddr;
}

header ipv4_options_t {
    varbit<320> options;
}

// RFC 8200
header ipv6_t {
    bit<4> version;
    bit<8> trafficClass;
    bit<20> flowLabel;
    bit<16> payloadLen;
    bit<8> nextHdr;
    bit<8> hopLimit;
    ip6Addr_t srcAddr;
    ip6Addr_t dstAddr;
}

// RFC 792
header icmp_t {
    bit<8> type;
    bit<8> code;
    @checksum["payload"]
    bit<16> checksum;
}

// RFC 4443: unlike ICMP, it sums a pseudo-header
header icmpv6_t {
    bit<8> type;
    bit<8> code;
    @checksum["payload", "ipv6.srcAddr", "ipv6.dstAddr", "ipv6.nextHdr"]
    bit<16> checksum;
}

// RFC 9293
header tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seqNo;
    bit<32> ackNo;
    bit<4> dataOffset;
    bit<3> res;
    bit<3> ecn;
    bit<6> ctrl;
    bit<16> window;
    @checksum["payload", "ipv4.srcAddr", "ipv4.dstAddr", "ipv4.protocol", "ipv6.srcAddr", "ipv6.dstAddr", "ipv6.nextHdr"]
    bit<16> checksum;
    bit<16> urgentPtr;
}

// RFC 768
header udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    @checksum["optional", "payload", "ipv4.srcAddr", "ipv4.dstAddr", "ipv4.protocol", "ipv6.srcAddr", "ipv6.dstAddr",
              "ipv6.nextHdr"]
    bit<16> checksum;
}

#endif
