"""Every option there is: where it stands, how it is read, what it means. The documentation is made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditor.configuration import values as v
from auditor.configuration.policies import CODES, POLICIES, form, reader, written
from auditor.configuration.schedules import schedule
from auditor.domain.changes import ChangeKind
from auditor.domain.findings import Severity
from auditor.domain.lifetimes import DEFAULT_LIFETIMES, DEFAULT_NAMING, FlagType
from auditor.policies.base import Policy, options_of

PROVIDERS = ("ssm", "appconfig", "dynamodb", "s3", "openfeature", "launchdarkly", "env", "generic")
KINDS = ("ssm", "appconfig", "dynamodb", "s3")

_ACCOUNT = v.matching(r"\d{12}", 'a 12-digit account id in quotes like "123456789012"')
_REGION = v.matching(r"[a-z]{2,}(-[a-z]+)+-\d", 'a Region like "eu-central-1"')
_VARIABLE = v.matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, not its value", secret=True)
_ROLE = v.matching(r"[\w+=,.@/-]+", 'a role name like "flagtrail-read"')
_URL = v.matching(r"https?://[^\s{}]+", 'a URL like "https://slack.example.com/api/"')
_TEXTS = v.many(v.text, '["..."]')
_ORIGIN = v.matching(r"[^\s+]{1,200}", 'a name without spaces and plus signs like "flagtrail.example.com/shop"')
_BUCKET = v.matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/-]+)?", 'a bucket like "audit" or "audit/flags"')


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its key, how its value is read, the form of its value for people, and what it does."""

    key: str
    read: v.Reader
    form: str
    doc: str
    default: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the file: its path, whether it may stand several times, and its options.

    ``free`` reads every key that is not an option, where users choose the keys (``None``: they do not).
    ``misplaced`` maps a key that people try to what they should do instead.
    """

    path: tuple[str, ...]
    doc: str
    options: tuple[Option, ...] = ()
    repeated: bool = False
    free: v.Reader | None = None
    free_form: str = ""
    misplaced: tuple[tuple[str, str], ...] = ()

    @property
    def header(self) -> str:
        """Return the section as its first line stands in a file."""
        name = ".".join(self.path)
        return f"[[{name}]]" if self.repeated else f"[{name}]"


_TYPES = "release, experiment, ops, permission or kill-switch"
_NAMING = {kind: [p for p, named in DEFAULT_NAMING.items() if named is kind] for kind in FlagType}

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TOLD = tuple(kind.value for kind in ChangeKind if kind is not ChangeKind.FAILED)
_TOPIC = v.matching(r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?", "a topic's ARN, arn:aws:sns:...")
_SEVERITIES = "info, low, medium, high or critical"


def _policy(policy: Policy) -> Section:
    """Return the section of one policy."""
    return Section(
        ("policy", policy.code),
        policy.rule,
        (
            Option("enabled", v.switch, "true or false", "Whether it looks.", str(policy.enabled).lower()),
            Option("severity", v.choice(*Severity), _SEVERITIES, "How bad a finding is.", policy.severity.value),
            *(Option(o.name, reader(o), form(o), o.doc, written(o.default)) for o in options_of(policy)),
        ),
    )


_APPLICATION = Option("application", v.text, "text", "The application that the flags behind it belong to.")
_ENVIRONMENT = Option("environment", v.text, "text", "The environment that it asks.")
_PROFILE = Option("profile", v.text, "text", "The AppConfig profile behind it.")

SECTIONS: tuple[Section, ...] = (
    Section(
        ("database",),
        "Where the record is kept. `--database` and `FLAGTRAIL_DATABASE_URL` go before it.",
        (
            Option(
                "url",
                v.matching(r"[a-z0-9+]+:.*", 'a database URL like "sqlite:///flagtrail.db"', secret=True),
                "URL",
                "SQLAlchemy's form; a relative SQLite file is looked for beside the configuration.",
                "sqlite:///flagtrail.db",
            ),
        ),
    ),
    Section(
        ("source",),
        "A store of flags that is watched. Without any, Parameter Store names of the usual forms and every AppConfig "
        "flag profile are watched, in the account and Region of the credentials at hand. A placeholder of a template "
        "matches text without `/` or `#`.",
        (
            Option("kind", v.choice(*KINDS), "ssm, appconfig, dynamodb or s3", "Which store.", required=True),
            Option("name", v.text, "text", "What `flagtrail reconcile --source` may call its store.", "the kind"),
            Option(
                "accounts", v.many(_ACCOUNT, '["123456789012"]'), "list of account ids", "Where it is.", "own account"
            ),
            Option("regions", v.many(_REGION, '["eu-central-1"]'), "list of Regions", "Where it is.", "own Region"),
            Option(
                "paths",
                v.many(v.ssm_path, '["/{application}/{environment}/features/{flag}"]'),
                "list of templates",
                "ssm: the parameter names that are flags.",
                "features/ and flags/, with and without environment",
            ),
            Option("applications", _TEXTS, "list of texts", "appconfig: names or ids of applications.", "all"),
            Option("profiles", _TEXTS, "list of texts", "appconfig: names or ids of profiles.", "all that hold flags"),
            Option("table", v.text, "text", "dynamodb: the table."),
            Option(
                "keys",
                v.mapping(v.template("application", "environment", "flag"), '{ pk = "{application}#{flag}" }'),
                "table of templates",
                "dynamodb: which attributes of the key say application, environment and flag.",
            ),
            Option(
                "actor",
                v.text,
                "text",
                "dynamodb: an attribute in which the application says who wrote; it counts less than CloudTrail.",
            ),
            Option("bucket", v.text, "text", "s3: the bucket."),
            Option(
                "key",
                v.template("application", "environment", "flag"),
                "template",
                "s3: the keys of objects that hold flags.",
            ),
            Option(
                "pointer",
                v.json_pointer,
                "JSON Pointer",
                "s3 and appconfig: where in the document the flags are; each member there is one.",
                "s3: the whole; appconfig: what plainly holds flags",
            ),
        ),
        repeated=True,
    ),
    Section(
        ("aws",),
        "How AWS is read; credentials, Region and endpoint come from AWS's own variables.",
        (
            Option("read_role", _ROLE, "role name", "Assumed in every account but the own one."),
            Option("external_id", v.text, "text", "Given along when the role is assumed."),
        ),
    ),
    Section(
        ("slack",),
        "Where messages go.",
        (
            Option("channel", v.text, "text", "Id or name; `FLAGTRAIL_SLACK_CHANNEL` goes before it.", "#flag-changes"),
            Option("base_url", _URL, "URL", "Another server; `FLAGTRAIL_SLACK_BASE_URL` goes before it.", "Slack's"),
        ),
        misplaced=tuple(
            (key, "a token belongs in the variable SLACK_BOT_TOKEN, not in a file")
            for key in (
                "token",
                "bot_token",
                "slack_bot_token",
            )
        ),
    ),
    Section(
        ("notify",),
        "How people are told.",
        (
            Option(
                "channel",
                v.text,
                "slack, console, sns or a name",
                "What carries messages that no route takes: a kind, or the name of a `[[channel]]`. With `console`, "
                "printing them counts as sending them.",
                "slack",
            ),
            Option(
                "group_within",
                v.duration,
                "duration",
                "Writes of one actor that are no further apart than this are one message, which grows.",
                "30s",
            ),
            Option(
                "unattributed_after",
                v.duration,
                "duration",
                "When a change that still names nobody is reported as such.",
                "30m",
            ),
        ),
    ),
    Section(
        ("sns",),
        "Where messages go when `[notify] channel` is `sns`.",
        (Option("topic", _TOPIC, "ARN", "The topic; a process needs `sns:Publish` on it."),),
    ),
    Section(
        ("channel",),
        "A channel beside the usual one, for routes to lead to.",
        (
            Option("name", v.text, "text", "What routes call it.", required=True),
            Option("kind", v.choice("slack", "console", "sns"), "slack, console or sns", "What it is.", required=True),
            Option("to", v.text, "text", "slack: the channel's id or name; sns: the topic's ARN."),
            Option("quiet_begin", v.clock, "time of day", "From when it is left in peace.", "never"),
            Option("quiet_end", v.clock, "time of day", "Until when; then one digest tells of the changes."),
            Option("quiet_days", v.many(v.choice(*_DAYS), '["sat"]'), "list of days", "Days without messages."),
            Option("timezone", v.zone, "time zone", "Where these hours hold.", "UTC"),
            Option(
                "budget",
                v.number(1, 10_000),
                "number",
                "How many messages an hour it takes; further changes wait for a digest at the end of the hour.",
                "no limit",
            ),
            Option(
                "urgent",
                v.choice(*Severity),
                _SEVERITIES,
                "What is at least as bad is told at once, in quiet hours and beyond the budget.",
                "critical",
            ),
        ),
        repeated=True,
    ),
    Section(
        ("route",),
        "Which changes a channel tells of: those that fit all that is given; the first route that fits counts.",
        (
            Option("channel", v.text, "name of a channel", "Where they go.", required=True),
            Option("application", v.text, "pattern", "Of these applications.", "all"),
            Option("environment", v.text, "pattern", "In these environments.", "all"),
            Option("owner", v.text, "pattern", "Of flags that these own.", "all"),
            Option("severity", v.choice(*Severity), _SEVERITIES, "The least a policy has to have found.", "all"),
            Option("kinds", v.many(v.choice(*_TOLD), '["deployed"]'), "list of kinds", "Of these kinds.", "all"),
        ),
        repeated=True,
    ),
    Section(
        ("policy",),
        "What is looked at: each policy has a table of its own, and `flagtrail policy list` shows them. "
        "`flagtrail policy test --since 90d` says what one would have found.",
    ),
    *map(_policy, POLICIES),
    Section(
        ("override",),
        "Other thresholds of a policy for some flags; the first that fits a flag counts.",
        (
            Option("policy", v.choice(*CODES), "code of a policy", "Which policy.", required=True),
            Option("application", v.text, "pattern", "For flags of these applications.", "all"),
            Option("environment", v.text, "pattern", "For flags in these environments.", "all"),
            Option("type", v.choice(*FlagType), _TYPES, "For flags of this type.", "all"),
            Option("tag", v.text, "pattern", "For flags with a tag like this, written `name=value`.", "all"),
            Option("enabled", v.switch, "true or false", "Whether it looks at them.", "as for all"),
            Option("severity", v.choice(*Severity), _SEVERITIES, "How bad a finding is there.", "as for all"),
            Option("set", v.table, "table of thresholds", "The policy's own options, for them.", "as for all"),
        ),
        repeated=True,
    ),
    Section(
        ("freeze",),
        "A time in which flags are left alone; a change in it is reported.",
        (
            Option("name", v.text, "text", "What people call it.", required=True),
            Option("begins", v.moment(), "day or time", "From when.", required=True),
            Option("ends", v.moment(end=True), "day or time", "Until when; a day counts whole.", required=True),
            Option("environments", _TEXTS, "list of patterns", "Where.", "everywhere"),
            Option("applications", _TEXTS, "list of patterns", "Whose flags.", "all"),
        ),
        repeated=True,
    ),
    Section(
        ("scan",),
        "What `flagtrail run` scans, and how.",
        (
            Option(
                "repositories",
                _TEXTS,
                "list of folders and git URLs",
                "What is scanned; relative folders from the configuration.",
            ),
            Option("workers", v.number(1, 256), "number", "Processes that parse.", "one a core"),
            Option("seconds_per_file", v.number(0.1, 3600, whole=False), "number", "The limit for one file.", "20"),
        ),
    ),
    Section(
        ("scan", "accessor"),
        "A reader of flags that the scanner cannot find by itself.",
        (
            Option("callable", v.callable_name, "dotted name", "The reader as code imports it.", required=True),
            Option(
                "key", v.arguments, "argument", 'Where the flag\'s key is: `0`, `"name"`, both, or a template.', "0"
            ),
            Option("default", v.arguments, "argument", "Where the fallback is."),
            Option(
                "returns",
                v.choice("bool", "value", "document", "decorator", "object"),
                "bool, value, document, decorator or object",
                "What it gives back.",
                "value",
            ),
            Option("reads", _TEXTS, "list of names", "object: the methods and attributes that ask it."),
            Option("within", _TEXTS, "list of keys", "document: the path to the value."),
            Option("provider", v.choice(*PROVIDERS), "store", "The store behind it.", "any"),
            _APPLICATION,
            _ENVIRONMENT,
            _PROFILE,
        ),
        repeated=True,
    ),
    Section(
        ("scan", "override"),
        "A callable that fixes a flag's value in tests.",
        (
            Option("callable", v.callable_name, "dotted name", "The callable as tests import it.", required=True),
            Option("key", v.arguments, "argument", "Where the flag's key is.", "0"),
            Option("value", v.arguments, "argument", "Where the value is.", "1"),
        ),
        repeated=True,
    ),
    Section(
        ("scan", "model"),
        "A class that mirrors a flag document field by field.",
        (
            Option("class", v.callable_name, "dotted name", "The class as code imports it.", required=True),
            _APPLICATION,
            _ENVIRONMENT,
            _PROFILE,
        ),
        repeated=True,
    ),
    Section(
        ("stale",),
        "When a flag is ready to go. Durations are in days or weeks.",
        (
            Option(
                "critical_environments",
                _TEXTS,
                "list of texts",
                "A flag is settled when it is settled in these.",
                "the usual names of production",
            ),
            Option(
                "deployed_branches",
                _TEXTS,
                "list of patterns",
                "Scanned trees of what is deployed; without a scan of each nothing is said to go.",
            ),
            Option("settled_after", v.days, "duration", "How long fully on or off is settled.", "30d"),
            Option("unreferenced_after", v.days, "duration", "How long no code may read a flag.", "30d"),
            Option("grace", v.days, "duration", "How long a new flag is left alone.", "14d"),
            Option("scan_fresh_for", v.days, "duration", "How long a scan counts as evidence.", "30d"),
            Option("snooze_at_most", v.days, "duration", "How long `flagtrail snooze` may let a flag be.", "90d"),
            Option("default_type", v.choice(*FlagType), _TYPES, "The type of a flag whose name tells none.", "none"),
        ),
    ),
    Section(
        ("stale", "lifetimes"),
        "How long a flag of a type may live: a duration in days or weeks, or `never`.",
        tuple(
            Option(
                kind, v.days_or_never, "duration or never", f"Of {kind} flags.", "never" if days is None else f"{days}d"
            )
            for kind, days in DEFAULT_LIFETIMES.items()
        ),
    ),
    Section(
        ("stale", "lifetime"),
        "Another lifetime of a type, by application, environment or tag; the first that fits a flag counts.",
        (
            Option("type", v.choice(*FlagType), _TYPES, "For flags of this type.", required=True),
            Option("allowed", v.days_or_never, "duration or never", "How long they may live.", required=True),
            Option("application", v.text, "pattern", "For flags of these applications.", "all"),
            Option("environment", v.text, "pattern", "For flags that are in one of these environments.", "all"),
            Option("tag", v.text, "pattern", "For flags with a tag like this, written `name=value`.", "all"),
        ),
        repeated=True,
    ),
    Section(
        ("stale", "naming"),
        "Which keys have which type, by patterns with `*`; they go before those built in. `_` counts as `-`.",
        tuple(
            Option(kind, _TEXTS, "list of patterns", f"Names of {kind} flags.", ", ".join(patterns))
            for kind, patterns in _NAMING.items()
        ),
    ),
    Section(
        ("schedule",),
        "When `flagtrail run` does what: a duration, a cron line in UTC, or `off`.",
        (
            Option("reconcile", schedule, "schedule", "Read the stores for what no event told.", "15m"),
            Option("dispatch", schedule, "schedule", "Send what waits.", "15s"),
            Option("scan", schedule, "schedule", "Scan the repositories.", "6h"),
            Option("weekly_report", schedule, "schedule", "Report what can go.", "0 8 * * mon"),
            Option("seal", schedule, "schedule", "Seal what was recorded, and sign it where there is a key.", "1m"),
            Option("watch", schedule, "schedule", "Look whether jobs succeed and every change was told.", "1h"),
        ),
    ),
    Section(
        ("ledger",),
        "The log over the record: who signs it, and where the signed checkpoints are kept. Without a key it is sealed "
        "and not signed. Files and folders are looked for beside the configuration. `FLAGTRAIL_MAC_KEY` goes before "
        "`mac_key_env` and `mac_key_file`.",
        (
            Option("origin", _ORIGIN, "name", "The log's own name, which stands in every checkpoint.", "flagtrail"),
            Option("key", v.text, "file", "The private key that signs; `flagtrail key` makes one."),
            Option("kms_key", v.text, "key id, ARN or alias", "A key of AWS KMS that signs: ECC_NIST_EDWARDS25519."),
            Option("public_key", v.text, "file", "The public key that `flagtrail verify` trusts.", "that of key"),
            Option("checkpoints", v.text, "folder", "Keeps each checkpoint as a file."),
            Option("git", v.text, "folder", "A git repository that keeps each checkpoint as a commit."),
            Option("bucket", _BUCKET, "bucket or bucket/prefix", "An S3 bucket with Object Lock that keeps them."),
            Option("former_checkpoints", _TEXTS, "list of folders", "Checkpoints of logs before this one."),
            Option("mac_key_env", _VARIABLE, "variable", "The variable that holds the key of those who record."),
            Option("mac_key_file", v.text, "file", "The file that holds the key of those who record."),
        ),
        misplaced=(("mac_key", "a key does not belong in this file; name its place by mac_key_env or mac_key_file"),),
    ),
    Section(
        ("secrets",),
        "The key of the fingerprints that tell whether a masked value changed, at least 16 bytes; "
        "`FLAGTRAIL_FINGERPRINT_KEY` goes before both. Without one, masked values cannot be compared.",
        (
            Option("fingerprint_key_env", _VARIABLE, "variable", "The variable that holds the key."),
            Option("fingerprint_key_file", v.text, "file", "The file that holds the key."),
        ),
        misplaced=(
            ("fingerprint_key", "a key does not belong in this file; name its place by fingerprint_key_env or _file"),
        ),
    ),
    Section(
        ("people",),
        "Lists of people in flags (user ids, e-mail addresses, tenants) are shown as counts, with how many came and "
        "went. `flagtrail erase` forgets a person.",
        (
            Option(
                "shown",
                _TEXTS,
                "list of patterns",
                "Flags whose lists are shown by name, as patterns of `application/flag`.",
                "none",
            ),
        ),
    ),
    Section(
        ("links",),
        "Where links lead.",
        (
            Option(
                "code",
                v.template("commit", "path", "line", needs="path"),
                "template",
                "A page of the code host for one line, from `{commit}`, `{path}` and `{line}`.",
            ),
            Option(
                "pages",
                v.address("application", "flag", "change", needs="change"),
                "template",
                "Where you publish the pages of `flagtrail report flag` or `history`, from `{application}`, `{flag}` "
                "and `{change}`; on the pages a change's id is its anchor. Messages link there.",
            ),
            Option(
                "reports",
                v.address("file", needs="file"),
                "template",
                "Where you publish weekly pages, from `{file}`, the page's name. The weekly messages link there.",
            ),
        ),
    ),
    Section(
        ("owners",),
        "Who owns which flags, by patterns of `application/flag`; the first that fits counts.",
        free=v.text,
        free_form='"PATTERN" = owner',
    ),
)


def known_keys(path: tuple[str, ...]) -> list[str]:
    """Return what may stand in the table at this path: its options and the tables inside it."""
    inside = [section.path[len(path)] for section in SECTIONS if section.path[:-1] == path]
    options: list[Any] = [option.key for s in SECTIONS if s.path == path for option in s.options]
    return [*options, *inside]
