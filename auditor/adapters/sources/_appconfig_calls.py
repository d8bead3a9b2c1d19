"""What CloudTrail's records of AppConfig calls prove, and which of them weaken a protection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor.adapters.actors.cloudtrail import CallRecord, read_call
from auditor.adapters.sources._appconfig_ids import AppConfigIds, a_number, an_id
from auditor.domain.attribution import ApiCall, CallOutcome, CallTarget
from auditor.domain.corroboration import EXPERIMENT, MONITOR
from auditor.domain.documents import DocumentRef
from auditor.domain.events import (
    DeploymentHint,
    DocumentHint,
    GuardrailHint,
    Guards,
    Notices,
    Operation,
    RawEvent,
    Signal,
)
from auditor.domain.masking import mask_text

_BYPASS = "BYPASS"
_LONGEST = 300
_VALIDATED = ("CreateHostedConfigurationVersion", "StartDeployment", "ValidateConfiguration")
_VALIDATION = re.compile(r"validat|schema|constraint|invalid configuration", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Call:
    """A record with the ids it names."""

    record: CallRecord
    ids: AppConfigIds

    @property
    def succeeded(self) -> CallOutcome:
        """Return what a call without an error proves: only an answer says that it succeeded."""
        return CallOutcome.AMBIGUOUS if self.record.response is None else CallOutcome.SUCCEEDED

    def notices(self, target: CallTarget | None = None, **told: Any) -> Notices:
        """Return the call as evidence, with whatever else it tells."""
        facts = _facts(self.ids) + self.counted("monitors") + self.counted("validators")
        return Notices(calls=(self.record.call(self.succeeded, (target or self.target(),), facts),), **told)

    def target(self, version: int | None = None, number: int | None = None) -> CallTarget:
        """Return what the call worked on."""
        return CallTarget(
            document=self.ids.document or _application(self.ids),
            environment=self.ids.environment_ref,
            deployment_number=number,
            version=None if version is None else str(version),
            environment_name=self._environment_name(),
        )

    def guardrail(self, text: str, measure: str | None = None, left: int = 0, **more: Any) -> tuple[GuardrailHint, ...]:
        """Return the hint that this call weakened a protection, or may have: then by what it counted."""
        hint = GuardrailHint(
            call_event_id=self.record.event_id,
            at=self.record.at,
            text=text,
            document=self.ids.document,
            environment=self.ids.environment_ref,
            environment_name=self._environment_name(),
            application_id=self.ids.application,
            measure=measure,
            left=left,
            **more,
        )
        return (hint,)

    def number(self, key: str) -> int | None:
        """Return a number from the answer, else from the request."""
        told = a_number(self.record.answered(key))
        return told if told is not None else a_number(self.record.request.get(key))

    def left(self, key: str) -> int | None:
        """Return how many of a kind there are after the call, ``None`` where it did not touch them."""
        asked = self.record.request.get(key)
        return len(asked) if isinstance(asked, list) and self.record.response is not None else None

    def counted(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return how many of a kind the answer has, for the record to compare later calls with."""
        told = self.record.answered(key)
        return ((key, str(len(told))),) if isinstance(told, list) else ()

    def _environment_name(self) -> str | None:
        name = self.record.answered("name") if "Environment" in self.record.name else None
        return name if isinstance(name, str) else None


def parse_call(event: RawEvent) -> Notices:
    """Return what a CloudTrail record tells; empty for reads and for calls that touch no flag."""
    record = read_call(event)
    told = None if record is None else _CALLS.get(record.name)
    if record is None or told is None:
        return Notices()
    if record.refused is not None:
        call = _Call(record, _ids_of_refused(record))
        attempt = record.call(record.refused, (call.target(),), _facts(call.ids))
        return Notices(calls=(attempt,), guardrails=_refused_by_validation(call, attempt))
    return told(_Call(record, _ids(record)))


def _ids(record: CallRecord) -> AppConfigIds:
    """Return the ids a call names: from its answer first, since a request may give names instead."""

    def named(*keys: str) -> str | None:
        sources: tuple[Mapping[str, Any], ...] = (record.response or {}, record.request)
        return next((found for source in sources for key in keys if (found := an_id(source.get(key)))), None)

    own = an_id(record.answered("id"))
    environment, profile = named("environmentId"), named("configurationProfileId")
    if record.name.endswith("Environment"):
        environment = own or environment
    elif record.name.endswith("ConfigurationProfile"):
        profile = own or profile
    application = named("applicationId", "applicationIdentifier")
    return AppConfigIds(record.account, record.region, application, environment, profile)


def _ids_of_refused(record: CallRecord) -> AppConfigIds:
    """Return the ids of a refused call: a denied one names its resource in the message only."""
    ids = _ids(record)
    if ids.application is not None or record.denied_resource is None:
        return ids
    return AppConfigIds.of_arn(record.denied_resource, record.account, record.region)


def _facts(ids: AppConfigIds) -> tuple[tuple[str, str], ...]:
    return () if ids.application is None else (("application_id", ids.application),)


def _application(ids: AppConfigIds) -> DocumentRef | None:
    """Return a stand-in for the documents of an application where a call names nothing below it."""
    if ids.application is None or ids.environment is not None:
        return None
    return DocumentRef("appconfig", ids.account, ids.region, f"{ids.application}/-")


def _save(call: _Call) -> Notices:
    """Tell a saved version; of equal content AppConfig answers the version that is there already."""
    version = a_number(call.record.answered("versionNumber"))
    if call.ids.document is None:
        return call.notices()
    hint = DocumentHint(call.ids.document, call.record.at, version=None if version is None else str(version))
    return call.notices(call.target(version), hints=(hint,))


def _delete_version(call: _Call) -> Notices:
    version = call.number("versionNumber")
    if version is None:
        return call.notices()
    text = f"hosted version {version} was deleted: no environment can go back to it"
    return call.notices(call.target(version), guardrails=call.guardrail(text, deleted_version=str(version)))


def _refused_by_validation(call: _Call, attempt: ApiCall) -> tuple[GuardrailHint, ...]:
    """Return the hint that a validation held a call up: AppConfig says so in the message of a bad request only."""
    record = call.record
    if record.name not in _VALIDATED or record.error_code != "BadRequestException":
        return ()
    if _VALIDATION.search(record.error_message or "") is None:
        return ()
    version = call.number("configurationVersion")
    what = f"version {version}" if version is not None else "a version"
    return call.guardrail(f"validation failed: {what} was refused", error=attempt.error)


def _start(call: _Call) -> Notices:
    number, version = a_number(call.record.answered("deploymentNumber")), call.number("configurationVersion")
    saved = () if call.ids.document is None else (_saved_hint(call, call.ids.document, version),)
    return call.notices(call.target(version, number), hints=saved, deployments=_moved(call, number))


def _saved_hint(call: _Call, document: DocumentRef, version: int | None) -> DocumentHint:
    return DocumentHint(document, call.record.at, version=None if version is None else str(version))


def _stop(call: _Call) -> Notices:
    number = call.number("deploymentNumber")
    return call.notices(call.target(number=number), deployments=_moved(call, number))


def _moved(call: _Call, number: int | None) -> tuple[DeploymentHint, ...]:
    environment = call.ids.environment_ref
    return () if environment is None else (DeploymentHint(environment, call.record.at, number),)


def _create_environment(call: _Call) -> Notices:
    return call.notices(signals=_monitors(call), guards=_guards(call))


def _update_environment(call: _Call) -> Notices:
    left = call.left("monitors")
    if left is None:
        return call.notices(signals=_monitors(call), guards=_guards(call))
    text = (
        "alarm monitors were removed: fewer alarms roll a deployment back"
        if left
        else "all alarm monitors were removed: no alarm rolls a deployment back any more"
    )
    hint = call.guardrail(text, "monitors", left)
    return call.notices(guardrails=hint, signals=_monitors(call), guards=_guards(call))


def _monitors(call: _Call) -> tuple[Signal, ...]:
    """Return which alarms guard the environment now, by which their changes of state are known to matter."""
    return tuple(Signal(None, call.record.at, MONITOR, arn, arn) for arn in _alarms(call) or ())


def _guards(call: _Call) -> tuple[Guards, ...]:
    """Return all alarms that guard the environment now; nothing where the call does not tell all of them."""
    alarms, environment = _alarms(call), call.ids.environment_ref
    if alarms is None or environment is None:
        return ()
    return (Guards(environment, call.record.at, frozenset(alarms)),)


def _alarms(call: _Call) -> list[str] | None:
    """Return the ARNs in the answer, which leaves out an empty list that was asked for."""
    told = call.record.answered("monitors")
    if not isinstance(told, list):
        return [] if call.left("monitors") == 0 else None
    arns = [one.get("alarmArn") if isinstance(one, dict) else None for one in told]
    return [arn for arn in arns if isinstance(arn, str) and arn]


def _update_profile(call: _Call) -> Notices:
    left = call.left("validators")
    if left is None:
        return call.notices()
    text = (
        "validators were removed: fewer broken versions are refused"
        if left
        else "all validators were removed: a broken version is no longer refused"
    )
    return call.notices(guardrails=call.guardrail(text, "validators", left))


def _delete_environment(call: _Call) -> Notices:
    return call.notices(guardrails=_bypassed(call, "environment"))


def _delete_profile(call: _Call) -> Notices:
    document = call.ids.document
    hints = () if document is None else (DocumentHint(document, call.record.at, Operation.DELETED),)
    return call.notices(hints=hints, guardrails=_bypassed(call, "configuration profile"))


def _bypassed(call: _Call, what: str) -> tuple[GuardrailHint, ...]:
    if call.record.requested("deletionProtectionCheck") != _BYPASS:
        return ()
    return call.guardrail(f"deletion protection was bypassed to delete the {what}")


def _update_settings(call: _Call) -> Notices:
    protection = call.record.request.get("deletionProtection")
    if not isinstance(protection, dict) or protection.get("enabled") is not False:
        return call.notices()
    text = "deletion protection was switched off for the whole account in this Region"
    return call.notices(guardrails=call.guardrail(text))


def _experiment(call: _Call) -> Notices:
    """Tell that a run of an experiment changed what users see: AppConfig deploys by itself, no version has the share.

    Its answer holds the experiment as it was when the run began, and with it the environment.
    """
    told = call.record.answered("experimentDefinitionSnapshot")
    snapshot = told if isinstance(told, dict) else {}
    ids = replace(
        call.ids,
        environment=an_id(snapshot.get("environmentId")),
        profile=an_id(snapshot.get("configurationProfileId")),
    )
    environment = ids.environment_ref
    if environment is None:
        return call.notices()
    run, share, flag = call.record.answered("run"), call.record.answered("exposurePercentage"), snapshot.get("flagKey")
    done = {"StartExperimentRun": "started", "StopExperimentRun": "stopped"}.get(call.record.name, "changed")
    shown = f"; {share:g}% of its audience see it" if isinstance(share, int | float) and done != "stopped" else ""
    text = mask_text(f"run {run} of an experiment with flag {flag} was {done}{shown}")[:_LONGEST]
    place = (ids.account, ids.region, environment.application_id, environment.environment_id)
    signal = Signal(None, call.record.at, EXPERIMENT, text, "|".join(place), call.record.event_id)
    moved = (DeploymentHint(environment, call.record.at),)
    return replace(call, ids=ids).notices(signals=(signal,), deployments=moved)


def _evidence(call: _Call) -> Notices:
    """Tell a call that changes no flag by itself, but may say who is behind what follows."""
    return call.notices()


_CALLS: dict[str, Callable[[_Call], Notices]] = {
    "CreateHostedConfigurationVersion": _save,
    "DeleteHostedConfigurationVersion": _delete_version,
    "StartDeployment": _start,
    "StopDeployment": _stop,
    "CreateEnvironment": _create_environment,
    "UpdateEnvironment": _update_environment,
    "DeleteEnvironment": _delete_environment,
    "CreateConfigurationProfile": _evidence,
    "UpdateConfigurationProfile": _update_profile,
    "DeleteConfigurationProfile": _delete_profile,
    "UpdateApplication": _evidence,
    "DeleteApplication": _evidence,
    "UpdateAccountSettings": _update_settings,
    "StartExperimentRun": _experiment,
    "UpdateExperimentRun": _experiment,
    "StopExperimentRun": _experiment,
    "ValidateConfiguration": _evidence,
}
