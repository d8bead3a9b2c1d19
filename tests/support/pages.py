"""What the reports are made of, for tests, and what a browser would find in a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DiffEntry, Gap, GapClass, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId, FlagState
from auditor.domain.lifetimes import FlagType, Lifetime
from auditor.domain.references import Annotation, AnnotationKind, FlagSpec, Reference, ReferenceKind
from auditor.domain.references import Certainty as Sure
from auditor.domain.verdicts import EnvironmentFacts, FlagFacts, Judgement, ReferenceFacts, StaleRules, judge
from reports.history import HistoryInput
from reports.stale import StaleInput
from tests.support.alerts import AT, recorded

NOW = AT + timedelta(days=200)
VOID = {"meta", "input", "br", "hr", "img", "link", "base", "col", "wbr", "area", "source", "track", "param", "embed"}


@dataclass
class Page(HTMLParser):
    """A page as a parser sees it: its elements with their attributes, in order, and its text outside of style."""

    elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    comments: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, path: Path) -> Page:
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def handle_comment(self, _data: str) -> None:
        self.comments += 1

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.elements for key, value in attributes if key == name]


def said(text: str, kind: ChangeKind = ChangeKind.UPDATED, number: int = 1) -> RecordedChange:
    """Return a change that says this text wherever a stranger could have written."""
    person = Actor(ActorKind.PERSON, text, arn=text, via=text, session=text, source_ip=text)
    attempt = kind.is_attempt
    return recorded(
        number=number,
        kind=kind,
        application=text,
        flag=text,
        environment=text,
        path=text,
        document=DocumentRef(text, text, text, text),
        version_before=text,
        version_after=text,
        before=None if attempt else FlagState(text, {text: text}),
        after=None if attempt else FlagState({text: [text]}, {text: text}),
        diff=() if attempt else (DiffEntry("replace", f"/value/{text}", text, text),),
        summary=text,
        reason=text,
        error=text if attempt else None,
        attribution=Attribution(person, Certainty.CERTAIN, (Evidence(text, text, text, AT),)),
    )


def judged(text: str, *, kept: bool = False, number: int = 0) -> Judgement:
    """Return a verdict on a flag that says this text wherever a stranger could have written."""
    facts = FlagFacts(
        flag=FlagId(text, f"{text}{number or ''}"),
        environments=(EnvironmentFacts(text, FlagState(True), AT, text),),
        created_at=NOW if kept else AT,
        changed_at=NOW if kept else AT,
        changed_by=text,
        lifetime=Lifetime(FlagType.RELEASE, text, None, text, short_term=True, owner=text),
        references=ReferenceFacts({"read": 1}, {"read": 1}, 0, NOW, complete=True),
        notices=((text, AT),),
        annotations=(Annotation(text, 3, AnnotationKind.OWNER, text, text),),
    )
    return judge(facts, StaleRules(), NOW)


def place(text: str, line: int = 7, *, flag: str | None = None) -> Reference:
    """Return a place in code whose path says this text."""
    spec = FlagSpec(key=text, provider="ssm", name=flag or f"{text}/{text}")
    return Reference(flag=spec, path=text, line=line, column=1, kind=ReferenceKind.READ, certainty=Sure.CERTAIN)


def stale_of(text: str, **fields: str | None) -> StaleInput:
    """Return what a stale report of two such flags is made of."""
    return StaleInput([judged(text), judged(text, kept=True)], [place(text)], NOW, **fields)


def history_of(text: str) -> HistoryInput:
    """Return what a history of such changes is made of."""
    changes = [said(text), said(text, ChangeKind.DENIED, 2), said(text, ChangeKind.LABEL_MOVED, 3)]
    gaps = [Gap(GapClass.VERSION, DocumentRef(text, text, text, text), 1, text, text, text)]
    return HistoryInput(lambda: iter(changes), gaps, NOW, filters=[("flag", text)])


def numbered(count: int) -> Iterator[RecordedChange]:
    """Yield that many changes, each made when it is asked for."""
    for number in range(count):
        yield said(f"flag-{number % 50}", number=number + 1)
