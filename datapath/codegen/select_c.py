"""Select transitions as C: a switch where one key is compared with numbers, else a chain of tests in order.

An arm with several tests (two keys, a range) that are branches leaves the verifier with as many states of the keys as
it has tests, and n such arms with 2^n: the arms of a long chain compute one number, which is 0 if all tests hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from datapath.codegen.operators_c import conjunction, equal
from datapath.codegen.statements_c import StateWriter
from datapath.codegen.values_c import LIMB, Limb, Value, c_number, constant, mask_of
from datapath.ir.model import (
    CORE_ERRORS,
    Any,
    Case,
    Expr,
    InValueSet,
    Keyset,
    Masked,
    Range,
    Select,
)

MANY_ARMS = 4  # with several tests; up to so many the plainer text does
NO_MATCH = CORE_ERRORS.index("NoMatch")


def write_select(writer: StateWriter, select: Select) -> None:
    """Write the transition at the end of a state; every way through it ends in a goto."""
    if _is_switch(select):
        _write_switch(writer, select)
        return
    keys = [writer.expressions.kept(key) for key in select.keys]
    differences = [_differences(case, select.keys, keys) for case in select.cases]
    in_numbers = sum(_n_tests(case) > 1 for case in select.cases) > MANY_ARMS
    for case, terms in zip(select.cases, differences, strict=True):
        if in_numbers and terms and _n_tests(case) > 1:
            test = Limb(f"!pkt_opaque({' | '.join(terms)})", 1)
        else:
            test = _all_tests(writer, case, select.keys, keys)
        if test.constant == 0:
            continue
        if test.constant:
            writer.out.line(_goto(writer, case.target))
            return
        writer.out.line(f"if ({test.text})")
        with writer.out.indent():
            writer.out.line(_goto(writer, case.target))
    writer.out.line(writer.fail(NO_MATCH))


def _n_tests(case: Case) -> int:
    return sum({Range: 2, Any: 0}.get(type(keyset), 1) for keyset in case.keysets)


def _all_tests(writer: StateWriter, case: Case, keys: Sequence[Expr], values: list[Value]) -> Limb:
    """Return the condition that an arm matches."""
    test = constant(1, 1)[0]
    for place, (keyset, key, value) in enumerate(zip(case.keysets, keys, values, strict=True)):
        if isinstance(keyset, InValueSet):
            test = conjunction("&&", test, _in_value_set(writer, keyset, values[place:]))
        else:
            test = conjunction("&&", test, _test(writer, keyset, key, value))
    return test


def _differences(case: Case, keys: Sequence[Expr], values: list[Value]) -> list[str]:
    """Return terms that are all 0 if and only if an arm matches; none where that cannot be said so."""
    terms: list[str] = []
    for keyset, key, value in zip(case.keysets, keys, values, strict=True):
        if any(limb.constant is not None for limb in value) or isinstance(keyset, InValueSet):
            return []
        if isinstance(keyset, Range):
            if key.width >= LIMB:
                return []
            sign = 1 << key.width - 1 if key.signed else 0  # signed numbers in the order of unsigned ones
            text = f"{value[0].u64} ^ {c_number(sign)}" if sign else value[0].text
            terms.append(f"key_outside({text}, {c_number(keyset.low ^ sign)}, {c_number(keyset.high ^ sign)})")
        elif isinstance(keyset, Masked):
            masks, numbers = constant(keyset.mask, key.width), constant(keyset.value & keyset.mask, key.width)
            for limb, mask, wanted in zip(value, masks, numbers, strict=True):
                if mask.constant:
                    terms.append(f"key_differs({limb.text}, {mask.text}, {wanted.text})")
    return terms


def _goto(writer: StateWriter, target: str) -> str:
    return writer.plan.goto_state(writer.state.name, target)


def _is_exact(case: Case, key: Expr) -> bool:
    keyset = case.keysets[0]
    return isinstance(keyset, Masked) and keyset.mask == mask_of(key.width)


def _is_switch(select: Select) -> bool:
    if len(select.keys) != 1 or select.keys[0].width > LIMB:
        return False
    exact = [c for c in select.cases if _is_exact(c, select.keys[0])]
    others = [c for c in select.cases if not _is_exact(c, select.keys[0])]
    return len(exact) > 1 and (not others or (others == [select.cases[-1]] and isinstance(others[0].keysets[0], Any)))


def _write_switch(writer: StateWriter, select: Select) -> None:
    seen: set[int] = set()
    key = writer.expressions.single(select.keys[0])
    with writer.out.block(f"switch ({key.text})"):
        for case in select.cases:
            keyset = case.keysets[0]
            if isinstance(keyset, Masked):
                if keyset.value in seen:
                    continue  # an earlier arm has it
                seen.add(keyset.value)
                writer.out.depth -= 1
                writer.out.line(f"case {c_number(keyset.value)}:")
                writer.out.depth += 1
                writer.out.line(_goto(writer, case.target))
    last = select.cases[-1]
    is_total = isinstance(last.keysets[0], Any)
    writer.out.line(_goto(writer, last.target) if is_total else writer.fail(NO_MATCH))


def _in_value_set(writer: StateWriter, keyset: InValueSet, keys: list[Value]) -> Limb:
    """Return the condition that the first so many keys are in a value set."""
    value_set = next(v for v in writer.plan.program.value_sets if v.name == keyset.name)
    words = [limb.text for key in keys[: len(value_set.key_widths)] for limb in key]
    name = writer.plan.value_set_names[keyset.name]
    return Limb(f"{name}_has(pkt, {', '.join(words)})", 1, True, True)


def _test(writer: StateWriter, keyset: Keyset, key: Expr, value: Value) -> Limb:
    """Return the condition that a key is in a keyset."""
    if isinstance(keyset, Masked):
        kept, wanted = [], []
        masks = constant(keyset.mask, key.width)
        for limb, mask, number in zip(value, masks, constant(keyset.value & keyset.mask, key.width), strict=True):
            if mask.constant == 0:
                continue
            whole = mask.constant == mask_of(limb.width)
            if limb.constant is not None:
                assert mask.constant is not None
                masked = limb.constant & mask.constant
                kept.append(constant(masked, limb.width)[0])
            else:
                kept.append(limb if whole else Limb(f"{limb.operand} & {mask.text}", limb.width, limb.is_u64))
            wanted.append(number)
        return equal(tuple(kept), tuple(wanted))
    if isinstance(keyset, Range):
        operators = writer.expressions.operators
        low, high = constant(keyset.low, key.width), constant(keyset.high, key.width)
        top = mask_of(key.width)
        above = operators.compare(">=", value, low, key.width, key.signed)
        below = operators.compare("<=", value, high, key.width, key.signed)
        if not key.signed and keyset.low == 0:
            return below if keyset.high < top else constant(1, 1)[0]
        return above if not key.signed and keyset.high == top else conjunction("&&", above, below)
    return constant(1, 1)[0]
