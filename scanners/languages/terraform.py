"""Terraform: parameters and documents declared and read, permissions, variables of functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages import _cloudformation, _hcl
from scanners.languages._findings import DYNAMODB, LAUNCHDARKLY, SSM, Findings
from scanners.languages._flag_documents import Place, define_keys, find_in_span
from scanners.languages._hcl import Attribute, Block, Call, Either, Expression, Items, Object, Other, Ref, Text
from scanners.languages._places import Span
from scanners.languages._trees import Mapping, Node, Scalar, Sequence
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.languages.shell import find_in_script

_READ, _BIND, _DEFINE = ReferenceKind.READ, ReferenceKind.BIND, ReferenceKind.DEFINE
_SUFFIXES = (".tf", ".tfvars", ".hcl", ".tofu")
_MOST = 16
_DEEPEST = 12
_UNKNOWN = (KeyText((None,)),)
NAMED: dict[tuple[str, str], tuple[str, Reader, ReferenceKind]] = {
    ("resource", "aws_ssm_parameter"): ("name", SSM, _DEFINE),
    ("resource", "awscc_ssm_parameter"): ("name", SSM, _DEFINE),
    ("data", "aws_ssm_parameter"): ("name", SSM, _READ),
    ("ephemeral", "aws_ssm_parameter"): ("name", SSM, _READ),
    ("data", "awscc_ssm_parameter"): ("id", SSM, _READ),
    ("resource", "launchdarkly_feature_flag"): ("key", LAUNCHDARKLY, _DEFINE),
    ("data", "launchdarkly_feature_flag"): ("key", LAUNCHDARKLY, _READ),
}
_TEXT_FOR_PEOPLE = frozenset({"description", "comment", "comments", "title", "display_name", "tags", "tags_all"})
_BINDING = frozenset({"locals", "variable", "module", "output", ""})
_ENVIRONMENT = frozenset({"variables", "environment_variables", "environment", "env_vars", "env"})


class Terraform:
    """Terraform's and OpenTofu's files, and the values given to them."""

    name = "terraform"
    words: tuple[bytes, ...] = (b"aws_ssm_parameter",)
    code = False

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is Terraform's by its suffix."""
        return file.path.endswith(_SUFFIXES)

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the file declares, reads, permits and binds."""
        text = file.text()
        findings = Findings.of(file, context, text)
        parsed = _hcl.read(Span(text))
        for comment in parsed.comments:
            findings.prose(comment, "a comment names the key")
        _File(findings, parsed.body, Span(text)).report()
        return findings.result()


@dataclass(slots=True)
class _File:
    findings: Findings
    body: Block
    span: Span
    _names: dict[tuple[str, ...], list[Expression]] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _block: Block | None = None
    _taken: set[int] = field(default_factory=set)

    def report(self) -> None:
        """Report everything."""
        self._collect()
        for attribute in self.body.attributes:
            self._attribute(self.body, self.body, attribute)
        for block in self.body.blocks:
            self._block = block
            self._named(block)
            for holder, attribute in _hcl.expressions(block):
                self._attribute(block, holder, attribute)

    def _collect(self) -> None:
        for block in self.body.blocks:
            if block.kind == "locals":
                for attribute in block.attributes:
                    self._names.setdefault(("local", attribute.name), []).append(attribute.value)
            elif block.kind == "variable" and block.labels:
                default = block.get("default")
                held = [] if default is None else [default]
                self._names[("var", block.labels[0])] = [*held, Other(block.at)]
            elif block.kind in {"resource", "data"}:
                for attribute in block.attributes:
                    prefix = ("data",) if block.kind == "data" else ()
                    self._names.setdefault((*prefix, *block.labels, attribute.name), []).append(attribute.value)

    def _named(self, block: Block) -> None:
        kind = NAMED.get((block.kind, block.labels[0] if block.labels else ""))
        if kind is None:
            return
        attribute, reader, what = kind
        value = block.get(attribute)
        for text in self.texts(value) if value is not None else ():
            at = block.at if value is None else value.at
            self.findings.ask(text, reader, what, at, f"{block.kind} {'.'.join(block.labels)}")

    def _attribute(self, top: Block, holder: Block, attribute: Attribute) -> None:
        if holder.kind == "environment" or attribute.name in _ENVIRONMENT:
            self._environment(attribute.value)
        if attribute.name == "command":
            self._script(attribute.value)
        if top.labels[:1] == ["aws_dynamodb_table_item"] and attribute.name == "item":
            self._item(attribute.value)
        place = self._place(top) if top.labels[:1] == ["aws_appconfig_hosted_configuration_version"] else Place()
        for part in _hcl.parts_of(attribute.value):
            self._part(part, attribute, place)
        if attribute.name not in _TEXT_FOR_PEOPLE:
            self._bound(top, holder, attribute)

    def _part(self, part: Expression, attribute: Attribute, place: Place) -> None:
        if isinstance(part, Call) and part.name in {"jsonencode", "yamlencode"} and part.args:
            if define_keys(self.findings, [self._node(part.args[0])], place=place):
                self._taken |= {id(inner) for inner in _hcl.parts_of(part)}
            for inner in _hcl.parts_of(part.args[0]):
                self._container(inner)
        elif isinstance(part, Text):
            self._text(part, place)
        elif isinstance(part, Ref) and part.path[-1] == "arn" and attribute.name in {"resources", "Resource"}:
            for text in self._resolved((*part.path[:-1], "name")):
                self.findings.ask(text, SSM, _DEFINE, part.at, "a permission names it")
        if isinstance(part, Object):
            self._statement(part)

    def _text(self, part: Text, place: Place) -> None:
        if part.heredoc or len(part.parts) == 1:
            find_in_span(self.findings, _whole(part, "true"), place=place)
        for text in self.texts(part):
            if text.pattern.startswith(("arn:", "*:ssm")) and ":parameter" in text.pattern and not part.heredoc:
                key = _cloudformation.starred(_cloudformation.named_in_arn(text))
                self.findings.ask(key, SSM, _DEFINE, part.at, "a permission names it")

    def _statement(self, part: Object) -> None:
        """A statement of a policy that names a parameter's own ARN."""
        given = {_key_text(key): value for key, value in part.pairs}
        if "Effect" not in given or "Resource" not in given:
            return
        for inner in _hcl.parts_of(given["Resource"]):
            if isinstance(inner, Ref) and inner.path[-1] == "arn":
                for text in self._resolved((*inner.path[:-1], "name")):
                    self.findings.ask(text, SSM, _DEFINE, inner.at, "a permission names it")

    def _container(self, part: Expression) -> None:
        """The variables of a container that is described as JSON."""
        if not isinstance(part, Object):
            return
        given = {(_key_text(key) or "").lower(): value for key, value in part.pairs}
        name = given.get("name")
        value, source = given.get("value"), given.get("valuefrom")
        for variable in self.texts(name) if name is not None else ():
            if value is not None and variable.text:
                self._bind(variable.text, value, value.at)
            for text in self.texts(source) if source is not None and variable.text else ():
                key = _cloudformation.named_in_arn(text)
                self.findings.ask(key, SSM, _READ, source.at if source else part.at, "a container's variable is filled")
                self.findings.setting(variable.text or "", key, source.at if source else part.at)

    def _place(self, block: Block) -> Place:
        application, profile = block.get("application_id"), block.get("configuration_profile_id")
        return Place(self._place_name(application), self._place_name(profile))

    def _place_name(self, value: Expression | None) -> KeyText | None:
        """The name of the resource that an id is taken from; None when it is not known."""
        if not isinstance(value, Ref) or not value.path[0].startswith("aws_appconfig"):
            return None
        texts = self._resolved((*value.path[:-1], "name"))
        return texts[0] if len(texts) == 1 and texts[0].text is not None else None

    # Variables

    def _environment(self, value: Expression) -> None:
        for part in [value, *(value.args if isinstance(value, Call) else [])]:
            for key, given in part.pairs if isinstance(part, Object) else ():
                name = _key_text(key)
                if name is not None:
                    self._bind(name, given, key.at)

    def _bind(self, name: str, value: Expression, name_at: int) -> None:
        source = value.path if isinstance(value, Ref) and value.path[-1] in {"value", "insecure_value"} else None
        if source is None or "aws_ssm_parameter" not in source:
            for text in self.texts(value):
                self.findings.bound(name, text, value.at, "an environment variable", name_at)
            return
        for text in self._resolved((*source[:-1], "name")):
            kind = _BIND if source[0] == "data" else _READ
            self.findings.ask(text, SSM, kind, value.at, f"{name} is given the parameter's value")
            self.findings.setting(name, text, value.at)

    def _bound(self, top: Block, holder: Block, attribute: Attribute) -> None:
        """A name is given a key."""
        sure = holder.kind in _BINDING or top.kind in {"module", "locals"}
        for part in _hcl.parts_of(attribute.value):
            if (
                not isinstance(part, Text | Call)
                or id(part) in self._taken
                or (isinstance(part, Text) and part.heredoc)
            ):
                continue
            for held in self.texts(part):
                text = held.text
                if text is not None and not is_plain(text) and text not in {"", "/"}:
                    what = f"{attribute.name} is given the key"
                    certainty = Certainty.CERTAIN if sure else Certainty.POSSIBLE
                    self.findings.exact(text, (), _BIND, part.at, what, certainty=certainty)

    def _script(self, value: Expression) -> None:
        if isinstance(value, Text):
            find_in_script(self.findings, _whole(value, "${_}"))

    def _item(self, value: Expression) -> None:
        for part in _hcl.parts_of(value):
            text = _literal(part) if isinstance(part, Text) else None
            if text is not None:
                self.findings.ask(KeyText.known(text), DYNAMODB, _DEFINE, part.at, "an item of a table")

    # Values

    def texts(self, value: Expression) -> tuple[KeyText, ...]:
        """All that an expression can be, with unknown parts."""
        if id(value) in self._open or len(self._open) > _DEEPEST:
            return _UNKNOWN
        self._open.add(id(value))
        try:
            found = self._by_form(value)
        finally:
            self._open.discard(id(value))
        return tuple(dict.fromkeys(found))[:_MOST]

    def _by_form(self, value: Expression) -> tuple[KeyText, ...]:
        if isinstance(value, Text):
            return _combined(
                [(KeyText.known(part.text),) if isinstance(part, Span) else self.texts(part) for part in value.parts]
            )
        if isinstance(value, Ref):
            return self._resolved(value.path)
        if isinstance(value, Call):
            return self._called(value)
        if isinstance(value, Either):
            return tuple(text for choice in value.choices for text in self.texts(choice))
        if isinstance(value, Items) and len(value.items) == 1:
            return self.texts(value.items[0])
        word = value.word if isinstance(value, Other) else None
        return _UNKNOWN if word is None else (KeyText.known(word),)

    def _resolved(self, path: tuple[str, ...]) -> tuple[KeyText, ...]:
        if path[:1] == ("each",):
            return self._of_each(path[1:])
        path = tuple(step for step in path if step != "[]")
        for length in range(len(path), 1, -1):
            held = self._names.get(path[:length])
            if held is not None:
                rest = path[length:]
                return tuple(text for one in held for text in self._inside(one, rest)) or _UNKNOWN
        return _UNKNOWN

    def _inside(self, value: Expression, rest: tuple[str, ...]) -> tuple[KeyText, ...]:
        for step in rest:
            pairs = value.pairs if isinstance(value, Object) else []
            found = [inner for key, inner in pairs if _key_text(key) == step]
            if not found:
                return _UNKNOWN
            value = found[0]
        return self.texts(value)

    def _of_each(self, path: tuple[str, ...]) -> tuple[KeyText, ...]:
        source = self._block.get("for_each") if self._block is not None else None
        found: list[KeyText] = []
        for key, value in self._elements(source):
            if path == ("key",):
                known = _key_text(key)
                found += self.texts(key) if known is None else (KeyText.known(known),)
            elif path[:1] == ("value",):
                found += self._inside(value, path[1:])
        return tuple(found[:_MOST]) or _UNKNOWN

    def _elements(self, source: Expression | None) -> Iterator[tuple[Expression, Expression]]:
        for _ in range(_DEEPEST):
            if isinstance(source, Call):
                source = source.args[0] if source.args else None
            elif isinstance(source, Ref):
                held = self._names.get(source.path, [])
                source = held[0] if held else None
        if isinstance(source, Object):
            yield from source.pairs
        elif isinstance(source, Items):
            for item in source.items:
                yield item, item

    def _called(self, value: Call) -> tuple[KeyText, ...]:
        if value.name == "format" and value.args:
            return self._formatted(value)
        if value.name == "join" and len(value.args) > 1 and isinstance(value.args[1], Items):
            separator = self.texts(value.args[0])
            choices: list[tuple[KeyText, ...]] = []
            for number, item in enumerate(value.args[1].items):
                choices += [separator, self.texts(item)] if number else [self.texts(item)]
            return _combined(choices)
        if value.name in {"trimspace", "tostring", "nonsensitive", "sensitive", "lower", "try", "coalesce"}:
            return tuple(text for one in value.args for text in self.texts(one))
        return _UNKNOWN

    def _formatted(self, value: Call) -> tuple[KeyText, ...]:
        template = _literal(value.args[0]) if isinstance(value.args[0], Text) else None
        if template is None:
            return _UNKNOWN
        pieces = template.split("%s")
        choices: list[tuple[KeyText, ...]] = [(KeyText.known(pieces[0]),)]
        for number, piece in enumerate(pieces[1:], start=1):
            held = self.texts(value.args[number]) if number < len(value.args) else _UNKNOWN
            choices += [held, (KeyText.known(piece),)]
        return _combined(choices)

    # Documents

    def _node(self, value: Expression) -> Node:
        """An object as the document that it is encoded to."""
        if isinstance(value, Object):
            mapping = Mapping(value.at)
            for key, inner in value.pairs:
                mapping.pairs.append((self._scalar(key, _key_text(key)), self._node(inner)))
            return mapping
        if isinstance(value, Items):
            return Sequence(value.at, items=[self._node(item) for item in value.items])
        if isinstance(value, Other) and value.word is not None:
            return Scalar(value.word, value.at, value.at, "", self.span)
        return self._scalar(value, None)

    def _scalar(self, value: Expression, text: str | None) -> Scalar:
        known = text if text is not None else next((one.text for one in self.texts(value) if one.text), "")
        return Scalar(known or "", value.at, value.at, '"', self.span)


def _key_text(key: Expression) -> str | None:
    if isinstance(key, Ref) and len(key.path) == 1:
        return key.path[0]
    return _literal(key) if isinstance(key, Text) else None


def _literal(text: Text) -> str | None:
    if not all(isinstance(part, Span) for part in text.parts):
        return None
    return "".join(part.text for part in text.parts if isinstance(part, Span))


def _whole(text: Text, hole: str) -> Span:
    """The text as one span, with something in place of what is not known."""
    offsets: list[int] = []
    spelled: list[str] = []
    for part in text.parts:
        known = part.text if isinstance(part, Span) else hole
        spelled.append(known)
        offsets += [part.place(index) if isinstance(part, Span) else part.at for index in range(len(known))]
    return Span("".join(spelled), text.at, offsets)


def _combined(choices: list[tuple[KeyText, ...]]) -> tuple[KeyText, ...]:
    found: list[KeyText] = []
    for parts in product(*choices):
        found.append(KeyText.of(part for text in parts for part in text.parts))
        if len(found) >= _MOST:
            break
    return tuple(found)
