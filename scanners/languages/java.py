"""Java: the AWS SDK's requests and builders, flag clients, variables, within one file."""

from __future__ import annotations

from functools import cache
from textwrap import dedent

import tree_sitter_java
from tree_sitter import Language as Grammar
from tree_sitter import Node

from auditor.domain.flags import JsonValue
from scanners.languages import _code
from scanners.languages._code import Expr, Source, Stmt
from scanners.languages._findings import Findings
from scanners.languages._follow import follow
from scanners.languages._places import unescaped
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.unreadable import UnreadableSourceError


class Java:
    """Java's source files."""

    name = "java"
    words: tuple[bytes, ...] = (b"GetParameterRequest", b"getBooleanValue", b"boolVariation", b"getSsmProvider")
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is of the language by its suffix."""
        return file.name.suffix.lower() == ".java"

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the code says of flags; raises UnreadableSourceError when its syntax is not understood."""
        text = file.text()
        findings = Findings.of(file, context, text)
        source = _code.parse(text, _grammar())
        for comment in source.comments:
            findings.prose(comment, "a comment names the key")
        try:
            follow(findings, _Lower(source).children(source.root))
        except RecursionError as error:
            raise UnreadableSourceError("nested too deeply") from error
        return findings.result()


@cache
def _grammar() -> Grammar:
    return Grammar(tree_sitter_java.language())


_SKIPPED = frozenset(
    {
        *("line_comment", "block_comment", "package_declaration", "dimensions", "type_identifier", "generic_type"),
        *("scoped_type_identifier", "array_type", "integral_type", "boolean_type", "floating_point_type", "void_type"),
        *("type_parameters", "type_arguments", "superclass", "super_interfaces", "throws", "catch_type"),
    }
)
_SAME = frozenset({"parenthesized_expression", "expression_statement", "argument_list"})
_CLASSES = frozenset(
    {
        *("class_declaration", "interface_declaration", "enum_declaration", "record_declaration"),
        "annotation_type_declaration",
    }
)
_FUNCTIONS = frozenset({"method_declaration", "constructor_declaration", "compact_constructor_declaration"})
_VARIABLES = frozenset({"local_variable_declaration", "field_declaration", "constant_declaration"})
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "null_literal": None}
_NUMBERS = frozenset({"decimal_integer_literal", "decimal_floating_point_literal"})


class _Lower(_code.Lowering):
    """Turns the grammar's nodes into code that is alike in every language."""

    skipped = _SKIPPED
    constants = _CONSTANTS

    def __init__(self, source: Source) -> None:
        """Take a parsed file."""
        super().__init__(source)
        self._by_type |= {
            "string_literal": self._string,
            "field_access": self._field_access,
            "method_reference": self._reference,
            "array_access": self._array_access,
            "method_invocation": self._invocation,
            "object_creation_expression": self._creation,
            "array_initializer": self._array,
            "array_creation_expression": self._array_creation,
            "binary_expression": self._binary,
            "ternary_expression": self._ternary,
            "cast_expression": self._cast,
            "assignment_expression": self._assignment,
            "lambda_expression": self._lambda,
            "enum_constant": self._enum_constant,
            "enhanced_for_statement": self._for,
            "return_statement": self._return,
            "block": self._block,
            "import_declaration": self._import,
            "annotation": self._annotation,
        }
        self._by_type |= dict.fromkeys(_CLASSES, self._class)
        self._by_type |= dict.fromkeys(_FUNCTIONS, self._function)
        self._by_type |= dict.fromkeys(_VARIABLES, self._variable)
        self._by_type |= dict.fromkeys(("identifier", "this", "super"), self._name)
        self._by_type |= dict.fromkeys(_SAME, self._same)
        self._by_type |= dict.fromkeys(_NUMBERS, self._number)

    def _number(self, node: Node) -> Stmt:
        return _code.number(self.source.at(node), self.source.of(node).rstrip("lLdDfF"))

    def _string(self, node: Node) -> Stmt:
        whole = self.source.span(node)
        if whole.text.startswith('"""'):
            inner = whole.part(3, len(whole.text) - 3)
            return _code.Str(whole.start, [dedent(inner.text).strip("\n")], inner)
        inner = unescaped(whole.part(1, len(whole.text) - 1))
        return _code.Str(whole.start, [inner.text], inner)

    # Names and calls

    def _field_access(self, node: Node) -> Stmt:
        return self._dotted(node, node.child_by_field_name("object"), node.child_by_field_name("field"))

    def _dotted(self, node: Node, owner: Node | None, named: Node | None) -> _code.Member:
        at = self.source.at(node)
        name_at = at if named is None else self.source.at(named)
        return _code.Member(at, self.expression(owner), self.source.of(named), name_at)

    def _reference(self, node: Node) -> Stmt:
        inner = node.named_children
        return self._dotted(node, inner[0] if inner else None, inner[-1] if inner else None)

    def _array_access(self, node: Node) -> Stmt:
        owner = self.expression(node.child_by_field_name("array"))
        return _code.Index(self.source.at(node), owner, self.expression(node.child_by_field_name("index")))

    def _invocation(self, node: Node) -> Stmt:
        owner, named = node.child_by_field_name("object"), node.child_by_field_name("name")
        at = self.source.at(node)
        if owner is not None:
            return _code.Call(at, self._dotted(node, owner, named), self._arguments(node))
        return _code.Call(at, _code.Name(at, self.source.of(named)), self._arguments(node))

    def _arguments(self, node: Node) -> list[Expr]:
        given = node.child_by_field_name("arguments")
        children = given.named_children if given is not None else []
        return [self.expression(child) for child in children if child.type not in _SKIPPED]

    def _creation(self, node: Node) -> Stmt:
        at = self.source.at(node)
        func = _code.Name(at, self._type(node.child_by_field_name("type")))
        call = _code.Call(at, func, self._arguments(node), new=True)
        bodies = [child for child in node.named_children if child.type == "class_body"]
        inner: list[Stmt] = [statement for body in bodies for statement in self.children(body)]
        return _code.Other(at, [*inner, call], same=True) if inner else call

    def _type(self, node: Node | None) -> str:
        return self.source.of(node).split("<", 1)[0].rsplit(".", 1)[-1]

    def _array(self, node: Node) -> Stmt:
        items = [self.expression(child) for child in node.named_children if child.type not in _SKIPPED]
        return _code.Items(self.source.at(node), items)

    def _array_creation(self, node: Node) -> Stmt:
        return self.expression(node.child_by_field_name("value"))

    def _binary(self, node: Node) -> Stmt:
        at = self.source.at(node)
        if self.source.of(node.child_by_field_name("operator")) == "+":
            terms = self.source.terms(node)
            return _code.Str(at, [self.expression(term) for term in terms])
        return _code.Other(at, self.children(node))

    def _ternary(self, node: Node) -> Stmt:
        names = ("consequence", "alternative")
        at = self.source.at(node)
        condition = self.expression(node.child_by_field_name("condition"))
        choices = [self.expression(node.child_by_field_name(name)) for name in names]
        return _code.Other(at, [condition, _code.Either(at, choices)], same=True)

    def _cast(self, node: Node) -> Stmt:
        return self.expression(node.child_by_field_name("value"))

    def _annotation(self, node: Node) -> Stmt:
        """An annotation is a call with its values."""
        at = self.source.at(node)
        given = node.child_by_field_name("arguments")
        args: list[Expr] = []
        pairs: list[tuple[Expr, Expr]] = []
        for child in given.named_children if given is not None else []:
            if child.type == "element_value_pair":
                key = _code.Str(at, [self.source.of(child.child_by_field_name("key"))])
                pairs.append((key, self.expression(child.child_by_field_name("value"))))
            elif child.type not in _SKIPPED:
                args.append(self.expression(child))
        if pairs:
            args.append(_code.Obj(at, pairs))
        return _code.Call(at, _code.Name(at, "@" + self.source.of(node.child_by_field_name("name"))), args)

    # Statements

    def _assignment(self, node: Node) -> Stmt:
        target = self.expression(node.child_by_field_name("left"))
        return _code.Assign(self.source.at(node), target, self.expression(node.child_by_field_name("right")))

    def _variable(self, node: Node) -> Stmt:
        kind = self._type(node.child_by_field_name("type"))
        found: list[Stmt] = [self.lower(child) for child in node.named_children if child.type == "modifiers"]
        for declarator in node.children_by_field_name("declarator"):
            name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            at = self.source.at(declarator)
            target = _code.Name(at, self.source.of(name))
            given = None if value is None else self.expression(value)
            found.append(_code.Assign(at, target, given, declares=True, type=kind))
        return found[0] if len(found) == 1 else _code.Other(self.source.at(node), [*found])

    def _for(self, node: Node) -> Stmt:
        at = self.source.at(node)
        target = _code.Name(at, self.source.of(node.child_by_field_name("name")))
        value = self.expression(node.child_by_field_name("value"))
        loop = _code.Assign(at, target, value, declares=True, each="values")
        body = node.child_by_field_name("body")
        return _code.Block(at, [loop, *([self.lower(body)] if body is not None else [])])

    def _return(self, node: Node) -> Stmt:
        inner = self.children(node)
        at = self.source.at(node)
        return _code.Return(at, _code.as_expression(inner[0]) if inner else _code.Other(at))

    def _block(self, node: Node) -> Stmt:
        return _code.Block(self.source.at(node), self.children(node))

    def _import(self, node: Node) -> Stmt:
        path = self.source.of(node).removeprefix("import").strip().removeprefix("static").strip().rstrip(";").strip()
        module, _, name = path.rpartition(".")
        return _code.Import(self.source.at(node), [(name, name)] if name != "*" else [], module)

    def _class(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        name = self.source.of(node.child_by_field_name("name"))
        members: list[Stmt] = [self.lower(child) for child in node.named_children if child.type == "modifiers"]
        for child in body.named_children if body is not None else []:
            inner = child.named_children if child.type == "enum_body_declarations" else [child]
            members += [self.lower(one) for one in inner if one.type not in _SKIPPED]
        for member in members:
            if isinstance(member, _code.Assign) and isinstance(member.value, _code.Call) and member.type == "enum":
                member.value.func = _code.Name(member.at, name)
        return _code.Class(self.source.at(node), name, members)

    def _enum_constant(self, node: Node) -> Stmt:
        at = self.source.at(node)
        target = _code.Name(at, self.source.of(node.child_by_field_name("name")))
        made = _code.Call(at, target, self._arguments(node), new=True)
        return _code.Assign(at, target, made, declares=True, type="enum")

    # Functions

    def _function(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        inner = [] if body is None else self.children(body)
        found = [self.lower(child) for child in node.named_children if child.type == "modifiers"]
        name = self.source.of(node.child_by_field_name("name"))
        end = self.source.character(node.end_byte)
        return _code.Func(self.source.at(node), name, self._parameters(node), [*found, *inner], end=end)

    def _parameters(self, node: Node) -> list[_code.Param]:
        given = node.child_by_field_name("parameters")
        found: list[_code.Param] = []
        for child in given.named_children if given is not None else []:
            named = child.child_by_field_name("name") or child
            if child.type not in _SKIPPED:
                kind = self._type(child.child_by_field_name("type"))
                found.append(_code.Param(self.source.of(named), self.source.at(child), type=kind))
        return found

    def _lambda(self, node: Node) -> Stmt:
        given, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
        single = given is not None and given.type == "identifier"
        params = [_code.Param(self.source.of(given), self.source.at(node))] if single else self._parameters(node)
        lowered: list[Stmt] = []
        if body is not None and body.type == "block":
            lowered = self.children(body)
        elif body is not None:
            lowered = [_code.Return(self.source.at(body), self.expression(body))]
        return _code.Func(self.source.at(node), "", params, lowered, end=self.source.character(node.end_byte))
