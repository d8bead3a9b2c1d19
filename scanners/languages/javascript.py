"""JavaScript and TypeScript: the AWS SDK, AppConfig's agent, flag clients and hooks, variables, within one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language as Grammar
from tree_sitter import Node

from auditor.domain.flags import JsonValue
from scanners.languages import _code
from scanners.languages._code import Expr, Source, Stmt
from scanners.languages._findings import Findings
from scanners.languages._follow import follow
from scanners.languages._places import Span, unescaped
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.languages.webpage import find_in_page
from scanners.unreadable import UnreadableSourceError

_SCRIPT = frozenset({".js", ".jsx", ".mjs", ".cjs"})
_TYPED = frozenset({".ts", ".mts", ".cts"})
_TSX = frozenset({".tsx"})
_COMPONENTS = frozenset({".vue", ".svelte", ".astro"})
_MODULE_TYPE = re.compile(r"<\s*typeof\s+import\([^()<>]*\)\s*>")
_END = re.compile(r"</script>", re.IGNORECASE)
_BLOCK = re.compile(r"<script\b[^>]*>(?P<code>.*?)</script>", re.DOTALL | re.IGNORECASE)


class JavaScript:
    """JavaScript and TypeScript, JSX and components included."""

    name = "javascript"
    words: tuple[bytes, ...] = (
        b"GetParameter",
        b"getParameter",
        b"PutParameterCommand",
        b"getBooleanValue",
        b"getStringValue",
        b"useFlag",
        b"variation",
    )
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is of the language by its suffix."""
        return file.name.suffix.lower() in _SCRIPT | _TYPED | _TSX | _COMPONENTS

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the code says of flags; raises UnreadableSourceError when its syntax is not understood."""
        text = file.text()
        suffix = file.name.suffix.lower()
        findings = Findings.of(file, context, text)
        if suffix in _COMPONENTS:
            find_in_page(findings, _without_scripts(text))
            text = _scripts_only(text)
        # The grammar does not know the type of a module as a type argument, which says nothing of flags.
        text = _MODULE_TYPE.sub(lambda found: re.sub(r"[^\r\n]", " ", found.group()), text)
        source = _code.parse(text, *_grammars(suffix))
        for comment in source.comments:
            findings.prose(comment, "a comment names the key")
        try:
            follow(findings, _Lower(source).children(source.root))
        except RecursionError as error:
            raise UnreadableSourceError("nested too deeply") from error
        return findings.result()


@cache
def _grammars(suffix: str) -> tuple[Grammar, ...]:
    script = Grammar(tree_sitter_javascript.language())
    typed = Grammar(tree_sitter_typescript.language_typescript())
    tsx = Grammar(tree_sitter_typescript.language_tsx())
    if suffix in _SCRIPT:
        return script, tsx
    return (typed, tsx) if suffix in _TYPED | _COMPONENTS else (tsx,)


def _scripts_only(text: str) -> str:
    """A component with everything but its scripts blanked, so that all stays in its place."""
    kept = [" " if character not in "\r\n" else character for character in text]
    for found in _blocks(text):
        kept[found.start("code") : found.end("code")] = found["code"]
    return "".join(kept)


def _without_scripts(text: str) -> str:
    kept: list[str] = []
    done = 0
    for found in _blocks(text):
        kept += [text[done : found.start()], re.sub(r"[^\r\n]", " ", found.group())]
        done = found.end()
    return "".join([*kept, text[done:]])


def _blocks(text: str) -> Iterator[re.Match[str]]:
    """The scripts; what is opened after the last end is not looked for an end of."""
    last = max((found.end() for found in _END.finditer(text)), default=0)
    return _BLOCK.finditer(text, 0, last)


_SKIPPED = frozenset(
    {"comment", "type_annotation", "interface_declaration", "type_arguments", "type_parameters", "html_comment"}
)
_SAME = frozenset(
    {
        *("parenthesized_expression", "await_expression", "non_null_expression", "type_assertion"),
        *("spread_element", "expression_statement", "jsx_expression", "computed_property_name"),
        "yield_expression",
    }
)
_FUNCTIONS = frozenset(
    {
        *("arrow_function", "function_expression", "function_declaration", "generator_function"),
        *("generator_function_declaration", "method_definition"),
    }
)
_NAMES = frozenset(
    {
        *("identifier", "property_identifier", "shorthand_property_identifier", "private_property_identifier"),
        *("this", "super", "import", "meta_property", "undefined"),
    }
)
_FIELD_MARKS = frozenset({"accessibility_modifier", "readonly"})
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}


class _Lower(_code.Lowering):
    """Turns the grammar's nodes into code that is alike in every language."""

    skipped = _SKIPPED
    constants = _CONSTANTS

    def __init__(self, source: Source) -> None:
        """Take a parsed file."""
        super().__init__(source)
        self._by_type |= {
            "string": self._string,
            "template_string": self._template,
            "number": self._number,
            "member_expression": self._member,
            "subscript_expression": self._subscript,
            "call_expression": self._call,
            "new_expression": self._new,
            "object": self._object,
            "array": self._array,
            "variable_declarator": self._declarator,
            "assignment_expression": self._assignment,
            "augmented_assignment_expression": self._assignment,
            "binary_expression": self._binary,
            "ternary_expression": self._ternary,
            "return_statement": self._return,
            "statement_block": self._block,
            "for_in_statement": self._for,
            "import_statement": self._import,
            "enum_declaration": self._enum,
            "type_alias_declaration": self._alias,
            "jsx_opening_element": self._jsx,
            "jsx_self_closing_element": self._jsx,
            "export_statement": self._export,
            "unary_expression": self._unary,
        }
        self._by_type |= dict.fromkeys(("class_declaration", "class", "abstract_class_declaration"), self._class)
        self._by_type |= dict.fromkeys(_FUNCTIONS, self._function)
        self._by_type |= dict.fromkeys(_NAMES, self._name)
        self._by_type |= dict.fromkeys(_SAME, self._same)
        self._by_type |= dict.fromkeys(("as_expression", "satisfies_expression"), self._of_type)

    # Texts

    def _string(self, node: Node) -> Stmt:
        whole = self.source.span(node)
        inner = unescaped(whole.part(1, len(whole.text) - 1))
        return _code.Str(whole.start, [inner.text], inner)

    def _template(self, node: Node) -> Stmt:
        parts: list[str | Expr] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                inner = child.named_children
                parts.append(self.expression(inner[0]) if inner else _code.Other(self.source.at(child)))
            else:
                parts.append(unescaped(Span(self.source.of(child))).text)
        whole = self.source.span(node)
        known = all(isinstance(part, str) for part in parts)
        return _code.Str(whole.start, parts, whole.part(1, len(whole.text) - 1) if known else None)

    def _of_type(self, node: Node) -> Stmt:
        """A value and the type that it is said to be of, which is no value."""
        return self.lower(node.named_children[0])

    # Names and calls

    def _member(self, node: Node) -> Stmt:
        named = node.child_by_field_name("property")
        at = self.source.at(node)
        owner = self.expression(node.child_by_field_name("object"))
        name_at = at if named is None else self.source.at(named)
        return _code.Member(at, owner, self.source.of(named).lstrip("#"), name_at)

    def _subscript(self, node: Node) -> Stmt:
        owner = self.expression(node.child_by_field_name("object"))
        return _code.Index(self.source.at(node), owner, self.expression(node.child_by_field_name("index")))

    def _call(self, node: Node) -> Stmt:
        func = self.expression(node.child_by_field_name("function"))
        return _code.Call(self.source.at(node), func, self._arguments(node))

    def _new(self, node: Node) -> Stmt:
        func = self.expression(node.child_by_field_name("constructor"))
        return _code.Call(self.source.at(node), func, self._arguments(node), new=True)

    def _arguments(self, node: Node) -> list[Expr]:
        given = node.child_by_field_name("arguments")
        if given is None:
            return []
        if given.type == "template_string":
            return [self.expression(given)]
        return [self.expression(child) for child in given.named_children if child.type not in _SKIPPED]

    def _object(self, node: Node) -> Stmt:
        pairs: list[tuple[Expr, Expr]] = []
        spread: list[Stmt] = []
        for child in node.named_children:
            if child.type == "pair":
                key = child.child_by_field_name("key")
                pairs.append((self._key(key), self.expression(child.child_by_field_name("value"))))
            elif child.type == "shorthand_property_identifier":
                pairs.append((self._key(child), self._as_name(child)))
            elif child.type == "method_definition":
                pairs.append((self._key(child.child_by_field_name("name")), self.expression(child)))
            elif child.type not in _SKIPPED:
                spread.append(self.lower(child))
        made = _code.Obj(self.source.at(node), pairs)
        return _code.Other(made.at, [*spread, made], same=True) if spread else made

    def _as_name(self, node: Node) -> Expr:
        return _code.Name(self.source.at(node), self.source.of(node))

    def _key(self, node: Node | None) -> Expr:
        if node is None or node.type in {"string", "computed_property_name"}:
            return self.expression(node)
        return _code.Str(self.source.at(node), [self.source.of(node)])

    def _array(self, node: Node) -> Stmt:
        items = [self.expression(child) for child in node.named_children if child.type not in _SKIPPED]
        return _code.Items(self.source.at(node), items)

    def _binary(self, node: Node) -> Stmt:
        operator = self.source.of(node.child_by_field_name("operator"))
        if operator == "+":
            return _code.Str(self.source.at(node), [self.expression(term) for term in self.source.terms(node)])
        left = self.expression(node.child_by_field_name("left"))
        right = self.expression(node.child_by_field_name("right"))
        at = self.source.at(node)
        if operator in {"||", "??"}:
            return _code.Either(at, [left, right], fallback=True)
        if operator in {"===", "==", "!==", "!="}:
            return _code.Compared(at, left, right)
        if operator == "in":
            return _code.Within(at, left, right)
        return _code.Other(at, [left, right])

    def _unary(self, node: Node) -> Stmt:
        argument = node.child_by_field_name("argument")
        at = self.source.at(node)
        if self.source.of(node.child_by_field_name("operator")) == "delete":
            return _code.Assign(at, self.expression(argument), _code.Const(at, None))
        return _code.Other(at, [self.expression(argument)])

    def _ternary(self, node: Node) -> Stmt:
        condition = self.lower(node.child_by_field_name("condition") or node.named_children[0])
        names = ("consequence", "alternative")
        choices = [self.expression(node.child_by_field_name(name)) for name in names]
        at = self.source.at(node)
        return _code.Other(at, [condition, _code.Either(at, choices)], same=True)

    # Statements

    def _declarator(self, node: Node) -> Stmt:
        target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if target is not None and target.type == "object_pattern":
            return _code.Unpack(self.source.at(node), self._fields(target), self.expression(value))
        at = self.source.at(node)
        return _code.Assign(at, self.expression(target), self._given(value, target), declares=True)

    def _given(self, value: Node | None, target: Node | None) -> Expr | None:
        """The value of a name; a function without one is called by it."""
        if value is None:
            return None
        given = self.expression(value)
        if isinstance(given, _code.Func) and not given.name:
            given.name = self.source.of(target).lstrip("#")
        return given

    def _fields(self, pattern: Node) -> list[tuple[str, int, str, Expr | None]]:
        found: list[tuple[str, int, str, Expr | None]] = []
        for child in pattern.named_children:
            default: Expr | None = None
            key, target = child, child
            if child.type == "pair_pattern":
                key = child.child_by_field_name("key") or child
                target = child.child_by_field_name("value") or child
            if target.type in {"assignment_pattern", "object_assignment_pattern"}:
                default = self.expression(target.child_by_field_name("right"))
                inner = target.child_by_field_name("left") or target
                key = inner if key is target else key
                target = inner
            if target.type == "object_pattern":
                found += [(self._spelled(key), self.source.at(key), "", None), *self._fields(target)]
            else:
                found.append((self._spelled(key), self.source.at(key), self.source.of(target), default))
        return found

    def _spelled(self, node: Node) -> str:
        text = self.source.of(node)
        return unescaped(Span(text[1:-1])).text if node.type == "string" else text

    def _assignment(self, node: Node) -> Stmt:
        target = self.expression(node.child_by_field_name("left"))
        value = self.expression(node.child_by_field_name("right"))
        if isinstance(value, _code.Obj) and _code.spoken(target) == "module.exports":
            value = _code.Obj(value.at, [pair for pair in value.pairs if not _same_name(*pair)])
        operator = self.source.of(node.child_by_field_name("operator"))
        if operator in {"||=", "??="}:
            value = _code.Either(value.at, [target, value], fallback=True)
        elif operator == "+=":
            value = _code.Str(value.at, [target, value])
        return _code.Assign(self.source.at(node), target, value)

    def _return(self, node: Node) -> Stmt:
        inner = node.named_children
        at = self.source.at(node)
        return _code.Return(at, self.expression(inner[0]) if inner else _code.Other(at))

    def _block(self, node: Node) -> Stmt:
        return _code.Block(self.source.at(node), self.children(node))

    def _export(self, node: Node) -> Stmt:
        value = node.child_by_field_name("value")
        if value is not None and value.type in {"object", "string", "array"}:
            at = self.source.at(node)
            return _code.Assign(at, _code.Name(at, "default"), self.expression(value), declares=True)
        return self._anything(node)

    def _for(self, node: Node) -> Stmt:
        target = self.expression(node.child_by_field_name("left"))
        value = self.expression(node.child_by_field_name("right"))
        body = node.child_by_field_name("body")
        at = self.source.at(node)
        loop = _code.Assign(at, target, value, declares=True, each="values")
        return _code.Block(at, [loop, *([self.lower(body)] if body is not None else [])])

    def _import(self, node: Node) -> Stmt:
        module = self._spelled(node.child_by_field_name("source") or node)
        names: list[tuple[str, str]] = []
        stack = list(node.named_children)
        while stack:
            child = stack.pop()
            if child.type == "import_specifier":
                name = self.source.of(child.child_by_field_name("name"))
                names.append((self.source.of(child.child_by_field_name("alias")) or name, name))
            elif child.type == "identifier":
                names.append((self.source.of(child), self.source.of(child)))
            elif child.type != "string":
                stack += child.named_children
        return _code.Import(self.source.at(node), names, module)

    def _enum(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        members: list[Stmt] = []
        for child in body.named_children if body is not None else []:
            name = child.child_by_field_name("name")
            if child.type == "enum_assignment" and name is not None:
                at = self.source.at(child)
                value = self.expression(child.child_by_field_name("value"))
                members.append(_code.Assign(at, _code.Name(at, self._spelled(name)), value, declares=True))
        name = node.child_by_field_name("name")
        return _code.Class(self.source.at(node), self.source.of(name), members)

    def _alias(self, node: Node) -> Stmt:
        """A type of literal texts names them."""
        items: list[Expr] = []
        stack = [node]
        while stack:
            child = stack.pop()
            if child.type == "string":
                items.append(self.expression(child))
            elif child.type in {"type_alias_declaration", "union_type", "literal_type", "parenthesized_type"}:
                stack += reversed(child.named_children)
        at = self.source.at(node)
        name = self.source.of(node.child_by_field_name("name"))
        return _code.Assign(at, _code.Name(at, name), _code.Items(at, items), declares=True)

    def _class(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        members: list[Stmt] = []
        for child in body.named_children if body is not None else []:
            named = child.child_by_field_name("name") or child.child_by_field_name("property")
            if child.type in {"field_definition", "public_field_definition"} and named is not None:
                value = child.child_by_field_name("value")
                target = _code.Name(self.source.at(child), self._spelled(named).lstrip("#"))
                members.append(_code.Assign(target.at, target, self._given(value, named), declares=True))
            elif child.type not in _SKIPPED:
                members.append(self.lower(child))
        return _code.Class(self.source.at(node), self.source.of(node.child_by_field_name("name")), members)

    # Functions

    def _function(self, node: Node) -> Stmt:
        body = node.child_by_field_name("body")
        lowered = [] if body is None else [self.lower(body)]
        if body is not None and body.type != "statement_block":
            at = self.source.at(body)
            lowered = [_code.Return(at, self.expression(body))]
        elif lowered and isinstance(lowered[0], _code.Block):
            lowered = lowered[0].body
        name = self.source.of(node.child_by_field_name("name")).lstrip("#")
        end = self.source.character(node.end_byte)
        kept = self._kept(node)
        getter = any(child.type == "get" for child in node.children)
        return _code.Func(self.source.at(node), name, self._parameters(node), [*kept, *lowered], end=end, getter=getter)

    def _kept(self, node: Node) -> list[Stmt]:
        """Parameters of a constructor that are declared as fields."""
        given = node.child_by_field_name("parameters")
        found: list[Stmt] = []
        for child in given.named_children if given is not None else []:
            pattern = child.child_by_field_name("pattern")
            if pattern is not None and any(one.type in _FIELD_MARKS for one in child.children):
                at, name = self.source.at(pattern), self.source.of(pattern)
                target = _code.Member(at, _code.Name(at, "this"), name, at)
                found.append(_code.Assign(at, target, _code.Name(at, name)))
        return found

    def _parameters(self, node: Node) -> list[_code.Param]:
        single = node.child_by_field_name("parameter")
        if single is not None:
            return [self._parameter(single)]
        given = node.child_by_field_name("parameters")
        children = given.named_children if given is not None else []
        return [self._parameter(child) for child in children if child.type not in _SKIPPED]

    def _parameter(self, node: Node) -> _code.Param:
        default = node.child_by_field_name("value") or node.child_by_field_name("right")
        target = node.child_by_field_name("pattern") or node.child_by_field_name("left") or node
        value = None if default is None else self.expression(default)
        at = self.source.at(node)
        if target.type == "object_pattern":
            fields = [(key, name, given) for key, _, name, given in self._fields(target)]
            return _code.Param("", at, value, fields=fields)
        return _code.Param(self.source.of(target).lstrip("."), at, value)

    def _jsx(self, node: Node) -> Stmt:
        """An element is a call of its component with its attributes."""
        pairs: list[tuple[Expr, Expr]] = []
        for child in node.named_children:
            inner = child.named_children
            if child.type == "jsx_attribute" and len(inner) > 1:
                pairs.append((self._key(inner[0]), self.expression(inner[1])))
        at = self.source.at(node)
        named = node.child_by_field_name("name")
        func = _code.Name(at, self.source.of(named))
        return _code.Call(at, func, [_code.Obj(at, pairs)])


def _same_name(key: Expr, value: Expr) -> bool:
    """Whether an entry only hands a name on, as an export does."""
    return isinstance(value, _code.Name) and isinstance(key, _code.Str) and key.parts == [value.id]
