"""Settings: from the environment and flagtrail.toml, all faults at once, each with its line."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import ConfigurationError
from auditor.domain.lifetimes import FlagType, SpecialLifetime
from auditor.domain.scan_options import Accessor, Model, Override, Returns
from auditor.domain.schedules import When
from auditor.domain.templates import DEFAULT_SSM_TEMPLATES
from auditor.domain.verdicts import StaleRules
from auditor.settings import DEFAULT_SOURCES, Settings

KEY = "0123456789abcdef"


@pytest.fixture
def load(tmp_path):
    def load(text, environ=None, **options):
        path = tmp_path / "flagtrail.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Settings.load(environ or {}, config=str(path), **options)

    return load


@pytest.fixture
def faults(load, tmp_path):
    def faults(text, environ=None):
        with pytest.raises(ConfigurationError) as caught:
            load(text, environ)
        return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]

    return faults


def fault(found):
    """Return the one fault there is, without its file."""
    heading, only = found
    assert heading == "the configuration has 1 fault:"
    return only.removeprefix("flagtrail.toml:")


def test_nothing_is_needed(elsewhere):
    settings = Settings.from_env({})

    assert settings.database_url == "sqlite:///flagtrail.db"
    assert settings.sources == DEFAULT_SOURCES
    assert settings.config_path is None


def test_the_file_here_is_read(elsewhere):
    Path("flagtrail.toml").write_text('[slack]\nchannel = "C1"\n')

    assert Settings.from_env({}).slack.channel == "C1"


def test_the_environment_names_the_file_and_the_command_line_goes_before(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(f'[slack]\nchannel = "{name}"\n')
    environ = {"FLAGTRAIL_CONFIG": str(tmp_path / "one")}

    assert Settings.from_env(environ).slack.channel == "one"
    assert Settings.load(environ, config=str(tmp_path / "two")).slack.channel == "two"


@pytest.mark.parametrize(("environ", "config"), [({"FLAGTRAIL_CONFIG": "gone.toml"}, None), ({}, "gone.toml")])
def test_a_file_asked_for_has_to_be_there(elsewhere, environ, config):
    with pytest.raises(ConfigurationError, match=r"gone\.toml: no such file"):
        Settings.load(environ, config=config)


def test_the_environment_goes_before_the_file(load):
    environ = {
        "FLAGTRAIL_DATABASE_URL": "sqlite:///env.db",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "FLAGTRAIL_SLACK_BASE_URL": "http://127.0.0.1:9/",
        "FLAGTRAIL_FINGERPRINT_KEY": KEY,
    }
    text = '[database]\nurl = "sqlite:///file.db"\n[slack]\nbase_url = "https://slack.example.com/"\n'

    settings = load(text, environ)

    assert settings.database_url == "sqlite:///env.db"
    assert (settings.slack.base_url, settings.slack.token) == ("http://127.0.0.1:9/", "xoxb-1")
    assert settings.fingerprint_key == KEY.encode()
    assert load(text, environ, database_url="sqlite:///line.db").database_url == "sqlite:///line.db"


def test_no_secret_is_shown(load):
    settings = load("", {"SLACK_BOT_TOKEN": "xoxb-1", "FLAGTRAIL_FINGERPRINT_KEY": KEY})

    assert "xoxb" not in repr(settings)
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///record.db", "sqlite:///{here}/record.db"),
        ("sqlite:////var/record.db", "sqlite:////var/record.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg://db/flags", "postgresql+psycopg://db/flags"),
    ],
)
def test_a_relative_database_is_beside_the_file(load, tmp_path, url, expected):
    assert load(f'[database]\nurl = "{url}"').database_url == expected.format(here=tmp_path)


def test_sources(load):
    settings = load("""
        [[source]]
        kind = "ssm"
        accounts = ["111122223333"]
        [[source]]
        kind = "appconfig"
        name = "ours"
        applications = ["shop"]
        [[source]]
        kind = "dynamodb"
        table = "flags"
        keys = { pk = "{application}", sk = "{flag}" }
        [[source]]
        kind = "s3"
        bucket = "b"
        key = "{application}.json"
        pointer = ""
    """)
    ssm, appconfig, dynamodb, s3 = settings.sources

    assert (ssm.name, ssm.accounts, ssm.paths) == ("ssm", ("111122223333",), DEFAULT_SSM_TEMPLATES)
    assert (appconfig.name, appconfig.applications, appconfig.profiles) == ("ours", ("shop",), ())
    assert (dynamodb.table, dict(dynamodb.keys)) == ("flags", {"pk": "{application}", "sk": "{flag}"})
    assert (s3.bucket, s3.key, s3.pointer) == ("b", "{application}.json", "")


def test_what_the_scanner_is_told(load):
    scan = load("""
        [scan]
        workers = 3
        seconds_per_file = 1.5
        [[scan.accessor]]
        callable = "a.b"
        key = [0, "name"]
        default = "{a}.{b}"
        returns = "object"
        reads = ["on"]
        [[scan.override]]
        callable = "a.C.d"
        value = "v"
        [[scan.model]]
        class = "a.M"
        profile = "p"
    """).scan

    assert scan.accessors == (
        Accessor(callable="a.b", key=(0, "name"), default=("{a}.{b}",), returns=Returns.OBJECT, reads=("on",)),
    )
    assert scan.overrides == (Override(callable="a.C.d", value=("v",)),)
    assert scan.models == (Model(name="a.M", profile="p"),)
    assert (scan.workers, scan.seconds_per_file) == (3, 1.5)


def test_own_thresholds_go_before_those_built_in(load):
    stale = load("""
        [stale]
        critical_environments = ["live"]
        grace = "3d"
        default_type = "ops"
        [stale.lifetimes]
        release = "2w"
        ops = "never"
        [[stale.lifetime]]
        type = "release"
        allowed = "never"
        environment = "lab*"
        [[stale.lifetime]]
        type = "ops"
        allowed = "1w"
        application = "pay"
        tag = "tier=gold"
        [stale.naming]
        kill-switch = ["exp-*", "off-*"]
        [owners]
        "shop/*" = "@shop"
    """).stale
    rules = stale.lifetimes

    assert (stale.critical, stale.grace_days, stale.settled_days) == ({"live"}, 3, StaleRules().settled_days)
    assert (rules.days["release"], rules.days["ops"], rules.days["experiment"]) == (14, None, 40)
    assert rules.special == (
        SpecialLifetime(FlagType.RELEASE, None, environment="lab*"),
        SpecialLifetime(FlagType.OPS, 7, application="pay", tag="tier=gold"),
    )
    assert next(iter(rules.naming.items())) == ("exp-*", FlagType.KILL_SWITCH)
    assert rules.naming["off-*"] is FlagType.KILL_SWITCH
    assert rules.naming["ab-*"] is FlagType.EXPERIMENT
    assert rules.default_type is FlagType.OPS
    assert rules.owners == (("shop/*", "@shop"),)


def test_a_file_without_thresholds_changes_none(load):
    assert load("").stale == StaleRules()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("90s", When(every=timedelta(seconds=90))),
        ("1w", When(every=timedelta(weeks=1))),
        ("off", None),
        ("0 8 * * mon", When(cron="0 8 * * mon")),
        # Schedulers number weekdays differently; names mean the same to all.
        ("*/5 0-6/2 1,15 JAN-mar 1-5", When(cron="*/5 0-6/2 1,15 jan-mar mon,tue,wed,thu,fri")),
        ("0 0 * * 7", When(cron="0 0 * * sun")),
        ("0 0 * * 5-7", When(cron="0 0 * * sun,fri,sat")),
    ],
)
def test_schedules(load, written, read):
    assert load(f'[schedule]\nscan = "{written}"').schedule.scan == read


def test_the_key_comes_from_a_variable_or_a_file(load, tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")

    by_variable = load('[secrets]\nfingerprint_key_env = "K"', {"K": KEY})
    by_file = load('[secrets]\nfingerprint_key_file = "key"')

    assert by_variable.fingerprint_key == by_file.fingerprint_key == KEY.encode()


def test_all_faults_come_in_one_message_in_the_order_of_their_lines(faults):
    found = faults("""[databse]
url = "sqlite:///x.db"
[[source]]
kind = "smm"
accounts = [111122223333]
[[source]]
kind = "ssm"
paths = [
  "/{application}/features/{flag}",
  "/{app}/{flag",
]
[slack]
token = "xoxb-secret"
[[scan.accessor]]
returns = "object"
[schedule]
scan = "soon"
""")

    assert found[0] == "the configuration has 10 faults:"
    assert [line.split(" ")[0] for line in found[1:]] == [
        "flagtrail.toml:1:",
        "flagtrail.toml:4:",
        "flagtrail.toml:5:",
        "flagtrail.toml:10:",
        "flagtrail.toml:10:",
        "flagtrail.toml:10:",
        "flagtrail.toml:13:",
        "flagtrail.toml:14:",
        "flagtrail.toml:14:",
        "flagtrail.toml:17:",
    ]
    assert "xoxb-secret" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[owners]\n"x" = ""', "2: owners.x: has to be a text in quotes, not ''"),
        (
            '[[source]]\nkind = "dynamodb"\ntable = "t"\nkeys = "pk"',
            "4: source[1].keys: has to be a table like { pk = \"{application}#{flag}\" }, not 'pk'",
        ),
        ('[[source]]\nkind = "ssm"\npaths = [3]', "3: source[1].paths[1]: has to be a template in quotes, not 3"),
        (
            '[[scan.model]]\nclass = "a.b"\nprofile = "' + "x" * 3 + '"\nenvironment = 3',
            "4: scan.model[1].environment: has to be a text in quotes, not 3",
        ),
        (
            '[[source]]\nkind = "ssm"\naccounts = ["' + "9" * 80 + '"]',
            '3: source[1].accounts[1]: has to be a 12-digit account id in quotes like "123456789012", not \''
            + "9" * 59
            + "...",
        ),
        (
            '[[scan.override]]\ncallable = "a.b"\nkey = [true]',
            '3: scan.override[1].key: has to be 0, "name", [0, "name"] or a template like "{a}.{b}", not [True]',
        ),
        ('[schedule]\nscan = "0 0 * * 1-"', "2: schedule.scan: '0 0 * * 1-': '1-' is no day of the week"),
        ("slakc = 1", "1: slakc: there is no such option; did you mean 'slack'?"),
        ('[slack]\nchanel = "x"', "2: slack.chanel: there is no such option; did you mean 'channel'?"),
        ('[slack]\nzzz = "x"', "2: slack.zzz: there is no such option; choose from channel, base_url"),
        ("slack = 3", "1: slack: has to be a table; write [slack] above its options"),
        ("[source]", "1: source: may stand several times; write [[source]] in two brackets above each"),
        ("scan = 3", "1: scan: has to be a table; write [scan] above its options"),
        ("[[source]]\n", "1: source[1]: needs kind (ssm, appconfig, dynamodb or s3)"),
        ('[[source]]\nkind = "s3"\nbucket = "b"', '1: source[1]: kind = "s3" needs key'),
        (
            '[[source]]\nkind = "ssm"\ntable = "t"',
            '3: source[1].table: belongs to kind = "dynamodb", this source is "ssm"',
        ),
        (
            '[[source]]\nkind = "dynamodb"\ntable = "t"\nkeys = { pk = "{environment}" }',
            "4: source[1].keys: no attribute says which flag it is; put {flag} into one template",
        ),
        (
            '[[source]]\nkind = "ssm"\nname = "a"\n[[source]]\nkind = "appconfig"\nname = "a"',
            "6: source[2].name: 'a' is the name of another source; give each its own",
        ),
        (
            '[[source]]\nkind = "ssm"\npaths = ["/{env}/{flag}"]',
            "3: source[1].paths[1]: '/{env}/{flag}': {env} is no placeholder; did you mean 'environment'?",
        ),
        (
            '[[source]]\nkind = "ssm"\npaths = ["/{flag}/{flag}"]',
            "3: source[1].paths[1]: '/{flag}/{flag}': {flag} stands twice",
        ),
        (
            '[[source]]\nkind = "ssm"\npaths = ["shop/{flag}"]',
            "3: source[1].paths[1]: 'shop/{flag}': a parameter name with a slash begins with one",
        ),
        (
            '[[source]]\nkind = "s3"\nbucket = "b"\nkey = "{flag}"\npointer = "flags"',
            "5: source[1].pointer: has to be a JSON Pointer like \"/flags\", not 'flags'",
        ),
        (
            '[[source]]\nkind = "ssm"\nregions = "eu-central-1"',
            "3: source[1].regions: has to be a list like [\"eu-central-1\"], not 'eu-central-1'",
        ),
        ('[notify]\nchannel = "email"', "2: notify.channel: 'email' is not known; choose from slack, console, sns"),
        (
            '[stale]\nsettled_after = "0d"',
            '2: stale.settled_after: has to be a number of days or weeks like "30d" or "6w", not \'0d\'',
        ),
        (
            "[stale.lifetimes]\n\nrelease = 40",
            '3: stale.lifetimes.release: has to be a number of days or weeks like "30d" or "6w", not 40',
        ),
        (
            '[stale.naming]\nodd = ["x-*"]',
            "2: stale.naming.odd: there is no such option; choose from release, experiment, ops, permission, kill-switch",
        ),
        (
            '[stale]\ndefault_type = "odd"',
            "2: stale.default_type: 'odd' is not known; choose from release, experiment, ops, permission, kill-switch",
        ),
        ('[schedule]\nscan = "61 * * * *"', "2: schedule.scan: '61 * * * *': '61' is no minute"),
        ('[schedule]\nscan = "0 0 * * 5-1"', "2: schedule.scan: '0 0 * * 5-1': '5-1' is an empty range"),
        ('[schedule]\nscan = "? 0 * * *"', "2: schedule.scan: '? 0 * * *': '?' is no minute"),
        (
            '[aws]\nread_role = "arn:aws:iam::1:role/x"',
            "2: aws.read_role: has to be a role name like \"flagtrail-read\", not 'arn:aws:iam::1:role/x'",
        ),
        ("[scan]\nworkers = 0", "2: scan.workers: has to be a whole number from 1 to 256, not 0"),
        ("[scan]\nworkers = true", "2: scan.workers: has to be a whole number from 1 to 256, not True"),
        (
            '[[scan.accessor]]\ncallable = "one"',
            '2: scan.accessor[1].callable: has to be a callable like "pkg.mod.func" or "pkg.mod.Class.method", not \'one\'',
        ),
        (
            '[[scan.accessor]]\ncallable = "a.b"\nkey = "{a"',
            '3: scan.accessor[1].key: has to be 0, "name", [0, "name"] or a template like "{a}.{b}", not \'{a\'',
        ),
        (
            '[[scan.accessor]]\ncallable = "a.b"\nreads = ["x"]',
            '3: scan.accessor[1].reads: goes with returns = "object" only',
        ),
        (
            '[secrets]\nfingerprint_key = "k"',
            "2: secrets.fingerprint_key: a key does not belong in this file; "
            "name its place by fingerprint_key_env or _file",
        ),
        (
            '[secrets]\nfingerprint_key_env = "UNSET"',
            "2: secrets.fingerprint_key_env: the key there has 0 bytes; it needs at least 16",
        ),
        (
            '[links]\ncode = "https://x/{commit}"',
            "2: links.code: 'https://x/{commit}': {path} is missing",
        ),
        (
            '[links]\npages = "flags/{flag}.html#{change}"',
            "2: links.pages: 'flags/{flag}.html#{change}': has to begin with https:// or http://",
        ),
        ('[links]\npages = "https://x/{flag}"', "2: links.pages: 'https://x/{flag}': {change} is missing"),
        ('[owners]\n"shop/*" = 3', "2: owners.shop/*: has to be a text in quotes, not 3"),
    ],
)
def test_a_fault_says_what_is_wrong_where_and_what_to_do(faults, text, expected):
    assert fault(faults(text)) == expected


def test_a_secret_in_the_wrong_place_is_not_quoted(faults):
    assert "hunter 2" not in fault(faults('[secrets]\nfingerprint_key_env = "hunter 2"'))
    assert "hunter 2" not in fault(faults('[database]\nurl = "hunter 2"'))


def test_a_key_file_that_is_not_there_is_a_fault(faults):
    assert "cannot be read: No such file" in fault(faults('[secrets]\nfingerprint_key_file = "gone"'))


def test_two_places_for_one_key_are_a_fault(faults):
    text = '[secrets]\nfingerprint_key_env = "K"\nfingerprint_key_file = "k"'

    assert fault(faults(text)).startswith("3: secrets.fingerprint_key_file: goes not with fingerprint_key_env")


def test_a_short_key_in_the_environment_is_refused():
    with pytest.raises(ConfigurationError, match="FLAGTRAIL_FINGERPRINT_KEY has 5 bytes"):
        Settings.from_env({"FLAGTRAIL_FINGERPRINT_KEY": "short"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[slack]\nchannel = \n", 2),
        ("[slack]\nchannel = 'a'\nchannel = 'b'\n", 3),
        ('[slack]\n\nchannel = "open\n', 3),
        ("[slack\n", 1),
        ("a = [1,\n2", 2),
        (b"[slack]\nchannel = 'caf\xe9'\n", 2),
        ("n = " + "1" * 5000, 1),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(load, tmp_path, text, line):
    with pytest.raises(ConfigurationError) as caught:
        load(text)

    assert str(caught.value).startswith(f"{tmp_path}/flagtrail.toml:{line}: ")


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{b=" * 100_000, "#" * 1_000_001])
def test_a_bomb_is_refused(load, text):
    with pytest.raises(ConfigurationError):
        load(text)


def test_a_file_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    path = tmp_path / "flagtrail.toml"
    path.touch()

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root reads everything, whatever the mode

    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        Settings.load({}, config=str(path))


def test_a_byte_order_mark_and_windows_line_ends_are_fine(load):
    assert load(b'\xef\xbb\xbf[slack]\r\nchannel = "C1"\r\n').slack.channel == "C1"


@given(st.text(max_size=200))
def test_any_text_is_settings_or_one_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "flagtrail.toml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")

    with suppress(ConfigurationError):
        assert Settings.load({}, config=str(path)).sources


def test_the_settings_are_light_without_a_file(tmp_path, unmeasured):
    program = "import sys; from auditor.settings import Settings; Settings.from_env({}); print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=unmeasured, check=True, stdout=subprocess.PIPE, text=True)

    assert not {"tomllib", "auditor.configuration.loader", "difflib"} & set(done.stdout.split())
