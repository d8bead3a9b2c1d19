"""The modules of a repository, and which one an import means."""

from __future__ import annotations

import copy
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scanners.languages.python import tree
from scanners.languages.python.bindings import Bindings, attributes_assigned, bindings
from scanners.languages.python.exports import Exports, Stars
from scanners.languages.python.slices import Flow, class_flow, flow

Parts = tuple[str, ...]


@dataclass(slots=True)
class Project:
    """Every Python file by its dotted name; ``load`` gives a file's tree, ``outline`` its names, or None."""

    paths: frozenset[str]
    load: Callable[[str], tree.Module | None]
    outline: Callable[[str], Exports | None]
    _named: dict[Parts, list[tuple[Parts, str]]] = field(init=False, repr=False)
    _folders: frozenset[Parts] = field(init=False, repr=False)
    _packages: frozenset[Parts] = field(init=False, repr=False)
    _memory: dict[tuple[str, int, str], str | None] = field(init=False, repr=False, default_factory=dict)
    _bindings: dict[str, Bindings] = field(init=False, repr=False, default_factory=dict)
    _attributes: dict[tuple[str, int], frozenset[str]] = field(init=False, repr=False, default_factory=dict)
    _settings: tuple[str, ...] | None = field(init=False, repr=False, default=None)
    _stars: dict[str, Stars] = field(init=False, repr=False, default_factory=dict)
    _flows: dict[str, dict[int, Flow]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the files by the last parts of their names."""
        named: dict[Parts, list[tuple[Parts, str]]] = defaultdict(list)
        folders: set[Parts] = set()
        packages: set[Parts] = set()
        for path in sorted(self.paths):
            if path.endswith(".pyi"):  # it tells types of what stands elsewhere, often in a library
                continue
            parts = dotted_parts(path)
            if path.endswith("__init__.py"):
                packages.add(parts)
            for count in range(1, min(len(parts), _INDEXED) + 1):
                named[parts[-count:]].append((parts, path))
            folder = tuple(path.split("/")[:-1])
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder[:-1]
        for folder in sorted(folders - packages):
            for count in range(1, min(len(folder), _INDEXED) + 1):
                named[folder[-count:]].append((folder, "/".join(folder) + "/"))
        self._named, self._folders, self._packages = dict(named), frozenset(folders), frozenset(packages)

    def bindings(self, path: str, module: tree.Module) -> Bindings:
        """Which statements of a file have to do with which of its names."""
        if path not in self._bindings:
            self._bindings[path] = bindings(module.body)
        return self._bindings[path]

    def assigned(self, path: str, node: tree.Def | tree.Lambda) -> frozenset[str]:
        """The attributes that the body of a function of a file assigns to something."""
        if isinstance(node, tree.Lambda):
            return frozenset()
        place = path, node.pos
        if place not in self._attributes:
            body = node.body
            known = body.spelled.assigned if isinstance(body, tree.Folded) else attributes_assigned(body)
            self._attributes[place] = known
        return self._attributes[place]

    def stars(self, path: str, held: Iterable[tuple[str, Exports | None]]) -> Stars:
        """The modules from which a file takes all names, with what each has."""
        if path not in self._stars:
            self._stars[path] = Stars.of(held)
        return self._stars[path]

    def flow(self, path: str, node: tree.Def | tree.Class) -> Flow:
        """What the statements of a function or class of a file use, give and mention."""
        held = self._flows.setdefault(path, {})
        if node.pos not in held:
            held[node.pos] = flow(node) if isinstance(node, tree.Def) else class_flow(node)
        return held[node.pos]

    def forget(self, path: str) -> None:
        """Let go of what was told from a file's tree: the tree has gone."""
        self._flows.pop(path, None)
        self._bindings.pop(path, None)

    def served(self, load: Callable[[str], tree.Module | None], outline: Callable[[str], Exports | None]) -> Project:
        """The same modules, got in another way."""
        other = copy.copy(self)
        other.load, other.outline = load, outline
        return other

    def resolve(self, importer: str, level: int, module: str) -> str | None:
        """The path of the module an import in ``importer`` means, a folder ending in ``/``; None when not here."""
        here = importer.rpartition("/")[0]
        if (here, level, module) not in self._memory:
            self._memory[here, level, module] = self._resolved(here, level, module)
        return self._memory[here, level, module]

    def _resolved(self, folder: str, level: int, module: str) -> str | None:
        here = tuple(folder.split("/")) if folder else ()
        wanted = tuple(module.split(".")) if module else ()
        if level:
            return self._at((*here[: len(here) - (level - 1)], *wanted))
        if not wanted or _is_standard(wanted) or self._is_library(wanted[0]):
            return None
        return self._nearest(here, wanted)

    def settings_modules(self) -> tuple[str, ...]:
        """The modules that a framework's settings object may be filled from."""
        if self._settings is None:
            self._settings = tuple(sorted(filter(_is_settings_module, self.paths)))
        return self._settings

    def child(self, package: str, name: str) -> str | None:
        """The module ``name`` of a package or folder, or None."""
        folder, _, file = package.rpartition("/")
        if file not in {"", "__init__.py"}:
            return None
        return self._at((*folder.split("/"), name) if folder else (name,))

    def _at(self, parts: Parts) -> str | None:
        joined = "/".join(parts)
        for path in (f"{joined}/__init__.py" if joined else "__init__.py", f"{joined}.py"):
            if path in self.paths:
                return path
        return f"{joined}/" if parts in self._folders else None

    def _nearest(self, here: Parts, wanted: Parts) -> str | None:
        best: tuple[tuple[float, int, bool, int], str] | None = None
        for parts, path in self._named.get(wanted[-_INDEXED:], ()):
            root = parts[: -len(wanted)]
            packaged = root in self._packages
            if parts[-len(wanted) :] != wanted:
                continue
            if packaged and not (self._is_own(root, here, wanted) or self._is_added(root, here, wanted)):
                continue
            common = _common(root, here)
            around = here[: len(root)] == root
            # A folder without a file of its own is a module where no file is one.
            rank = (around - packaged / 2, common, not path.endswith("/"), -(len(root) - common))
            if best is None or rank > best[0]:
                best = (rank, path)
        return best[1] if best is not None else None

    def _is_library(self, name: str) -> bool:
        """Whether an import means a library that is known by name, even in the repository that makes the library."""
        if name not in _TOLD_BY_FILE:
            return name in _LIBRARIES
        inside = _TOLD_BY_FILE[name]
        return (name, inside) in self._named

    def _is_own(self, root: Parts, here: Parts, wanted: Parts) -> bool:
        """Whether a folder around the importer is where imports start, although it is a package by its files."""
        return here[: len(root)] == root and wanted[0] not in _OFTEN_INSTALLED

    def _is_added(self, root: Parts, here: Parts, wanted: Parts) -> bool:
        """Whether a folder elsewhere may be where imports start, although it is a package: a layer, a source folder."""
        if not root or here[: len(root)] == root or wanted[0] in _OFTEN_INSTALLED:
            return False
        if root[-1] == "python":  # as a layer of Lambda has to call it
            return True
        return root[:-1] not in self._packages and (root[-1] in _SOURCE_FOLDERS or "_" in wanted[0])


# By so many last parts of their names modules are found; fewer where an import has fewer.
_INDEXED = 2


@dataclass(slots=True)
class Watched:
    """The modules of a repository, with a note of every question and its answer."""

    project: Project
    files: dict[str, None] = field(default_factory=dict)
    outlines: dict[str, None] = field(default_factory=dict)
    imports: dict[tuple[str, int, str], str | None] = field(default_factory=dict)
    children: dict[tuple[str, str], str | None] = field(default_factory=dict)
    settings: tuple[str, ...] | None = None
    whole: bool = True

    def settings_modules(self) -> tuple[str, ...]:
        """The modules that a framework's settings object may be filled from."""
        self.settings = self.project.settings_modules()
        return self.settings

    def load(self, path: str) -> tree.Module | None:
        """A file's tree, or None."""
        self.files[path] = None
        found = self.project.load(path)
        self.whole = self.whole and found is not None
        return found

    def bindings(self, path: str, module: tree.Module) -> Bindings:
        """Which statements of a file have to do with which of its names."""
        return self.project.bindings(path, module)

    def assigned(self, path: str, node: tree.Def | tree.Lambda) -> frozenset[str]:
        """The attributes that the body of a function of a file assigns to something."""
        return self.project.assigned(path, node)

    def stars(self, path: str, held: Iterable[tuple[str, Exports | None]]) -> Stars:
        """The modules from which a file takes all names, with what each has."""
        return self.project.stars(path, held)

    def outline(self, path: str) -> Exports | None:
        """The names a module makes known, or None."""
        self.outlines[path] = None
        found = self.project.outline(path)
        self.whole = self.whole and found is not None
        return found

    def resolve(self, importer: str, level: int, module: str) -> str | None:
        """The path of the module an import in ``importer`` means."""
        found = self.project.resolve(importer, level, module)
        self.imports[importer.rpartition("/")[0], level, module] = found
        return found

    def child(self, package: str, name: str) -> str | None:
        """The module ``name`` of a package or folder, or None."""
        found = self.project.child(package, name)
        self.children[package, name] = found
        return found


def _is_settings_module(path: str) -> bool:
    *folders, file = path.split("/")
    return file == "settings.py" or folders[-1:] == ["settings"]


def _is_standard(wanted: Parts) -> bool:
    """Whether an import means the standard library: of its names that are no packages, a repository may have one."""
    if wanted[0] not in sys.stdlib_module_names:
        return False
    return wanted[0] in _STANDARD_PACKAGES or (len(wanted) == 1 and wanted[0] != "test")


_STANDARD_PACKAGES = frozenset(
    {
        "asyncio",
        "collections",
        "compression",
        "concurrent",
        "ctypes",
        "curses",
        "dbm",
        "distutils",
        "email",
        "encodings",
    }
    | {"ensurepip", "html", "http", "importlib", "json", "lib2to3", "logging", "multiprocessing", "os", "pathlib", "re"}
    | {"sqlite3", "string", "sys", "sysconfig", "tkinter", "tomllib", "unittest", "urllib", "venv", "wsgiref", "xml"}
    | {"xmlrpc", "zipfile", "zoneinfo"}
)


# What these are asked for is known: nothing is won by following them, where a repository holds them itself.
_LIBRARIES = frozenset(
    {"aiobotocore", "aioboto3", "aws_cdk", "aws_lambda_powertools", "boto3", "botocore", "ldclient", "ssm_cache"}
    | {"UnleashClient"}
)
# Names that a repository may have for a module of its own: a module inside tells the library.
_TOLD_BY_FILE = {"openfeature": "client", "flagsmith": "flagsmith"}
# A folder of this name inside a package is hardly what an import of it means.
_INSTALLED = (
    "flagsmith httpx openfeature pydantic requests redis django flask fastapi starlette celery yaml jinja2 click numpy "
    "pandas pytest moto sqlalchemy alembic attr attrs github gitlab google jwt kafka slack slack_sdk stripe sentry_sdk "
    "psycopg2 typing_extensions rest_framework dotenv tenacity structlog mypy_boto3_ssm"
)
_OFTEN_INSTALLED = frozenset(_INSTALLED.split())
# Folders that a function's package, a layer or a test run puts on the path.
_SOURCE_FOLDERS = frozenset({"src", "source", "lib", "lambda", "lambdas", "app", "code", "layer", "shared"})


def dotted_parts(path: str) -> Parts:
    """The parts of a module's dotted name, counted from the top of the repository."""
    *folders, name = path.rstrip("/").split("/")
    dot = name.rfind(".")
    stem = name[:dot] if 0 < dot < len(name) - 1 else name
    return tuple(folders) if stem in {"", "__init__"} else (*folders, stem)


def _common(one: Parts, other: Parts) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


Functions = tuple[tuple[str, frozenset[str]], ...]


def relevant_names(modules: Iterable[Functions], words: frozenset[str]) -> frozenset[str]:
    """The names of functions and classes that may, through any depth of calls, ask one of ``words``.

    Each module is given as its functions, and the classes around them, with what their bodies mention.
    """
    functions = [function for module in modules for function in module]
    counts = Counter(name for _, mentions in functions for name in mentions)
    common = max(_COMMON, len(functions) // 50)
    known, latest = set(words), set(words)
    while latest:
        latest = {
            name
            for name, mentions in functions
            if name not in known and counts[name] <= common and not latest.isdisjoint(mentions)
        }
        known |= latest
    return frozenset(known)


# A name that so many functions mention says nothing any more.
_COMMON = 150
