"""From a parsed module to its small tree, in one walk in the order of the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from scanners.depth import deep
from scanners.languages.base import SourceFile
from scanners.languages.python import tree
from scanners.languages.python.cursor import Cursor
from scanners.languages.python.kept import Kept
from scanners.unreadable import UnreadableSourceError

DEPTH = 6000
_BRACKETS = 200
_OPERATORS = {
    cst.Add: "+",
    cst.Modulo: "%",
    cst.Divide: "/",
    cst.BitOr: "|",
    cst.Multiply: "*",
    cst.AddAssign: "+",
    cst.BitOrAssign: "|",
    cst.DivideAssign: "/",
    cst.ModuloAssign: "%",
}
_COMPARISONS = {cst.Equal: "==", cst.NotEqual: "!=", cst.In: "in", cst.NotIn: "not in", cst.Is: "is"} | {
    cst.IsNot: "is not"
}


def module_tree(file: SourceFile) -> tree.Module:
    """Parse a file and keep what the scanner needs; raises UnreadableSourceError when it is not Python 3."""
    checked(file.data)
    try:
        module = cst.parse_module(file.data)
        text = file.data.decode(module.encoding)
    except cst.ParserSyntaxError as error:
        raise UnreadableSourceError(f"not Python 3: {error.message} in line {error.raw_line}") from error
    except (SyntaxError, UnicodeError, LookupError, ValueError) as error:
        raise UnreadableSourceError(f"not readable as Python: {error}") from error
    try:
        with deep(DEPTH):
            walk = _Walk(Cursor(text, 1 if text.startswith("\ufeff") else 0))
            return walk.module(walk.block(module.body), file.path)
    except RecursionError as error:
        raise UnreadableSourceError("expressions are nested too deeply") from error


def statements(text: str, begin: int, end: int, *, inside: bool) -> tuple[tree.Block, Kept] | None:
    """The statements on some lines of a text, ``inside`` of a block or not, and what was kept; None if not Python."""
    walk = _Walk(Cursor(text, begin))
    source = text[begin:end]
    try:
        module = cst.parse_module(f"if 1:\n{source}" if inside else source)
    except cst.ParserSyntaxError:
        return None
    only: Any = module.body[0] if inside else module
    return walk.suite(only.body) if inside else walk.block(only.body), walk


def expression(spelled: str, kept: Kept) -> tree.Expr | None:
    """An expression that is the next in the text, as a part of what is kept; None if it is none."""
    try:
        node = cst.parse_expression(f"({spelled})")
    except cst.ParserSyntaxError:
        return None
    return _Walk(kept.cursor, kept.notes, kept.mentions, kept.functions, kept.classes, kept.documents).expr(node)


def checked(data: bytes) -> None:
    """Refuse what parsers die of; raises UnreadableSourceError."""
    if _nested_too_deeply(data):
        raise UnreadableSourceError(f"brackets are nested more than {_BRACKETS} deep")
    if _too_long(data):
        raise UnreadableSourceError(f"an expression is longer than {_LONGEST} characters")


def _nested_too_deeply(data: bytes) -> bool:
    """Guess from the bytes alone, since the native parser dies of what the interpreter refuses."""
    if max(data.count(b"("), data.count(b"["), data.count(b"{")) <= _BRACKETS:
        return False
    depth = 0
    for byte in data.translate(None, _NOT_BRACKETS):
        depth = depth + 1 if byte in b"([{" else max(0, depth - 1)
        if depth > 4 * _BRACKETS:
            return True
    return False


def _too_long(data: bytes) -> bool:
    """Guess whether there is a chain of operators so long that the native parser does not come to an end."""
    return any(
        len(part) > _LONGEST
        for line in data.split(b"\n")
        if len(line) > _LONGEST
        for part in _BREAKS.split(_QUOTED.sub(b"", line))
    )


_LONGEST = 12_000
_QUOTED = re.compile(rb"'[^']*'|\"[^\"]*\"")
_BREAKS = re.compile(rb"[,;:]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))


@dataclass(slots=True)
class _Walk(Kept):
    # Statements

    def block(self, statements: Sequence[Any]) -> tree.Block:
        done: list[tree.Stmt] = []
        for statement in statements:
            parts = statement.body if type(statement) is cst.SimpleStatementLine else (statement,)
            for part in parts:
                handler = _STATEMENTS.get(type(part))
                if handler is not None:
                    done.append(handler(self, part))
        return tuple(done)

    def suite(self, body: Any) -> tree.Block:
        if type(body) is cst.IndentedBlock:
            return self.block(body.body)
        return self.block((cst.SimpleStatementLine(body.body),))

    def expression_statement(self, node: cst.Expr) -> tree.Stmt:
        start = self.cursor.at
        value = self.expr(node.value)
        if isinstance(value, tree.Str):
            self.docstring(value)
        return tree.Do(getattr(value, "pos", start), (value,))

    def assign(self, node: cst.Assign) -> tree.Stmt:
        targets = tuple(self.expr(target.target) for target in node.targets)
        return tree.Assign(targets[0].pos, targets, self.expr(node.value))

    def declare(self, node: cst.AnnAssign) -> tree.Stmt:
        target = self.expr(node.target)
        annotation = self.expr(node.annotation.annotation)
        return tree.Declare(target.pos, target, annotation, self.maybe(node.value))

    def augment(self, node: cst.AugAssign) -> tree.Stmt:
        target = self.expr(node.target)
        op = _OPERATORS.get(type(node.operator), "?")
        return tree.Augment(target.pos, target, op, self.expr(node.value))

    def returns(self, node: cst.Return) -> tree.Stmt:
        return tree.Return(self.cursor.at, self.maybe(node.value))

    def stop(self, node: cst.BaseSmallStatement) -> tree.Stmt:
        values: list[tree.Expr] = []
        if isinstance(node, cst.Raise) and node.exc is not None:
            values.append(self.expr(node.exc))
            if node.cause is not None:
                values.append(self.expr(node.cause.item))
        return tree.Stop(self.cursor.at, tuple(values))

    def asserts(self, node: cst.Assert) -> tree.Stmt:
        values = [self.expr(node.test)]
        if node.msg is not None:
            values.append(self.expr(node.msg))
        return tree.Do(values[0].pos, tuple(values))

    def delete(self, node: cst.Del) -> tree.Stmt:
        target = self.expr(node.target)
        values = target.values if isinstance(target, tree.Items) else (target,)
        return tree.Delete(target.pos, values)

    def type_alias(self, node: cst.TypeAlias) -> tree.Stmt:
        self.cursor.take("type")
        target = self.expr(node.name)
        self.type_parameters(node.type_parameters)
        return tree.Assign(target.pos, (target,), self.expr(node.value))

    def type_parameters(self, node: cst.TypeParameters | None) -> None:
        for parameter in node.params if node is not None else ():
            self.cursor.take(parameter.param.name.value)
            if isinstance(parameter.param, cst.TypeVar):
                self.maybe(parameter.param.bound)
            self.maybe(parameter.default)

    def imports(self, node: cst.Import) -> tree.Stmt:
        start = self.cursor.at
        done = []
        for alias in node.names:
            module = _dotted(self.expr(alias.name))
            done.append(tree.Import(start, module, self.alias(alias)))
        return done[0] if len(done) == 1 else tree.If(start, (), tuple(done))

    def from_import(self, node: cst.ImportFrom) -> tree.Stmt:
        start = self.cursor.at
        module = _dotted(self.expr(node.module)) if node.module is not None else ""
        names: list[tuple[str, str]] = []
        if isinstance(node.names, cst.ImportStar):
            names.append(("*", "*"))
        else:
            for alias in node.names:
                name = _dotted(self.expr(alias.name))
                names.append((name, self.alias(alias) or name))
        return tree.From(start, len(node.relative), module, tuple(names))

    def alias(self, node: cst.ImportAlias) -> str | None:
        if node.asname is None:
            return None
        name = self.expr(node.asname.name)
        return name.id if isinstance(name, tree.Name) else None

    def outer(self, node: cst.Global | cst.Nonlocal) -> tree.Stmt:
        names = tuple(item.name.value for item in node.names)
        for name in names:
            self.cursor.take(name)
        return tree.Outer(self.cursor.at, "global" if isinstance(node, cst.Global) else "nonlocal", names)

    def if_statement(self, node: cst.If) -> tree.Stmt:
        start = self.cursor.at
        arms: list[tuple[tree.Expr, tree.Block]] = []
        orelse: tree.Block = ()
        arm: cst.If | cst.Else | None = node
        while isinstance(arm, cst.If):
            arms.append((self.expr(arm.test), self.suite(arm.body)))
            arm = arm.orelse
        if arm is not None:
            orelse = self.suite(arm.body)
        return tree.If(start, tuple(arms), orelse)

    def for_loop(self, node: cst.For) -> tree.Stmt:
        target = self.expr(node.target)
        iterable = self.expr(node.iter)
        return tree.For(target.pos, target, iterable, self.suite(node.body), self.orelse(node.orelse))

    def while_loop(self, node: cst.While) -> tree.Stmt:
        test = self.expr(node.test)
        return tree.While(test.pos, test, self.suite(node.body), self.orelse(node.orelse))

    def orelse(self, node: cst.Else | cst.Finally | None) -> tree.Block:
        return self.suite(node.body) if node is not None else ()

    def try_statement(self, node: cst.Try | cst.TryStar) -> tree.Stmt:
        start = self.cursor.at
        body = self.suite(node.body)
        handlers: list[tuple[str | None, tree.Block]] = []
        for handler in node.handlers:
            self.maybe(handler.type)
            name = self.expr(handler.name.name) if handler.name is not None else None
            handlers.append((name.id if isinstance(name, tree.Name) else None, self.suite(handler.body)))
        return tree.Try(start, body, tuple(handlers), self.orelse(node.orelse), self.orelse(node.finalbody))

    def with_statement(self, node: cst.With) -> tree.Stmt:
        items = []
        for item in node.items:
            value = self.expr(item.item)
            items.append((value, self.expr(item.asname.name) if item.asname is not None else None))
        return tree.With(items[0][0].pos, tuple(items), self.suite(node.body))

    def function_statement(self, node: cst.FunctionDef) -> tree.Stmt:
        decorators = tuple(self.expr(decorator.decorator) for decorator in node.decorators)
        start = self.cursor.take(node.name.value)
        self.type_parameters(node.type_parameters)
        params = self.params(node.params)
        returns = self.expr(node.returns.annotation) if node.returns is not None else None
        self.mentions.append(set())
        body = self.suite(node.body)
        return self.function(start, node.name.value, params, returns, decorators, body)

    def class_statement(self, node: cst.ClassDef) -> tree.Stmt:
        decorators = tuple(self.expr(decorator.decorator) for decorator in node.decorators)
        start = self.cursor.take(node.name.value)
        self.type_parameters(node.type_parameters)
        bases = self.args((*node.bases, *node.keywords))
        self.classes.append(node.name.value)
        body = self.suite(node.body)
        self.classes.pop()
        return tree.Class(start, node.name.value, bases, decorators, body)

    def match_statement(self, node: cst.Match) -> tree.Stmt:
        start = self.cursor.take("match")
        subject = self.expr(node.subject)
        cases = []
        for case in node.cases:
            self.cursor.take("case")
            pattern = self.pattern(case.pattern)
            guard = self.maybe(case.guard)
            cases.append((pattern, guard, self.suite(case.body)))
        return tree.Match(start, subject, tuple(cases))

    # Patterns

    def pattern(self, node: Any) -> tree.Case:
        handler = _PATTERNS.get(type(node))
        return tree.MatchName(self.cursor.at, None, None) if handler is None else handler(self, node)

    def match_value(self, node: Any) -> tree.Case:
        value = self.expr(node.value)
        return tree.MatchValue(value.pos, value)

    def match_map(self, node: cst.MatchMapping) -> tree.Case:
        start = self.cursor.at
        items = tuple((self.expr(item.key), self.pattern(item.pattern)) for item in node.elements)
        if node.rest is not None:
            self.cursor.take(node.rest.value)
        return tree.MatchMap(start, items, node.rest.value if node.rest is not None else None)

    def match_items(self, node: Any) -> tree.Case:
        start = self.cursor.at
        values: list[tree.Case] = []
        for item in node.patterns:
            if isinstance(item, cst.MatchStar):
                name = item.name.value if item.name is not None else "_"
                self.cursor.take(name)
                values.append(tree.MatchName(self.cursor.at, None, None))
            else:
                values.append(self.pattern(item.value if hasattr(item, "value") else item.pattern))
        kind = "or" if isinstance(node, cst.MatchOr) else "items"
        return tree.MatchItems(start, kind, tuple(values))

    def match_class(self, node: cst.MatchClass) -> tree.Case:
        cls = self.expr(node.cls)
        values = tuple(self.pattern(item.value) for item in node.patterns)
        named = []
        for keyword in node.kwds:
            self.cursor.take(keyword.key.value)
            named.append((keyword.key.value, self.pattern(keyword.pattern)))
        return tree.MatchClass(cls.pos, cls, values, tuple(named))

    def match_name(self, node: cst.MatchAs) -> tree.Case:
        start = self.cursor.at
        pattern = self.pattern(node.pattern) if node.pattern is not None else None
        self.cursor.take(node.name.value if node.name is not None else "_")
        return tree.MatchName(start, node.name.value if node.name is not None else None, pattern)

    # Expressions

    def maybe(self, node: Any) -> tree.Expr | None:
        return None if node is None else self.expr(node)

    def expr(self, node: Any) -> tree.Expr:
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            return tree.Const(self.cursor.at, ...)
        return handler(self, node)

    def name(self, node: cst.Name) -> tree.Expr:
        value = node.value
        pos = self.cursor.take(value)
        if value in _CONSTANTS:
            return tree.Const(pos, _CONSTANTS[value])
        self.mentions[-1].add(value)
        return tree.Name(pos, value)

    def attribute(self, node: cst.Attribute) -> tree.Expr:
        value = self.expr(node.value)
        name = node.attr.value
        self.cursor.take(name)
        self.mentions[-1].add(name)
        return tree.Attr(value.pos, value, name)

    def string(self, node: cst.SimpleString) -> tree.Expr:
        return self.literal(node.value)

    def concatenated(self, node: cst.ConcatenatedString) -> tree.Expr:
        parts: list[tree.Expr] = []
        rest: Any = node
        while isinstance(rest, cst.ConcatenatedString):
            parts.append(self.expr(rest.left))
            rest = rest.right
        parts.append(self.expr(rest))
        strings = [part for part in parts if isinstance(part, tree.Str)]
        if len(strings) == len(parts):
            return self.joined_literals(strings)
        flat: list[tree.Expr] = []
        for part in parts:
            flat += part.parts if isinstance(part, tree.Joined) else (part,)
        return tree.Joined(parts[0].pos, tuple(flat))

    def formatted(self, node: cst.FormattedString) -> tree.Expr:
        start = self.cursor.take(node.start)
        raw = "r" in node.start.lower()
        parts = self.formatted_parts(node.parts, raw=raw)
        self.cursor.take(node.end)
        return tree.Joined(start, parts)

    def formatted_parts(self, nodes: Sequence[Any], *, raw: bool) -> tuple[tree.Expr, ...]:
        parts: list[tree.Expr] = []
        for part in nodes:
            if isinstance(part, cst.FormattedStringText):
                pos = self.cursor.text_part(part.value)
                text = part.value.replace("{{", "{").replace("}}", "}")
                parts.append(tree.Str(pos, text if raw or "\\" not in text else _unescaped(text)))
            elif isinstance(part, cst.FormattedStringExpression):
                parts += self.formatted_expression(part)
        return tuple(parts)

    def formatted_expression(self, node: cst.FormattedStringExpression) -> tuple[tree.Expr, ...]:
        value = self.expr(node.expression)
        odd = node.equal is not None or (node.conversion is not None and node.conversion != "s")
        if node.format_spec is not None:
            spec = self.formatted_parts(node.format_spec, raw=True)
            odd = odd or bool(spec)
        return (tree.Unary(value.pos, "format", value),) if odd else (value,)

    def templated(self, node: Any) -> tree.Expr:
        start = self.cursor.take(node.start)
        self.cursor.take(node.end)
        return tree.Const(start, ...)

    def number(self, node: cst.Integer | cst.Float | cst.Imaginary) -> tree.Expr:
        pos = self.cursor.take(node.value)
        try:
            return tree.Const(pos, ast.literal_eval(node.value) if len(node.value) < LONG_NUMBER else ...)
        except (ValueError, SyntaxError):
            return tree.Const(pos, ...)

    def subscript(self, node: cst.Subscript) -> tree.Expr:
        value = self.expr(node.value)
        indices = [self.index(element.slice) for element in node.slice]
        index = indices[0] if len(indices) == 1 else tree.Items(indices[0].pos, "tuple", tuple(indices))
        return tree.Sub(value.pos, value, index)

    def index(self, node: Any) -> tree.Expr:
        if isinstance(node, cst.Index):
            value = self.expr(node.value)
            return tree.Star(value.pos, value) if node.star else value
        start = self.cursor.at
        return tree.Slice(start, self.maybe(node.lower), self.maybe(node.upper), self.maybe(node.step))

    def call(self, node: cst.Call) -> tree.Expr:
        func = self.expr(node.func)
        return tree.Call(func.pos, func, self.args(node.args))

    def args(self, nodes: Sequence[cst.Arg]) -> tuple[tree.Arg, ...]:
        done = []
        for arg in nodes:
            name = arg.keyword.value if arg.keyword is not None else None
            if name is not None:
                self.cursor.take(name)
            done.append(tree.Arg(name, arg.star, self.expr(arg.value)))
        return tuple(done)

    def binary(self, node: cst.BinaryOperation) -> tree.Expr:
        operator = type(node.operator)
        rights = [node.right]
        left: Any = node.left
        while type(left) is cst.BinaryOperation and type(left.operator) is operator:
            rights.append(left.right)
            left = left.left
        values = [self.expr(left), *(self.expr(right) for right in reversed(rights))]
        return tree.Binary(values[0].pos, _OPERATORS.get(operator, "?"), tuple(values))

    def logic(self, node: cst.BooleanOperation) -> tree.Expr:
        operator = type(node.operator)
        rights = [node.right]
        left: Any = node.left
        while type(left) is cst.BooleanOperation and type(left.operator) is operator:
            rights.append(left.right)
            left = left.left
        values = [self.expr(left), *(self.expr(right) for right in reversed(rights))]
        return tree.Logic(values[0].pos, "and" if operator is cst.And else "or", tuple(values))

    def unary(self, node: cst.UnaryOperation) -> tree.Expr:
        value = self.expr(node.expression)
        if isinstance(node.operator, cst.Minus) and isinstance(value, tree.Const):
            number = value.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                return tree.Const(value.pos, -number)
        return tree.Unary(value.pos, "not" if isinstance(node.operator, cst.Not) else "-", value)

    def compare(self, node: cst.Comparison) -> tree.Expr:
        left = self.expr(node.left)
        rest = tuple(
            (_COMPARISONS.get(type(target.operator), "?"), self.expr(target.comparator)) for target in node.comparisons
        )
        return tree.Compare(left.pos, left, rest)

    def choice(self, node: cst.IfExp) -> tree.Expr:
        body = self.expr(node.body)
        test = self.expr(node.test)
        return tree.Choice(body.pos, test, body, self.expr(node.orelse))

    def lambda_expression(self, node: cst.Lambda) -> tree.Expr:
        start = self.cursor.at
        params = self.params(node.params)
        return tree.Lambda(start, params, self.expr(node.body))

    def items(self, node: Any) -> tree.Expr:
        start = self.cursor.at
        kind = _KINDS[type(node)]
        values = tuple(self.element(element) for element in node.elements)
        return tree.Items(values[0].pos if values else start, kind, values)

    def element(self, node: Any) -> tree.Expr:
        value = self.expr(node.value)
        return tree.Star(value.pos, value) if isinstance(node, cst.StarredElement) else value

    def mapping(self, node: cst.Dict) -> tree.Expr:
        start = self.cursor.at
        items: list[tuple[tree.Expr | None, tree.Expr]] = []
        for element in node.elements:
            if isinstance(element, cst.DictElement):
                key = self.expr(element.key)
                items.append((key, self.expr(element.value)))
            else:
                items.append((None, self.expr(element.value)))
        return tree.Dict(start, tuple(items))

    def comprehension(self, node: Any) -> tree.Expr:
        start = self.cursor.at
        if isinstance(node, cst.DictComp):
            key: tree.Expr | None = self.expr(node.key)
            value = self.expr(node.value)
        else:
            key, value = None, self.expr(node.elt)
        clauses = []
        clause: cst.CompFor | None = node.for_in
        while clause is not None:
            target = self.expr(clause.target)
            iterable = self.expr(clause.iter)
            clauses.append(tree.Clause(target, iterable, tuple(self.expr(test.test) for test in clause.ifs)))
            clause = clause.inner_for_in
        return tree.Comp(start, _KINDS[type(node)], key, value, tuple(clauses))

    def awaited(self, node: cst.Await) -> tree.Expr:
        return self.expr(node.expression)

    def yielded(self, node: cst.Yield) -> tree.Expr:
        start = self.cursor.at
        if isinstance(node.value, cst.From):
            return tree.Yield(start, tree.Star(start, self.expr(node.value.item)))
        return tree.Yield(start, self.maybe(node.value))

    def walrus(self, node: cst.NamedExpr) -> tree.Expr:
        target = self.expr(node.target)
        value = self.expr(node.value)
        return tree.Walrus(target.pos, target.id, value) if isinstance(target, tree.Name) else value

    # Parameters

    def params(self, node: cst.Parameters) -> tuple[tree.Param, ...]:
        done = [self.param(param, "/") for param in node.posonly_params]
        done += [self.param(param, "") for param in node.params]
        if isinstance(node.star_arg, cst.Param):
            done.append(self.param(node.star_arg, "*"))
        done += [self.param(param, "k") for param in node.kwonly_params]
        if node.star_kwarg is not None:
            done.append(self.param(node.star_kwarg, "**"))
        return tuple(done)

    def param(self, node: cst.Param, kind: str) -> tree.Param:
        pos = self.cursor.take(node.name.value)
        annotation = self.expr(node.annotation.annotation) if node.annotation is not None else None
        return tree.Param(pos, node.name.value, kind, annotation, self.maybe(node.default))


LONG_NUMBER = 40
_CONSTANTS: dict[str, object] = {"True": True, "False": False, "None": None}
_KINDS: dict[type, str] = {
    cst.List: "list",
    cst.Tuple: "tuple",
    cst.Set: "set",
    cst.ListComp: "list",
    cst.SetComp: "set",
    cst.DictComp: "dict",
    cst.GeneratorExp: "generator",
}
_STATEMENTS: dict[type, Callable[[_Walk, Any], tree.Stmt]] = {
    cst.Expr: _Walk.expression_statement,
    cst.Assign: _Walk.assign,
    cst.AnnAssign: _Walk.declare,
    cst.AugAssign: _Walk.augment,
    cst.Return: _Walk.returns,
    cst.Raise: _Walk.stop,
    cst.Break: _Walk.stop,
    cst.Continue: _Walk.stop,
    cst.Assert: _Walk.asserts,
    cst.Del: _Walk.delete,
    cst.TypeAlias: _Walk.type_alias,
    cst.Import: _Walk.imports,
    cst.ImportFrom: _Walk.from_import,
    cst.Global: _Walk.outer,
    cst.Nonlocal: _Walk.outer,
    cst.If: _Walk.if_statement,
    cst.For: _Walk.for_loop,
    cst.While: _Walk.while_loop,
    cst.Try: _Walk.try_statement,
    cst.TryStar: _Walk.try_statement,
    cst.With: _Walk.with_statement,
    cst.FunctionDef: _Walk.function_statement,
    cst.ClassDef: _Walk.class_statement,
    cst.Match: _Walk.match_statement,
}
_PATTERNS: dict[type, Callable[[_Walk, Any], tree.Case]] = {
    cst.MatchValue: _Walk.match_value,
    cst.MatchSingleton: _Walk.match_value,
    cst.MatchMapping: _Walk.match_map,
    cst.MatchList: _Walk.match_items,
    cst.MatchTuple: _Walk.match_items,
    cst.MatchOr: _Walk.match_items,
    cst.MatchClass: _Walk.match_class,
    cst.MatchAs: _Walk.match_name,
}
_EXPRESSIONS: dict[type, Callable[[_Walk, Any], tree.Expr]] = {
    cst.Name: _Walk.name,
    cst.Attribute: _Walk.attribute,
    cst.SimpleString: _Walk.string,
    cst.ConcatenatedString: _Walk.concatenated,
    cst.FormattedString: _Walk.formatted,
    cst.TemplatedString: _Walk.templated,
    cst.Integer: _Walk.number,
    cst.Float: _Walk.number,
    cst.Imaginary: _Walk.number,
    cst.Subscript: _Walk.subscript,
    cst.Call: _Walk.call,
    cst.BinaryOperation: _Walk.binary,
    cst.BooleanOperation: _Walk.logic,
    cst.UnaryOperation: _Walk.unary,
    cst.Comparison: _Walk.compare,
    cst.IfExp: _Walk.choice,
    cst.Lambda: _Walk.lambda_expression,
    cst.List: _Walk.items,
    cst.Tuple: _Walk.items,
    cst.Set: _Walk.items,
    cst.Dict: _Walk.mapping,
    cst.ListComp: _Walk.comprehension,
    cst.SetComp: _Walk.comprehension,
    cst.DictComp: _Walk.comprehension,
    cst.GeneratorExp: _Walk.comprehension,
    cst.Await: _Walk.awaited,
    cst.Yield: _Walk.yielded,
    cst.NamedExpr: _Walk.walrus,
}


def _dotted(expr: tree.Expr) -> str:
    if isinstance(expr, tree.Name):
        return expr.id
    if isinstance(expr, tree.Attr):
        return f"{_dotted(expr.value)}.{expr.name}"
    return ""


def _unescaped(text: str) -> str:
    try:
        value = ast.literal_eval('"""' + text.replace('"', '\\"') + '"""')
    except (ValueError, SyntaxError):
        return text
    return str(value)
