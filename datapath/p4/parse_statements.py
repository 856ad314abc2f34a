"""Statements, and the declarations that may stand among them.  Stands on ``parse_expressions.py``.

Source: P4_16 specification 1.2.5, appendix G.
"""

from __future__ import annotations

from datapath.p4 import ast
from datapath.p4.lexer import IDENTIFIER
from datapath.p4.parse_expressions import ExpressionParser
from datapath.p4.parse_stream import TYPE_STARTS, describe

FOREIGN = {"elif": "write 'else if'", "elsif": "write 'else if'", "while": "there is 'for (init; condition; update)'"}
ASSIGNMENTS = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "|+|=", "|-|=", "<<=", "&=", "|=", "^="))


class StatementParser(ExpressionParser):
    """Statements."""

    def block(self, annotations: tuple[ast.Annotation, ...] = ()) -> ast.BlockStmt:
        brace = self.expect("{")
        with self.nested(), self.scope():
            statements = self.items("}", self.statement)
        self.expect("}")
        return ast.BlockStmt(brace.location, statements, annotations)

    def statement(self) -> ast.Statement:
        """statementOrDeclaration."""
        annotations = self.annotations()
        token = self.token
        kind = token.kind
        if kind == "{":
            return self.block(annotations)
        if kind == ";":
            self.next()
            return ast.EmptyStmt(token.location)
        parse = {
            "if": self._if,
            "switch": self._switch,
            "return": self._return,
            "for": self._for,
            "break": self._jump,
            "continue": self._jump,
            "exit": self._jump,
        }.get(kind)
        if parse is not None:
            with self.nested():
                return parse()
        if kind == "const":
            return self.constant(annotations)
        if token.text in FOREIGN and self.peek().kind == "(" and self.is_type_name(token.text) is None:
            self.fail(f"P4 has no '{token.text}'", FOREIGN[token.text])
        if self.at_declaration():
            return self.variable_or_instance(annotations)
        simple = self._assign_or_call()
        self.expect(";")
        return simple

    def at_declaration(self) -> bool:
        """Does a type stand here that is followed by a name or by constructor arguments?"""
        token, at = self.token, 1
        if token.kind == ".":
            token, at = self.peek(), 2
        if token.kind in TYPE_STARTS and (token.kind != "list" or self.peek(at).kind == "<"):
            return True
        if not self.is_name(token):
            return False
        following = self.peek(at)
        if self.is_name(following):
            return True
        is_type = self.is_type_name(token.text)
        if is_type:
            return following.kind == "[" or (following.kind in ("<", "(") and self._is_instance())
        return is_type is None and following.kind in ("<", "[", "(") and self._is_instance()

    def _is_instance(self) -> bool:
        """Look ahead whether a declaration parses up to its name."""
        start = self.i

        def try_head() -> bool:
            self.type()
            if self.at("("):
                self.arguments()
            self.name()
            return True

        found = self.speculate(try_head) is not None
        self.i = start
        self.token = self.tokens[start]
        return found

    def variable_or_instance(self, annotations: tuple[ast.Annotation, ...]) -> ast.VarDecl | ast.Instantiation:
        declared = self._declaration_head(annotations)
        if isinstance(declared, ast.VarDecl) or declared.body is None:
            self.expect(";")
        else:
            self.accept(";")
        return declared

    def _declaration_head(self, annotations: tuple[ast.Annotation, ...]) -> ast.VarDecl | ast.Instantiation:
        type_ = self.type()
        if self.at("("):
            args = self.arguments()
            name = self.name("the name of the instance")
            self.declare(name.text, False)
            sizes = self.sizes()
            body = self.object_body() if self.accept("=") else None
            return ast.Instantiation(name.location, type_, args, name.text, body, annotations, sizes)
        name = self.name("a variable's name")
        type_ = self.sized(type_)
        value = self.expression() if self.accept("=") else None
        self.declare(name.text, False)
        return ast.VarDecl(name.location, type_, name.text, value, annotations)

    def object_body(self) -> tuple[ast.FunctionDecl | ast.Instantiation, ...]:
        raise NotImplementedError

    def constant(self, annotations: tuple[ast.Annotation, ...]) -> ast.ConstDecl:
        self.expect("const")
        type_ = self.type()
        name = self.name("a constant's name")
        self.expect("=", "'=' and a value")
        value = self.expression()
        self.declare(name.text, False)
        self.expect(";")
        return ast.ConstDecl(name.location, type_, name.text, value, annotations)

    def _assign_or_call(self) -> ast.Statement:
        start = self.token
        if not (self.is_name(start) or start.kind in (".", "this", "(", "error", "@")):
            self.fail(f"expected a statement, found {describe(start)}")
        target = self._unary()
        kind = self.token.kind
        if kind in ASSIGNMENTS:
            operator = self.next()
            return ast.AssignStmt(operator.location, target, kind[:-1] or "=", self.expression())
        if kind == ">" and self.adjacent(">="):
            operator = self.next()
            self.next()
            return ast.AssignStmt(operator.location, target, ">>", self.expression())
        if isinstance(target, ast.CallExpr):
            return ast.CallStmt(target.loc, target)
        if isinstance(target, ast.Name) and self.token.kind == IDENTIFIER:
            self.fail(f"expected ';', found {describe(self.token)}", after_previous=True)
        hint = {"==": "assign with '='", "++": "write += 1", "--": "write -= 1"}.get(kind, "")
        self.fail(f"expected '=' or a call, found {describe(self.token)}", hint, after_previous=True)

    # ------------------------------------------------------------------------------------------------ control flow
    def _if(self) -> ast.Statement:
        location = self.expect("if").location
        self.expect("(")
        condition = self.expression()
        self.expect(")", hint="compare with '=='" if self.at("=") else "")
        then = self.statement()
        otherwise = self.statement() if self.accept("else") else None
        return ast.IfStmt(location, condition, then, otherwise)

    def _return(self) -> ast.Statement:
        location = self.expect("return").location
        value = None if self.at(";") else self.expression()
        self.expect(";")
        return ast.ReturnStmt(location, value)

    def _jump(self) -> ast.Statement:
        token = self.next()
        self.expect(";")
        return ast.JumpStmt(token.location, token.kind)

    def _switch(self) -> ast.Statement:
        location = self.expect("switch").location
        self.expect("(")
        value = self.expression()
        self.expect(")")
        self.expect("{")
        cases = self.items("}", self._switch_case)
        self.expect("}")
        return ast.SwitchStmt(location, value, cases)

    def _switch_case(self) -> ast.SwitchCase:
        token = self.token
        label: ast.Expr
        if self.at("default", "_"):
            self.next()
            label = ast.DontCare(token.location)
        else:
            label = self.expression()
        self.expect(":")
        return ast.SwitchCase(token.location, label, self.block() if self.at("{") else None)

    def _for(self) -> ast.Statement:
        location = self.expect("for").location
        self.expect("(")
        with self.scope():
            annotations = self.annotations()
            init: list[ast.Statement] = []
            if self.at_declaration():
                type_ = self.type()
                name = self.name("a variable's name")
                self.declare(name.text, False)
                if self.accept("in"):
                    collection = self.simple_keyset()
                    self.expect(")")
                    return ast.ForInStmt(name.location, type_, name.text, collection, self.statement())
                value = self.expression() if self.accept("=") else None
                init.append(ast.VarDecl(name.location, type_, name.text, value, annotations))
            elif not self.at(";"):
                init.append(self._assign_or_call())
            while self.accept(","):
                init.append(self._declaration_head(()) if self.at_declaration() else self._assign_or_call())
            self.expect(";")
            condition = self.expression()
            self.expect(";")
            update: list[ast.Statement] = []
            while not self.at(")"):
                update.append(self._assign_or_call())
                if not self.accept(","):
                    break
            self.expect(")")
            return ast.ForStmt(location, tuple(init), condition, tuple(update), self.statement())
