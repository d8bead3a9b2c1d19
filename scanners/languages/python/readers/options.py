"""Options of a command line and parameters of a test: what a parameter, or an attribute of a namespace, is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanners.languages.python import fold, memory
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import settings
from scanners.languages.python.values import (
    UNKNOWN,
    Const,
    FuncObj,
    MapObj,
    Obj,
    Ref,
    SeqObj,
    Site,
    Text,
    Unknown,
    Vals,
    literal,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_GROUPS = frozenset({"add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"})


def given(values: Vals, func: FuncObj) -> None:
    """A decorator says what a function's parameters are given when nobody here calls it."""
    names = {param.name for param in func.node.params}
    for value in values:
        if isinstance(value, Obj) and value.kind == "parameters":
            for name, held in _entries(value):
                if name in names:
                    func.defaults[name] = union(func.defaults.get(name, ()), held)


def _entries(owner: Obj) -> Iterator[tuple[str, Vals]]:
    for held in owner.data:
        for keys, values in held.obj.items if isinstance(held, Ref) and isinstance(held.obj, MapObj) else ():
            for text in fold.texts(keys):
                if text.known is not None:
                    yield text.known, values


def decorating(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``@click.option("--name", default=..., envvar=...)``."""
    made = MapObj()
    values = _default(m, args, here, site)
    names = [text.known for one in args.values for text in fold.texts(one) if text.known]
    for name in _destination(names) if values else ():
        made.items.append(((literal(name, site),), values))
    return (Obj("parameters", data=(Ref(made),)),)


def parameter(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``name: str = typer.Option(default, "--name", envvar=...)``."""
    return _default(m, args, here, site, 0) or UNKNOWN


def _default(m: Machine, args: Args, here: Here, site: Site, *places: int) -> Vals:
    default = args.take("default", *places) if "default" in args.named or places else None
    if default is not None and all(isinstance(value, Const) and value.value in {None, ...} for value in default):
        default = None
    variables = args.given("envvar")
    if variables is not None:
        return settings.read(m, variables, here, site, default)
    return () if default is None else m.binding(default, "the default of an option")


def _destination(names: list[str]) -> tuple[str, ...]:
    """The name an option's value goes by: one that is no option, else that of its longest spelling."""
    plain = [name for name in names if not name.startswith("-")]
    chosen = plain[-1:] or sorted(names, key=lambda name: len(name) - len(name.lstrip("-")))[-1:]
    return tuple(name.lstrip("-").split("/", 1)[0].replace("-", "_").lower() for name in chosen)


def parametrized(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``@pytest.mark.parametrize("name, expected", [("a", 1), ...])``."""
    names = [name.strip() for text in _listed(args.take(0, "argnames") or ()) for name in text.split(",")]
    made = MapObj()
    for value in args.take(1, "argvalues") or ():
        for row in value.obj.items if isinstance(value, Ref) and isinstance(value.obj, SeqObj) else ():
            for name, values in zip(names, _row(row, len(names)), strict=False):
                memory.put(made, (literal(name, site),), values)
    return (Obj("parameters", data=(Ref(made),)),)


def _listed(values: Vals) -> list[str]:
    texts = fold.texts(values)
    for value in values:
        if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
            texts += [text for item in value.obj.items for text in fold.texts(item)]
    return [text.known for text in texts if text.known is not None]


def _row(row: Vals, width: int) -> list[Vals]:
    if width == 1:
        return [row]
    return [item for one in row if isinstance(one, Ref) and isinstance(one.obj, SeqObj) for item in one.obj.items]


def one_row(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``pytest.param(a, b, id=...)``."""
    return args.values[0] if len(args.values) == 1 else (Ref(SeqObj("tuple", list(args.values))),)


def parser(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``argparse.ArgumentParser()``: its arguments are kept for the namespace that it gives."""
    return (Obj("argument-parser", data=(Ref(MapObj()),)),)


def of_parser(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of an argument parser, or of a group of its arguments."""
    held = owner.data[0]
    mapping = held.obj if isinstance(held, Ref) and isinstance(held.obj, MapObj) else MapObj()
    if name == "add_argument":
        names = [text.known for one in args.values for text in fold.texts(one) if text.known]
        names += [text.known for text in fold.texts(args.given("dest") or ()) if text.known]
        for target in _destination(names):
            memory.put(mapping, (literal(target, site),), _default(m, args, here, site) or UNKNOWN)
    elif name == "set_defaults":
        for target, values in args.named.items():
            memory.put(mapping, (literal(target, site),), m.binding(values, "the default of an option"))
    elif name in _GROUPS:
        return (owner,)
    elif name in {"parse_args", "parse_intermixed_args"}:
        return (Obj("namespace", data=owner.data),)
    elif name == "parse_known_args":
        return (Ref(SeqObj("tuple", [(Obj("namespace", data=owner.data),), UNKNOWN])),)
    return UNKNOWN


def of_namespace(owner: Obj, name: str, site: Site) -> Vals:
    """An attribute of what a command line was parsed into."""
    found = union(*(values for known, values in _entries(owner) if known == name))
    return tuple(value.moved(site) if isinstance(value, Text) else value for value in found) or (Unknown((), name),)
