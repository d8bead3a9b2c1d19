"""Flags that templates and flag documents declare, known to any store or not, with what they say of owner and end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from auditor.domain.declarations import Declaration
from auditor.domain.flags import JsonValue
from scanners.languages import _flag_shapes, _hcl, _trees
from scanners.languages._places import Lines, Span
from scanners.languages.base import SourceFile
from scanners.repository import FoundFile, list_files, read_bytes
from scanners.unreadable import UnreadableSourceError

_DOCUMENTS = (".json", ".yaml", ".yml", ".template")
_TERRAFORM = (".tf", ".tofu", ".hcl")
_WORTH_READING = (b"flags", b"AWS::SSM::Parameter", b"aws_ssm_parameter")
_LARGEST = 2 << 20
_DEEPEST = 3
_HOLE = re.compile(r"\$\{(?!!)[^}]*\}")
_EXPIRES = re.compile(r'"Expiration".*?"Timestamp"\s*:\s*"([^"]+)"', re.DOTALL)


def declarations(paths: Sequence[str]) -> list[Declaration]:
    """Return the flags that files of these paths declare; a file that cannot be understood declares none.

    Test code declares none. Raise ``UsageError`` when a path cannot be read at all.
    """
    return [one for path in paths for file in list_files(path).files for one in _of_file(file)]


def _of_file(file: FoundFile) -> Iterable[Declaration]:
    if not file.path.endswith(_DOCUMENTS + _TERRAFORM) or file.size > _LARGEST:
        return ()
    try:
        source = SourceFile(file.path, read_bytes(file.place, _LARGEST))
    except OSError:
        return ()
    if source.is_test or not any(word in source.data for word in _WORTH_READING):
        return ()
    found = _Found(source.path, Lines(source.text()))
    span = Span(source.text())
    try:
        if source.path.endswith(_TERRAFORM):
            _read_terraform(found, span)
        else:
            _read_document(found, span)
    except UnreadableSourceError:
        return ()
    return found.declared


@dataclass(slots=True)
class _Found:
    """What one file declares."""

    path: str
    lines: Lines
    declared: list[Declaration] = field(default_factory=list)

    def add(self, key: str, provider: str, at: int, definition: JsonValue, metadata: dict[str, JsonValue]) -> None:
        """Keep a declaration."""
        line, column = self.lines.at(at)
        self.declared.append(Declaration(key, provider, self.path, line, column, definition, metadata))


# JSON and YAML


def _read_document(found: _Found, span: Span, depth: int = 0) -> None:
    tree = _trees.read(span, is_json=span.text.lstrip()[:1] in {"{", "["})
    recogniser = _flag_shapes.Recogniser()
    tops = {id(root) for root in tree.roots}
    for _, node in _trees.walk(list(tree.roots)):
        if isinstance(node, _trees.Mapping):
            shape = recogniser.keys(node, root=id(node) in tops)
            if shape is not None and "appconfig" in shape[0].sure:
                _flag_document(found, node)
            elif node.text("Type") == "AWS::SSM::Parameter":
                _parameter(found, node.get("Properties"))
        elif isinstance(node, _trees.Scalar) and depth < _DEEPEST:
            _embedded(found, node, depth)


def _embedded(found: _Found, node: _trees.Scalar, depth: int) -> None:
    if not node.text.lstrip().startswith("{") or '"flags"' not in node.text:
        return
    try:
        _read_document(found, node.inner(), depth + 1)
    except UnreadableSourceError:
        return  # text that is no document declares nothing


def _flag_document(found: _Found, node: _trees.Mapping) -> None:
    flags = node.get("flags")
    for key, entry in flags.pairs if isinstance(flags, _trees.Mapping) else ():
        found.add(key.text, "appconfig", key.at, _plain(entry), {})


def _parameter(found: _Found, properties: _trees.Node | None) -> None:
    if not isinstance(properties, _trees.Mapping):
        return
    name = properties.get("Name")
    key = _name(name)
    if name is None or key is None:
        return
    metadata = _metadata(properties.text("Description"), _plain(properties.get("Tags")), properties.text("Policies"))
    found.add(key, "ssm", name.at, None, metadata)


def _name(node: _trees.Node | None) -> str | None:
    """Return a name with ``*`` for what is substituted; ``None`` for one that is made in another way."""
    if isinstance(node, _trees.Mapping) and len(node.pairs) == 1 and node.pairs[0][0].text == "Fn::Sub":
        return _substituted(node.pairs[0][1])
    if isinstance(node, _trees.Scalar) and not node.tag.startswith("!"):
        return node.text
    return _substituted(node) if isinstance(node, _trees.Scalar | _trees.Sequence) and node.tag == "!Sub" else None


def _substituted(node: _trees.Node) -> str | None:
    template = node.items[0] if isinstance(node, _trees.Sequence) and node.items else node
    return _HOLE.sub("*", template.text) if isinstance(template, _trees.Scalar) else None


def _plain(node: _trees.Node | None) -> JsonValue:
    """Return a node as JSON has it; a number stays as it is spelled."""
    if isinstance(node, _trees.Mapping):
        return {key.text: _plain(value) for key, value in node.pairs}
    if isinstance(node, _trees.Sequence):
        return [_plain(item) for item in node.items]
    if node is None:
        return None
    return node.text if node.truth is None else node.truth


def _metadata(description: str | None, tags: JsonValue, policies: str | None) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {"tags": _tags(tags)}
    if description is not None:
        metadata["description"] = description
    expires = _EXPIRES.search(policies or "")
    if expires is not None:
        metadata["expires_at"] = expires[1]
    return metadata


def _tags(tags: JsonValue) -> dict[str, JsonValue]:
    """Return tags as a mapping, which templates also write as a list of keys and values."""
    if isinstance(tags, dict):
        return tags
    pairs = [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    return {str(tag["Key"]): tag["Value"] for tag in pairs if "Key" in tag and "Value" in tag}


# Terraform


def _read_terraform(found: _Found, span: Span) -> None:
    for block in _hcl.read(span).body.blocks:
        resource = block.labels[0] if block.kind == "resource" and block.labels else ""
        if resource == "aws_ssm_parameter":
            _parameter_block(found, block)
        elif resource == "aws_appconfig_hosted_configuration_version":
            _content(found, block.get("content"))


def _parameter_block(found: _Found, block: _hcl.Block) -> None:
    name = block.get("name")
    key = _text(name)
    if name is not None and key is not None:
        found.add(
            key, "ssm", name.at, None, _metadata(_text(block.get("description")), _value(block.get("tags")), None)
        )


def _content(found: _Found, content: _hcl.Expression | None) -> None:
    if isinstance(content, _hcl.Text) and len(content.parts) == 1 and isinstance(content.parts[0], Span):
        _read_document(found, content.parts[0], 1)
    elif isinstance(content, _hcl.Call) and content.name == "jsonencode" and content.args:
        for key, entry in _entries(_member(content.args[0], "flags")):
            found.add(_key(key) or "*", "appconfig", key.at, _value(entry), {})


def _entries(expression: _hcl.Expression | None) -> Iterator[tuple[_hcl.Expression, _hcl.Expression]]:
    if isinstance(expression, _hcl.Object):
        yield from expression.pairs


def _member(expression: _hcl.Expression, name: str) -> _hcl.Expression | None:
    return next((value for key, value in _entries(expression) if _key(key) == name), None)


def _key(expression: _hcl.Expression) -> str | None:
    if isinstance(expression, _hcl.Ref) and len(expression.path) == 1:
        return expression.path[0]
    return _text(expression)


def _text(expression: _hcl.Expression | None) -> str | None:
    if not isinstance(expression, _hcl.Text):
        return None
    return "".join(part.text if isinstance(part, Span) else "*" for part in expression.parts)


def _value(expression: _hcl.Expression | None) -> JsonValue:
    if isinstance(expression, _hcl.Object):
        return {_key(key) or "*": _value(value) for key, value in expression.pairs}
    return _text(expression)
