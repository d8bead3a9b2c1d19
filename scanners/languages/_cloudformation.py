"""CloudFormation and SAM templates: parameters, AppConfig content, dynamic references, permissions, variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from auditor.domain.references import ReferenceKind
from scanners.keytext import KeyText
from scanners.languages import _environment
from scanners.languages._findings import SSM, Findings
from scanners.languages._flag_documents import Place, define_keys
from scanners.languages._forms import possible_in
from scanners.languages._trees import Mapping, Node, Scalar, Sequence, walk
from scanners.languages.shell import find_in_script

_READ, _BIND, _DEFINE = ReferenceKind.READ, ReferenceKind.BIND, ReferenceKind.DEFINE
_MOST = 16
_DEEPEST = 20
_RESOLVE = re.compile(r"\{\{resolve:ssm(?:-secure)?:(?P<name>(?:[^}$]|\$\{[^}]*\})+)\}\}")
_SUB = re.compile(r"\$\{(?P<literal>!?)(?P<name>[^}]*)\}")
_CONTENT = {
    "AWS::AppConfig::HostedConfigurationVersion": ("Content", "ApplicationId", "ConfigurationProfileId"),
}
POLICIES = frozenset({"SSMParameterReadPolicy", "SSMParameterWithSlashPrefixReadPolicy"})

Texts = Callable[[Node], tuple[KeyText, ...]]


def is_template(root: Mapping) -> bool:
    """Whether a document is a template: it says so, or its resources have types of AWS."""
    if root.get("AWSTemplateFormatVersion") is not None:
        return True
    resources = root.get("Resources")
    if not isinstance(resources, Mapping):
        return False
    return any(isinstance(one, Mapping) and "::" in (one.text("Type") or "") for _, one in resources.pairs)


def find_in_template(findings: Findings, root: Mapping) -> None:
    """Find what a template declares, reads, permits and binds."""
    template = _Template(findings, root)
    template.parameters()
    template.resources()
    template.everywhere()


def named_in_arn(key: KeyText) -> KeyText:
    """The name of the parameter that an ARN with unknown parts names; else the key as it is."""
    spelled = key.pattern
    begin = spelled.find(":parameter")
    if not spelled.startswith(("arn:", "*")) or begin < 0:
        return key
    return KeyText.of(_cut(key, begin + len(":parameter")))


def _cut(key: KeyText, count: int) -> Iterator[str | None]:
    for part in key.parts:
        size = 1 if part is None else len(part)
        if count >= size:
            count -= size
        elif part is None:
            yield None
        else:
            yield part[count:]
            count = 0


def starred(key: KeyText) -> KeyText:
    """In a permission a star stands for anything."""
    parts: list[str | None] = []
    for part in key.parts:
        if part is None:
            parts.append(None)
            continue
        parts += [None if piece in {"*", "?"} else piece for piece in re.split(r"([*?])", part)]
    return KeyText.of(parts)


def find_permission(findings: Findings, node: Mapping, texts: Texts) -> None:
    """Report the parameters that a statement of a policy, or a policy template, names."""
    named: list[Node] = []
    if node.get("Effect") is not None and (node.get("Action") or node.get("NotAction")) is not None:
        named += _listed(node.get("Resource"))
    for one in named:
        for text in texts(one):
            if ":parameter" in text.pattern:
                findings.ask(starred(named_in_arn(text)), SSM, _DEFINE, one.at, "a permission names it")
    for key, value in node.pairs:
        if key.text in POLICIES and isinstance(value, Mapping):
            _policy_template(findings, value, texts)


def _listed(node: Node | None) -> list[Node]:
    if isinstance(node, Sequence) and not node.tag:
        return node.items
    return [] if node is None else [node]


def _policy_template(findings: Findings, value: Mapping, texts: Texts) -> None:
    name = value.get("ParameterName")
    for text in texts(name) if name is not None else ():
        slashed = text if text.pattern.startswith(("/", "*")) else KeyText.of(["/", *text.parts])
        for key in dict.fromkeys((starred(text), starred(slashed))):
            findings.ask(key, SSM, _DEFINE, name.at if name is not None else value.at, "a policy template names it")


@dataclass(slots=True)
class _Template:
    findings: Findings
    root: Mapping
    _names: dict[str, tuple[KeyText, ...]] = field(default_factory=dict)
    _depth: int = 0

    def _section(self, name: str) -> list[tuple[str, Mapping]]:
        section = self.root.get(name)
        if not isinstance(section, Mapping):
            return []
        return [(key.text, value) for key, value in section.pairs if isinstance(value, Mapping)]

    def parameters(self) -> None:
        """Parameters that Parameter Store fills are read; others are given the keys they default to."""
        for name, parameter in self._section("Parameters"):
            default = parameter.get("Default")
            kind = parameter.text("Type") or ""
            if not isinstance(default, Scalar):
                self._names[name] = (KeyText((None,)),)
                continue
            known = KeyText.known(default.text)
            self._names[name] = (known, KeyText((None,)))
            if kind.startswith("AWS::SSM::Parameter::Value"):
                self.findings.ask(known, SSM, _READ, default.at, f"the parameter {name} of the template is filled")
            else:
                self.findings.bound(name, known, default.at, "a template's parameter defaults to it")

    def resources(self) -> None:
        """Resources that declare flags, or hold documents of them."""
        resources = self._section("Resources")
        for name, resource in resources:
            properties = resource.get("Properties")
            if resource.text("Type") == "AWS::SSM::Parameter" and isinstance(properties, Mapping):
                node = properties.get("Name")
                self._names[name] = self.texts(node) if node is not None else (KeyText((None,)),)
        for name, resource in resources:
            properties = resource.get("Properties")
            if isinstance(properties, Mapping):
                self._resource(name, resource.text("Type") or "", properties)

    def _resource(self, name: str, kind: str, properties: Mapping) -> None:
        if kind == "AWS::SSM::Parameter":
            node = properties.get("Name")
            for text in self.texts(node) if node is not None else ():
                self.findings.ask(text, SSM, _DEFINE, self._where(node, properties), f"the resource {name} declares it")
        elif kind in _CONTENT:
            content, application, profile = (properties.get(part) for part in _CONTENT[kind])
            if content is not None:
                place = Place(self._named(application), self._named(profile))
                define_keys(self.findings, self._contents(content), place=place)

    def _where(self, node: Node | None, otherwise: Mapping) -> int:
        inner = self._inner(node) if node is not None else None
        return inner.at if inner is not None else otherwise.at

    def _inner(self, node: Node) -> Node:
        """The text inside a function, which is where the key stands."""
        if isinstance(node, Mapping) and len(node.pairs) == 1 and isinstance(node.pairs[0][1], Scalar):
            return node.pairs[0][1]
        if isinstance(node, Sequence) and node.tag == "!Sub" and node.items:
            return node.items[0]
        return node

    def _contents(self, content: Node) -> list[Node]:
        if isinstance(content, Mapping) and len(content.pairs) == 1 and content.pairs[0][0].text.startswith("Fn::"):
            return [content.pairs[0][1]]
        return [content]

    def _named(self, node: Node | None) -> KeyText | None:
        """The name of the application or profile that a reference leads to; None when it is not known."""
        target = node.text if isinstance(node, Scalar) and node.tag == "!Ref" else None
        if isinstance(node, Mapping):
            target = node.text("Ref")
        for name, resource in self._section("Resources"):
            properties = resource.get("Properties")
            if name == target and isinstance(properties, Mapping) and properties.get("Name") is not None:
                texts = self.texts(properties.get("Name") or node or self.root)
                return texts[0] if len(texts) == 1 else None
        return None

    # Everything else

    def everywhere(self) -> None:
        """Variables, permissions, dynamic references and embedded documents, wherever they stand."""
        for trail, node in walk([self.root]):
            for variable in _environment.variables_of(trail, node):
                self._bind(variable)
            if isinstance(node, Mapping):
                find_permission(self.findings, node, self.texts)
            elif isinstance(node, Scalar):
                self._dynamic(node)
                self._value(trail, node)

    def _bind(self, variable: _environment.Variable) -> None:
        value = variable.value
        attribute = self._attribute(value)
        for text in self.texts(value) if attribute is None else self._names.get(attribute, ()):
            if attribute is not None:
                what = f"the template reads the value of {attribute}"
                self.findings.ask(text, SSM, _READ, value.at, what)
                self.findings.setting(variable.name, text, value.at)
            else:
                self.findings.bound(
                    variable.name, _reference(text), self._inner(value).at, "an environment variable", variable.at
                )
        if attribute is None and not self.texts(value):
            self.findings.bound(variable.name, KeyText((None,)), value.at, "an environment variable", variable.at)

    def _attribute(self, node: Node) -> str | None:
        """The parameter of which ``GetAtt`` takes the value."""
        if isinstance(node, Scalar) and node.tag == "!GetAtt" and node.text.endswith(".Value"):
            return node.text.removesuffix(".Value")
        inner = node.get("Fn::GetAtt") if isinstance(node, Mapping) else None
        listed = inner if isinstance(inner, Sequence) else node
        items = listed.items if isinstance(listed, Sequence) and (inner or listed.tag == "!GetAtt") else []
        texts = [item.text for item in items if isinstance(item, Scalar)]
        return texts[0] if texts[1:] == ["Value"] else None

    def _dynamic(self, node: Scalar) -> None:
        span = node.inner()
        for found in _RESOLVE.finditer(span.text):
            at = node.at if node.style not in {"|", ">"} else span.place(found.start())
            for text in self._substituted(found["name"], {}):
                self.findings.ask(text, SSM, _READ, at, "a dynamic reference reads the parameter")

    def _value(self, trail: tuple[str, ...], node: Scalar) -> None:
        if trail and trail[-1] in {"ZipFile", "InlineCode"}:
            possible_in(self.findings, node.inner(), "code in a template, searched as text")
            return
        if "UserData" in trail:
            find_in_script(self.findings, node.inner())
            return
        if trail and trail[-1] in {"Content", "Description"}:
            return
        if "/" in node.text and node.text.startswith("/"):
            what = "a value in a template"
            self.findings.exact(node.text, ("ssm",), _BIND, node.at, what)
        elif trail and trail[-1] in {"DefinitionString", "Definition"}:
            define_keys(self.findings, [node])

    # Values

    def texts(self, node: Node) -> tuple[KeyText, ...]:
        """All that a value can be, with unknown parts."""
        if self._depth > _DEEPEST:
            return (KeyText((None,)),)
        self._depth += 1
        try:
            found = self._by_form(node)
        finally:
            self._depth -= 1
        return tuple(dict.fromkeys(found))[:_MOST]

    def _by_form(self, node: Node) -> tuple[KeyText, ...]:
        if isinstance(node, Scalar):
            return self._function(node.tag, node) if node.tag.startswith("!") else (KeyText.known(node.text),)
        if isinstance(node, Sequence):
            return self._function(node.tag, node) if node.tag.startswith("!") else ()
        if len(node.pairs) == 1:
            key, value = node.pairs[0]
            if key.text == "Ref" or key.text.startswith("Fn::"):
                return self._function("!" + key.text.removeprefix("Fn::"), value)
        return ()

    def _function(self, tag: str, value: Node) -> tuple[KeyText, ...]:
        items = value.items if isinstance(value, Sequence) else []
        if tag == "!Ref" and isinstance(value, Scalar):
            return self._names.get(value.text, (KeyText((None,)),))
        if tag == "!Sub":
            return self._sub(value)
        if tag == "!Join" and len(items) > 1:
            return self._join(items)
        if tag == "!FindInMap":
            return self._mapped(items)
        if tag == "!If":
            return tuple(text for item in items[1:] for text in self.texts(item))
        return (KeyText((None,)),)

    def _mapped(self, items: list[Node]) -> tuple[KeyText, ...]:
        """An entry of the template's mappings; every one that fits what is known of its keys."""
        found: list[Node] = [self.root.get("Mappings") or Mapping(0)]
        for item in items[:3]:
            wanted = [text.regex() for text in self.texts(item)] if isinstance(item, Scalar) else []
            pairs = [pair for node in found if isinstance(node, Mapping) for pair in node.pairs]
            found = [value for key, value in pairs if not wanted or any(one.fullmatch(key.text) for one in wanted)]
        return tuple(text for node in found for text in self.texts(node)) or (KeyText((None,)),)

    def _sub(self, value: Node) -> tuple[KeyText, ...]:
        given: dict[str, tuple[KeyText, ...]] = {}
        template = value
        if isinstance(value, Sequence) and value.items:
            template = value.items[0]
            for item in value.items[1:]:
                if isinstance(item, Mapping):
                    given = {key.text: self.texts(inner) for key, inner in item.pairs}
        return self._substituted(template.text, given) if isinstance(template, Scalar) else ()

    def _substituted(self, text: str, given: dict[str, tuple[KeyText, ...]]) -> tuple[KeyText, ...]:
        choices: list[tuple[KeyText, ...]] = []
        position = 0
        for found in _SUB.finditer(text):
            choices.append((KeyText.known(text[position : found.start()]),))
            name = found["name"]
            unknown = (KeyText((None,)),)
            literal = (KeyText.known("${" + name + "}"),)
            choices.append(literal if found["literal"] else given.get(name) or self._names.get(name) or unknown)
            position = found.end()
        choices.append((KeyText.known(text[position:]),))
        return _combined(choices)

    def _join(self, items: list[Node]) -> tuple[KeyText, ...]:
        separator = items[0].text if isinstance(items[0], Scalar) else ""
        joined = items[1]
        if not isinstance(joined, Sequence) or joined.tag:
            return (KeyText((None,)),)
        choices: list[tuple[KeyText, ...]] = []
        for number, item in enumerate(joined.items):
            if number:
                choices.append((KeyText.known(separator),))
            choices.append(self.texts(item) or (KeyText((None,)),))
        return _combined(choices)


def _reference(text: KeyText) -> KeyText:
    """A dynamic reference stands for the parameter it names."""
    whole = text.text
    found = _RESOLVE.fullmatch(whole) if whole is not None else None
    return KeyText.known(found["name"]) if found is not None else text


def _combined(choices: list[tuple[KeyText, ...]]) -> tuple[KeyText, ...]:
    found: list[KeyText] = []
    for parts in product(*choices):
        found.append(KeyText.of(part for text in parts for part in text.parts))
        if len(found) >= _MOST:
            break
    return tuple(found)
