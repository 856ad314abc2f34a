"""Loading: what is told of a loaded program, and what is said when it cannot be."""

from __future__ import annotations

import ctypes
import os

import pytest
from xdp_harness import LAYOUT, PROGRAM, Bridge, in_own_namespace, loaded
from xdp_network import XskSocket, ipv4_packet, make_pairs, tap

from datapath.errors import LoadError, NotSupportedError, VerifierError
from datapath.xdp import amalgamate
from datapath.xdp.bytecode import compile_bytecode
from datapath.xdp.loader import load, load_xsk_only

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for XDP"),
]


def test_the_text_for_bcc_has_no_quoted_include() -> None:
    text = amalgamate.switch_source(PROGRAM.read_text())
    assert '#include "' not in text
    assert text.count("#ifndef OVSP4_DP_H") == 1


def test_a_loaded_program_tells_its_size_and_time() -> None:
    program = loaded()
    assert 500 < program.n_instructions < 5000
    assert program.n_verified > program.n_instructions
    assert 0 < program.verify_time_s < program.load_time_s < 60
    assert set(program.map_fds) >= {"flows", "masks", "sockets", "tx_ports"}


def test_the_verifiers_words_are_in_the_error() -> None:
    """The parser reads behind the bounds check."""
    source = PROGRAM.read_text().replace("p = pkt_at(pkt, offset, 14);", "p = pkt->data;")
    with pytest.raises(VerifierError, match="invalid access to packet") as caught:
        load(source, LAYOUT)
    assert len(str(caught.value).splitlines()) < 20


def test_the_compilers_words_are_in_the_error() -> None:
    with pytest.raises(LoadError, match="undeclared identifier 'nonsense'") as caught:
        load(PROGRAM.read_text().replace("offset += 14;", "offset += nonsense;"), LAYOUT)
    assert not isinstance(caught.value, VerifierError)


def test_llvm_ends_its_own_process_only() -> None:
    """What LLVM's back end cannot translate it answers with exit(1)."""
    text = (
        "struct room { u8 bytes[2048]; }; BPF_ARRAY(rooms, struct room, 1);\n"
        "int f(struct xdp_md *ctx) { int i = 0; void *p = rooms.lookup(&i); if (p) __builtin_memset(p, 1, 2048);"
        " return 1; }"
    )
    with pytest.raises(LoadError, match=r"(?s)exit status 1.*'memset' is not supported.*AF_XDP") as caught:
        compile_bytecode(text, "f")
    assert not isinstance(caught.value, VerifierError)


def test_a_compiler_that_crashes_takes_nobody_with_it() -> None:
    with pytest.raises(LoadError, match=r"LLVM cannot translate the XDP program and ended BCC \(SIG[A-Z]+\)"):
        compile_bytecode("#pragma clang __debug crash\nint f(struct xdp_md *ctx) { return 1; }", "f")


def test_a_bridge_number_is_used_once() -> None:
    bridge = Bridge(loaded().open_bridge(1000))
    try:
        with pytest.raises(LoadError, match=r"bridge 1000.*in use"):
            loaded().open_bridge(1000)
    finally:
        bridge.close()
    with pytest.raises(LoadError, match="bridge 1024"):
        loaded().open_bridge(1024)


def test_the_engine_says_what_it_was_built_for() -> None:
    class Info(ctypes.Structure):
        _fields_ = (
            ("ops", ctypes.c_void_p),
            ("abi_version", ctypes.c_uint32),
            ("key_size", ctypes.c_uint32),
            ("layout_hash", ctypes.c_uint64),
            ("engine", ctypes.c_char_p),
            ("program", ctypes.c_char_p),
        )

    dp = loaded().open_bridge(1001)
    info = Info.from_address(dp)
    assert (info.abi_version, info.key_size, info.layout_hash) == (3, 56, LAYOUT.hash)
    assert (info.engine, info.program) == (b"xdp", b"eth_ipv4")
    Bridge(dp).close()


@pytest.mark.network
@in_own_namespace
def test_xsk_only_hands_up_everything() -> None:
    (pair,) = make_pairs(1)
    program = load_xsk_only()
    program.attach(pair.port_ifindex)
    with pytest.raises(LoadError, match="already in use"):
        program.attach(pair.port_ifindex)
    xsk = XskSocket(pair.port_ifindex)
    program.xsk_register(pair.port_ifindex, xsk.socket.fileno())
    with tap("h0") as sender:
        sender.send(ipv4_packet(payload=b"anything"))
        assert xsk.receive() == ipv4_packet(payload=b"anything")
    program.xsk_unregister(pair.port_ifindex)
    program.detach(pair.port_ifindex)
    program.attach(pair.port_ifindex)  # nothing is in the way any more
    program.detach(pair.port_ifindex)
    xsk.socket.close()
    program.close()


@in_own_namespace
def test_an_interface_without_native_xdp_is_refused() -> None:
    program = load_xsk_only()
    with pytest.raises(NotSupportedError, match="native XDP"):
        program.attach(1)  # lo
    program.close()
