// Parser states for the IP packet inside a tunnel; included inside a parser whose headers struct is `hdr`, with a struct
// `inner` of the headers in inner_headers.p4.  Whoever includes it selects parse_inner_ipv4 or parse_inner_ipv6.

    state parse_inner_ipv4 {
        packet.extract(hdr.inner.ipv4);
        verify(hdr.inner.ipv4.ihl >= 5, error.HeaderTooShort);
        packet.extract(hdr.inner.ipv4Options, ((bit<32>)hdr.inner.ipv4.ihl - 5) * 32);
        transition select(hdr.inner.ipv4.fragOffset, hdr.inner.ipv4.protocol) {
            (0, PROTO_ICMP): parse_inner_icmp;
            (0, PROTO_TCP): parse_inner_tcp;
            (0, PROTO_UDP): parse_inner_udp;
            default: accept;
        }
    }

    state parse_inner_ipv6 {
        packet.extract(hdr.inner.ipv6);
        transition select(hdr.inner.ipv6.nextHdr) {
            PROTO_ICMPV6: parse_inner_icmpv6;
            PROTO_TCP: parse_inner_tcp;
            PROTO_UDP: parse_inner_udp;
            default: accept;
        }
    }

    state parse_inner_icmp {
        packet.extract(hdr.inner.icmp);
        transition accept;
    }

    state parse_inner_icmpv6 {
        packet.extract(hdr.inner.icmpv6);
        transition accept;
    }

    state parse_inner_tcp {
        packet.extract(hdr.inner.tcp);
        transition accept;
    }

    state parse_inner_udp {
        packet.extract(hdr.inner.udp);
        transition accept;
    }
