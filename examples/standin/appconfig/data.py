"""AppConfig's data plane: sessions, their tokens, and what a reader gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from examples.standin.appconfig import flags
from examples.standin.appconfig.deployment import Deployment
from examples.standin.appconfig.model import FEATURE_FLAGS, Environment, Profile
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.ids import Ids

TOKEN_LIFE = timedelta(hours=24)
DEFAULT_POLL_SECONDS = 60


@dataclass(slots=True)
class Session:
    """One reader of one configuration; its place decides when a gradual deployment reaches it."""

    environment: Environment
    profile: Profile
    place: float
    poll_seconds: int | None
    token: str
    token_since: datetime
    seen: tuple[str, bytes] | None = None
    polled: bool = False


class DataPlane:
    """StartConfigurationSession and GetLatestConfiguration."""

    def __init__(self, regions: Regions, ids: Ids) -> None:
        self._regions = regions
        self._ids = ids
        self._sessions: dict[str, Session] = {}

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations of the service appconfigdata."""
        return {"StartConfigurationSession": self.start, "GetLatestConfiguration": self.latest}

    def start(self, call: Call) -> dict[str, Any]:
        """Open a session on what names or ids say."""
        asked, region = call.params, self._regions.of(call)
        application = region.application(asked["ApplicationIdentifier"])
        session = Session(
            environment=region.environment(application, asked["EnvironmentIdentifier"]),
            profile=region.profile(application, asked["ConfigurationProfileIdentifier"]),
            place=self._ids.octets(1)[0] / 2.56,
            poll_seconds=asked.get("RequiredMinimumPollIntervalInSeconds"),
            token="",
            token_since=call.at,
        )
        return {"InitialConfigurationToken": self._renew(session, call.at)}

    def latest(self, call: Call) -> dict[str, Any]:
        """Answer the configuration in force for a reader; nothing in it when it is what the reader has."""
        session = self._session(call)
        deployment = _in_force(session.environment, session.profile, session.place)
        if deployment is None:
            raise _nothing_deployed(session.environment, session.profile)
        session.environment.read_at = session.profile.read_at = call.at
        in_force = (deployment.version, deployment.content)
        changed = session.seen != in_force
        session.seen, session.polled = in_force, True
        hosted_flags = session.profile.type == FEATURE_FLAGS
        content = flags.retrieved(deployment.content) if hosted_flags else deployment.content
        return {
            "NextPollConfigurationToken": self._renew(session, call.at),
            "NextPollIntervalInSeconds": session.poll_seconds or DEFAULT_POLL_SECONDS,
            "ContentType": deployment.content_type,
            "Configuration": content if changed else b"",
            "VersionLabel": deployment.version_label if changed else None,
        }

    def get_configuration(self, call: Call) -> dict[str, Any]:
        """Answer the older way to read, which is closed to feature flags."""
        asked, region = call.params, self._regions.of(call)
        application = region.application(asked["Application"])
        environment = region.environment(application, asked["Environment"])
        profile = region.profile(application, asked["Configuration"])
        if profile.type == FEATURE_FLAGS:
            raise AwsError(
                "BadRequestException",
                "Feature flag configurations must be accessed via AWS AppConfig Data's GetLatestConfiguration API.",
            )
        deployment = _in_force(environment, profile, place=0.0)
        if deployment is None:
            raise _nothing_deployed(environment, profile)
        environment.read_at = profile.read_at = call.at
        known = asked.get("ClientConfigurationVersion") == deployment.version
        return {
            "Content": b"" if known else deployment.content,
            "ConfigurationVersion": deployment.version,
            "ContentType": deployment.content_type,
        }

    def _session(self, call: Call) -> Session:
        session = self._sessions.get(call.params["ConfigurationToken"])
        if session is None:
            raise _bad_token("Corrupted")
        age = call.at - session.token_since
        if age > TOKEN_LIFE:
            raise _bad_token("Expired")
        if session.polled and session.poll_seconds and age < timedelta(seconds=session.poll_seconds):
            raise _bad_token("PollIntervalNotSatisfied")
        return session

    def _renew(self, session: Session, now: datetime) -> str:
        """Give the session its next token; the one before is used up."""
        self._sessions.pop(session.token, None)
        session.token, session.token_since = self._ids.secret(120), now
        self._sessions[session.token] = session
        return session.token


def _nothing_deployed(environment: Environment, profile: Profile) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"No configuration is deployed to environment {environment.id} from configuration profile {profile.id}.",
        ResourceType="Deployment",
    )


def _bad_token(problem: str) -> AwsError:
    return AwsError(
        "BadRequestException",
        "Request token is not valid",
        Reason="InvalidParameters",
        Details={"InvalidParameters": {"ConfigurationToken": {"Problem": problem}}},
    )


def _in_force(environment: Environment, profile: Profile, place: float) -> Deployment | None:
    """Return the newest deployment of the profile that has reached the reader and was not taken back."""
    for deployment in reversed(environment.deployments):
        if deployment.profile is not profile:
            continue
        if deployment.state == "COMPLETE" or (deployment.running and place < deployment.percentage):
            found: Deployment = deployment
            return found
    return None
