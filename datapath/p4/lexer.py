"""Cuts a text into tokens, each with its place; one compiled regular expression does the work.

Fed by ``preprocess.py``, which sees comments and line ends removed or marked, and passes the rest on to ``parser.py``.
A token's kind is its own text for keywords and operators, else one of the constants below.  ``>>`` is left as two
tokens, because ``tuple<bit<8>>`` ends with it: the parser joins neighbours.  A string may span lines, so a forgotten
quote makes one up to the next quote: the parser says so where it cannot go on behind such a string.

Source: P4_16 specification 1.2.5, section 6.3 (lexical constructs).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from datapath.errors import Location

IDENTIFIER = "identifier"
INTEGER = "integer"
STRING = "string"
NEWLINE = "newline"
BAD = "bad"  # not P4; an error only if it reaches the parser (it may stand in text that #if skips)
END = "end of file"

_KEYWORDS = (
    "abstract action actions apply bit bool break const continue control default else entries enum error exit extern "
    "false for header header_union if in inout int key list match_kind out package parser priority return select "
    "state string struct switch table this transition true tuple type typedef value_set varbit void _"
)
KEYWORDS = frozenset(_KEYWORDS.split(" "))

TOKEN = re.compile(
    r"""
    (?P<space>(?:[^\S\n]+|\\\r?\n)+)
  | (?P<newline>\n)
  | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<integer>(?:\d[\d_]*[ws])?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|0[dD][0-9_]+|\d[\d_]*)(?![A-Za-z0-9_]))
  | (?P<comment>//(?:\\\r?\n|[^\n])*|/\*.*?\*/)
  | (?P<unclosed>/\*.*\Z)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<operator>\.\.\.|&&&|\|\+\|=|\|-\|=|<<=|\.\.|\|\+\||\|-\||<<|&&|\|\||==|!=|<=|>=|\+\+|\+=|-=|\*=|/=|%=|&=|\|=
      |\^=|\{\#\}|[-+*/%&|^~!<>=?:;,.(){}\[\]@\#])
  | (?P<bad>\d\w*|"[^\n]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    text: str
    file: str
    line: int
    column: int

    @property
    def location(self) -> Location:
        return Location(self.file, self.line, self.column)


def scan(text: str, file: str) -> list[Token]:
    """Return the tokens of ``text``; comments and blanks are dropped, line ends kept, keywords still identifiers."""
    tokens: list[Token] = []
    line, line_start = 1, 0
    append = tokens.append
    for match in TOKEN.finditer(text):
        group = match.lastgroup
        if group == "identifier":
            append(Token(IDENTIFIER, match.group(), file, line, match.start() - line_start + 1))
        elif group == "operator":
            token = match.group()
            append(Token(token, token, file, line, match.start() - line_start + 1))
        elif group == "newline":
            append(Token(NEWLINE, "", file, line, match.start() - line_start + 1))
            line += 1
            line_start = match.end()
        else:
            assert group is not None
            token = match.group()
            if group not in ("space", "comment"):
                kind = BAD if group == "unclosed" else group
                append(Token(kind, token, file, line, match.start() - line_start + 1))
            n_lines = token.count("\n")
            if n_lines:
                line += n_lines
                line_start = match.start() + token.rindex("\n") + 1
    append(Token(NEWLINE, "", file, line, len(text) - line_start + 1))
    return tokens


def integer_value(text: str) -> tuple[int, int, bool]:
    """Return value, width (0: arbitrary) and signedness of an integer literal.

    Raises:
        ValueError: no digits after the base, or more digits than a number of a packet field can have.
    """
    width, signed = 0, False
    for mark in "ws":
        head, found, rest = text.partition(mark)
        if found:
            width, signed, text = int(head.replace("_", "")), mark == "s", rest
            break
    base = {"x": 16, "o": 8, "b": 2, "d": 10}.get(text[1:2].lower(), 0)
    digits = (text[2:] if base else text).replace("_", "")
    return int(digits, base or 10), width, signed
