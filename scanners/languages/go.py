"""Go: the AWS SDK's inputs, flag clients, documents taken apart, variables, within one file."""

from __future__ import annotations

import re
from functools import cache

import tree_sitter_go
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

_TAG = re.compile(r"(?:json|yaml|mapstructure):\"(?P<key>[^\",]+)")
_PAIR = 2


class Go:
    """Go's source files."""

    name = "go"
    words: tuple[bytes, ...] = (b"GetParameterInput", b"BooleanValue", b"BoolVariation")
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is of the language by its suffix."""
        return file.name.suffix.lower() == ".go"

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the code says of flags; raises UnreadableSourceError when its syntax is not understood."""
        text = file.text()
        findings = Findings.of(file, context, text)
        source = _code.parse(text if text.endswith("\n") else text + "\n", _grammar())
        for comment in source.comments:
            findings.prose(comment, "a comment names the key")
        try:
            follow(findings, _with_methods(_Lower(source).children(source.root)))
        except RecursionError as error:
            raise UnreadableSourceError("nested too deeply") from error
        return findings.result()


@cache
def _grammar() -> Grammar:
    return Grammar(tree_sitter_go.language())


def _with_methods(statements: list[Stmt]) -> list[Stmt]:
    """Methods stand beside their types, which are known first."""
    classes: dict[str, _code.Class] = {}
    rest: list[Stmt] = []
    for statement in statements:
        inner = statement.inner if isinstance(statement, _code.Other) else [statement]
        for one in inner:
            if isinstance(one, _code.Class):
                classes[one.name] = one
            else:
                rest.append(one)
    plain: list[Stmt] = []
    for one in rest:
        if isinstance(one, _code.Func) and one.owner:
            classes.setdefault(one.owner, _code.Class(one.at, one.owner, [])).body.append(one)
        else:
            plain.append(one)
    first = [one for one in plain if not isinstance(one, _code.Func)]
    return [*first, *classes.values(), *(one for one in plain if isinstance(one, _code.Func))]


_SKIPPED = frozenset(
    {
        *("comment", "package_clause", "type_identifier", "qualified_type", "pointer_type", "slice_type", "map_type"),
        *("array_type", "interface_type", "struct_type", "function_type", "generic_type", "channel_type"),
    }
)
_SAME = frozenset({"parenthesized_expression", "expression_statement", "literal_element", "type_assertion_expression"})
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "nil": None}
_DECODERS = frozenset({"Unmarshal", "UnmarshalStrict", "Decode"})


class _Lower(_code.Lowering):
    """Turns the grammar's nodes into code that is alike in every language."""

    skipped = _SKIPPED
    constants = _CONSTANTS

    def __init__(self, source: Source) -> None:
        """Take a parsed file."""
        super().__init__(source)
        self._by_type |= {
            "interpreted_string_literal": self._string,
            "raw_string_literal": self._raw,
            "int_literal": self._number,
            "float_literal": self._number,
            "selector_expression": self._selector,
            "index_expression": self._index,
            "call_expression": self._call,
            "composite_literal": self._composite,
            "literal_value": self._literal_value,
            "unary_expression": self._unary,
            "binary_expression": self._binary,
            "short_var_declaration": self._assignment,
            "assignment_statement": self._assignment,
            "const_spec": self._spec,
            "var_spec": self._spec,
            "for_statement": self._for,
            "range_clause": self._range,
            "return_statement": self._return,
            "block": self._block,
            "type_spec": self._type_spec,
            "import_spec": self._import,
        }
        functions = ("function_declaration", "method_declaration", "func_literal")
        names = ("identifier", "field_identifier", "package_identifier")
        self._by_type |= dict.fromkeys(functions, self._function)
        self._by_type |= dict.fromkeys(names, self._name)
        self._by_type |= dict.fromkeys(_SAME, self._same)

    def _same(self, node: Node) -> Stmt:
        children = self.children(node)
        return _code.Other(self.source.at(node), children[:1], same=True)

    def _string(self, node: Node) -> Stmt:
        whole = self.source.span(node)
        inner = unescaped(whole.part(1, len(whole.text) - 1))
        return _code.Str(whole.start, [inner.text], inner)

    def _raw(self, node: Node) -> Stmt:
        whole = self.source.span(node)
        inner = whole.part(1, len(whole.text) - 1)
        return _code.Str(whole.start, [inner.text], inner)

    # Names and calls

    def _selector(self, node: Node) -> Stmt:
        named = node.child_by_field_name("field")
        at = self.source.at(node)
        owner = self.expression(node.child_by_field_name("operand"))
        return _code.Member(at, owner, self.source.of(named), at if named is None else self.source.at(named))

    def _index(self, node: Node) -> Stmt:
        owner = self.expression(node.child_by_field_name("operand"))
        return _code.Index(self.source.at(node), owner, self.expression(node.child_by_field_name("index")))

    def _call(self, node: Node) -> Stmt:
        func = self.expression(node.child_by_field_name("function"))
        given = node.child_by_field_name("arguments")
        children = given.named_children if given is not None else []
        args = [self.expression(child) for child in children if child.type not in _SKIPPED]
        call = _code.Call(self.source.at(node), func, args)
        if isinstance(func, _code.Member) and func.name in _DECODERS and args:
            source = args[0] if len(args) >= _PAIR else func.owner
            return _code.Other(call.at, [_code.Assign(call.at, args[-1], source), call], same=True)
        return call

    def _composite(self, node: Node) -> Stmt:
        named = self.source.of(node.child_by_field_name("type"))
        body = node.child_by_field_name("body")
        made = self.expression(body)
        if isinstance(made, _code.Obj):
            made.at = self.source.at(node)
            made.type = named
        return made

    def _literal_value(self, node: Node) -> Stmt:
        pairs: list[tuple[Expr, Expr]] = []
        items: list[Expr] = []
        for child in node.named_children:
            if child.type == "keyed_element":
                inner = [one for one in child.named_children if one.type != "comment"]
                if len(inner) == _PAIR:
                    pairs.append((self._key(inner[0]), self.expression(inner[1])))
            elif child.type not in _SKIPPED:
                items.append(self.expression(child))
        at = self.source.at(node)
        return _code.Obj(at, pairs) if pairs or not items else _code.Items(at, items)

    def _key(self, node: Node) -> Expr:
        inner = node.named_children[0] if node.type == "literal_element" and node.named_children else node
        if inner.type == "identifier":
            at = self.source.at(inner)
            text = self.source.of(inner)
            # A field's name and a constant look alike; constants are asked for first.
            return _code.Either(at, [_code.Name(at, text), _code.Str(at, [text])])
        return self.expression(inner)

    def _unary(self, node: Node) -> Stmt:
        operand = self.expression(node.child_by_field_name("operand"))
        if self.source.of(node.child_by_field_name("operator")) in {"&", "*"}:
            return operand
        return _code.Other(self.source.at(node), [operand])

    def _binary(self, node: Node) -> Stmt:
        at = self.source.at(node)
        if self.source.of(node.child_by_field_name("operator")) == "+":
            return _code.Str(at, [self.expression(term) for term in self.source.terms(node)])
        if self.source.of(node.child_by_field_name("operator")) in {"==", "!="}:
            left, right = (self.expression(node.child_by_field_name(name)) for name in ("left", "right"))
            return _code.Compared(at, left, right)
        return _code.Other(at, self.children(node))

    # Statements

    def _assignment(self, node: Node) -> Stmt:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        return self._assigned(node, left, right, declares=node.type == "short_var_declaration")

    def _assigned(self, node: Node, left: Node | None, right: Node | None, *, declares: bool) -> Stmt:
        """One value for one target; of a call with several results the first is the one that counts."""
        targets = [child for child in (left.named_children if left is not None else []) if child.type != "comment"]
        values = [child for child in (right.named_children if right is not None else []) if child.type != "comment"]
        at = self.source.at(node)
        found: list[Stmt] = []
        for number, target in enumerate(targets):
            if number < len(values):
                value = self.expression(values[number])
                found.append(_code.Assign(at, self.expression(target), value, declares=declares))
        return found[0] if len(found) == 1 else _code.Other(at, [*found])

    def _spec(self, node: Node) -> Stmt:
        given = node.child_by_field_name("value")
        values = given.named_children if given is not None else []
        kind = self.source.of(node.child_by_field_name("type"))
        at = self.source.at(node)
        found: list[Stmt] = []
        for number, name in enumerate(node.children_by_field_name("name")):
            if name.type != "identifier":
                continue
            value = self.expression(values[number]) if number < len(values) else None
            target = _code.Name(self.source.at(name), self.source.of(name))
            found.append(_code.Assign(at, target, value, declares=True, type=kind))
        return found[0] if len(found) == 1 else _code.Other(at, [*found])

    def _for(self, node: Node) -> Stmt:
        return _code.Block(self.source.at(node), self.children(node))

    def _range(self, node: Node) -> Stmt:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        at = self.source.at(node)
        value = self.expression(right)
        found: list[Stmt] = []
        for number, target in enumerate(left.named_children if left is not None else []):
            which = "keys" if number == 0 else "values"
            found.append(_code.Assign(at, self.expression(target), value, declares=True, each=which))
        return _code.Other(at, [*found])

    def _return(self, node: Node) -> Stmt:
        at = self.source.at(node)
        given = node.named_children[0].named_children if node.named_children else []
        return _code.Return(at, self.expression(given[0]) if given else _code.Other(at))

    def _block(self, node: Node) -> Stmt:
        return _code.Block(self.source.at(node), self._statements(node))

    def _statements(self, node: Node) -> list[Stmt]:
        inner = node.named_children
        if len(inner) == 1 and inner[0].type == "statement_list":
            return self.children(inner[0])
        return self.children(node)

    def _type_spec(self, node: Node) -> Stmt:
        body = node.child_by_field_name("type")
        fields: list[tuple[str, str, int]] = []
        declared = body.named_children if body is not None and body.type == "struct_type" else []
        for member in declared[0].named_children if declared else []:
            name, tag = member.child_by_field_name("name"), member.child_by_field_name("tag")
            key = _TAG.search(self.source.of(tag)) if tag is not None else None
            if name is not None and tag is not None and key is not None:
                at = self.source.at(tag) + key.start("key")
                fields.append((self.source.of(name), key["key"], at))
        name = node.child_by_field_name("name")
        return _code.Class(self.source.at(node), self.source.of(name), [], fields)

    def _import(self, node: Node) -> Stmt:
        path = self.source.of(node.child_by_field_name("path")).strip('"`')
        named = node.child_by_field_name("name")
        last = re.sub(r"^v\d+$", "", path.rsplit("/", 1)[-1]) or path.rsplit("/", 2)[-2]
        local = self.source.of(named) if named is not None else last
        return _code.Import(self.source.at(node), [(local, last)], path)

    # Functions

    def _function(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        inner = [] if body is None else self._statements(body)
        owner, receiver = self._receiver(node.child_by_field_name("receiver"))
        name = self.source.of(node.child_by_field_name("name"))
        end = self.source.character(node.end_byte)
        return _code.Func(self.source.at(node), name, self._parameters(node), inner, owner, receiver, end)

    def _receiver(self, node: Node | None) -> tuple[str, str]:
        for child in node.named_children if node is not None else []:
            kind = self.source.of(child.child_by_field_name("type")).lstrip("*").split("[", 1)[0]
            return kind, self.source.of(child.child_by_field_name("name"))
        return "", ""

    def _parameters(self, node: Node) -> list[_code.Param]:
        given = node.child_by_field_name("parameters")
        found: list[_code.Param] = []
        for child in given.named_children if given is not None else []:
            names = child.children_by_field_name("name") if child.type != "comment" else []
            found += [_code.Param(self.source.of(name), self.source.at(name)) for name in names if name.is_named]
        return found
