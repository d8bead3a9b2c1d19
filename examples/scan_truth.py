"""How well the scanner does on a repository whose owners keep a truth of their own.

    python -m examples.scan_truth registry PATH --asked-by features.has --registered-by manager.add
    python -m examples.scan_truth registry PATH --asked-by flag_set --registry-file feature_flags.json
    python -m examples.scan_truth registry PATH --asked-by on --registered-class Feature --accessor a.Project.on
    python -m examples.scan_truth executed PATH --log asked.jsonl
    python -m examples.scan_truth record PATH --hook package.module:Class.method --log asked.jsonl -- -m pytest ...

``registry`` takes the flags from the project's own registry, and the places that ask for them from the calls of
the function that the project says asks it. Those are found by the standard library's ``ast``; a name as the key is
looked up among the assignments of the whole tree. ``record`` runs the project's tests and logs each key that was
really asked for, with the lines of every call on the way; ``executed`` compares that log. Both print precision and
recall beside a search for the quoted key. Nothing of the repository is kept.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import runpy
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from auditor.domain.references import Certainty, FlagSpec, ReferenceKind
from auditor.domain.scan_options import Accessor, ScanOptions
from scanners import engine
from scanners.languages.base import is_test_path

_ASKS = frozenset({ReferenceKind.READ, ReferenceKind.TEST})


@dataclass(frozen=True)
class Asked:
    """A key is asked for by an expression that stands on these lines of a file."""

    path: str
    first: int
    last: int
    key: str


@dataclass
class Claims:
    """Places where something says that a key is asked for: (path, line, key)."""

    places: set[tuple[str, int, str]] = field(default_factory=set)

    def recall(self, truth: set[Asked]) -> tuple[int, int]:
        """How many of the truth were found, of how many."""
        return sum(any((one.path, line, one.key) in self.places for line in _lines(one)) for one in truth), len(truth)

    def precision(self, truth: set[Asked]) -> tuple[int, int]:
        """How many of the claims are true, of how many."""
        known = {(one.path, line, one.key) for one in truth for line in _lines(one)}
        return len(self.places & known), len(self.places)


def _lines(one: Asked) -> range:
    return range(one.first, one.last + 1)


# The registry that a project keeps


def registered(
    trees: dict[str, ast.Module],
    calls: Sequence[str],
    names: Sequence[str],
    files: Sequence[Path],
    classes: Sequence[str] = (),
) -> set[str]:
    """The keys of a registry: arguments of calls, elements of a dict or list, a class's texts, a JSON file's keys."""
    found: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _is_named(node.func, calls):
                found |= set(_strings([node.args[0]]))
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Call):
                found |= set(_strings(_elements(node, names)))
            elif isinstance(node, ast.ClassDef) and node.name in classes:
                capitals = [one for one in node.body if isinstance(one, ast.Assign) and _is_capital(one.targets[0])]
                found |= set(_strings(one.value for one in capitals))
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        found |= set(content.get("flagValues", content.get("flags", content)))
    return found


def _is_capital(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def _elements(node: ast.Assign | ast.AnnAssign | ast.Call, names: Sequence[str]) -> Sequence[ast.expr | None]:
    """What a registry's name is given; ``NAME.update({...})`` gives it more."""
    if isinstance(node, ast.Call):
        named = (
            isinstance(node.func, ast.Attribute) and node.func.attr == "update" and _is_named(node.func.value, names)
        )
        value = node.args[0] if named and node.args else None
    else:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        value = node.value if any(_is_named(target, names) for target in targets) else None
    if isinstance(value, ast.Dict):
        return value.keys
    return value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else ()


def _strings(nodes: Iterable[ast.expr | None]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_named(node: ast.expr, names: Sequence[str]) -> bool:
    spelled = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    return any(spelled == name or spelled.endswith("." + name) for name in names)


def asked_in(trees: dict[str, ast.Module], calls: Sequence[str], position: int, keys: set[str]) -> set[Asked]:
    """The calls in product code that ask for a registered key: a literal, or a name that has one value in the tree.

    In test code every place of a key counts for the scanner, so that calls alone are no measure there.
    """
    constants = _constants(trees)
    found = set()
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_named(node.func, calls) and len(node.args) > position:
                key = node.args[position]
                value = _value(key, constants)
                if value in keys and not is_test_path(path):
                    found.add(Asked(path, key.lineno, key.end_lineno or key.lineno, value))
    return found


def _constants(trees: dict[str, ast.Module]) -> dict[str, str]:
    values: dict[str, set[str]] = defaultdict(set)
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                        values[target.id].add(node.value.value)
    return {name: held.pop() for name, held in values.items() if len(held) == 1}


def _value(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name == "value" and isinstance(node, ast.Attribute):
        return _value(node.value, constants)
    return constants.get(name, "")


# What the tests really ask for


def record(hooks: Sequence[str], position: int, log: Path, root: Path, command: Sequence[str]) -> None:
    """Run a module or script with each hooked function logging the key it gets and the calls that led to it."""
    with log.open("w", encoding="utf-8") as out:
        for hook in hooks:
            module, _, dotted = hook.partition(":")
            *owners, name = dotted.split(".")
            owner: Any = importlib.import_module(module)
            for part in owners:
                owner = getattr(owner, part)
            setattr(owner, name, _logging(getattr(owner, name), name, position, root.resolve(), out.write))
        sys.argv = list(command[1:]) if command[0] == "-m" else list(command)
        try:
            if command[0] == "-m":
                runpy.run_module(command[1], run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(command[0], run_name="__main__")
        except SystemExit as ended:
            print(f"the tests ended with {ended.code}", file=sys.stderr)


def _logging(
    inner: Callable[..., Any], name: str, position: int, root: Path, write: Callable[[str], object]
) -> Callable[..., Any]:
    def logged(*args: Any, **named: Any) -> Any:
        key = args[position] if len(args) > position else next((named[k] for k in ("name", "key") if k in named), None)
        if isinstance(key, str):
            calls = list(_calls(sys._getframe(1), root))  # noqa: SLF001  # the interpreter's own way to the caller
            write(json.dumps({"asked": name, "key": key, "calls": calls}) + "\n")
        return inner(*args, **named)

    return logged


def _calls(frame: FrameType | None, root: Path) -> Iterator[tuple[str, int, int]]:
    """The calls of the repository that led here, innermost first: file, first and last line of each."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(root):
            first, last = _lines_of(frame.f_code, frame.f_lasti, frame.f_lineno)
            yield path.relative_to(root).as_posix(), first, last
        frame = frame.f_back


def _lines_of(code: CodeType, instruction: int, line: int) -> tuple[int, int]:
    first, last, _, _ = list(code.co_positions())[instruction // 2]
    return first or line, last or first or line


def compare_executed(root: Path, log: Path) -> None:
    """Compare what was logged with what a scan says: each key that was asked must be found on the way to it."""
    asked: dict[tuple[str, tuple[tuple[str, int, int], ...]], None] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        asked[entry["key"], tuple(tuple(call) for call in entry["calls"])] = None
    keys = {key for key, _ in asked}
    claims = _scanned(root, keys, ScanOptions(), provider="appconfig")
    quoted = _quoted(root, keys)
    print(f"{len(asked)} different ways to ask for {len(keys)} keys were executed")
    for name, found in (("scanner", claims), ("quoted text", quoted)):
        hit = sum(_on_the_way(found, key, calls) for key, calls in asked)
        executed = {(path, line, key) for key, calls in asked for path, *span in calls for line in _span(span)}
        lines = {(path, line) for path, line, _ in executed}
        near = {place for place in found.places if place[:2] in lines}
        true = _share(len(near & executed), len(near))
        print(f"{name}: recall {_share(hit, len(asked))}; of its claims on executed calls, {true} asked")


def _on_the_way(found: Claims, key: str, calls: Iterable[tuple[str, int, int]]) -> bool:
    return any((path, line, key) in found.places for path, *span in calls for line in _span(span))


def _span(span: Sequence[int]) -> range:
    return range(span[0], span[1] + 1)


# The two searches


def _scanned(root: Path, keys: set[str], options: ScanOptions, provider: str = "generic") -> Claims:
    result = engine.scan([str(root)], [FlagSpec(key, provider) for key in sorted(keys)], options)
    asks = [one for one in result.references if one.kind in _ASKS and one.certainty is Certainty.CERTAIN]
    uses = [one for one in asks if one.resolution and one.resolution[0].startswith("a wrapper")]
    print(f"{len(uses)} uses of wrappers are left out of the figures: no truth here tells of them")
    return Claims({(one.path, one.line, one.flag.key) for one in asks if one not in uses})


def _quoted(root: Path, keys: set[str]) -> Claims:
    found = Claims()
    for path in _python(root):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            parts = line.replace('"', "'").split("'")[1::2]
            found.places |= {(path.relative_to(root).as_posix(), number, part) for part in parts if part in keys}
    return found


def compare_registry(root: Path, given: argparse.Namespace) -> None:
    """Compare the calls that ask the project's registry with what a scan says."""
    trees = dict(_trees(root))
    files = [root / name for name in given.registry_file]
    keys = registered(trees, given.registered_by, given.registered_in, files, given.registered_class)
    truth = asked_in(trees, given.asked_by, given.position, keys)
    named = given.asked_by if given.accessor is None else given.accessor
    accessors = tuple(Accessor(callable=name, key=(given.position,)) for name in named if name)
    claims = _scanned(root, keys, ScanOptions(accessors=accessors), given.provider)
    print(f"{len(keys)} registered keys, {len(truth)} places ask for one, in {len(trees)} files")
    for name, found in (("scanner", claims), ("quoted text", _quoted(root, keys))):
        said = Claims({place for place in found.places if place[0] in trees and not is_test_path(place[0])})
        print(f"{name}: precision {_share(*said.precision(truth))}, recall {_share(*said.recall(truth))}")
        if given.show:
            _show(said, truth)


def _show(found: Claims, truth: set[Asked]) -> None:
    known = {(one.path, line, one.key) for one in truth for line in _lines(one)}
    for one in sorted(truth, key=lambda one: (one.path, one.first)):
        if not any((one.path, line, one.key) in found.places for line in _lines(one)):
            print(f"  missed {one.path}:{one.first} {one.key}")
    for path, line, key in sorted(found.places - known):
        print(f"  beyond {path}:{line} {key}")


def _python(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if path.is_file())


def _trees(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in _python(root):
        try:
            yield path.relative_to(root).as_posix(), ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            print(f"not parsed: {path.relative_to(root)}", file=sys.stderr)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part} of {whole})" if whole else "none"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description="Compare a scan with a repository's own truth.")
    ways = parser.add_subparsers(dest="way", required=True)
    registry = ways.add_parser("registry")
    registry.add_argument("path", type=Path)
    registry.add_argument("--asked-by", action="append", required=True)
    registry.add_argument("--accessor", action="append", help="the asking function as code imports it; empty for none")
    registry.add_argument("--registered-by", action="append", default=[])
    registry.add_argument("--registered-in", action="append", default=[])
    registry.add_argument("--registered-class", action="append", default=[])
    registry.add_argument("--provider", default="generic")
    registry.add_argument("--registry-file", action="append", default=[])
    registry.add_argument("--position", type=int, default=0)
    registry.add_argument("--show", action="store_true")
    executed = ways.add_parser("executed")
    executed.add_argument("path", type=Path)
    executed.add_argument("--log", type=Path, required=True)
    recorded = ways.add_parser("record")
    recorded.add_argument("path", type=Path)
    recorded.add_argument("--hook", action="append", required=True)
    recorded.add_argument("--key", type=int, default=1)
    recorded.add_argument("--log", type=Path, required=True)
    recorded.add_argument("command", nargs="+")
    given = parser.parse_args(argv)
    if given.way == "registry":
        compare_registry(given.path, given)
    elif given.way == "executed":
        compare_executed(given.path, given.log)
    else:
        record(given.hook, given.key, given.log, given.path, given.command)


if __name__ == "__main__":
    main()
