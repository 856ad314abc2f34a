"""Parser states to IR: what they do, sub-parsers (inlined).

Stands on ``lower_externs.py``; transitions are in ``lower_selects.py``.  A state in which a sub-parser is applied is
cut there: the first part goes to the sub-parser's start, whose ``accept`` leads to the second.  Such parts are named
``state$1``; the states of a sub-parser get the instance's name in front.

Source: P4_16 specification 1.2.5, sections 13.3 to 13.5 (states), 13.10 (sub-parsers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datapath.errors import Location
from datapath.ir import model as ir
from datapath.ir.size import MAX_STATES, n_in_transition
from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Call, Info
from datapath.p4.jumps import Block, Enter, Leave, Loop, Step, is_jump
from datapath.p4.lower_base import Frame, LoweringFailure
from datapath.p4.lower_externs import LowerExterns
from datapath.p4.places import (
    Compound,
    InstancePlace,
    Place,
    ReadOnly,
    part_types,
    scalar_width,
)
from datapath.p4.source import Report


class LowerStates(LowerExterns):
    """States."""

    def __init__(self, info: Info, report: Report) -> None:
        super().__init__(info, report)
        self.states: list[ir.State] = []
        self._n_states = 0  # those of sub-parsers included that are not among ``states`` yet
        self._exits: dict[int, str] = {}  # of each block, by its label, the state behind it
        self.applied: set[ast.Node] = set()  # parsers that others apply
        self._names: set[str] = {ir.ACCEPT, ir.REJECT}
        self._n_parts: dict[str, int] = {}  # of a state, by what their names begin with
        self._state = ""  # the one being filled
        self._location: Location | None = None

    # ------------------------------------------------------------------------------------------------ building
    def begin(self, name: str, location: Location | None) -> None:
        self._state, self._location = name, location
        self.out = []

    def finish(self, transition: ir.Transition) -> None:
        """Complete the state, unless it has left for others on all ways; what jumps in it cuts it into several."""
        steps: Sequence[Step] = self.out
        self.out = []
        if self._lay(steps):
            self._end(transition)

    def _end(self, transition: ir.Transition) -> None:
        self.states.append(ir.State(self._state, tuple(self.out), transition, self._location))
        self.out = []
        self._n_states += 1
        self._n_nodes += n_in_transition(transition)
        location = self._location or self.frame.node.loc
        self.step(location)
        if self._n_states > MAX_STATES:
            self.too_large(location, f"more than {MAX_STATES} states")

    def _lay(self, steps: Sequence[Step]) -> bool:
        """Put steps into the state being filled and, at jumps, into further ones; tell whether their end is reached."""
        for step in steps:
            if isinstance(step, Leave):
                self._end(ir.Goto(self._exits[step.label]))
                return False
            if isinstance(step, Loop):
                head = self.part_name("loop")
                self._end(ir.Goto(head))
                self.begin(head, step.location)
                if self._lay(step.steps):
                    self._end(ir.Goto(head))
                return False
            if isinstance(step, Block):
                exit_ = self._exits[step.label] = self.part_name()
                if self._lay(step.steps):
                    self._end(ir.Goto(exit_))
                self.begin(exit_, step.location)
            elif isinstance(step, Enter):
                self._end(ir.Goto(step.start, step.location))
                self.states.extend(step.states)
                self.begin(step.join, step.location)
            elif isinstance(step, ir.If) and is_jump(step):
                if not self._branch(step):
                    return False
            else:
                self.out.append(step)
        return True

    def _branch(self, node: ir.If) -> bool:
        """A branch with jumps in it becomes a select and states of its own."""
        join = self.part_name()
        names = [self._way(steps, join) for steps in (node.then, node.otherwise)]
        cases = (ir.Case((ir.Masked(1, 1),), names[0], node.location), ir.Case((ir.Any(),), names[1], node.location))
        self._end(ir.Select((node.condition,), cases, node.location))
        is_joined = join in names
        for name, steps in zip(names, (node.then, node.otherwise), strict=True):
            if steps and not isinstance(steps[0], Leave):
                self.begin(name, node.location)
                if self._lay(steps):
                    self._end(ir.Goto(join))
                    is_joined = True
        self.begin(join, node.location)
        return is_joined

    def _way(self, steps: Sequence[Step], join: str) -> str:
        """Name the state that a branch goes to."""
        if not steps:
            return join
        return self._exits[steps[0].label] if isinstance(steps[0], Leave) else self.part_name()

    def unique_name(self, name: str) -> str:
        unique, n = name, 1
        while unique in self._names:
            n += 1
            unique = f"{name}_{n}"
        self._names.add(unique)
        return unique

    def part_name(self, kind: str = "") -> str:
        """Name the next part of the state that is being filled."""
        base = f"{self._state.split('$')[0]}${kind}"
        n = self._n_parts.get(base, 0) + 1
        while f"{base}{n}" in self._names:
            n += 1
        self._n_parts[base] = n
        self._names.add(f"{base}{n}")
        return f"{base}{n}"

    # ------------------------------------------------------------------------------------------------ parsers
    def parser_states(self, node: ast.ParserDecl, frame: Frame, names: dict[str, str]) -> None:
        """Lower the states of a parser that can be reached; ``names`` gets the IR name of each."""
        reached = _reachable(node)
        states = [s for s in node.states if s.name in reached]
        states.sort(key=lambda s: s.name != "start")  # stable: source order, start first
        for state in states:
            names.setdefault(state.name, self.unique_name(frame.prefix + state.name))
        names["accept"], names["reject"] = frame.accept, ir.REJECT
        for state in states:
            self.begin(names[state.name], state.loc)
            self._fill(state, names)

    def transition(self, state: ast.StateDecl, names: dict[str, str]) -> ir.Transition:
        raise NotImplementedError

    def _fill(self, state: ast.StateDecl, names: dict[str, str]) -> None:
        outer, self.deposits = self.deposits, []
        try:
            self.statements(state.statements)
            self.deposit()
            transition = self.transition(state, names)
        except LoweringFailure:
            if not self.report.n_errors:
                raise
            transition = ir.Goto(ir.REJECT)
        self.deposits = outer
        self.finish(transition)

    def locals(self, nodes: Sequence[ast.ParserLocal]) -> None:
        """Declare what a parser declares beside its states; initial values become statements."""
        for node in nodes:
            if isinstance(node, ast.VarDecl):
                self.declare_variable(node)
            elif isinstance(node, ast.ConstDecl):
                self.frame.env[node] = self.constant_place(node)
            elif isinstance(node, ast.ValueSetDecl):
                self.frame.env[node] = self._value_set(node)
            else:
                self.frame.env[node] = self.instantiate(node)

    def _value_set(self, node: ast.ValueSetDecl) -> InstancePlace:
        name = self.frame.prefix + node.name
        size = self.info.values.get(node.size)
        assert isinstance(size, int)
        type_ = self.type_of(node.type)
        if name not in [v.name for v in self.value_sets]:
            keys = list(self._set_keys(type_, node.annotations, node.loc))
            columns = list(zip(*keys, strict=True)) or [(), (), ()]
            widths, signed, kinds = columns
            is_plain = not any(signed), not any(kinds)
            self.value_sets.append(
                ir.ValueSet(name, size, widths, () if is_plain[0] else signed, () if is_plain[1] else kinds)
            )
        return InstancePlace(type_, node, name)

    def _set_keys(
        self, type_: t.Type, annotations: tuple[ast.Annotation, ...], location: Location
    ) -> Iterator[tuple[int, bool, str]]:
        """Yield width, signedness and match kind of each key of a value set."""
        width = scalar_width(type_)
        kind = next((a.tokens[0] for a in annotations if a.name == "match" and a.tokens), "")
        if width is not None:
            base = t.underlying(type_)
            yield width, isinstance(base, t.Bits) and base.signed, self._match_kind(kind, location)
            return
        if not isinstance(type_, t.Struct | t.Tuple):
            self.unsupported(location, f"a value set of '{type_}'")
        for name, part in part_types(type_):
            field = type_.field(name) if isinstance(type_, t.Struct) else None
            mine = field.node.annotations if field is not None and field.node is not None else ()
            yield from self._set_keys(part, mine or annotations, location)

    def _match_kind(self, kind: str, location: Location) -> str:
        if kind not in ("", *ir.MATCH_KINDS):
            self.unsupported(location, f"a value set of match kind '{kind}'", f"one of {', '.join(ir.MATCH_KINDS)}")
        return kind

    def constructor_argument(self, param: t.Param, value: ast.Expr | None) -> Place:
        value = value if value is not None else param.node.default
        if value is None:
            return ReadOnly(Compound(t.VOID, {}))
        if isinstance(self.subst(param.type), t.Extern | t.Block):
            return self._passed_instance(param, value)
        lowered = self.rvalue(value)
        return ReadOnly(lowered) if isinstance(lowered, ir.Expr | Compound) else lowered

    def _passed_instance(self, param: t.Param, value: ast.Expr) -> Place:
        if not isinstance(value, ast.CallExpr):
            return self.place(value)
        call = self.info.calls.get(value)
        args: dict[ast.Node, Place] = {
            p.node: self.constructor_argument(p, v) for p, v in (call.args if call is not None else ())
        }
        instance = InstancePlace(self.type_of(value), value, "arg", args)
        return self.with_state(instance, call, f"{self.frame.prefix}{param.name}")

    # ------------------------------------------------------------------------------------------------ sub-parsers
    def apply(self, node: ast.CallExpr) -> None:
        call = self.info.calls[node]
        block = call.block
        assert block is not None
        assert isinstance(node.callee, ast.Member)
        if not isinstance(block.node, ast.ParserDecl):
            self._apply_parameter(node, call)
            return
        name, args = block.name, dict[ast.Node, Place]()
        declared: ast.Node = node
        if not isinstance(self.type_of(node.callee.base), t.Meta):
            instance = self.place(node.callee.base)
            assert isinstance(instance, InstancePlace)
            name, args, declared = instance.name, dict(instance.args), instance.node
        self._inline_parser(node, call, block.node, name, args, declared)

    def _apply_parameter(self, node: ast.CallExpr, call: Call) -> None:
        """Apply a parser that was given as a constructor argument."""
        assert isinstance(node.callee, ast.Member)
        instance = self.place(node.callee.base)
        type_ = instance.type if isinstance(instance, InstancePlace) else None
        if not isinstance(instance, InstancePlace) or not isinstance(type_, t.Block):
            self.unsupported(node.loc, "applying this")
        if not isinstance(type_.node, ast.ParserDecl):
            self.unsupported(node.loc, f"applying '{type_.name}', which has no body")
        params = self.info.blocks[type_.node].params
        by_place = tuple((p, value) for p, (_, value) in zip(params, call.args, strict=True))
        actual = Call("apply", call.name, call.function, call.bound, by_place, type_)
        self._inline_parser(node, actual, type_.node, instance.name, dict(instance.args), instance.node)

    def _inline_parser(
        self,
        node: ast.CallExpr,
        call: Call,
        parser: ast.ParserDecl,
        name: str,
        args: dict[ast.Node, Place],
        declared: ast.Node,
    ) -> None:
        self.applied.add(parser)
        prefix = self._free_prefix(f"{self.frame.prefix}{name}.")
        join = self.part_name()
        bound = {k: self.subst(v) for k, v in call.bound.items()}
        type_params = self.info.blocks[parser].type_params
        given = call.block.args if call.block is not None else ()
        bound.update((k, self.subst(v)) for k, v in zip(type_params, given, strict=False) if k != v)
        instance = (*self.frame.instance, declared)
        frame = Frame(parser, prefix, args, bound, instance, accept=join)
        copies = self.bind(call.args, frame, node.loc)
        self.enter(parser, node.loc)
        names = {"start": self.unique_name(f"{prefix}start")}
        with self.inside(frame):
            self.locals(parser.locals)
            out, states, state, location = self.out, self.states, self._state, self._location
            self.states = []
            self.parser_states(parser, frame, names)
            inner, self.states = self.states, states
            self.out, self._state, self._location = out, state, location
        self.emit_step(Enter(names["start"], join, inner, node.loc))
        self.copy_out(copies, node.loc)

    def _free_prefix(self, prefix: str) -> str:
        """A second application of one instance gets states of its own."""
        free, n = prefix, 1
        while f"{free}start" in self._names:
            n += 1
            free = f"{prefix[:-1]}_{n}."
        return free


def _reachable(node: ast.ParserDecl) -> set[str]:
    known = {s.name: s for s in node.states}
    reached: set[str] = set()
    waiting = ["start"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in known:
            continue
        reached.add(name)
        transition = known[name].transition
        if isinstance(transition, ast.Goto):
            waiting.append(transition.target)
        elif transition is not None:
            waiting.extend(c.target for c in transition.cases)
    return reached
