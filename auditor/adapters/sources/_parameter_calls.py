"""What CloudTrail's records of Systems Manager calls prove: no error code is no success there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from auditor.adapters.actors.cloudtrail import CallRecord, read_call
from auditor.adapters.sources._parameter_names import Parameter, ParameterNames
from auditor.domain.attribution import CallOutcome
from auditor.domain.events import DocumentHint, Notices, Operation, RawEvent
from auditor.domain.masking import mask_text

Named = Sequence[Parameter]


def parse_call(event: RawEvent, names: ParameterNames) -> Notices:
    """Return what a CloudTrail record tells; empty for reads and for calls that write no watched parameter."""
    record = read_call(event)
    told = None if record is None else _CALLS.get(record.name)
    if record is None or told is None:
        return Notices()
    parameters = _parameters(record, names)
    if not parameters:
        return Notices()
    if record.refused is not None:
        return _refused(record, parameters, record.refused)
    return told(record, parameters)


def _parameters(record: CallRecord, names: ParameterNames) -> Named:
    """Return the watched parameters a call names: in its parameters, or, denied, in its message or resources."""
    where = record.account, record.region
    found = [names.find(name, *where) for name in _requested_names(record)]
    if not found and record.denied_resource is not None:
        found = [names.find_arn(record.denied_resource, *where)]
    if not found and record.refused is CallOutcome.DENIED:
        found = [names.find_arn(arn, *where) for arn in record.resources]
    return [parameter for parameter in found if parameter is not None]


def _requested_names(record: CallRecord) -> Iterable[str]:
    if record.request.get("resourceType", "Parameter") != "Parameter":
        return ()
    name = record.requested("name") or record.requested("resourceId")
    return (name,) if name is not None else _texts(record.request.get("names"))


def _refused(record: CallRecord, parameters: Named, outcome: CallOutcome) -> Notices:
    return Notices(calls=(record.call(outcome, tuple(p.target() for p in parameters)),))


def _put(record: CallRecord, parameters: Named) -> Notices:
    """Tell a write: it succeeded if, and only if, the answer has the new version."""
    version = record.answered("version")
    if isinstance(version, int):
        return _written(record, parameters[0], str(version), CallOutcome.SUCCEEDED)
    if record.response_told:
        return _refused(record, parameters, CallOutcome.FAILED)
    return _written(record, parameters[0], None, CallOutcome.AMBIGUOUS)


def _written(record: CallRecord, parameter: Parameter, version: str | None, outcome: CallOutcome) -> Notices:
    return Notices(
        hints=(DocumentHint(parameter.document, record.at, version=version),),
        calls=(record.call(outcome, (parameter.target(version),)),),
    )


def _delete(record: CallRecord, parameters: Named) -> Notices:
    """Tell a deletion, which looks the same whether or not there was anything to delete."""
    return _removed(record, parameters, CallOutcome.AMBIGUOUS)


def _delete_several(record: CallRecord, parameters: Named) -> Notices:
    """Tell a deletion of several: only those in the answer are gone."""
    if record.response is None:
        if record.response_told:
            return _refused(record, parameters, CallOutcome.FAILED)
        return _removed(record, parameters, CallOutcome.AMBIGUOUS)
    deleted = _texts(record.answered("deletedParameters"))
    gone = [parameter for parameter in parameters if parameter.document.name in deleted]
    return _removed(record, gone, CallOutcome.SUCCEEDED) if gone else Notices()


def _removed(record: CallRecord, parameters: Named, outcome: CallOutcome) -> Notices:
    return Notices(
        hints=tuple(DocumentHint(p.document, record.at, Operation.DELETED) for p in parameters),
        calls=(record.call(outcome, tuple(p.target() for p in parameters)),),
    )


def _label(record: CallRecord, parameters: Named) -> Notices:
    """Tell labels attached; the call succeeds even where it refuses some of them."""
    version, refused = record.answered("parameterVersion"), _texts(record.answered("invalidLabels"))
    labels = [label for label in _texts(record.request.get("labels")) if label not in refused]
    if not isinstance(version, int):
        return _refused(record, parameters, CallOutcome.FAILED)
    facts = (("invalid_labels", mask_text(", ".join(refused))),) if refused else ()
    return _labelled(record, parameters[0], labels, (str(version), str(version)), facts)


def _unlabel(record: CallRecord, parameters: Named) -> Notices:
    """Tell labels taken off; no other event does."""
    if record.response is None:
        return _refused(record, parameters, CallOutcome.FAILED)
    version = record.request.get("parameterVersion")
    removed = _texts(record.answered("removedLabels"))
    return _labelled(record, parameters[0], removed, (str(version) if isinstance(version, int) else None, None), ())


def _labelled(
    record: CallRecord,
    parameter: Parameter,
    labels: Sequence[str],
    versions: tuple[str | None, str | None],
    facts: tuple[tuple[str, str], ...],
) -> Notices:
    """Tell moved labels: the version the call names, and the version that has them now."""
    if not labels:
        return Notices()
    named, now_at = versions
    labels = [mask_text(label) for label in labels]
    hints = tuple(
        DocumentHint(parameter.document, record.at, Operation.LABELLED, version=now_at, label=label) for label in labels
    )
    targets = tuple(parameter.target(named, label) for label in labels)
    return Notices(hints=hints, calls=(record.call(CallOutcome.SUCCEEDED, targets, facts),))


def _tags(record: CallRecord, parameters: Named) -> Notices:
    """Tell tags set or removed: kept as evidence, since they make no version."""
    return Notices(calls=(record.call(CallOutcome.AMBIGUOUS, tuple(p.target() for p in parameters)),))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


_CALLS: dict[str, Callable[[CallRecord, Named], Notices]] = {
    "PutParameter": _put,
    "DeleteParameter": _delete,
    "DeleteParameters": _delete_several,
    "LabelParameterVersion": _label,
    "UnlabelParameterVersion": _unlabel,
    "AddTagsToResource": _tags,
    "RemoveTagsFromResource": _tags,
}
