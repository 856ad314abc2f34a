// Parser states from IP to UDP for tunnels over UDP; included inside a parser whose headers struct is `hdr`.  Whoever
// includes it selects parse_ipv4 or parse_ipv6, declares ipv4, ipv4Options, ipv6 and udp, and has a state parse_tunnel.

    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        verify(hdr.ipv4.ihl >= 5, error.HeaderTooShort);
        packet.extract(hdr.ipv4Options, ((bit<32>)hdr.ipv4.ihl - 5) * 32);
        transition select(hdr.ipv4.fragOffset, hdr.ipv4.protocol) {
            (0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nextHdr) {
            PROTO_UDP: parse_udp;
            default: accept;
        }
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition parse_tunnel;
    }
