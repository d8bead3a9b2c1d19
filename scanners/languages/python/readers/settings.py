"""Environment variables and settings fields that hold a flag, or the name of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import Reader
from scanners.languages.python import documents, fold, members, tree
from scanners.languages.python.readers import names
from scanners.languages.python.values import (
    Bound,
    ClassObj,
    Ext,
    Imported,
    InstObj,
    ModuleRef,
    Piece,
    Ref,
    Scope,
    Site,
    Step,
    Text,
    Unknown,
    Vals,
    Value,
    literal,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

ENVIRONMENT = Reader(frozenset({"env"}))
_ENVIRONMENTS = frozenset({"os.environ", "os.environb", "posix.environ"})
_NAMES = frozenset({"settings", "config", "conf", "cfg", "configuration", "current_app", "app_settings", "app_config"})


def is_environment(value: Value) -> bool:
    """Whether a value is the process's environment."""
    return isinstance(value, Ext) and value.name in _ENVIRONMENTS


def read(m: Machine, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    """A variable is asked for: a flag itself, or one that holds the key of a flag."""
    found: list[Value] = []
    for text in documents.key_texts(keys, site):
        if _asks_flag(m, text):
            found.append(documents.ask(m, (text,), ENVIRONMENT, here, site, "environment variable is read", default))
        found += _held(m, text, here)
    bound = m.binding(default, "the fallback of an environment variable") if default is not None else ()
    together = union(found, bound if found else fold.loosened(bound))
    return together or (Unknown(fold.tags_together(keys).tags, "environment"),)


def _asks_flag(m: Machine, text: Text) -> bool:
    known = text.known
    if known is None:
        return "env" in m.providers and (text.key.selective or bool(text.tags))
    return bool(m.reporter.flags.exact(known, ENVIRONMENT.providers))


def _held(m: Machine, text: Text, here: Here) -> Vals:
    """What documents say a variable holds; reading it reads the flag it names."""
    known = text.known
    found: list[Value] = []
    for setting in m.settings.get(known, ()) if known is not None else ():
        where = f"{known} is set at {setting.path}:{setting.line}"
        pieces = tuple(Piece(part, text.tags) for part in setting.value.parts)
        held = Text(pieces, text.at, (*text.trail, Step(text.at, where)))
        found.append(held)
        matches = m.reporter.flags.matching(setting.value)
        spot = m.reporter.locate(here.frame, text)
        for flag in matches if spot is not None else ():
            sure = Certainty.CERTAIN if setting.value.text is not None else Certainty.POSSIBLE
            if spot is not None:
                m.reporter.add(flag, spot[1], ReferenceKind.READ, sure, (where, *spot[2]))
    return tuple(found)


def written(m: Machine, keys: Vals, here: Here, site: Site) -> None:
    """A variable is set or deleted by the program."""
    documents.ask(
        m, tuple(fold.texts(keys)), ENVIRONMENT, here, site, "environment variable is set", None, ReferenceKind.WRITE
    )


def field_read(m: Machine, owners: Vals, name: str, here: Here, site: Site) -> Vals | None:
    """A settings field is asked for; None when this is no settings object, or the field no flag."""
    flags = m.reporter.flags
    if "env" not in m.providers and "generic" not in m.providers:
        return None
    for owner in owners:
        for spelling in _spellings(owner, name):
            if flags.exact(spelling, ENVIRONMENT.providers) and _is_settings(m, owner, name):
                text = literal(spelling, site)
                return (documents.ask(m, (text,), ENVIRONMENT, here, site, "settings field is read"),)
    return None


def taken(m: Machine, path: str, name: str, local: str) -> None:
    """A module takes a name from another, which may be a settings field that is a flag."""
    if is_settings_path(path) and m.reporter.flags.exact(name, ENVIRONMENT.providers):
        m.taken_settings.add(local)


def name_read(m: Machine, name: str, here: Here, site: Site) -> Vals:
    """A name is used that a module took from settings; empty where it is none, or the field no flag."""
    scope: Scope | None = here.scope
    while scope is not None and (name not in scope.names or (scope.kind == "class" and scope is not here.scope)):
        scope = scope.parent
    found: list[Value] = []
    for value in scope.names[name] if scope is not None else ():
        if isinstance(value, Imported) and is_settings_path(value.path):
            owner = ModuleRef(value.path)
            found += field_read(m, (owner,), value.name, here, site) or ()
    return tuple(found)


def is_settings_path(path: str) -> bool:
    """Whether a module is called what people call the one that holds their settings."""
    return path.rsplit("/", 1)[-1].removesuffix(".py") in _NAMES or "settings" in path


def entry_read(m: Machine, owner: Value, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals | None:
    """An entry of a mapping of settings is asked for; None when this is none, or the entry no flag.

    The mapping that an application of Flask keeps is known by where it is kept, others by what they are called.
    """
    if not is_configuration(owner) or ("env" not in m.providers and "generic" not in m.providers):
        return None
    of_application = _of_application(owner)
    texts = documents.key_texts(keys, site)
    asked = tuple(text for text in texts if _is_asked(m, text, of_application=of_application))
    return (documents.ask(m, asked, ENVIRONMENT, here, site, "a setting is read", default),) if asked else None


def _is_asked(m: Machine, text: Text, *, of_application: bool) -> bool:
    if text.known is None:
        return of_application and bool(text.tags)
    found = m.reporter.flags.exact(text.known, ENVIRONMENT.providers)
    return any(of_application or flag.provider == "env" for flag in found)


def is_configuration(owner: Value) -> bool:
    """Whether something unknown is called what people call the mapping of their settings."""
    return isinstance(owner, Bound | Ext | Unknown) and _called_settings(owner)


def called(owner: Bound) -> str:
    """What an attribute of something unknown is known by."""
    return _KEPT_BY_APPLICATION if _of_application(owner) else owner.name


def _of_application(owner: Value) -> bool:
    if isinstance(owner, Unknown):
        return owner.hint == _KEPT_BY_APPLICATION
    if not isinstance(owner, Bound) or owner.name != "config":
        return False
    return _APPLICATION.search(names.called(owner.owner)) is not None


_KEPT_BY_APPLICATION = "app_config"
_APPLICATION = re.compile(r"(?:^|_|\.)(?:app|application|Flask|Quart)$")


def of_modules(m: Machine, name: str) -> Vals:
    """What the settings modules of the repository give a name that a framework's settings object is asked for."""
    paths = m.project.settings_modules() if name.isupper() else ()
    found = (m.looked_up((Imported(path, name),)) for path in paths)
    return tuple(value for value in union(*found) if not isinstance(value, Unknown))


def _spellings(owner: Value, name: str) -> tuple[str, ...]:
    if isinstance(owner, Ref) and isinstance(owner.obj, InstObj) and _settings_class(owner.obj.cls):
        return _variables(owner.obj.cls, name)
    return (name,)


def _variables(cls: ClassObj, name: str) -> tuple[str, ...]:
    """The variables that a field of a settings class is filled from: its alias, else its name behind the prefix."""
    for ancestor in cls.ancestors:
        aliases = documents.aliases(ancestor.fields[name].value) if name in ancestor.fields else []
        if aliases:
            return tuple(dict.fromkeys(spelled for alias in aliases for spelled in (alias, alias.upper())))
    return (name, f"{_prefix(cls)}{name}".upper())


def _is_settings(m: Machine, owner: Value, name: str) -> bool:
    if isinstance(owner, ModuleRef):
        return is_settings_path(owner.path)
    if isinstance(owner, Ref) and isinstance(owner.obj, InstObj):
        cls = owner.obj.cls
        declares = any(name in ancestor.fields or name in ancestor.scope.names for ancestor in cls.ancestors)
        return declares and (_settings_class(cls) or "settings" in cls.name.lower() or "config" in cls.name.lower())
    if isinstance(owner, ClassObj):
        return _settings_class(owner) or "settings" in owner.name.lower() or "config" in owner.name.lower()
    return _called_settings(owner)


def _called_settings(owner: Value) -> bool:
    if isinstance(owner, Ext):
        return owner.name.rsplit(".", 1)[-1] in _NAMES
    if isinstance(owner, Bound):
        return owner.name in _NAMES
    return isinstance(owner, Unknown) and owner.hint.rsplit(".", 1)[-1].lower() in _NAMES


def _named_settings(cls: ClassObj) -> bool:
    return "settings" in cls.name.lower() or "config" in cls.name.lower()


def _settings_class(cls: ClassObj) -> bool:
    return members.derives_from(cls, "BaseSettings", "BaseConfig")


def flag_fields(m: Machine, cls: ClassObj) -> list[str]:
    """The fields of a settings class that are flags."""
    if "env" not in m.providers or not _settings_class(cls):
        return []
    flags = m.reporter.flags
    return [
        name
        for name in dict.fromkeys((*cls.fields, *cls.scope.names))
        if any(flags.exact(spelled, ENVIRONMENT.providers) for spelled in _variables(cls, name))
    ]


def defined(m: Machine, name: str, here: Here, site: Site) -> None:
    """A name is declared where settings are declared: in a settings module or a settings class."""
    cls = m.class_of(here.scope)
    if cls is not None:
        in_settings = _settings_class(cls) or any(_named_settings(one) for one in cls.ancestors)
        spellings = _variables(cls, name) if _settings_class(cls) else (name,)
    else:
        in_settings = here.scope.kind == "module" and is_settings_path(here.scope.path)
        spellings = (name,)
    for spelling in dict.fromkeys(spellings) if in_settings else ():
        for flag in m.reporter.flags.exact(spelling, ENVIRONMENT.providers):
            if flag.provider == "env":
                m.reporter.add(
                    flag, site, ReferenceKind.DEFINE, Certainty.CERTAIN, (f"settings field {name} declares it",)
                )


DECLARING = frozenset({"environ.Env", "environ.FileAwareEnv"})


def declared(m: Machine, call: tree.Call, here: Here) -> None:
    """Variables are declared by keyword where the object is made that they are asked of."""
    for arg in call.args:
        for flag in m.reporter.flags.exact(arg.name, ENVIRONMENT.providers) if arg.name else ():
            site = here.site(arg.value.pos - len(f"{arg.name}="))
            steps = (f"the variable {arg.name} is declared",)
            m.reporter.add(flag, site, ReferenceKind.DEFINE, Certainty.CERTAIN, steps)


def _prefix(cls: ClassObj) -> str:
    for ancestor in cls.ancestors:
        for values in (ancestor.scope.names.get("model_config", ()), ancestor.options.get("env_prefix", ())):
            for value in values:
                texts = fold.texts(fold.entry((value,), "env_prefix")) or fold.texts((value,))
                if texts and texts[0].known:
                    return texts[0].known
    return ""
