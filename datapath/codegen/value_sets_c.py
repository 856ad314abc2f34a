"""Value sets as C: their rows as a struct that the engines fill, and a function each that looks keys up in them.

``ir/value_sets.py`` says what a row is and packs the same struct; ``select_c.py`` calls the functions.  A program
without value sets gets nothing of this.
"""

from __future__ import annotations

from datapath.codegen.emitter import Emitter
from datapath.codegen.plan import Plan
from datapath.codegen.values_c import c_number, mask_of
from datapath.ir.value_sets import WORD, words_of


def write_value_sets(plan: Plan, out: Emitter) -> None:
    """Write the struct and the functions."""
    if not plan.program.value_sets:
        return
    out.line("/* Value sets: a word of a key is in a row if (word & mask) - base <= span. */")
    out.line(f"#define N_VALUE_SETS {len(plan.program.value_sets)}")
    out.line()
    with out.block("struct value_row_word", "};"):
        out.line("__u64 mask, base, span;")
    out.line()
    with out.block("struct value_sets", "};"):
        for value_set in plan.program.value_sets:
            n_words = sum(len(words_of(width)) for width in value_set.key_widths)
            with out.block("struct", f"}} {plan.value_set_names[value_set.name]}; /* {value_set.name} */"):
                out.line("__u32 n_rows;")
                out.line("__u32 pad;")
                out.line(f"struct value_row_word rows[{max(value_set.size, 1)}][{n_words}];")
    for value_set in plan.program.value_sets:
        words = [width for key in value_set.key_widths for width in words_of(key)]
        _write_test(plan.value_set_names[value_set.name], max(value_set.size, 1), words, out)
    out.line()


def _write_test(name: str, size: int, words: list[int], out: Emitter) -> None:
    """Write the function that tells whether a key, given as words, is in a set.

    One way leads out of the loop, so that the verifier does not follow the rest of the parser once a row.  The loop
    stays one: unrolled it would stand in the program as often as the set is asked.
    """
    keys = "".join(f", __u64 k{i}" for i in range(len(words)))
    tests = [_word_test(i, width) for i, width in enumerate(words)]
    out.line()
    out.line(f"static __always_inline __u64 {name}_has(const struct packet *pkt{keys})")
    with out.block():
        out.line("const struct value_sets *sets = pkt->value_sets;")
        out.line("const struct value_row_word *row;")
        out.line("__u64 found = 0;")
        out.line("__u32 i;")
        out.line()
        out.line("if (!sets)")
        with out.indent():
            out.line("return 0;")
        out.line("KEEP_LOOP")
        with out.block(f"for (i = 0; i < {size} && i < sets->{name}.n_rows; i++)"):
            out.line(f"row = sets->{name}.rows[i];")
            out.line(f"found |= {tests[0]}{'' if len(tests) == 1 else ' &'}")
            if len(tests) > 1:
                with out.indent():
                    for test in tests[1:]:
                        out.line(test + ("" if test is tests[-1] else " &"))
            out.lines[-1] += ";"
        out.line("return found;")


def _word_test(i: int, width: int) -> str:
    difference = f"(k{i} & row[{i}].mask) - row[{i}].base"
    if width < WORD:
        difference = f"(({difference}) & {c_number(mask_of(width))})"
    return f"({difference} <= row[{i}].span)"
