"""The type checker: names, scopes, types and constants of a whole program.

Fed by ``parser.py``; what it finds out (``Info``) goes to ``lower.py`` together with the tree.  This file has the
declarations.  Controls, actions and tables are checked like parsers, though the switch does not use them: who mistypes
a name there wants to know.

Source: P4_16 specification 1.2.5.
"""

from __future__ import annotations

from datapath.p4 import ast
from datapath.p4 import types as t
from datapath.p4.check_base import Body, Info, Symbol
from datapath.p4.check_objects import ObjectChecker
from datapath.p4.signatures import CALLABLE, CONSTRUCTOR, check_overloads
from datapath.p4.source import Report


def typecheck(program: ast.SourceProgram, report: Report) -> Info:
    """Check a program; faults go to the report."""
    checker = TypeChecker(report)
    for declaration in reversed(program.declarations):
        if not isinstance(declaration, ast.MembersDecl):
            checker.later[declaration.name] = declaration.loc
    for declaration in program.declarations:
        if not isinstance(declaration, ast.MembersDecl):
            checker.later.pop(declaration.name, None)
        checker.declaration(declaration)
    has_parser = any(isinstance(d, ast.ParserDecl) for d in program.declarations)
    report.settle(checker.used_functions() if has_parser else None)  # without one, a real fault says more
    return checker.info


class TypeChecker(ObjectChecker):
    """Declarations."""

    def declaration(self, node: ast.Declaration) -> None:
        if isinstance(node, ast.ConstDecl):
            self.constant(node)
        elif isinstance(node, ast.StructDecl):
            self._struct_decl(node)
        elif isinstance(node, ast.EnumDecl):
            self._enum(node)
        elif isinstance(node, ast.MembersDecl):
            self._members(node)
        elif isinstance(node, ast.TypedefDecl):
            self._typedef(node)
        elif isinstance(node, ast.FunctionDecl | ast.ExternFunctionDecl):
            self._function(node)
        elif isinstance(node, ast.ExternDecl):
            self._extern(node)
        elif isinstance(node, ast.ParserTypeDecl | ast.ControlTypeDecl | ast.PackageDecl):
            self._block_type(node)
        elif isinstance(node, ast.ParserDecl):
            self._parser(node)
        elif isinstance(node, ast.ControlDecl):
            self._control(node)
        elif isinstance(node, ast.ActionDecl):
            with self.report.reading(node):
                self.action(node)
        else:
            self._top_level_instance(node)

    def used_functions(self) -> set[ast.Node]:
        """Return the functions that parsers, constants and what is read of controls call, directly or not."""
        used: set[ast.Node] = set()
        waiting = list(self.callees.get(None, ()))
        while waiting:
            function = waiting.pop()
            if function not in used:
                used.add(function)
                waiting.extend(self.callees.get(function, ()))
        return used

    def _top_level_instance(self, node: ast.Instantiation) -> None:
        made = self.instantiation(node)
        self.info.instances[node.name] = node
        if isinstance(made, t.Block) and made.kind != "package":
            hint = f"give it to a package, or instantiate it in a {made.kind}"
            with self.report.reading(node if made.kind == "control" else None):
                self.report.error(node.type.loc, f"a {made.kind} cannot be instantiated at the top level", hint=hint)
        elif node.name == "main" and isinstance(made, t.Extern):
            self.report.error(node.loc, f"'main' must be a package, not extern '{made}'")

    def _declare_type(self, name: str, type_: t.Type, node: ast.Node) -> None:
        self.declare(Symbol(name, "type", type_, node, node.loc))

    # ------------------------------------------------------------------------------------------------ types
    def _struct_decl(self, node: ast.StructDecl) -> t.Struct:
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            fields = tuple(t.StructField(f.name, self.resolve(f.type), f) for f in node.fields)
        self._check_fields(node, fields)
        made = t.Struct(node.kind, node.name, variables, node, fields)
        self._declare_type(node.name, made, node)
        return made

    def _check_fields(self, node: ast.StructDecl, fields: tuple[t.StructField, ...]) -> None:
        seen: dict[str, ast.StructField] = {}
        for item in fields:
            assert item.node is not None
            location = item.node.loc
            if item.name in seen:
                notes = [(seen[item.name].loc, "declared here before")]
                self.report.error(location, f"field '{item.name}' is declared twice", notes=notes)
            seen[item.name] = item.node
            if node.kind == "header" and not t.fits_header(item.type):
                hint = "a struct can hold it" if t.has_headers(item.type) else ""
                self.report.error(location, f"a header cannot have a field of type '{item.type}'", hint=hint)
            elif node.kind == "header_union" and not (t.is_header(item.type) or item.type == t.UNKNOWN):
                if not isinstance(item.type, t.TypeVar):
                    self.report.error(location, f"a header union holds headers, not '{item.type}'")
            elif node.kind == "struct" and isinstance(item.type, t.Extern | t.Block):
                self.report.error(location, f"a struct cannot have a field of type '{item.type}'")

    def _enum(self, node: ast.EnumDecl) -> t.Enum:
        members: dict[str, ast.EnumMember] = {}
        for member in node.members:
            if member.name in members:
                notes = [(members[member.name].loc, "declared here before")]
                self.report.error(member.loc, f"member '{member.name}' is declared twice", notes=notes)
            members[member.name] = member
        base, values = None, dict[str, int]()
        if node.base is not None:
            base = self.resolve(node.base)
            if not isinstance(base, t.Bits) and base != t.UNKNOWN:
                self.report.error(node.base.loc, f"an enum's members are bit<W> or int<W>, not '{base}'")
                base = t.UNKNOWN
            values = self._member_values(node, base)
        made = t.Enum(node.name, node, tuple(members), base, values)
        self._declare_type(node.name, made, node)
        return made

    def _member_values(self, node: ast.EnumDecl, base: t.Type) -> dict[str, int]:
        """Return the values of a serializable enum's members; each may be made of those before it."""
        values: dict[str, int] = {}
        with self.scope():
            for member in node.members:
                assert member.value is not None
                self.check(member.value, base)
                value = self.info.values.get(member.value)
                if isinstance(value, int):
                    values[member.name] = value
                elif base != t.UNKNOWN:
                    self.report.error(member.value.loc, "the value of a member must be known at compile time")
                self.scopes[-1][member.name] = Symbol(member.name, "const", base, member, member.loc, value)
        return values

    def _members(self, node: ast.MembersDecl) -> None:
        known = self.error_nodes if node.kind == "error" else self.match_kinds
        for member in node.members:
            if member.name in known:
                notes = [(known[member.name], "declared here before")]
                self.report.error(member.loc, f"{node.kind} '{member.name}' is declared twice", notes=notes)
                continue
            known[member.name] = member.loc
            if node.kind == "error":
                self.info.errors.append(member.name)
            else:
                value = t.EnumValue(t.MATCH_KIND, member.name)
                self.declare(Symbol(member.name, "const", t.MATCH_KIND, member, member.loc, value))

    def _typedef(self, node: ast.TypedefDecl) -> None:
        if isinstance(node.type, ast.StructDecl):
            base: t.Type = self._struct_decl(node.type)
        elif isinstance(node.type, ast.EnumDecl):
            base = self._enum(node.type)
        else:
            base = self.resolve(node.type)
        if not node.is_new:
            self._declare_type(node.name, base, node)
            return
        if not (isinstance(base, t.Bits | t.Newtype) or base in (t.BOOL, t.UNKNOWN)):
            self.report.error(node.type.loc, f"a new type stands for bit<W>, int<W> or bool, not '{base}'")
            base = t.UNKNOWN
        made = t.UNKNOWN if base == t.UNKNOWN else t.Newtype(node.name, node, base)
        self._declare_type(node.name, made, node)

    # ------------------------------------------------------------------------------------------------ functions
    def prototype(self, node: ast.Prototype, result: t.Type | None = None) -> t.Function:
        """Resolve a signature; ``result`` is given for a constructor."""
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            params = self.params(node.params, CALLABLE if node.result is not None else CONSTRUCTOR)
            if result is None:
                result = self.resolve(node.result) if node.result is not None else t.UNKNOWN
        return t.Function(node.name, variables, params, result, node)

    def _function(self, node: ast.FunctionDecl | ast.ExternFunctionDecl) -> None:
        function = self.prototype(node.prototype)
        if isinstance(node, ast.FunctionDecl):
            self.info.functions[node.prototype] = node
            with self.report.reading(node.prototype):
                self.function_body(node, function)
        self.declare(Symbol(node.name, "function", function, node, node.loc, functions=[function]))

    def _extern(self, node: ast.ExternDecl) -> None:
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            bare = t.Extern(node.name, variables, node, variables)
            self.scopes[-1][node.name] = Symbol(node.name, "type", bare, node, node.loc)
            methods = tuple(self.prototype(m, bare if m.result is None else None) for m in node.methods)
        check_overloads(self.report, methods)
        for method in methods:
            if method.name == node.name and isinstance(method.node, ast.Prototype) and method.node.result is not None:
                self.report.error(method.node.loc, "a constructor returns nothing", hint=f"write {node.name}(...);")
        self._declare_type(node.name, t.Extern(node.name, variables, node, variables, methods), node)

    # ------------------------------------------------------------------------------------------------ blocks
    def _block_type(self, node: ast.ParserTypeDecl | ast.ControlTypeDecl | ast.PackageDecl) -> None:
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            params = self.params(node.params, CONSTRUCTOR if isinstance(node, ast.PackageDecl) else CALLABLE)
        if isinstance(node, ast.PackageDecl):
            made = t.Block("package", node.name, variables, node, variables, (), params)
        else:
            kind = "parser" if isinstance(node, ast.ParserTypeDecl) else "control"
            made = t.Block(kind, node.name, variables, node, variables, params)
        packages = [made] if isinstance(node, ast.PackageDecl) else []
        self.declare(Symbol(node.name, "type", made, node, node.loc, packages=packages))

    def _parser(self, node: ast.ParserDecl) -> None:
        if node.type_params:
            message = f"P4 has no generic parsers: '{node.name}' is taken for what it is applied to"
            self.report.warning("generic-parser", node.loc, message, hint="only the declaration of a parser type may")
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            params = self.params(node.params)
            constructor_params = self.params(node.constructor_params, CONSTRUCTOR)
            block = t.Block("parser", node.name, variables, node, variables, params, constructor_params)
            self.declare_params(params)
            self.declare_params(constructor_params, "const")
            with self.within(Body("parser")), self.report.reading_parser(node):
                for local in node.locals:
                    self.local(local)
                self.states(node)
        self.info.blocks[node] = block
        self._declare_type(node.name, block, node)

    def _control(self, node: ast.ControlDecl) -> None:
        with self.scope():
            variables = self.type_vars(node.type_params, node)
            params = self.params(node.params)
            constructor_params = self.params(node.constructor_params, CONSTRUCTOR)
            block = t.Block("control", node.name, variables, node, variables, params, constructor_params)
            self.declare_params(params)
            self.declare_params(constructor_params, "const")
            self.control_body(node)
        self.info.blocks[node] = block
        self._declare_type(node.name, block, node)
