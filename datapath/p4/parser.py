"""Tokens to syntax tree: a recursive-descent parser for all of P4_16.

Fed by ``preprocess.py``; its tree goes to ``typecheck.py``.  This file has the declarations; statements, expressions
and types are in the ``parse_*`` files that it stands on.  After a fault it goes on behind the next ``;`` or ``}``.

Source: P4_16 specification 1.2.5, appendix G.
"""

from __future__ import annotations

from collections.abc import Sequence

from datapath.p4 import ast
from datapath.p4.hints import DECLARATIONS, misspelt
from datapath.p4.lexer import END, Token
from datapath.p4.parse_statements import StatementParser
from datapath.p4.parse_stream import ParseFailure, describe
from datapath.p4.source import Report


def parse(tokens: Sequence[Token], report: Report) -> ast.SourceProgram:
    """Return the tree of a token stream; faults go to the report."""
    return Parser(tokens, report).program()


class Parser(StatementParser):
    """Declarations."""

    def program(self) -> ast.SourceProgram:
        found: list[ast.Declaration] = []
        while not self.at(END):
            start = self.i
            if self.accept(";"):
                continue
            try:
                found.append(self.declaration())
            except ParseFailure:
                kinds = [token.kind for token in self.tokens[start : self.i]]
                self.recover(start, max(0, kinds.count("{") - kinds.count("}")))
                self.accept("}")
        return ast.SourceProgram(tuple(found))

    def declaration(self) -> ast.Declaration:
        annotations = self.annotations()
        kind = self.token.kind
        if kind == "const":
            return self.constant(annotations)
        if kind in ("struct", "header", "header_union"):
            return self._struct_type(annotations)
        if kind == "enum":
            return self._enum(annotations)
        if kind in ("error", "match_kind") and self.peek().kind == "{":
            return self._members()
        if kind in ("typedef", "type"):
            return self._typedef(annotations)
        if kind == "extern":
            return self._extern(annotations)
        if kind == "package":
            return self._package(annotations)
        if kind == "parser":
            return self._parser(annotations)
        if kind == "control":
            return self._control(annotations)
        if kind == "action":
            return self._action(annotations)
        return self._function_or_instance(annotations)

    def _function_or_instance(self, annotations: tuple[ast.Annotation, ...]) -> ast.Declaration:
        if not (self.at_declaration() or self.is_name(self.token)):
            hint = "there is one '}' too many before it, or here" if self.at("}") else ""
            self.fail(f"expected a declaration, found {describe(self.token)}", hint)
        self._misspelt(DECLARATIONS)
        start = self.i
        type_ = self.type()
        if self.at("("):
            self.i = start
            self.token = self.tokens[start]
            declared = self.variable_or_instance(annotations)
            assert isinstance(declared, ast.Instantiation)
            return declared
        name = self.name()
        if not self.at("(", "<"):
            self.fail(
                f"expected '(' and parameters, found {describe(self.token)}",
                "a variable cannot be declared outside parsers and controls; a constant needs 'const'",
            )
        return self._function(type_, name, annotations)

    def _misspelt(self, words: Sequence[str]) -> None:
        """Report a word before a name that was meant to be one of ``words``."""
        if self.is_name(self.token) and self.is_name(self.peek()) and self.peek(2).kind in ("{", "("):
            meant = misspelt(self.token.text, words) if self.is_type_name(self.token.text) is None else ""
            if meant:
                self.fail(f"unknown keyword '{self.token.text}'", f"did you mean '{meant}'?")

    def _function(self, result: ast.TypeNode, name: Token, annotations: tuple[ast.Annotation, ...]) -> ast.FunctionDecl:
        self.declare(name.text, False)
        type_params = self.type_params()
        with self.scope(type_params):
            params = self.params()
            prototype = ast.Prototype(name.location, result, name.text, type_params, params, annotations=annotations)
            return ast.FunctionDecl(name.location, prototype, self.block())

    def object_body(self) -> tuple[ast.FunctionDecl | ast.Instantiation, ...]:
        self.expect("{")
        found = self.items("}", self._object_item)
        self.expect("}")
        return found

    def _object_item(self) -> ast.FunctionDecl | ast.Instantiation:
        declared = self._function_or_instance(self.annotations())
        assert isinstance(declared, ast.FunctionDecl | ast.Instantiation)
        return declared

    # ------------------------------------------------------------------------------------------------ types
    def _struct_type(self, annotations: tuple[ast.Annotation, ...]) -> ast.StructDecl:
        kind = self.next().kind
        name = self.name(f"the {kind}'s name")
        self.declare(name.text, True)
        type_params = self.type_params()
        self.expect("{")
        with self.scope(type_params):
            fields = self.items("}", self._field)
        self.expect("}")
        return ast.StructDecl(name.location, kind, name.text, type_params, fields, annotations)

    def _field(self) -> ast.StructField:
        annotations = self.annotations()
        type_ = self.type("a field's type")
        name = self.name("a field's name")
        type_ = self.sized(type_)
        self.expect(";")
        return ast.StructField(name.location, type_, name.text, annotations)

    def _enum(self, annotations: tuple[ast.Annotation, ...]) -> ast.EnumDecl:
        self.expect("enum")
        base = None if self.is_name(self.token) and self.peek().kind == "{" else self.type()
        name = self.name("the enum's name")
        self.declare(name.text, True)
        return ast.EnumDecl(name.location, name.text, base, self._enum_members(base is not None), annotations)

    def _enum_members(self, have_values: bool) -> tuple[ast.EnumMember, ...]:
        self.expect("{")
        members: list[ast.EnumMember] = []
        while not self.at("}"):
            name = self.name("a member's name")
            value = None
            if have_values:
                self.expect("=", "'=' and the member's value")
                value = self.expression()
            members.append(ast.EnumMember(name.location, name.text, value))
            if not self.accept(","):
                break
        self.expect("}", hint="members are separated by ','" if self.at(";") else "")
        return tuple(members)

    def _members(self) -> ast.MembersDecl:
        token = self.next()
        members = self._enum_members(have_values=False)
        for member in members if token.kind == "match_kind" else ():
            self.declare(member.name, False)
        return ast.MembersDecl(token.location, token.kind, members)

    def _typedef(self, annotations: tuple[ast.Annotation, ...]) -> ast.TypedefDecl:
        is_new = self.next().kind == "type"
        type_: ast.TypeNode | ast.StructDecl | ast.EnumDecl
        if self.at("struct", "header", "header_union"):
            type_ = self._struct_type(())
        elif self.at("enum"):
            type_ = self._enum(())
        else:
            type_ = self.type()
        name = self.name("the new type's name")
        self.declare(name.text, True)
        self.expect(";")
        return ast.TypedefDecl(name.location, type_, name.text, is_new, annotations)

    def _extern(self, annotations: tuple[ast.Annotation, ...]) -> ast.Declaration:
        self.expect("extern")
        if self.is_name(self.token) and self.peek().kind in ("{", "<") and self._is_extern_object():
            name = self.name()
            self.declare(name.text, True)
            type_params = self.type_params()
            self.expect("{")
            with self.scope(type_params):
                methods = self.items("}", lambda: self._method(name.text))
            self.expect("}")
            return ast.ExternDecl(name.location, name.text, type_params, methods, annotations)
        prototype = self._prototype(annotations)
        self.declare(prototype.name, False)
        self.expect(";")
        return ast.ExternFunctionDecl(prototype.loc, prototype)

    def _is_extern_object(self) -> bool:
        i = 1
        while self.peek(i).kind not in ("{", "(", ";", END):
            i += 1
        return self.peek(i).kind == "{"

    def _method(self, extern: str) -> ast.Prototype:
        annotations = self.annotations()
        is_abstract = self.accept("abstract") is not None
        if self.token.text == extern and self.peek().kind == "(":
            name = self.next()
            prototype = ast.Prototype(name.location, None, name.text, (), self.params(), annotations=annotations)
        else:
            prototype = self._prototype(annotations, is_abstract)
        self.expect(";")
        return prototype

    def _prototype(self, annotations: tuple[ast.Annotation, ...], is_abstract: bool = False) -> ast.Prototype:
        result = self.type()
        name = self.name("the function's name")
        type_params = self.type_params()
        with self.scope(type_params):
            params = self.params()
        return ast.Prototype(name.location, result, name.text, type_params, params, is_abstract, annotations)

    def _package(self, annotations: tuple[ast.Annotation, ...]) -> ast.PackageDecl:
        self.expect("package")
        name = self.name("the package's name")
        self.declare(name.text, True)
        type_params = self.type_params()
        with self.scope(type_params):
            params = self.params()
        self.expect(";")
        return ast.PackageDecl(name.location, name.text, type_params, params, annotations)

    def params(self) -> tuple[ast.Param, ...]:
        """``(`` parameterList ``)``; the names are declared in the current scope."""
        self.expect("(")
        found: list[ast.Param] = []
        while not self.at(")"):
            annotations = self.annotations()
            direction = self.next().kind if self.at("in", "out", "inout") else ""
            type_ = self.type("a parameter's type")
            name = self.name("a parameter's name")
            default = self.expression() if self.accept("=") else None
            found.append(ast.Param(name.location, direction, type_, name.text, default, annotations))
            self.declare(name.text, False)
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(found)

    # ------------------------------------------------------------------------------------------------ parsers
    def _parser(self, annotations: tuple[ast.Annotation, ...]) -> ast.Declaration:
        self.expect("parser")
        name = self.name("the parser's name")
        self.declare(name.text, True)
        type_params = self.type_params()
        with self.scope(type_params):
            params = self.params()
            if self.accept(";"):
                return ast.ParserTypeDecl(name.location, name.text, type_params, params, annotations)
            constructor_params = self.params() if self.at("(") else ()
            self.expect("{")
            elements = self.items("}", self._parser_element)
            self.expect("}")
        local = tuple(e for e in elements if not isinstance(e, ast.StateDecl))
        states = tuple(e for e in elements if isinstance(e, ast.StateDecl))
        return ast.ParserDecl(
            name.location, name.text, type_params, params, constructor_params, local, states, annotations
        )

    def _parser_element(self) -> ast.ParserLocal | ast.StateDecl:
        annotations = self.annotations()
        if self.at("state") and self.peek().kind not in ("(", "<", "[", "."):
            return self._state(annotations)
        if self.at("const"):
            return self.constant(annotations)
        if self.at("value_set"):
            return self._value_set(annotations)
        if not self.at_declaration():
            self.fail(f"expected a state or a declaration, found {describe(self.token)}")
        self._misspelt(("state", "value_set"))
        return self.variable_or_instance(annotations)

    def _value_set(self, annotations: tuple[ast.Annotation, ...]) -> ast.ValueSetDecl:
        self.expect("value_set")
        self.expect("<")
        type_ = self.type()
        self.expect(">")
        self.expect("(")
        size = self.expression()
        self.expect(")")
        name = self.name("the value set's name")
        self.declare(name.text, False)
        self.expect(";")
        return ast.ValueSetDecl(name.location, type_, size, name.text, annotations)

    def _state(self, annotations: tuple[ast.Annotation, ...]) -> ast.StateDecl:
        self.expect("state")
        name = self.name("the state's name")
        self.expect("{")
        statements: list[ast.Statement] = []
        transition: ast.Goto | ast.SelectExpr | None = None
        with self.scope():
            while not self.at_end_of("}"):
                start = self.i
                try:
                    if self._at_state():
                        self.missing_brace()
                        break
                    if transition is not None:
                        self.fail(f"nothing can stand behind the transition, found {describe(self.token)}")
                    if self.at("transition"):
                        transition = self._transition()
                    else:
                        statements.append(self.statement())
                except ParseFailure:
                    self.recover(start)
        if not self._at_state():
            self.expect("}")
        return ast.StateDecl(name.location, name.text, tuple(statements), transition, annotations)

    def _at_state(self) -> bool:
        return self.at("state") and self.is_name(self.peek()) and self.peek(2).kind == "{"

    def _transition(self) -> ast.Goto | ast.SelectExpr:
        self.expect("transition")
        if not self.at("select"):
            target = self.name("a state")
            self.expect(";")
            return ast.Goto(target.location, target.text)
        location = self.next().location
        self.expect("(")
        keys: list[ast.Expr] = []
        while not self.at(")"):
            keys.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")")
        self.expect("{")
        cases = self.items("}", self._select_case)
        self.expect("}")
        self.accept(";")
        return ast.SelectExpr(location, tuple(keys), cases)

    def _select_case(self) -> ast.SelectCase:
        keyset = self.keyset()
        self.expect(":")
        target = self.name("a state")
        self.expect(";")
        return ast.SelectCase(keyset.loc, keyset, target.text, target.location)

    # ------------------------------------------------------------------------------------------------ controls
    def _control(self, annotations: tuple[ast.Annotation, ...]) -> ast.Declaration:
        self.expect("control")
        name = self.name("the control's name")
        self.declare(name.text, True)
        type_params = self.type_params()
        with self.scope(type_params):
            params = self.params()
            if self.accept(";"):
                return ast.ControlTypeDecl(name.location, name.text, type_params, params, annotations)
            constructor_params = self.params() if self.at("(") else ()
            self.expect("{")
            local: list[ast.ControlLocal] = []
            while not self.at_end_of("}") and not (self.at("apply") and self.peek().kind in "{@"):
                start = self.i
                try:
                    local.append(self._control_local())
                except ParseFailure:
                    self.recover(start)
            self.expect("apply", "the control's 'apply' block")
            body = self.block(self.annotations())
            self.expect("}")
        return ast.ControlDecl(
            name.location, name.text, type_params, params, constructor_params, tuple(local), body, annotations
        )

    def _control_local(self) -> ast.ControlLocal:
        annotations = self.annotations()
        if self.at("const"):
            return self.constant(annotations)
        if self.at("action"):
            return self._action(annotations)
        if self.at("table"):
            return self._table(annotations)
        if not self.at_declaration():
            self.fail(f"expected a declaration or 'apply', found {describe(self.token)}")
        if self.at("state"):
            self.fail("a control has no states")
        self._misspelt(("action", "table"))
        return self.variable_or_instance(annotations)

    def _action(self, annotations: tuple[ast.Annotation, ...]) -> ast.ActionDecl:
        self.expect("action")
        name = self.name("the action's name")
        self.declare(name.text, False)
        with self.scope():
            params = self.params()
            return ast.ActionDecl(name.location, name.text, params, self.block(), annotations)

    def _table(self, annotations: tuple[ast.Annotation, ...]) -> ast.TableDecl:
        self.expect("table")
        name = self.name("the table's name")
        self.declare(name.text, False)
        self.expect("{")
        properties = self.items("}", self._table_property)
        self.expect("}")
        return ast.TableDecl(name.location, name.text, properties, annotations)

    def _table_property(self) -> ast.TableProperty:
        annotations = self.annotations()
        is_const = self.accept("const") is not None
        name = self.name("a table property")
        self.expect("=")
        listed = name.text in ("key", "actions", "entries") and self.at("{")
        if not listed:
            value = self.expression()
            self.expect(";")
            return ast.TableProperty(name.location, name.text, is_const, value=value, annotations=annotations)
        self.expect("{")
        keys = self.items("}", self._key_element) if name.text == "key" else ()
        actions = self.items("}", self._action_item) if name.text == "actions" else ()
        entries = self.items("}", self._table_entry) if name.text == "entries" else ()
        self.expect("}")
        self.accept(";")
        return ast.TableProperty(name.location, name.text, is_const, keys, actions, entries, None, annotations)

    def _key_element(self) -> ast.KeyElement:
        value = self.expression()
        self.expect(":")
        kind = self.name("a match kind")
        annotations = self.annotations()
        self.expect(";")
        return ast.KeyElement(value.loc, value, kind.text, kind.location, annotations)

    def _action_item(self) -> ast.ActionRef:
        annotations = self.annotations()
        action = self._action_ref(annotations)
        self.expect(";")
        return action

    def _action_ref(self, annotations: tuple[ast.Annotation, ...] = ()) -> ast.ActionRef:
        absolute = self.accept(".") is not None
        name = self.name("an action's name")
        args = self.arguments() if self.at("(") else ()
        return ast.ActionRef(name.location, name.text, args, absolute, annotations)

    def _table_entry(self) -> ast.TableEntry:
        location = self.token.location
        is_const = self.accept("const") is not None
        priority: ast.Expr | None = None
        if self.at("priority") and self.peek().kind == "=":
            self.next()
            self.next()
            priority = self.expression()
            self.expect(":")
        keyset = self.keyset()
        self.expect(":")
        action = self._action_ref()
        annotations = self.annotations()
        self.expect(";")
        return ast.TableEntry(location, is_const, priority, keyset, action, annotations)
