"""What the benchmark sends and what every router under test is told: 1,000 flows under 8 masks.

The destinations are 1,000 disjoint prefixes, 125 of each length from /17 to /24, one packet template each.  Shorter
prefixes have the higher priority, so that a tuple-space search ends at the mask of the flow it wants and each flow is
cached under the mask of its own length: 8 masks.  Read by ``cases.py`` and the files beside it.

Frames are the shortest that Ethernet has: 64 bytes, 60 of them without the frame check sequence.
"""

from __future__ import annotations

import functools
import ipaddress
import struct

from testbed.bench.rig import PORT1_MAC, PORT2_MAC, RECEIVER_MAC, SENDER_MAC

N_MASKS = 8
FLOWS_PER_MASK = 125
N_FLOWS = N_MASKS * FLOWS_PER_MASK
FIRST_LENGTH = 17  # bits of the shortest prefix
FIRST_NETWORK = 16 << 24  # 16.0.0.0; each length has the first byte to itself
FRAME_SIZE = 60  # bytes without the frame check sequence
L4_PORTS_OFFSET = 34  # source and destination port, in a frame with a plain IPv4 header
SENDER_IP = "192.0.2.1"  # RFC 5737
GATEWAY_IP = "198.51.100.2"  # RFC 5737; what the receiver is as a next hop


@functools.cache
def prefixes() -> tuple[ipaddress.IPv4Network, ...]:
    """Return the 1,000 destinations, lengths mixed so that neighbours in time differ in their mask."""
    found = []
    for i in range(FLOWS_PER_MASK):
        for k in range(N_MASKS):
            length = FIRST_LENGTH + k
            address = FIRST_NETWORK + (k << 24) + (i << (32 - length))
            found.append(ipaddress.IPv4Network((address, length)))
    return tuple(found)


def templates(destination_mac: str = PORT1_MAC) -> list[bytes]:
    """Return a UDP packet to the first host of each prefix."""
    return [_frame(destination_mac, str(network[1]), 1024 + i) for i, network in enumerate(prefixes())]


def priority(network: ipaddress.IPv4Network) -> int:
    """Return a flow's priority: shorter prefixes first."""
    return 2000 - network.prefixlen


def router_flows(output_port: int = 2) -> list[str]:
    """Return the flows in Open vSwitch's syntax: rewrite both MAC addresses, decrement TTL, send on."""
    actions = f"mod_dl_src:{PORT2_MAC},mod_dl_dst:{RECEIVER_MAC},dec_ttl,output:{output_port}"
    return [f"priority={priority(n)},ip,nw_dst={n},actions={actions}" for n in prefixes()]


def _frame(destination_mac: str, destination: str, source_port: int) -> bytes:
    ethernet = _mac(destination_mac) + _mac(SENDER_MAC) + b"\x08\x00"
    payload = bytes(FRAME_SIZE - 14 - 20 - 8)
    udp = struct.pack("!HHHH", source_port, 9, 8 + len(payload), 0)  # 9: discard; checksum 0: none (RFC 768)
    ipv4 = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp) + len(payload), 0, 0, 64, 17, 0)
    ipv4 += ipaddress.IPv4Address(SENDER_IP).packed + ipaddress.IPv4Address(destination).packed
    checksum = internet_checksum(ipv4)
    return ethernet + ipv4[:10] + struct.pack("!H", checksum) + ipv4[12:] + udp + payload


def internet_checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071 over an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
