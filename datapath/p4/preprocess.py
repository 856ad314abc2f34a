"""The preprocessor: includes, macros and conditional text; a token stream in which each token knows its place.

Reads files; its tokens feed ``parser.py``.  It works on tokens, not on text, so no line map has to be kept: a token
carries file, line and column from the start, and keeps them through every ``#include`` and ``#define``.

Source: P4_16 specification 1.2.5, section 6.2 (preprocessing): the subset of C's that it names, and what real programs
use beyond it (function-like macros, #elif, #error).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datapath.errors import Location
from datapath.p4.lexer import END, IDENTIFIER, INTEGER, KEYWORDS, NEWLINE, STRING, Token, scan
from datapath.p4.macros import Condition, ConditionError, Expander, Macro
from datapath.p4.source import Report, StopCompilationError, did_you_mean

INCLUDE_DIR = Path(__file__).resolve().parent.parent / "include"
MAX_INCLUDE_DEPTH = 64
MAX_SOURCE_BYTES = 16 << 20

DIRECTIVES = ("include", "define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif", "error", "line", "pragma")


@dataclass
class _Group:
    """An ``#if`` that is open."""

    location: Location
    active: bool  # the branch that we are in is compiled
    taken: bool  # a branch of this group was, or must not be
    has_else: bool = False


class Preprocessor:
    """Turns a file into tokens."""

    def __init__(self, report: Report, include_dirs: Sequence[Path], defines: Mapping[str, str]) -> None:
        self.report = report
        self.expander = Expander(report)
        self.include_dirs = [*include_dirs, INCLUDE_DIR]
        self.out: list[Token] = []
        self._depth = 0
        for name, value in defines.items():
            body = scan(value, "<command line>")[:-1]
            self.expander.macros[name] = Macro(name, None, tuple(body), Location("<command line>", 1, 1))

    def run(self, path: Path) -> list[Token]:
        """Return all tokens of the program, an end mark last.

        Raises:
            StopCompilationError: the file cannot be read; reported.
        """
        name = str(path)
        text = self._read(path, Location(name, 1, 1), "cannot read")
        if text is None:
            raise StopCompilationError
        self._file(text, path, name)
        last = self.out[-1] if self.out else Token(END, "", name, 1, 1)
        tokens = [t._replace(kind=t.text) if t.kind == IDENTIFIER and t.text in KEYWORDS else t for t in self.out]
        tokens.append(Token(END, "", last.file, last.line, last.column + len(last.text)))
        return tokens

    def _read(self, path: Path, location: Location, what: str) -> str | None:
        try:
            with path.open("rb") as file:  # a pipe or a device says no size, and may have no end
                data = file.read(MAX_SOURCE_BYTES + 1)
            if len(data) > MAX_SOURCE_BYTES:
                self.report.error(location, f"{what} '{path}': larger than {MAX_SOURCE_BYTES >> 20} MiB")
                return None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.report.error(location, f"{what} '{path}': {reason}")
            return None
        self.report.files.append(path)
        return data.decode("utf-8", errors="replace")

    # ------------------------------------------------------------------------------------------------ lines
    def _file(self, text: str, path: Path, name: str) -> None:
        self.report.add_text(name, text)
        groups: list[_Group] = []
        pending: list[Token] = []  # text tokens since the last directive, so that macro arguments may span lines
        line: list[Token] = []
        for token in scan(text, name):
            if token.kind != NEWLINE:
                line.append(token)
                continue
            if line and line[0].kind == "#":
                self._flush(pending)
                self._directive(line, groups, path)
            elif all(g.active for g in groups):
                pending.extend(line)
            line = []
        self._flush(pending)
        for group in groups:
            self.report.error(
                group.location, "this #if has no #endif", hint="add #endif where the conditional text ends"
            )

    def _flush(self, pending: list[Token]) -> None:
        if pending:
            self.out.extend(self.expander.expand(pending))
            pending.clear()

    def _directive(self, line: list[Token], groups: list[_Group], path: Path) -> None:
        hash_, *rest = line
        if not rest or rest[0].kind == INTEGER:  # "#" alone, or a line marker of another preprocessor
            return
        name, *body = rest
        if name.text in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
            self._conditional(name, body, groups)
        elif all(g.active for g in groups):
            if name.text == "include":
                self._include(name, body, path)
            elif name.text == "define":
                self._define(name, body)
            elif name.text == "undef":
                if self._macro_name(name, body):
                    self.expander.macros.pop(body[0].text, None)
            elif name.text in ("error", "warning"):
                text = self.report.line(hash_.location).strip().removeprefix("#").strip()
                message = f"#{name.text}: {text.removeprefix(name.text).strip()}"
                if name.text == "error":
                    self.report.error(hash_.location, message)
                else:
                    self.report.warning("directive", hash_.location, message)
            elif name.text not in ("pragma", "line"):
                hint = did_you_mean(name.text, DIRECTIVES)
                self.report.error(name.location, f"unknown directive '#{name.text}'", hint=hint)

    def _conditional(self, name: Token, body: list[Token], groups: list[_Group]) -> None:
        outer = all(g.active for g in (groups if name.text.startswith("if") else groups[:-1]))
        if name.text in ("ifdef", "ifndef"):
            known = bool(self._macro_name(name, body)) and self._is_defined(body[0].text)
            value = outer and known == (name.text == "ifdef")
            groups.append(_Group(name.location, value, value or not outer))
        elif name.text == "if":
            value = outer and self._evaluate(name, body)
            groups.append(_Group(name.location, value, value or not outer))
        elif not groups:
            self.report.error(name.location, f"#{name.text} without #if")
        elif name.text == "endif":
            groups.pop()
        else:
            group = groups[-1]
            if group.has_else:
                notes = [(group.location, "the #if is here")]
                self.report.error(name.location, f"#{name.text} after #else", notes=notes)
            group.has_else = name.text == "else"
            group.active = not group.taken and (name.text == "else" or self._evaluate(name, body))
            group.taken = group.taken or group.active

    def _is_defined(self, name: str) -> bool:
        return name in self.expander.macros or name in ("__LINE__", "__FILE__")

    def _macro_name(self, directive: Token, body: list[Token]) -> str:
        if body and body[0].kind == IDENTIFIER:
            return body[0].text
        self.report.error(directive.location, f"#{directive.text} needs a macro name")
        return ""

    def _evaluate(self, name: Token, body: list[Token]) -> bool:
        replaced: list[Token] = []
        i = 0
        while i < len(body):
            token = body[i]
            names = [t for t in body[i + 1 : i + 4] if t.kind not in "()"]
            if token.text == "defined" and names and names[0].kind == IDENTIFIER:
                in_parens = body[i + 1].kind == "("
                replaced.append(token._replace(kind=INTEGER, text=str(int(self._is_defined(names[0].text)))))
                i += 4 if in_parens else 2
            else:
                replaced.append(token)
                i += 1
        try:
            return Condition(self.expander.expand(replaced)).value() != 0
        except ConditionError as error:
            self.report.error((error.token or name).location, str(error))
            return False

    # ------------------------------------------------------------------------------------------------ directives
    def _define(self, directive: Token, body: list[Token]) -> None:
        if not self._macro_name(directive, body):
            return
        name, *rest = body
        params: tuple[str, ...] | None = None
        variadic = False
        adjacent = rest and rest[0].line == name.line and rest[0].column == name.column + len(name.text)
        if adjacent and rest[0].kind == "(":
            closing = next((i for i, t in enumerate(rest) if t.kind == ")"), 0)
            names = [t for t in rest[1:closing] if t.kind != ","]
            if not closing or any(t.kind not in (IDENTIFIER, "...") for t in names):
                self.report.error(rest[0].location, f"the parameters of macro '{name.text}' are malformed")
                return
            variadic = bool(names) and names[-1].kind == "..."
            params = tuple("__VA_ARGS__" if t.kind == "..." else t.text for t in names)
            rest = rest[closing + 1 :]
        self.expander.macros[name.text] = Macro(name.text, params, tuple(rest), name.location, variadic)

    def _include(self, directive: Token, body: list[Token], path: Path) -> None:
        if body and body[0].kind not in (STRING, "<"):
            body = self.expander.expand(body)
        if body and body[0].kind == STRING:
            wanted, dirs = body[0].text[1:-1], [path.parent, *self.include_dirs]
        elif body and body[0].kind == "<":
            line = self.report.line(body[0].location)
            wanted, closed, _ = line[body[0].column :].partition(">")
            wanted, dirs = (wanted.strip() if closed else ""), list(self.include_dirs)
        else:
            wanted, dirs = "", []
        if not wanted:
            self.report.error(directive.location, '#include needs "file" or <file>')
            return
        found = None
        for candidate in (d / wanted for d in dirs):
            if _is_file(candidate):
                found = candidate
                break
            self.report.absent.append(candidate)
        if found is None:
            self._include_missing(body[0], wanted, dirs, path)
        elif self._depth >= MAX_INCLUDE_DEPTH:
            self.report.error(
                directive.location, f"#include is nested {MAX_INCLUDE_DEPTH} deep; does a file include itself?"
            )
            raise StopCompilationError
        else:
            text = self._read(found, directive.location, "cannot include")
            if text is not None:
                self.report.add_include(str(found), directive.location)
                self._depth += 1
                self._file(text, found, str(found))
                self._depth -= 1

    def _include_missing(self, token: Token, wanted: str, dirs: list[Path], path: Path) -> None:
        if token.kind == "<" and _is_file(path.parent / wanted):
            hint = f'it stands next to this file: write #include "{wanted}"'
        else:
            shipped = (p.name for p in INCLUDE_DIR.glob("*.p4"))
            hint = did_you_mean(wanted, shipped) or "add its folder with -I"
        self.report.error(token.location, f"include file '{wanted}' not found", hint=hint)
        raise StopCompilationError


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
