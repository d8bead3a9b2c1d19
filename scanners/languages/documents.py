"""JSON and YAML: flag documents by their shape, variables, scripts and comments in documents of every kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from auditor.domain.references import Certainty, Reference, ReferenceKind
from scanners.flag_index import is_plain
from scanners.keytext import KeyText
from scanners.languages import _cloudformation, _environment, _flag_documents, _flag_shapes
from scanners.languages._findings import SSM, Findings
from scanners.languages._places import Span
from scanners.languages._shell_run import Held
from scanners.languages._trees import Mapping, Node, Scalar, Tree, read, walk
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.languages.shell import find_in_script
from scanners.languages.terraform import NAMED

_READ, _WRITE, _BIND, _DEFINE = ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND, ReferenceKind.DEFINE
_JSON = frozenset({".json", ".jsonc", ".json5", ".jsonl", ".ndjson", ".tfstate", ".webmanifest", ".code-workspace"})
_YAML = frozenset({".yaml", ".yml"})
_TEMPLATE = frozenset({".template", ".tmpl"})
_SCRIPTS = frozenset(
    {"run", "script", "before_script", "after_script", "commands", "command", "bash", "inline", "cmds"}
)
_PERMITTING = frozenset({"Effect", *_cloudformation.POLICIES})
_HELD_BY_SCRIPTS = re.compile(r"\baws\b|curl|jq|[=$]")
_PARAMETER_TYPES = frozenset({"String", "StringList", "SecureString"})
_STATES = re.compile(r"aws-sdk:ssm:(?P<operation>\w+)")
_STATE_KINDS = {
    "getParameter": _READ,
    "getParameters": _READ,
    "putParameter": _WRITE,
    "deleteParameter": _WRITE,
    "deleteParameters": _WRITE,
}
# A kind of block, a type and a name stand above a resource of Terraform in its JSON form.
_TERRAFORM = 3
_PULUMI = frozenset({"aws:ssm:Parameter", "aws:ssm/parameter:Parameter", "aws-native:ssm:Parameter"})
_DIRECTIVE = re.compile(rb"^[ \t]*(?:\{\{|\{%)", re.MULTILINE)
_INSERTED = re.compile(rb"(?<!\$)\{\{")
_FOR_PEOPLE = frozenset(
    {"title", "description", "comment", "comments", "summary", "message", "text", "help", "note", "notes", "label"}
    | {"displayname", "display_name", "caption", "example", "examples", "$comment", "doc", "docs"}
)
_TRANSLATIONS = frozenset({"i18n", "l10n", "intl", "locale", "locales", "lang", "langs", "translation", "translations"})
_FLAG_WORDS = re.compile(r"flag|feature|toggle|experiment|switch", re.IGNORECASE)


class Documents:
    """JSON and YAML files, whatever they hold."""

    name = "documents"
    words: tuple[bytes, ...] = (b"resolve:ssm", b"${ssm", b"ssm:getParameter", b"get-parameter", b"put-parameter")
    code = False

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is JSON or YAML by its suffix, or a template by its beginning."""
        suffix = file.name.suffix.lower()
        if suffix in _TEMPLATE:
            return b"AWSTemplateFormatVersion" in file.data or b"AWS::" in file.data
        return suffix in _JSON | _YAML and not _is_template_of_document(file)

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the document says; raises UnreadableSourceError when it is none, or too large or deep."""
        text = file.text()
        is_json = file.name.suffix.lower() in _JSON or text.lstrip()[:1] in {"{", "["}
        findings = Findings.of(file, context, text)
        find_in_tree(findings, read(Span(text), is_json=is_json))
        return findings.result()


def _is_template_of_document(file: SourceFile) -> bool:
    """Whether something else makes the document of it, which makes it a language of its own."""
    if _DIRECTIVE.search(file.data) is not None:
        return True
    return "templates" in file.name.parts[:-1] and _INSERTED.search(file.data) is not None


def find_in_tree(findings: Findings, tree: Tree) -> None:
    """Find what the documents of a file say."""
    for comment in tree.comments:
        findings.prose(comment.span, "a comment names the key")
    templates = [root for root in tree.roots if isinstance(root, Mapping) and _cloudformation.is_template(root)]
    for template in templates:
        _cloudformation.find_in_template(findings, template)
    others = [root for root in tree.roots if root not in templates]
    taken = _flag_documents.define_keys(findings, others)
    for trail, node in walk(others):
        if id(node) not in taken:
            _look(findings, trail, node)
    for script, variables in _environment.scripts(others, _SCRIPTS):
        if id(script) not in taken and _HELD_BY_SCRIPTS.search(script.text):
            held = [
                (one.name, Held(text, one.value.at))
                for one in variables
                for text in _environment.plain_texts(one.value)
            ]
            find_in_script(findings, script.inner(), variables=held)


def _held(variables: list[_environment.Variable]) -> list[tuple[str, Held]]:
    return [(one.name, Held(text, one.value.at)) for one in variables for text in _environment.plain_texts(one.value)]


def _look(findings: Findings, trail: tuple[str, ...], node: Node) -> None:
    for variable in _environment.variables_of(trail, node):
        _environment.bind(findings, variable, _environment.plain_texts)
    if isinstance(node, Mapping):
        _look_at_mapping(findings, trail, node)
    elif isinstance(node, Scalar):
        _serverless(findings, node)
        if not _is_translation(findings.file):
            _loose_value(findings, trail, node)


def _look_at_mapping(findings: Findings, trail: tuple[str, ...], node: Mapping) -> None:
    names = {key.text for key, _ in node.pairs}
    if trail[-1:] == ("parameter-store",):
        _build_parameters(findings, node)
    if "Name" in names:
        _parameter_record(findings, node)
    if "name" in names and ("strategies" in names or names == {"name", "enabled"}):
        _exported_flag(findings, node)
    if "Resource" in names:
        _state_machine(findings, node)
    _infrastructure(findings, trail, node)
    if not names.isdisjoint({"valueFrom", "ValueFrom"}):
        _environment_secret(findings, node)
    if not names.isdisjoint(_PERMITTING):
        _cloudformation.find_permission(findings, node, _environment.plain_texts)
    if not _is_translation(findings.file):
        _loose_keys(findings, trail, node)


def _is_translation(file: SourceFile) -> bool:
    """Whether a document holds what a program says to people in one language."""
    return not _TRANSLATIONS.isdisjoint(part.lower() for part in file.name.parts[:-1])


def _build_parameters(findings: Findings, node: Mapping) -> None:
    """A build's variables that are filled from parameters."""
    for name, value in node.pairs:
        for key in _environment.plain_texts(value):
            findings.ask(key, SSM, _READ, value.at, "a build's variable is filled from the parameter")
            findings.setting(name.text, key, value.at)


def _parameter_record(findings: Findings, node: Mapping) -> None:
    """The input of ``put-parameter`` as a document declares the parameter."""
    name = node.get("Name")
    if isinstance(name, Scalar) and node.text("Type") in _PARAMETER_TYPES and node.get("Value") is not None:
        findings.ask(KeyText.known(name.text), SSM, _DEFINE, name.at, "a parameter's name and value")


def _exported_flag(findings: Findings, node: Mapping) -> None:
    """A flag in an export of Unleash declares itself by name."""
    name = node.get("name")
    if isinstance(name, Scalar):
        findings.exact(name.text, ("unleash",), _DEFINE, name.at, "a flag in an export of Unleash")


def _infrastructure(findings: Findings, trail: tuple[str, ...], node: Mapping) -> None:
    """A resource or data source of Terraform in its JSON form, or a resource of Pulumi's programs in YAML."""
    above = trail[:2] if len(trail) == _TERRAFORM else ("", "")
    attribute, reader, kind = NAMED.get((above[0], above[1]), ("", SSM, _DEFINE))
    value, what = node.get(attribute) if attribute else None, ".".join(trail)
    properties = node.get("properties")
    if node.text("type") in _PULUMI and isinstance(properties, Mapping):
        value, what = properties.get("name"), "a resource of Pulumi"
    if isinstance(value, Scalar):
        findings.ask(_environment.with_holes(value.text), reader, kind, value.at, what)


def _state_machine(findings: Findings, node: Mapping) -> None:
    """A step of a state machine that calls Parameter Store."""
    found = _STATES.search(node.text("Resource") or "")
    kind = _STATE_KINDS.get(found["operation"]) if found is not None else None
    handed = node.get("Parameters") or node.get("Arguments")
    if kind is None or not isinstance(handed, Mapping):
        return
    for _, inner in walk([value for name in ("Name", "Names") if (value := handed.get(name)) is not None]):
        if isinstance(inner, Scalar):
            findings.ask(_environment.with_holes(inner.text), SSM, kind, inner.at, "a state machine's task")


def _environment_secret(findings: Findings, node: Mapping) -> None:
    """A container's variable that is filled from a parameter."""
    name, value = node.get("name") or node.get("Name"), node.get("valueFrom") or node.get("ValueFrom")
    if isinstance(name, Scalar) and isinstance(value, Scalar):
        key = _cloudformation.named_in_arn(_environment.with_holes(value.text))
        findings.ask(key, SSM, _READ, value.at, "a container's variable is filled from the parameter")
        findings.setting(name.text, key, value.at)


def _serverless(findings: Findings, node: Scalar) -> None:
    for found in _environment.SERVERLESS.finditer(node.text):
        key = _environment.with_holes(found["name"])
        findings.ask(key, SSM, _READ, node.at, "the deployment reads the parameter")


def _loose_keys(findings: Findings, trail: tuple[str, ...], node: Mapping) -> None:
    """Keys in a document of unknown shape that look as if they were flags' keys."""
    named = any(_FLAG_WORDS.search(name) for name in trail)
    for key, value in node.pairs:
        if not findings.context.flags.exact(key.text):
            continue
        if findings.file.is_test and not is_plain(key.text):
            findings.exact(key.text, (), ReferenceKind.TEST, key.at, "the key stands in test code")
        if "/" in key.text or named or (_says_on_or_off(value) and not is_plain(key.text)):
            stores = () if "/" in key.text else ("appconfig", "s3", "dynamodb", "openfeature", "launchdarkly")
            what = "a key of a document whose shape is not known"
            findings.exact(key.text, stores, _DEFINE, key.at, what, certainty=Certainty.POSSIBLE)


def _says_on_or_off(value: Node) -> bool:
    if isinstance(value, Scalar):
        return value.truth is not None or value.text in {"true", "false", "on", "off"}
    return isinstance(value, Mapping) and not {"enabled", "default", "on", "value", "state"}.isdisjoint(
        key.text.lower() for key, _ in value.pairs
    )


def _loose_value(findings: Findings, trail: tuple[str, ...], node: Scalar) -> None:
    """A key as a value: a program may take it from there, unless the value is for people."""
    if is_plain(node.text):
        return
    if findings.file.is_test:
        findings.exact(node.text, (), _BIND, node.at, "a value in a document")
    elif not (trail[-1:] == ("name",) and ".github" in findings.file.name.parts) and _FOR_PEOPLE.isdisjoint(
        name.lower() for name in trail[-1:]
    ):
        findings.exact(node.text, (), _BIND, node.at, "a value in a document", certainty=Certainty.POSSIBLE)


def find_in_text(
    text: str, file: SourceFile, context: ScanContext, line: int, column: int, *, one_line: bool = False
) -> FileFindings:
    """Find the flag documents that a string in code is or holds; its first character stands at line and column.

    ``one_line`` says that its line breaks are escapes, so that all of it stands on that line.
    """
    findings = Findings.of(file, context, text)
    _flag_documents.find_in_span(findings, Span(text))
    references = tuple(_moved(one, line, column, one_line=one_line) for one in findings.result().references)
    return FileFindings(references)


def _moved(one: Reference, line: int, column: int, *, one_line: bool) -> Reference:
    if one_line:
        return replace(one, line=line, column=column)
    return replace(one, line=one.line + line - 1, column=one.column + (column - 1 if one.line == 1 else 0))


def keys_of_document(value: object) -> Iterable[str]:
    """The keys of the flags in a parsed document, known by its shape; none when it is something else."""
    return tuple(dict.fromkeys(_flag_shapes.keys_of(value)))
