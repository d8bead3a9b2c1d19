"""The story: what happened in the shop, by whom and when; AWS is changed by boto3 calls only.

It begins on a Monday; day 5 and 6 are a weekend.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from examples.standin import Identity, StandIn

JANE = "jane.doe@example.com"
BOB = "bob@example.com"
ALARM = "checkout-5xx-prod"
EXTENSION = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
DAYS = 14


@dataclass(frozen=True, slots=True)
class Step:
    """One act: when it happens after the story's beginning, how it reads, what it calls, and what befalls its events.

    ``fate`` is ``lost`` (no event of it arrives), ``doubled`` or ``swapped`` (arrives after the next step's).
    """

    at: timedelta
    text: str
    act: Callable[[], object]
    fate: str = "delivered"


class Shop:
    """The shop's people, machines and flags in AWS."""

    def __init__(self, aws: StandIn, start: datetime) -> None:
        self.aws = aws
        self.start = start
        self.jane = aws.sso_user(JANE, permission_set="PlatformAdmin", console=True)
        self.bob = aws.sso_user(BOB, permission_set="ReadOnly")
        self.alice = aws.iam_user("alice")
        self.root = aws.root(console=True)
        self.pipeline = aws.role(
            "gha-flag-deployer", "GitHubActions", web_identity="token.actions.githubusercontent.com"
        )
        self.cloudformation = aws.cloudformation()
        self.ids: dict[str, str] = {}
        aws.deny(self.bob, "ssm:PutParameter")

    def before(self) -> Iterator[Step]:
        """Yield what was there before anybody recorded anything."""

        def ago(days: int) -> timedelta:
            return timedelta(days=-days, hours=10)

        put = self.put
        yield Step(ago(130), "search-v2 is created", put(self.alice, "search-v2", "false", new=True))
        yield Step(ago(120), "search-v2 goes on", put(self.alice, "search-v2", "true"))
        yield Step(ago(110), "tmp-legacy-tax is created", put(self.pipeline, "tmp-legacy-tax", "true", new=True))
        yield Step(ago(100), "old-loyalty-banner", put(self.alice, "old-loyalty-banner", "false", new=True))
        yield Step(
            ago(90),
            "free-shipping is created",
            put(
                self.cloudformation,
                "free-shipping",
                "true",
                new=True,
                about="Free delivery. owner=logistics@example.com",
            ),
        )
        yield Step(ago(75), "the AppConfig application is made", self.make_application)
        yield Step(ago(60), "payment-token is created", put(self.pipeline, "payment-token", "s3cr3t-1", secret=True))

    def fortnight(self) -> Iterator[Step]:
        """Yield the fortnight, in order."""
        put, at = self.put, _at
        checkout = "New checkout. owner=payments@example.com type=release"
        yield Step(
            at(0, "09:10"),
            f"{JANE} creates new-checkout in staging, fully on",
            put(
                self.jane, "new-checkout", '{"enabled": true, "rollout": 100}', env="staging", new=True, about=checkout
            ),
        )
        yield Step(
            at(0, "09:12"),
            f"{JANE} creates new-checkout in prod at 10%",
            put(self.jane, "new-checkout", '{"enabled": true, "rollout": 10}', new=True, about=checkout),
        )
        yield Step(at(1, "11:20"), "alice creates beta-search, off", put(self.alice, "beta-search", "false", new=True))
        yield Step(
            at(1, "14:30"),
            "the pipeline raises new-checkout to 50%",
            put(self.pipeline, "new-checkout", '{"enabled": true, "rollout": 50}'),
        )
        yield Step(
            at(2, "10:05"),
            "CloudFormation switches free-shipping off (its events arrive twice)",
            put(self.cloudformation, "free-shipping", "false"),
            fate="doubled",
        )
        yield Step(at(2, "16:40"), f"{JANE} switches free-shipping on again", put(self.jane, "free-shipping", "true"))
        yield Step(
            at(3, "10:00"),
            "the pipeline creates delivery-slots",
            put(self.pipeline, "delivery-slots", "mon,tue", new=True, kind="StringList"),
        )
        yield Step(
            at(3, "11:00"),
            "the pipeline adds wed to delivery-slots (its events arrive late)",
            put(self.pipeline, "delivery-slots", "mon,tue,wed", kind="StringList"),
            fate="swapped",
        )
        yield Step(
            at(3, "11:01"),
            "alice adds thu to delivery-slots (its events arrive first)",
            put(self.alice, "delivery-slots", "mon,tue,wed,thu", kind="StringList"),
        )
        yield Step(
            at(4, "09:30"),
            "the pipeline saves storefront version 2: recommendations for 10% of customers",
            self.save(self.pipeline, recommendations=10, description="recommendations for 10%"),
        )
        yield Step(
            at(4, "09:31"),
            "the pipeline deploys it to prod, 20% more every 6 minutes",
            self.deploy(self.pipeline, "2", "AppConfig.Linear20PercentEvery6Minutes", "CHG-1041 recommendations"),
        )
        yield Step(at(4, "11:00"), "that deployment is complete", _nothing)
        yield Step(
            at(7, "13:15"),
            f"{JANE} saves storefront version 3: recommendations for 60%",
            self.save(self.jane, recommendations=60, description="recommendations for 60%"),
        )
        yield Step(
            at(7, "13:16"),
            f"{JANE} deploys it to prod as a canary",
            self.deploy(self.jane, "3", "AppConfig.Canary10Percent20Minutes", "recommendations for more"),
        )
        yield Step(at(7, "13:22"), f"alarm {ALARM} fires; AppConfig rolls back", self.fire_alarm)
        yield Step(at(7, "13:40"), "the alarm is quiet again", self.quiet_alarm)
        yield Step(at(7, "15:02"), f"{BOB} tries to set new-checkout and is denied", self.denied)
        yield Step(
            at(8, "08:45"),
            "the pipeline rotates payment-token, a SecureString",
            put(self.pipeline, "payment-token", "s3cr3t-2", secret=True),
        )
        yield Step(at(9, "09:00"), f"{JANE} deletes beta-search", self.delete(self.jane, "beta-search"))
        yield Step(
            at(9, "09:31"), "alice makes beta-search again, on", put(self.alice, "beta-search", "true", new=True)
        )
        yield Step(
            at(9, "17:20"),
            "alice switches search-v2 off (every event of it is lost)",
            put(self.alice, "search-v2", "false"),
            fate="lost",
        )
        yield Step(at(10, "10:10"), "the pipeline labels new-checkout version 2 stable", self.label("2"))
        yield Step(
            at(11, "09:55"),
            f"{JANE} raises new-checkout to 100%",
            put(self.jane, "new-checkout", '{"enabled": true, "rollout": 100}'),
        )
        yield Step(at(11, "10:00"), "the pipeline moves the label stable to version 3", self.label("3"))
        yield Step(
            at(12, "03:12"), "root switches free-shipping off at night", put(self.root, "free-shipping", "false")
        )

    def put(
        self,
        who: Identity,
        flag: str,
        value: str,
        *,
        env: str = "prod",
        new: bool = False,
        about: str | None = None,
        kind: str = "String",
        secret: bool = False,
    ) -> Callable[[], object]:
        """Return the act of writing a parameter."""
        arguments: dict[str, Any] = {"Name": f"/shop/{env}/features/{flag}", "Value": value}
        arguments |= {"Description": about} if about else {}
        arguments |= {"Type": "SecureString"} if secret else {"Type": kind} if new else {}
        arguments |= {} if new else {"Overwrite": True}
        return lambda: self.aws.client("ssm", identity=who).put_parameter(**arguments)

    def delete(self, who: Identity, flag: str) -> Callable[[], object]:
        """Return the act of deleting a parameter."""
        return lambda: self.aws.client("ssm", identity=who).delete_parameter(Name=f"/shop/prod/features/{flag}")

    def label(self, version: str) -> Callable[[], object]:
        """Return the act of labelling a version of new-checkout as stable."""
        name = "/shop/prod/features/new-checkout"
        return lambda: self.aws.client("ssm", identity=self.pipeline).label_parameter_version(
            Name=name, ParameterVersion=int(version), Labels=["stable"]
        )

    def denied(self) -> None:
        """Try to write without being allowed to."""
        client = self.aws.client("ssm", identity=self.bob)
        try:
            client.put_parameter(Name="/shop/prod/features/new-checkout", Value="false", Overwrite=True)
        except client.exceptions.ClientError:
            return
        raise RuntimeError("the stand-in let a denied call through")

    def make_application(self) -> None:
        """Make the AppConfig application with its environments, alarm, profile and first version, and deploy that."""
        client = self.aws.client("appconfig", identity=self.pipeline)
        app = client.create_application(Name="shop")["Id"]
        alarm = self._make_alarm()
        role = f"arn:aws:iam::{self.aws.account}:role/AppConfigAlarms"
        monitors = [{"AlarmArn": alarm, "AlarmRoleArn": role}]
        prod = client.create_environment(ApplicationId=app, Name="prod", Monitors=monitors)["Id"]
        client.create_environment(ApplicationId=app, Name="staging")
        profile = client.create_configuration_profile(
            ApplicationId=app, Name="storefront", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        client.create_extension_association(
            ExtensionIdentifier=EXTENSION, ResourceIdentifier=_application_arn(self, app)
        )
        self.ids = {"app": app, "prod": prod, "profile": profile}
        self.save(self.pipeline, recommendations=0, description="first version")()
        self.deploy(self.pipeline, "1", "AppConfig.AllAtOnce", "first version")()

    def save(self, who: Identity, *, recommendations: int, description: str) -> Callable[[], object]:
        """Return the act of saving a version of the storefront's flags."""

        def act() -> object:
            document = json.dumps(self._storefront(recommendations)).encode()
            return self.aws.client("appconfig", identity=who).create_hosted_configuration_version(
                ApplicationId=self.ids["app"],
                ConfigurationProfileId=self.ids["profile"],
                Content=document,
                ContentType="application/json",
                Description=description,
            )

        return act

    def deploy(self, who: Identity, version: str, strategy: str, description: str) -> Callable[[], object]:
        """Return the act of starting a deployment to prod."""
        return lambda: self.aws.client("appconfig", identity=who).start_deployment(
            ApplicationId=self.ids["app"],
            EnvironmentId=self.ids["prod"],
            ConfigurationProfileId=self.ids["profile"],
            ConfigurationVersion=version,
            DeploymentStrategyId=strategy,
            Description=description,
        )

    def fire_alarm(self) -> None:
        """Let too many requests fail."""
        self._set_alarm("ALARM", "Threshold Crossed: 61 errors in a minute")

    def quiet_alarm(self) -> None:
        """Let requests succeed again."""
        self._set_alarm("OK", "Threshold not crossed")

    def _set_alarm(self, state: str, reason: str) -> None:
        self.aws.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason=reason)

    def _make_alarm(self) -> str:
        self.aws.client("cloudwatch").put_metric_alarm(
            AlarmName=ALARM,
            Namespace="AWS/ApiGateway",
            MetricName="5XXError",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=5.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        self._set_alarm("OK", "no data yet")
        return f"arn:aws:cloudwatch:{self.aws.region}:{self.aws.account}:alarm:{ALARM}"

    def _storefront(self, recommendations: int) -> dict[str, Any]:
        """Return the storefront's feature-flag document."""
        ended = (self.start - timedelta(days=10)).date().isoformat()
        variants: list[dict[str, Any]] = [{"name": "everybody else", "enabled": False}]
        if recommendations:
            rule = f"(split pct::{recommendations} by::$customer_id)"
            variants.insert(0, {"name": "some customers", "enabled": True, "rule": rule})
        return {
            "version": "1",
            "flags": {
                "one_click_buy": {
                    "name": "One-click buy",
                    "description": "owner: payments@example.com",
                    "_deprecation": {"status": "planned", "date": ended},
                },
                "gift_wrap": {"name": "Gift wrap", "_deprecation": {"status": "planned"}},
                "recommendations": {"name": "Recommendations", "description": "owner: discovery@example.com"},
            },
            "values": {
                "one_click_buy": {"enabled": True},
                "gift_wrap": {"enabled": True},
                "recommendations": {"_variants": variants},
            },
        }


def _application_arn(shop: Shop, application: str) -> str:
    return f"arn:aws:appconfig:{shop.aws.region}:{shop.aws.account}:application/{application}"


def _nothing() -> None:
    """Let time pass."""


def _at(day: int, clock: str) -> timedelta:
    hours, minutes = clock.split(":")
    return timedelta(days=day, hours=int(hours), minutes=int(minutes))
