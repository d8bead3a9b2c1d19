"""Flag documents wherever they stand: as a file, or as text inside another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.domain.references import Certainty, FlagSpec, ReferenceKind
from scanners.keytext import KeyText
from scanners.languages._findings import Findings
from scanners.languages._flag_shapes import Recogniser, Shape
from scanners.languages._places import Span
from scanners.languages._trees import Mapping, Node, Scalar, read, walk
from scanners.unreadable import UnreadableSourceError

_DEEPEST = 3
_LEAST = 8


class Place:
    """What is known of the profile that a document belongs to; None is unknown."""

    __slots__ = ("application", "profile")

    def __init__(self, application: KeyText | None = None, profile: KeyText | None = None) -> None:
        """Nothing is known unless it is said."""
        self.application = application
        self.profile = profile


NOWHERE = Place()


def define_keys(
    findings: Findings,
    roots: Sequence[Node],
    kind: ReferenceKind = ReferenceKind.DEFINE,
    place: Place = NOWHERE,
    depth: int = 0,
) -> set[int]:
    """Report the keys of every flag document in a tree; gives the nodes (by id) that belong to one."""
    recogniser = Recogniser()
    taken: set[int] = set()
    tops = {id(root) for root in roots}
    for _, node in walk(list(roots)):
        if id(node) in taken:
            continue
        if isinstance(node, Mapping):
            found = recogniser.keys(node, root=id(node) in tops)
            if found is not None:
                taken |= {id(inner) for _, inner in walk([node])}
                for key in found[1]:
                    define_key(findings, key, found[0], kind, place)
        elif isinstance(node, Scalar) and _holds(findings, node, kind, place, depth):
            taken.add(id(node))
    return taken


def _holds(findings: Findings, node: Scalar, kind: ReferenceKind, place: Place, depth: int) -> bool:
    if depth >= _DEEPEST or not may_hold(findings, node.text):
        return False
    return find_in_span(findings, node.inner(), kind, place, depth + 1)


def define_key(
    findings: Findings,
    key: Scalar,
    shape: Shape,
    kind: ReferenceKind = ReferenceKind.DEFINE,
    place: Place = NOWHERE,
) -> None:
    """Report a key that stands in a document as a flag's."""
    define_text(findings, key.text, key.at, shape, kind, place)


def define_text(
    findings: Findings, text: str, at: int, shape: Shape, kind: ReferenceKind, place: Place = NOWHERE
) -> None:
    """Report a key that code puts into a document as a flag's."""
    known = findings.context.flags.exact(text, shape.sure | shape.perhaps)
    flags = [flag for flag in known if not _elsewhere(flag, place)]
    for flag in flags:
        sure = shape.certain and (flag.provider in shape.sure or flag.provider == "generic")
        alone = sure and not _shared(flag, flags, place)
        certainty = Certainty.CERTAIN if alone else Certainty.POSSIBLE
        findings.add(flag, kind, at, f"a key of {shape.name}", f"key {text!r}", certainty=certainty)


def _elsewhere(flag: FlagSpec, place: Place) -> bool:
    return _differs(flag.application, place.application) or _differs(flag.profile, place.profile)


def _differs(known: str | None, said: KeyText | None) -> bool:
    return known is not None and said is not None and said.regex().fullmatch(known) is None


def _shared(flag: FlagSpec, flags: list[FlagSpec], place: Place) -> bool:
    """Whether the same key stands in another application or profile, so that one of them must be meant."""
    places = {(one.application, one.profile) for one in flags if one.provider == flag.provider}
    said = place.application is not None and (place.profile is not None or flag.profile is None)
    return len(places) > 1 and not said


def may_hold(findings: Findings, text: str) -> bool:
    """Whether a text looks like a document and holds one of the keys."""
    if len(text) < _LEAST or not _looks_like_document(text):
        return False
    return any(key in text for key in findings.context.flags.keys)


def _looks_like_document(text: str) -> bool:
    begun = text.lstrip()[:1]
    return begun == "{" or ("\n" in text and ":" in text)


def find_in_span(
    findings: Findings,
    span: Span,
    kind: ReferenceKind = ReferenceKind.DEFINE,
    place: Place = NOWHERE,
    depth: int = 1,
) -> bool:
    """Report the flag documents that a text is or holds; whether it is one."""
    if not may_hold(findings, span.text):
        return False
    return any(define_keys(findings, roots, kind, place, depth) for roots in _readings(span))


def _readings(span: Span) -> Iterator[list[Node]]:
    forms = (True, False) if span.text.lstrip().startswith("{") else (False,)
    for is_json in forms:
        try:
            yield read(span, is_json=is_json).roots
        except UnreadableSourceError:
            continue  # text that is no document holds none
