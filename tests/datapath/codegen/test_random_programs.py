"""Random parsers on random packets: reference model, passes and native code agree, and so does the kernel."""

from __future__ import annotations

import os

import pytest
from differential import check_all
from random_programs import random_packets, random_program

N_PACKETS = 40


@pytest.mark.parametrize("seed", range(12))
def test_passes_and_native_code(seed):
    check_all(random_program(seed), random_packets(seed, N_PACKETS), "user")


@pytest.mark.kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="loading XDP programs needs root")
@pytest.mark.parametrize("seed", [5004, 5009, 5011, 5017, 5020])
def test_kernel(seed):
    check_all(random_program(seed), random_packets(seed, N_PACKETS), "xdp")
