"""The kernel side of measuring: small BPF programs, compiled once, loaded by plain system calls.

``syscall.py`` speaks bpf(2), ``build.py`` turns the C files beside it into bytecode (by BCC, cached), ``namespace.py``
runs a function inside another network namespace.  Read by ``generator.py``, ``measure.py``, ``doctor.py``, ``bench/``.
"""
