"""One alert of every kind of message, as it is sent; rendered ones are kept in ``tests/unit/adapters/channels/rendered``.

``python -m tests.support.messages`` renders them anew; the difference is then to be read like any other change.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from auditor.adapters.channels._links import Links
from auditor.adapters.channels.console import readable, slack_json
from auditor.application.messages import compose
from auditor.domain.alerts import Alert, AlertKind
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DeploymentInfo, Detection, DiffEntry
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState
from auditor.domain.masking import MASKED_INCOMPARABLE
from auditor.domain.progress import Progress
from auditor.domain.references import Certainty as ReferenceCertainty
from auditor.domain.references import ReferenceKind
from tests.support.alerts import AT, PARAMETER, PROFILE, alert, deployed, recorded, reference, unattributed

RENDERED = Path(__file__).parent.parent / "unit" / "adapters" / "channels" / "rendered"

PIPELINE = Attribution(
    Actor(ActorKind.PIPELINE, "shop-deploy", via="GitHubDeploy", session="shop-deploy", source_ip="203.0.113.9"),
    Certainty.LIKELY,
    (Evidence("cloudtrail", "one StartDeployment call within 2 s names this deployment", id="e-1", at=AT),),
)
ROOT = Attribution(
    Actor(ActorKind.ROOT, "root of 111122223333", source_ip="198.51.100.7"),
    Certainty.CERTAIN,
    (Evidence("cloudtrail", "CloudTrail names the caller of this call", id="e-2", at=AT),),
)
HIDDEN = FlagState(dict(MASKED_INCOMPARABLE))
REPORT = (
    ("flags", 42),
    ("remove", 7),
    ("remove_last_week", 8),
    ("snoozed", 2),
    ("unknown", 5),
    ("keep", 30),
    ("can_go", ["shop/old-banner", "shop/tmp-tax"]),
    ("new_since_last_week", ["shop/tmp-tax"]),
    ("removed", []),
    ("snoozes_ending", []),
    ("policies_say", ["dangling-reference (high): 1", "missing-metadata (low): 12"]),
    ("could_go_each_week", "4 → 5 → 8 → 7"),
    ("page", "stale-2026-W10.html"),
)
TEAM = (
    ("team", "@shop/checkout"),
    *REPORT[:-5],
    ("removed", ["shop/exp-colour"]),
    ("snoozes_ending", ["shop/audit-log on 2026-03-06 (dana)"]),
    ("page", "https://flags.example/weekly/stale-2026-W10.html"),
)
FINDINGS = (
    Finding("no-owner", Severity.LOW, "Nobody owns shop/new-checkout."),
    Finding("outside-pipeline", Severity.HIGH, "A production flag was changed outside the pipeline."),
)
ALARM = "Alarm arn:aws:cloudwatch:eu-central-1:111122223333:alarm:checkout-errors went off"
STEPS = (("2026-03-02T09:16:04Z", 20.0),)
PLACES = (
    reference("tests/test_checkout.py", 9, kind=ReferenceKind.TEST),
    reference("shop/checkout.py", 12),
    reference("shop/flags.py", 3, kind=ReferenceKind.BIND),
    reference("shop/legacy.py", 40, certainty=ReferenceCertainty.POSSIBLE),
    reference("template.yaml", 88, kind=ReferenceKind.DEFINE),
    reference("docs/flags.md", 7, kind=ReferenceKind.DOC),
)


def _former(*pairs: tuple[int, dict[str, object]]) -> dict[str, object]:
    return {recorded(number=number).id: metadata for number, metadata in pairs}


def cases() -> dict[str, Alert]:
    """Return an alert of every kind, by name."""
    text = {"type": "String", "text": "false", "tier": "Standard"}
    hidden = {"before": HIDDEN, "after": HIDDEN, "diff": (DiffEntry("replace", "/value", HIDDEN.value, HIDDEN.value),)}
    return {
        "updated": alert(recorded(), findings=FINDINGS, references=PLACES, former=_former((1, text))),
        "updated-since-changed": alert(
            recorded(), former=_former((1, text)), superseded=(recorded().id,), references=()
        ),
        "updated-and-cut": alert(
            recorded(diff=(DiffEntry("replace", "/value/text", "w" * 9_000, "W" * 300),)), references=()
        ),
        "updated-with-links": alert(recorded(), references=PLACES, former=_former((1, text)), commit="0123abc"),
        "created": alert(
            recorded(
                kind=ChangeKind.CREATED,
                before=None,
                version_before=None,
                version_after="1",
                diff=(DiffEntry("add", "", None, {"value": True}),),
                summary="created as true in prod",
            )
        ),
        "deleted": alert(
            recorded(
                kind=ChangeKind.DELETED,
                after=None,
                version_after=None,
                diff=(DiffEntry("remove", "", {"value": False}, None),),
                summary="deleted (was false) in prod",
                attribution=ROOT,
            ),
            former=_former((1, text)),
            references=PLACES[:2],
        ),
        "secret": alert(recorded(**hidden, summary="secret changed (value not shown) in prod")),
        "late-and-unattributed": alert(
            unattributed(
                recorded(
                    occurred_at=None, occurred_between=(AT, AT + timedelta(hours=2)), detected_by=Detection.RECONCILE
                )
            )
        ),
        "label": alert(
            recorded(
                kind=ChangeKind.LABEL_MOVED,
                label="live",
                summary="label live moved from version 3 to 4 in prod: enabled",
            )
        ),
        "saved": alert(
            deployed(
                kind=ChangeKind.SAVED,
                environment=None,
                deployment=None,
                summary="saved version 3: enabled",
            ),
            titles={PROFILE.name: "shop/checkout-flags"},
        ),
        "deployed": alert(
            deployed(number=1, attribution=PIPELINE),
            deployed(number=2, attribution=PIPELINE),
            titles={PROFILE.name: "shop/checkout-flags"},
            references=(),
        ),
        "rolled-back": alert(
            deployed(
                kind=ChangeKind.ROLLED_BACK,
                cause="deployment|111122223333|eu-central-1|abc1234|env9876|7|rolled_back",
                deployment=DeploymentInfo(7, "ROLLED_BACK"),
                reason="CloudWatch alarm checkout-errors went into ALARM",
                summary="rolled back from version 3 to version 2 in prod by alarm checkout-errors: disabled",
            )
        ),
        "denied": alert(
            recorded(
                kind=ChangeKind.DENIED,
                version_before=None,
                version_after=None,
                before=None,
                after=None,
                diff=(),
                reason="PutParameter",
                error="not authorized to perform ssm:PutParameter",
                summary="denied in prod: not allowed to call ssm:PutParameter",
            )
        ),
        "guardrail": alert(
            recorded(
                kind=ChangeKind.GUARDRAIL,
                flag=None,
                document=replace(PROFILE, name="abc1234/environment/env9876"),
                version_before=None,
                version_after=None,
                before=None,
                after=None,
                diff=(),
                summary="the monitors of environment prod were removed",
            )
        ),
        "many": alert(*(_of_apply(number) for number in range(1, 31))),
        "long": _long(),
        "update": alert(recorded(), kind=AlertKind.UPDATE, sent_as="C0FLAGS01:1772443000.000100"),
        "digest": alert(*(recorded(number=number) for number in range(1, 4)), kind=AlertKind.DIGEST),
        "summary": alert(
            kind=AlertKind.SUMMARY, facts=(("documents", 12), ("versions", 1340), ("changes", 96), ("gaps", 0))
        ),
        "report": alert(
            kind=AlertKind.REPORT,
            facts=REPORT,
        ),
        "report-of-a-team": alert(kind=AlertKind.REPORT, facts=TEAM),
        "deployment-started": alert(facts=(_progress("DEPLOYING"),)),
        "deployment-half": alert(
            facts=(_progress("DEPLOYING", STEPS, who="dana@example.com (person), through ShopAdmin"),),
            sent_as="C0FLAGS01:1772443000.000100",
        ),
        "deployment-reverted": alert(
            deployed(attribution=PIPELINE),
            deployed(
                number=2,
                kind=ChangeKind.ROLLED_BACK,
                version_before="3",
                version_after="2",
                deployment=DeploymentInfo(7, "REVERTED"),
                reason=ALARM,
                summary="reverted from version 3 to version 2 in prod by alarm checkout-errors: disabled",
            ),
            facts=(_progress("REVERTED", STEPS),),
            sent_as="C0FLAGS01:1772443000.000100",
        ),
        "reply": alert(
            kind=AlertKind.REPLY,
            facts=(
                _progress("ROLLING_BACK", STEPS, cause=ALARM),
                ("stages", ["Reached 20 % of targets at 09:16:04 UTC.", "Being taken back in prod by alarm errors."]),
                ("broadcast", True),
            ),
            thread="C0FLAGS01:1772443000.000100",
        ),
        "reply-of-a-step": alert(
            kind=AlertKind.REPLY,
            facts=(
                _progress("DEPLOYING", STEPS),
                ("stages", ["Reached 20 % of targets at 09:16:04 UTC."]),
                ("broadcast", False),
            ),
            thread="C0FLAGS01:1772443000.000100",
        ),
        "reply-at-the-end": alert(
            kind=AlertKind.REPLY,
            facts=(
                _progress("COMPLETE", STEPS, completed_at="2026-03-02T09:31:04Z"),
                ("stages", ["Complete in prod at 09:31:04 UTC."]),
                ("broadcast", False),
            ),
            thread="C0FLAGS01:1772443000.000100",
        ),
        "grown": alert(*(_of_apply(number) for number in range(1, 4)), sent_as="C0FLAGS01:1772443000.000100"),
        "held-back": alert(
            *(recorded(number=number) for number in range(1, 3)),
            kind=AlertKind.DIGEST,
            facts=(("held_back", "quiet"),),
        ),
        "missing": alert(recorded(), kind=AlertKind.DIGEST, facts=(("held_back", "missing"),)),
        "trouble": alert(
            kind=AlertKind.TROUBLE,
            facts=(
                ("job", "reconcile"),
                ("since", "2026-03-02T09:15:00Z"),
                ("error", "SSM gives no answer (ssm:DescribeParameters is denied)"),
            ),
        ),
        "test": alert(kind=AlertKind.TEST),
    }


def _progress(state: str, steps: tuple[tuple[str, float], ...] = (), **fields: str):
    progress = Progress(
        number=7,
        application="shop",
        environment="prod",
        profile="checkout-flags",
        account="111122223333",
        region="eu-central-1",
        application_id="abc1234",
        environment_id="env9876",
        version="3",
        live="2",
        state=state,
        coming=("new-checkout: enabled", "free-shipping: limit 50 → 80"),
        steps=steps,
        growth="linear by 20% over 10 min, then 5 min of watching",
        started_at="2026-03-02T09:15:04Z",
        changes=(("new-checkout", f"c{11:020}"), ("free-shipping", f"c{12:020}")),
        **fields,
    )
    return ("deployment", progress.to_json())


def _of_apply(number: int):
    return recorded(
        number=number,
        flag=f"flag-{number:02}",
        document=replace(PARAMETER, name=f"/shop/prod/features/flag-{number:02}"),
        summary="enabled in prod",
        cause="call|e-3",
    )


def _long() -> Alert:
    """Return an alert in which everything is as long as can be."""
    wide = "W" * 9_000
    diff = tuple(DiffEntry("replace", f"/value/{wide}{number}", wide, wide) for number in range(40))
    many = tuple(Finding("f", Severity.INFO, wide) for _ in range(30))
    change = recorded(flag=wide[:2048], application=wide[:2048], environment=wide[:100], diff=diff, summary=wide)
    places = tuple(reference(f"{wide}/{number}.py") for number in range(30))
    metadata = {"type": "String", "text": wide}
    return alert(change, findings=many, references=places, former={change.id: metadata})


CODE_LINK = "https://code.example/shop/blob/{commit}/{path}#L{line}"
PAGE_LINK = "https://flags.example/{application}/{flag}.html#{change}"


def render(told: Alert) -> tuple[str, str]:
    """Return Slack's JSON and the console's text of an alert."""
    links = Links(CODE_LINK, PAGE_LINK)
    payload = json.dumps(slack_json(told, "C0FLAGS01", links), ensure_ascii=False, indent=2)
    return f"{payload}\n", "\n".join(readable(compose(told), links=links))


def main() -> None:
    """Write every message anew."""
    RENDERED.mkdir(exist_ok=True)
    for name, told in cases().items():
        payload, text = render(told)
        (RENDERED / f"{name}.json").write_text(payload, encoding="utf-8")
        (RENDERED / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
