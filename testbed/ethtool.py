"""Turns interface features (offloads) on and off by their names, as ``ethtool -K`` does.

Used by ``interfaces.py``; runs on a thread that is inside the interface's namespace.

Source: linux/ethtool.h, ETHTOOL_GSSET_INFO, ETHTOOL_GSTRINGS, ETHTOOL_SFEATURES.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping

from datapath import SetupError

_SIOCETHTOOL = 0x8946
_GSTRINGS, _GSSET_INFO, _SFEATURES = 0x1B, 0x37, 0x3B
_SS_FEATURES = 4
_NAME_SIZE = 32  # ETH_GSTRING_LEN

# For an interface whose peer is a switch port.  Checksums are made by the sender, since XDP forwards a partial one as
# it is; segments and tags too.  With GRO on, the interface runs NAPI, without which the kernel throws away what XDP
# redirects to it.
XDP_PEER_FEATURES = {
    "tx-checksum-ip-generic": False,
    "tx-checksum-sctp": False,
    "tx-tcp-segmentation": False,
    "tx-tcp6-segmentation": False,
    "tx-tcp-accecn-segmentation": False,
    "tx-vlan-hw-insert": False,
    "tx-vlan-stag-hw-insert": False,
    "rx-gro": True,
}


def set_features(interface: str, wanted: Mapping[str, bool]) -> None:
    """Set features; those that this kernel does not know are passed over.

    Raises:
        SetupError: There is no such interface, or the kernel refuses.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        names = _feature_names(sock, interface)
        n_words = (len(names) + 31) // 32
        words = array.array("I", [0, 0] * n_words)  # pairs of (valid, requested)
        for name, on in wanted.items():
            if name in names:
                word, bit = divmod(names.index(name), 32)
                words[2 * word] |= 1 << bit
                words[2 * word + 1] |= on << bit
        request = array.array("I", [_SFEATURES, n_words]) + words
        _call(sock, interface, request)


_names: list[str] = []  # of all features, by number; they are the same on all interfaces of a kernel


def _feature_names(sock: socket.socket, interface: str) -> list[str]:
    if not _names:
        info = array.array("I", [_GSSET_INFO, 0, 1 << _SS_FEATURES, 0, 0])  # cmd, reserved, u64 mask, data[1]
        _call(sock, interface, info)
        count = info[4]
        strings = array.array("I", [_GSTRINGS, _SS_FEATURES, count] + [0] * (count * _NAME_SIZE // 4))
        _call(sock, interface, strings)
        raw = strings.tobytes()[12:]
        _names.extend(raw[i * _NAME_SIZE : (i + 1) * _NAME_SIZE].split(b"\0")[0].decode() for i in range(count))
    return _names


def _call(sock: socket.socket, interface: str, argument: array.array[int]) -> None:
    address, _ = argument.buffer_info()
    try:
        fcntl.ioctl(sock, _SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), address))
    except OSError as error:
        reason = "no such interface" if error.errno == errno.ENODEV else os.strerror(error.errno or 0)
        raise SetupError(f"cannot set the offloads of {interface}: {reason}") from error
