"""Changes that need no reading: refused and failed calls, and weakened protections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.application.ports import UnitOfWork
from auditor.domain.attribution import UNATTRIBUTED, ApiCall, CallOutcome, CallTarget
from auditor.domain.changes import AttributedChange, ChangeKind, Detection, FlagChange
from auditor.domain.corroboration import guarded_by, news_of_guards
from auditor.domain.documents import Deployment, DocumentRef, EnvironmentRef
from auditor.domain.events import GuardrailHint, Guards, Notices
from auditor.domain.liveness import live_version
from auditor.domain.sentences import summarize


@dataclass(frozen=True, slots=True)
class _Place:
    """What a call or guardrail is about, as far as the record can name it."""

    document: DocumentRef
    application: str | None
    flag: str | None
    environment: str | None


def attempt_changes(uow: UnitOfWork, call: ApiCall, by: Detection = Detection.EVENT) -> Iterator[AttributedChange]:
    """Yield one row per target of a refused or failed call; it alters no state and no version count."""
    kind = ChangeKind.DENIED if call.outcome is CallOutcome.DENIED else ChangeKind.FAILED
    if call.outcome not in (CallOutcome.DENIED, CallOutcome.FAILED):
        return
    for target in call.targets:
        place = _place_of_target(uow, call, target)
        error = call.error or f"{call.name} failed"
        yield AttributedChange(_row(call, kind, place, error=error, by=by), call.attribution)


def guardrail_changes(uow: UnitOfWork, notices: Notices, by: Detection = Detection.EVENT) -> Iterator[AttributedChange]:
    """Yield one row per weakened protection; its flag is null where it guards a whole environment or profile."""
    calls = {call.event_id: call for call in notices.calls}
    for given in notices.guardrails:
        hint = _as_known(uow, given) if _weakened(uow, given) else None
        if hint is None:
            continue
        call = calls.get(hint.call_event_id)
        place = _place_of_guardrail(uow, hint)
        attribution = call.attribution if call is not None else UNATTRIBUTED
        yield AttributedChange(_guardrail_row(hint, place, by), attribution)


def _weakened(uow: UnitOfWork, hint: GuardrailHint) -> bool:
    """Tell whether a call left less than there was; where nobody knows how much there was, only nothing is less."""
    if hint.alarm is not None:
        return guarded_by(uow.calls.signals(), hint.alarm, hint.at) is not None
    if hint.measure is None:
        return True
    if hint.document is not None:
        calls = uow.calls.of_document(hint.document)
    else:
        calls = uow.calls.of_environment(hint.environment) if hint.environment is not None else ()
    former = [
        int(value)
        for call in calls
        if call.event_id != hint.call_event_id and call.at <= hint.at
        for name, value in call.details
        if name == hint.measure
    ]
    return hint.left < former[-1] if former else hint.left == 0


def keep_guards(uow: UnitOfWork, guards: Sequence[Guards], at: datetime) -> None:
    """Keep what is new about the alarms that guard environments; of one that nobody can name yet, nothing."""
    held = uow.calls.signals() if guards else ()
    for told in guards:
        name = told.name or _name_of_environment(uow, told.environment)
        for signal in () if name is None else news_of_guards(held, told, name):
            uow.calls.signal(f"{signal.code}|{signal.about}", signal, at)


def _name_of_environment(uow: UnitOfWork, environment: EnvironmentRef) -> str | None:
    held = next(iter(uow.deployments.held(environment)), None)
    return None if held is None else f"{held.application}/{held.environment_name}"


def _as_known(uow: UnitOfWork, hint: GuardrailHint) -> GuardrailHint | None:
    """Return a hint with what the record knows of it; ``None`` where it turns out to have weakened nothing."""
    if hint.deleted_version is None or hint.document is None:
        return hint
    text = _deleted_version_text(uow.deployments.of_profile(hint.document), hint.document, hint.deleted_version)
    return None if text is None else replace(hint, text=text)


def _deleted_version_text(deployments: Sequence[Deployment], profile: DocumentRef, version: str) -> str | None:
    """Return what it means that a version is gone; ``None`` where it was deployed nowhere, so that nobody misses it.

    Of a profile without any known deployment nobody can say that.
    """
    places: dict[EnvironmentRef, list[Deployment]] = defaultdict(list)
    for deployment in deployments:
        places[deployment.environment].append(deployment)
    live = {own[0].environment_name for own in places.values() if live_version(own, profile) == version}
    deployed = {one.environment_name for one in deployments if one.version == version}
    if live:
        return f"hosted version {version} was deleted while it is live in {', '.join(sorted(live))}"
    if deployed:
        gone = f"hosted version {version} was deleted, which was deployed to {', '.join(sorted(deployed))}"
        return f"{gone}: nobody can go back to it"
    return None if deployments else f"hosted version {version} was deleted; whether it was deployed is not known"


def _place_of_target(uow: UnitOfWork, call: ApiCall, target: CallTarget) -> _Place:
    if target.document is not None:
        document = target.document
        if target.flag is not None:
            return _Place(document, target.flag.application or None, target.flag.key, target.environment_name)
        environment = target.environment_name or _environment_name(uow, target.environment)
        return _Place(document, _application_of(uow, document), None, environment)
    if target.environment is not None:
        return _place_of_environment(uow, target.environment, target.environment_name)
    return _Place(DocumentRef(call.service, call.account, call.region, "-"), None, None, None)


def _place_of_guardrail(uow: UnitOfWork, hint: GuardrailHint) -> _Place:
    if hint.alarm is not None:
        guarded = guarded_by(uow.calls.signals(), hint.alarm, hint.at)
        application, _, place = ((guarded.group if guarded is not None else None) or "").partition("/")
        _, _, _, region, account, _, name = hint.alarm.split(":", 6)
        document = DocumentRef("appconfig", account, region, f"alarm/{name}")
        return _Place(document, application or None, None, place or None)
    if hint.document is not None:
        environment = hint.environment_name or _environment_name(uow, hint.environment)
        return _Place(hint.document, _application_of(uow, hint.document), None, environment)
    if hint.environment is not None:
        return _place_of_environment(uow, hint.environment, hint.environment_name)
    return _Place(DocumentRef("appconfig", "-", "-", "-"), hint.application_id, None, hint.environment_name)


def _environment_name(uow: UnitOfWork, environment: EnvironmentRef | None) -> str | None:
    """Return what an environment is called, its id where no deployment to it is known."""
    return None if environment is None else _place_of_environment(uow, environment, None).environment


def _place_of_environment(uow: UnitOfWork, environment: EnvironmentRef, name: str | None) -> _Place:
    """Name an environment by the deployments held of it, else by its ids."""
    document = DocumentRef(
        "appconfig",
        environment.account,
        environment.region,
        f"{environment.application_id}/environment/{environment.environment_id}",
    )
    for deployment in uow.deployments.held(environment):
        return _Place(document, deployment.application, None, name or deployment.environment_name)
    return _Place(document, environment.application_id, None, name or environment.environment_id)


def _application_of(uow: UnitOfWork, document: DocumentRef) -> str | None:
    """Return the application's name as far as the record knows it, else its id in the store."""
    held = uow.documents.held(document)
    if held is not None:
        for entry in held.entries.values():
            return entry.flag.application or None
        if held.title:
            return held.title.partition("/")[0]
    application, slash, _ = document.name.strip("/").partition("/")
    return application if slash else None


def _row(call: ApiCall, kind: ChangeKind, place: _Place, *, error: str, by: Detection) -> FlagChange:
    return FlagChange(
        key=f"call|{call.event_id}|{place.document.name}",
        cause=f"call|{call.event_id}",
        kind=kind,
        document=place.document,
        life=None,
        application=place.application,
        flag=place.flag,
        environment=place.environment,
        path="",
        version_before=None,
        version_after=None,
        occurred_at=call.at,
        occurred_between=None,
        before=None,
        after=None,
        diff=(),
        summary=summarize(
            kind=kind,
            flag=place.flag,
            application=place.application,
            environment=place.environment,
            before=None,
            after=None,
            diff=(),
            version_before=None,
            version_after=None,
            reason=call.name,
            error=error,
        ),
        detected_by=by,
        reason=call.name,
        error=error,
    )


def _guardrail_row(hint: GuardrailHint, place: _Place, by: Detection) -> FlagChange:
    return FlagChange(
        key=f"call|{hint.call_event_id}|{place.document.name}|guardrail",
        cause=f"call|{hint.call_event_id}",
        kind=ChangeKind.GUARDRAIL,
        document=place.document,
        life=None,
        application=place.application,
        flag=None,
        environment=place.environment,
        path="",
        version_before=None,
        version_after=None,
        occurred_at=hint.at,
        occurred_between=None,
        before=None,
        after=None,
        diff=(),
        summary=hint.text,
        detected_by=by,
        reason=hint.text,
        error=hint.error,
    )
