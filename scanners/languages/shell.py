"""Shell scripts, Makefiles and container files: what they ask the AWS command line, jq and curl for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages import _shell_words
from scanners.languages._agent import agent_url
from scanners.languages._findings import APPCONFIG, DYNAMODB, ENVIRONMENT, SSM, Findings
from scanners.languages._flag_documents import define_keys, find_in_span
from scanners.languages._places import Span
from scanners.languages._shell_run import Argument, Assigned, Called, Held, Run
from scanners.languages._trees import Mapping, Node, Scalar, read, walk
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.unreadable import UnreadableSourceError

_READ, _WRITE, _BIND = ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND
_SUFFIXES = frozenset({".sh", ".bash", ".zsh", ".ksh", ".mk", ".bats", ".envrc"})
_NAMES = frozenset({"makefile", "gnumakefile", ".envrc", ".bashrc", ".profile", ".bash_profile", "justfile"})
_SHEBANG = re.compile(rb"#!.*\b(?:ba|da|z|k|a)?sh\b")
_SSM: dict[str, tuple[str, ReferenceKind]] = {
    "get-parameter": ("--name", _READ),
    "get-parameters": ("--names", _READ),
    "get-parameter-history": ("--name", _READ),
    "put-parameter": ("--name", _WRITE),
    "delete-parameter": ("--name", _WRITE),
    "delete-parameters": ("--names", _WRITE),
    "label-parameter-version": ("--name", _WRITE),
    "unlabel-parameter-version": ("--name", _WRITE),
    "add-tags-to-resource": ("--resource-id", _WRITE),
    "remove-tags-from-resource": ("--resource-id", _WRITE),
}
_ITEMS: dict[str, ReferenceKind] = {
    "get-item": _READ,
    "query": _READ,
    "put-item": _WRITE,
    "update-item": _WRITE,
    "delete-item": _WRITE,
}
_ITEM_OPTIONS = ("--key", "--item", "--expression-attribute-values")
_CLI = frozenset({"aws", "awslocal", "awscli", "aws2", "aws.exe"})
_GLOBAL = frozenset({"--profile", "--region", "--output", "--endpoint-url", "--query", "--color", "--ca-bundle"})
_SERVICES = frozenset({"ssm", "appconfig", "appconfigdata", "dynamodb"})
_COMMAND = re.compile(r"\baws(?:local)?\s+(?:-\S+\s+(?:\S+\s+)?)*(?:ssm|appconfig)\s+[a-z]")
_SILENT = frozenset({"echo", "printf", "log", "grep", "sed", "awk", "cd", "mkdir", "rm", "git", "[", "[[", "test"})
_JQ = frozenset({"jq", "yq", "gojq"})
_PATH = re.compile(r"\[\s*\"(?P<index>[^\"]+)\"\s*\]|\.\"(?P<quoted>[^\"]+)\"|\.(?P<name>[A-Za-z_]\w*)")
_KEEPS_DEFAULT = re.compile(r"//\s*(?P<value>true|false|null|\"[^\"]*\"|-?\d+)")


class Shell:
    """Shell scripts by their suffix, their name or their first line."""

    name = "shell"
    words: tuple[bytes, ...] = (b"get-parameter", b"put-parameter", b"delete-parameter")
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is a script, a Makefile or a Dockerfile."""
        name = file.name.name.lower()
        if file.name.suffix.lower() in _SUFFIXES or name in _NAMES or is_dockerfile(name):
            return True
        return _SHEBANG.match(file.data) is not None

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the script asks for, sets and binds; raises UnreadableSourceError when it is nested too deeply."""
        text = file.text()
        findings = Findings.of(file, context, text)
        name = file.name.name.lower()
        if is_dockerfile(name):
            text = _docker_commands(text)
        make = name.endswith(("makefile", ".mk"))
        find_in_script(findings, Span(_recipes(text) if make else text), make=make)
        return findings.result()


def is_dockerfile(name: str) -> bool:
    """Whether a file's name, in lower case, is that of a Dockerfile."""
    return name in {"dockerfile", "containerfile"} or name.startswith("dockerfile.") or name.endswith(".dockerfile")


_INSTRUCTION = re.compile(r"^[ \t]*(?:RUN|ENV|ARG|CMD|ENTRYPOINT)\b[ \t]*", re.MULTILINE | re.IGNORECASE)


_SPACED = re.compile(
    r"^(?P<env>[ \t]*ENV[ \t]+)(?P<name>[A-Za-z_]\w*)(?P<gap>[ \t]+)(?=[^\s=])", re.MULTILINE | re.IGNORECASE
)


def _docker_commands(text: str) -> str:
    """The text with the instructions blanked that hand the rest of their line to a shell, or set variables."""
    text = _SPACED.sub(lambda found: found["env"] + " " * (len(found["gap"]) - 1) + found["name"] + "=", text)
    return _INSTRUCTION.sub(lambda found: " " * len(found.group()), text)


_MAKE_VARIABLE = re.compile(
    r"^(?P<export>(?:export[ \t]+)?)(?P<name>[A-Za-z_]\w*)(?P<op>[ \t]*[:?+]{0,2}=[ \t]*)", re.MULTILINE
)
_RECIPE = re.compile(r"^\t[@+-]+", re.MULTILINE)


def _recipes(text: str) -> str:
    """A Makefile as commands of the same length: variables spelled as a shell does, recipes without their marks."""
    text = _MAKE_VARIABLE.sub(lambda found: " " * (len(found["op"]) - 1) + found["export"] + found["name"] + "=", text)
    return _RECIPE.sub(lambda found: "\t" + " " * (len(found.group()) - 1), text)


def find_in_script(
    findings: Findings, span: Span, *, make: bool = False, variables: Iterable[tuple[str, Held]] = ()
) -> None:
    """Find what a script asks for, sets and binds."""
    script = _shell_words.read(span, make=make)
    run = Run().script(script, variables)
    commands = _Commands(findings, run)
    commands.report()
    if run.unfollowed is not None:
        findings.remark(run.unfollowed.at, "functions are called so often that not every call was followed")
    for comment in script.comments:
        findings.prose(comment, "a comment names the key")


@dataclass(slots=True)
class _Commands:
    findings: Findings
    run: Run
    _documents: dict[int, tuple[Reader, bool]] = field(default_factory=dict)

    def report(self) -> None:
        """Report every command and variable."""
        for assigned in self.run.assigned:
            self._assigned(assigned)
        last: Reader | None = None
        piped: Reader | None = None
        for called in self.run.called:
            if not called.command.piped:
                piped = None
            fetched = self._called(called, piped, last)
            piped = fetched or piped
            last = fetched or last

    def _assigned(self, assigned: Assigned) -> None:
        declared = is_dockerfile(self.findings.file.name.name.lower())
        for held in assigned.held:
            key = held.key.text
            if declared or assigned.exported:
                self.findings.setting(assigned.name, held.key, held.at)
            if key is not None and not is_plain(key) and not any("passed to" in step for step in held.steps):
                self.findings.exact(key, (), _BIND, held.at, f"variable {assigned.name} is given the key", *held.steps)
        for flag in self.findings.context.flags.exact(assigned.name, ENVIRONMENT.providers):
            if flag.provider == "env":
                kind = _BIND if declared else _WRITE
                self.findings.add(flag, kind, assigned.at, f"the variable {assigned.name} is set")

    def _called(self, called: Called, piped: Reader | None, last: Reader | None) -> Reader | None:
        """Report a command; gives the reader behind the document that it prints, if it prints one."""
        self._variables(called)
        self._bodies(called)
        self._tested(called)
        fetched = self._urls(called)
        if not called.arguments:
            return fetched
        name = _program(called.arguments[0])
        if name in _CLI:
            return self._aws(called.arguments[1:]) or fetched
        handed_on = None if name in _SILENT else _handed_on(called.arguments)
        if handed_on is not None:
            return self._aws(handed_on) or fetched
        if name not in _SILENT and self._nested(called.arguments[1:]):
            return fetched
        if name in _JQ:
            self._filter(called.arguments[1:], piped, last)
            return None
        if name not in _SILENT and name not in self.run.functions:
            self._unknown(called)
        return fetched

    def _variables(self, called: Called) -> None:
        for argument in called.arguments:
            for piece in argument.word.pieces:
                if piece.name is not None:
                    self._variable(piece.name, piece.at, piece.default)

    def _tested(self, called: Called) -> None:
        """In test code every place counts where the key stands whole."""
        for argument in called.arguments if self.findings.file.is_test else ():
            for held in argument.held:
                key = held.key.text
                if key is not None:
                    self.findings.exact(key, (), ReferenceKind.TEST, held.at, "the key stands in test code")

    def _variable(self, name: str, at: int, default: str | None) -> None:
        if any(assigned.name == name for assigned in self.run.assigned):
            return
        plain = None if default is None else (default.strip("\"'"),)
        for flag in self.findings.context.flags.exact(name, ENVIRONMENT.providers):
            if flag.provider == "env":
                self.findings.add(flag, _READ, at, f"the variable {name} is read", default=plain)
        if default is not None and not is_plain(default):
            self.findings.exact(default.strip("\"'"), (), _BIND, at, f"the fallback of the variable {name}")
        for setting in self.findings.context.settings.get(name, ()):
            step = f"{name} is set at {setting.path}:{setting.line}"
            self.findings.ask(setting.value, Reader(), _READ, at, f"the variable {name} is read", step)

    def _bodies(self, called: Called) -> None:
        words = [argument.text for argument in called.arguments]
        writes = "create-hosted-configuration-version" in words
        for body in called.command.bodies:
            find_in_span(self.findings, body, ReferenceKind.WRITE if writes else ReferenceKind.DEFINE)

    def _urls(self, called: Called) -> Reader | None:
        fetched: Reader | None = None
        for argument in called.arguments:
            for held in argument.held:
                url = agent_url(held.key.parts)
                if url is None:
                    continue
                for key in url.keys:
                    self._ask(key, url.reader, _READ, held, "asked of the AppConfig agent")
                fetched = fetched or (url.reader if not url.keys else None)
        return fetched

    def _ask(self, key: KeyText, reader: Reader, kind: ReferenceKind, held: Held, what: str) -> None:
        if key.text is None and held.unknown and not key.selective:
            settings = [one for name in held.unknown for one in self.findings.context.settings.get(name, ())]
            if settings:
                return
        self.findings.ask(key, reader, kind, held.at, what, *held.steps)

    # AWS

    def _aws(self, arguments: tuple[Argument, ...]) -> Reader | None:
        service, operation, options = _taken_apart(arguments)
        if service == "ssm" and operation in _SSM:
            option, kind = _SSM[operation]
            for argument in _given(options, option):
                for held in self._loose(argument):
                    self._ask(held.key, SSM, kind, held, f"aws ssm {operation}")
            self._json_input(options, operation, kind)
        elif service in {"appconfig", "appconfigdata"}:
            return self._appconfig(operation, options)
        elif service == "dynamodb" and operation in _ITEMS:
            self._item(operation, options)
        return None

    def _loose(self, argument: Argument) -> Iterator[Held]:
        for held in argument.held:
            text = held.key.text
            if text is None or argument.word.quoted or not re.search(r"\s", text):
                yield held
            else:
                for part in text.split():
                    yield Held(KeyText.known(part), held.at, held.steps)

    def _json_input(self, options: dict[str, list[Argument]], operation: str, kind: ReferenceKind) -> None:
        for root in self._documents_in(_given(options, "--cli-input-json")):
            if isinstance(root, Mapping):
                for name in ("Name", "Names", "ResourceId"):
                    for _, node in walk([found] if (found := root.get(name)) is not None else []):
                        if isinstance(node, Scalar):
                            key = KeyText.known(node.text)
                            self.findings.ask(key, SSM, kind, node.at, f"aws ssm {operation}")

    def _documents_in(self, arguments: list[Argument]) -> Iterator[Node]:
        for argument in arguments:
            span = _literal(argument)
            if span is None or not span.text.lstrip().startswith(("{", "[")):
                continue
            try:
                yield from read(span, is_json=True).roots
            except UnreadableSourceError:
                continue  # options that only look like JSON name no flag

    def _appconfig(self, operation: str, options: dict[str, list[Argument]]) -> Reader | None:
        if operation == "create-hosted-configuration-version":
            for root in self._documents_in(_given(options, "--content")):
                define_keys(self.findings, [root], _WRITE)
            return None
        reads = {"get-configuration", "get-latest-configuration", "get-hosted-configuration-version"}
        if operation not in reads:
            return None
        places = (("--application", "--application-id"), ("--environment",), ("--configuration",))
        return Reader(APPCONFIG.providers, frozenset(), *(_told(options, names) for names in places))

    def _item(self, operation: str, options: dict[str, list[Argument]]) -> None:
        tables = {held.key.text for argument in _given(options, "--table-name") for held in argument.held}
        known = self.findings.context.options.tables
        if known and None not in tables and tables.isdisjoint(known):
            return
        for name in _ITEM_OPTIONS:
            for root in self._documents_in(_given(options, name)):
                for _, node in walk([root]):
                    if isinstance(node, Scalar) and node.style:
                        key = KeyText.known(node.text)
                        self.findings.ask(key, DYNAMODB, _ITEMS[operation], node.at, f"aws dynamodb {operation}")

    # What is printed

    def _filter(self, arguments: tuple[Argument, ...], piped: Reader | None, last: Reader | None) -> None:
        reader = piped or last
        if reader is None:
            return
        certainty = Certainty.CERTAIN if piped is not None else Certainty.POSSIBLE
        for argument in arguments:
            text = argument.text
            for found in _PATH.finditer(text or ""):
                key = found["index"] or found["quoted"] or found["name"]
                default = _KEEPS_DEFAULT.search(text or "")
                plain = None if default is None else (default["value"].strip('"'),)
                what = "taken from the flag document by a filter"
                held = argument.held[0]
                self.findings.ask(KeyText.known(key), reader, _READ, held.at, what, certainty=certainty, default=plain)

    def _nested(self, arguments: Iterable[Argument]) -> bool:
        """``bash -c 'aws ssm ...'``: a command in a text that is handed to another shell."""
        spans = [span for one in arguments if (span := _literal(one)) is not None and _COMMAND.search(span.text)]
        for span in spans:
            inner = _Commands(self.findings, Run().script(_shell_words.read(span, make=False), ()))
            inner.report()
        return bool(spans)

    def _unknown(self, called: Called) -> None:
        """A command that nobody knows is handed a whole key."""
        name = called.arguments[0].text or "a command"
        for argument in called.arguments[1:]:
            for held in argument.held:
                key = held.key.text
                if key is not None and name == "unset":
                    self.findings.exact(key, ENVIRONMENT.providers, _WRITE, held.at, "a variable is taken away")
                    continue
                if key is not None and not is_plain(key) and not held.steps:
                    what = f"handed to {name}"
                    self.findings.exact(key, (), _READ, held.at, what, certainty=Certainty.POSSIBLE)


def _program(argument: Argument) -> str:
    return (argument.text or "").rsplit("/", 1)[-1]


def _handed_on(arguments: tuple[Argument, ...]) -> tuple[Argument, ...] | None:
    """What the AWS command line is called with by a program that runs another: ``sudo``, ``xargs``, ``timeout``."""
    for number, argument in enumerate(arguments[1:], start=1):
        if _program(argument) in _CLI and _taken_apart(arguments[number + 1 :])[0] in _SERVICES:
            return arguments[number + 1 :]
    return None


def _taken_apart(arguments: tuple[Argument, ...]) -> tuple[str, str, dict[str, list[Argument]]]:
    """Service, operation and options of a call of the AWS command line."""
    names: list[str] = []
    options: dict[str, list[Argument]] = {}
    option: str | None = None
    for argument in arguments:
        text = _option_text(argument)
        if text.startswith("--"):
            option, value = _split(argument, text)
            options.setdefault(option, [])
            if value is not None:
                options[option].append(value)
                option = None
        elif option is not None and not (option in _GLOBAL and options[option]):
            options[option].append(argument)
        else:
            names.append(argument.text or "")
    service, operation = [*names, "", ""][:2]
    return service, operation, options


def _option_text(argument: Argument) -> str:
    first = argument.word.pieces[0] if argument.word.pieces else None
    return "" if first is None or first.text is None else first.text


def _split(argument: Argument, text: str) -> tuple[str, Argument | None]:
    name, equals, _ = text.partition("=")
    if not equals:
        return name, None
    cut = len(name) + 1
    pieces = [_shell_words.Piece(argument.word.pieces[0].at + cut, text[cut:]), *argument.word.pieces[1:]]
    word = _shell_words.Word(argument.word.pieces[0].at + cut, pieces, argument.word.quoted)
    held = tuple(
        Held(_without(one.key, cut), word.at if one.at == argument.word.at else one.at, one.steps, one.unknown)
        for one in argument.held
    )
    return name, Argument(word, held)


def _without(key: KeyText, count: int) -> KeyText:
    first, *rest = key.parts
    return KeyText.of([(first or "")[count:], *rest])


def _given(options: dict[str, list[Argument]], name: str) -> list[Argument]:
    return options.get(name, [])


def _told(options: dict[str, list[Argument]], names: tuple[str, ...]) -> KeyText | None:
    for name in names:
        for argument in _given(options, name):
            return argument.held[0].key
    return None


def _literal(argument: Argument) -> Span | None:
    """The text of an argument that stands there as it is."""
    text, spelled = argument.text, argument.word.text
    if text is None:
        return None
    if text != spelled:
        return Span(text, argument.word.at, [argument.word.at] * len(text))
    offsets = [piece.at + index for piece in argument.word.pieces for index in range(len(piece.text or ""))]
    return Span(text, argument.word.at, offsets)
