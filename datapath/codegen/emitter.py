"""Collects lines of C with their indentation; everything that code generation writes goes through here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager


class Emitter:
    """Lines of C text, indented with tabs."""

    def __init__(self, depth: int = 0) -> None:
        self.lines: list[str] = []
        self.depth = depth

    def line(self, text: str = "") -> None:
        """Add one line at the current depth; an empty one stays empty."""
        self.lines.append("\t" * self.depth + text if text else "")

    def label(self, name: str) -> None:
        """Add a goto label, at the left margin as in the kernel."""
        self.lines.append(f"{name}:")

    @contextmanager
    def indent(self) -> Iterator[None]:
        """Indent what is added inside the ``with``."""
        self.depth += 1
        yield
        self.depth -= 1

    @contextmanager
    def block(self, head: str = "", tail: str = "}") -> Iterator[None]:
        """Add ``head {``, the block's lines, ``tail``."""
        self.line(f"{head} {{".lstrip())
        with self.indent():
            yield
        self.line(tail)

    def drop_unused(self) -> None:
        """Remove definitions of temporaries (``const __u64 t1 = ...;``) that no later line names."""
        kept: list[str] = []
        named: set[str] = set()
        for line in reversed(self.lines):
            definition = re.match(r"\s*const (?:__u64 |__u8 \*)(\w+) = ", line)
            if definition and definition[1] not in named and "pkt_at" not in line:
                continue
            named.update(re.findall(r"\w+", line[definition.end() :] if definition else line))
            if definition:
                named.discard(definition[1])
            kept.append(line)
        self.lines = kept[::-1]

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"
