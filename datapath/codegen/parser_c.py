"""A program as one C file: one function, one labelled block a state, forward goto only.

The only backward gotos close loops that no header stack bounds; they count their rounds (``passes/bound_loops``), and
unrolling them 64 times would make a program that neither the verifier nor the instruction cache likes.

Where several states go to one, the cursor passes through memory (``pkt_forget``): to the verifier it is then the same
unknown on every way in, and what follows is verified once instead of once a way.  The number of visits so far is
such an unknown too; for the verifier a loop ends by ``rounds``, which counts at its head only, from 0 when it is
entered.  Were it to follow the visits, of which each way round may have another number, it would verify the loop's body
once for each sum of them.
"""

from __future__ import annotations

import re

from datapath.codegen.emitter import Emitter
from datapath.codegen.layout_c import write_layout
from datapath.codegen.plan import Plan, make_plan
from datapath.codegen.select_c import write_select
from datapath.codegen.statements_c import WORD, StateWriter, error_label
from datapath.codegen.value_sets_c import write_value_sets
from datapath.codegen.values_c import c_number, constant
from datapath.errors import Location, P4Errors, P4UnsupportedError
from datapath.ir.graph import is_continuation
from datapath.ir.layout import KeyLayout
from datapath.ir.model import (
    ACCEPT,
    CORE_ERRORS,
    REJECT,
    VISITS,
    Goto,
    Program,
)

SIGNATURE = "static __always_inline int program_parse"
PARAMETERS = "(struct packet *pkt, struct flow_key *key, struct parse_result *result)"


def generate(program: Program, layout: KeyLayout) -> str:
    """Return the C file of a program.

    Args:
        program: After all passes.
        layout: Of this very program.

    Raises:
        P4Errors: Constructs that have no translation, all of them.
    """
    plan = make_plan(program, layout)
    out = Emitter()
    write_layout(plan, out)
    write_value_sets(plan, out)
    _write_function(plan, out)
    return out.text()


def _write_function(plan: Plan, out: Emitter) -> None:
    """Write the function; the body first, since it tells which variables and labels are used."""
    blocks, uses_p = _blocks(plan)
    if plan.calls_wide:
        out.line('#include "wide.h"')
        out.line()
    if plan.tests_validity:  # then the joins make the verifier forget validity too: once more, knowing that
        blocks, uses_p = _blocks(plan)
    out.line("/* What always compares alike in the P4 program does so here. */")
    out.line("#pragma GCC diagnostic push")
    for warning in ("type-limits", "tautological-compare"):
        out.line(f'#pragma GCC diagnostic ignored "-W{warning}"')
    out.line(f"{SIGNATURE}{PARAMETERS}")
    out.line("{")
    with out.indent():
        _write_locals(plan, out, uses_p)
        if not any(re.search(r"\bpkt\b", line) for _, block in blocks for line in block.lines):
            out.line("(void)pkt;")
        if not plan.program.headers:
            out.line("(void)key;")
    entries = {plan.state_names[name]: label for name, label in plan.entries.items()}
    for name, block in blocks:
        head = block.lines.index("\t{")
        out.lines += block.lines[:head]
        if name in entries:
            _write_entry(plan, out, entries[name])
        if name in plan.labels:
            out.label(name)
        out.lines += block.lines[head:]
    _write_end(plan, out)
    out.line("}")
    out.line("#pragma GCC diagnostic pop")


def _write_entry(plan: Plan, out: Emitter, label: str) -> None:
    """Write what happens where a loop is entered, before the label that its rounds go to."""
    if label in plan.labels:
        out.label(label)
    with out.indent():
        out.line("rounds = 0;")


def _blocks(plan: Plan) -> tuple[list[tuple[str, Emitter]], bool]:
    """Write each state on its own; collect what cannot be translated."""
    blocks, faults, uses_p = [], [], False
    plan.n_lines = 0
    for i, state in enumerate(plan.order):
        block = Emitter(depth=1)
        follower = plan.order[i + 1].name if i + 1 < len(plan.order) else ACCEPT
        writer = StateWriter(plan, state, block)
        try:
            _write_state(writer, follower)
            writer.check_size()
            block.drop_unused()
        except P4UnsupportedError as fault:
            faults.append(fault.diagnostic)
        plan.n_lines += len(block.lines)
        uses_p |= writer.uses_p
        blocks.append((plan.state_names[state.name], block))
    if faults:
        raise P4Errors(faults)
    return blocks, uses_p


def _write_locals(plan: Plan, out: Emitter, uses_p: bool) -> None:
    unit = "bytes" if plan.in_bytes else "bits"
    out.line(f"__u64 {plan.cursor} = 0; /* the cursor, in {unit} */")
    for i in range(_n_words(plan)):
        out.line(f"__u64 valid{i or ''} = 0;")
    for variable in plan.program.variables:
        for name, limb in zip(
            plan.local_names.get(variable.name, ()), constant(variable.initial, variable.width_bits), strict=False
        ):
            out.line(f"__u64 {name} __maybe_unused = {limb.text}; /* {variable.name} */")
    for header in plan.program.headers if plan.compares_varbits else ():
        if header.varbit:
            out.line(f"__u64 {plan.varbit_at(header.path)} __maybe_unused = 0; /* varbit of {header.path}, in bits */")
    if plan.entries:
        out.line("__u32 rounds = 0;")
    if plan.labels & {"reject", *(error_label(plan, i) for i in range(len(plan.program.errors)))}:
        out.line("__u32 error = 0;")
    if uses_p:
        out.line("const __u8 *p;")
    out.line()
    out.line("headers_absent(result);")
    for variable in plan.program.variables:
        if variable.in_key and variable.initial:
            size = (variable.width_bits + 7) // 8
            data = variable.initial.to_bytes(size, "big")
            for i, byte in enumerate(data):
                if byte:
                    out.line(f"key->{plan.key_names[variable.name]}[{i}] = {c_number(byte)};")


def _n_words(plan: Plan) -> int:
    return -(-len(plan.program.headers) // WORD)


def _write_state(writer: StateWriter, follower: str) -> None:
    plan, state, out = writer.plan, writer.state, writer.out
    out.line()
    out.line(f"/* state {state.name}{_where(state.location)} */")
    with out.block():
        if not is_continuation(state.name):
            out.line(f"visit(result, {plan.trace_number(state.name)});")
        if state.name in plan.joins or state.name in plan.loops_back:
            _write_join(writer)
        writer.write(state.statements)
        if writer.is_rejected:
            return
        transition = state.transition
        writer.location = transition.location or state.location
        if isinstance(transition, Goto):
            enters = follower in plan.entries and plan.is_round(state.name, follower)
            if transition.target != follower or follower in (ACCEPT, REJECT) or enters:
                out.line(plan.goto_state(state.name, transition.target))
            else:
                out.line("/* falls through */")
        else:
            write_select(writer, transition)


def _write_join(writer: StateWriter) -> None:
    """Make what differs between the ways in unknown to the verifier, and let it see that a loop ends.

    Each round begins with a visit, so there are no more rounds than visits.  A loop whose head counts no visits is
    that of a stack's last clone, which rejects every packet.
    """
    bounds = writer.state.name in writer.plan.entries
    if writer.position is None:
        writer.settle()
    if writer.plan.tests_validity:
        for i in range(_n_words(writer.plan)):
            writer.out.line(f"valid{i or ''} = pkt_forget(result, valid{i or ''});")
    for name in writer.plan.live_locals(writer.state.name):
        if name != VISITS or bounds:
            for limb in writer.plan.local_names[name]:
                writer.out.line(f"{limb} = pkt_forget(result, {limb});")
    if bounds:
        most = writer.plan.most_rounds[writer.state.name]
        writer.out.line(f"if (++rounds > {most}) /* the visits end it no later */")
        with writer.out.indent():
            writer.out.line(writer.plan.goto(error_label(writer.plan, CORE_ERRORS.index("ParserTimeout"))))


def _where(location: Location | None) -> str:
    return f" ({location.file.rsplit('/', 1)[-1]}:{location.line})" if location else ""


def _write_end(plan: Plan, out: Emitter) -> None:
    """Write what follows the states: accept, the errors, reject."""
    errors = [i for i in range(len(plan.program.errors)) if error_label(plan, i) in plan.labels]
    out.line()
    if ACCEPT in plan.labels:
        out.label(ACCEPT)
        with out.indent():
            _write_result(plan, out, "0", 0)
    for i in errors:
        out.label(error_label(plan, i))
        with out.indent():
            out.line(f"error = {i};")
            if i != errors[-1]:
                out.line(plan.goto(REJECT))
    if errors or REJECT in plan.labels:
        if REJECT in plan.labels:
            out.label(REJECT)
        with out.indent():
            out.line("key->parser_error = (__u8)error;")
            _write_result(plan, out, "error", 1)


def _write_result(plan: Plan, out: Emitter, error: str, verdict: int) -> None:
    for i in range(_n_words(plan)):
        out.line(f"pkt_store64({'key->valid' if not i else f'key->valid + {i * 8}'}, valid{i or ''});")
    out.line(f"result->offset_bits = (__u32)({plan.cursor}{' * 8' if plan.in_bytes else ''});")
    out.line(f"result->error = {error};")
    out.line(f"return {verdict};")
