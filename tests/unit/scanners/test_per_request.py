"""Which reads ask the store on every request: where that is plain from the code, and nowhere else."""

from __future__ import annotations

import pytest

from auditor.domain.references import EVERY_REQUEST, FlagSpec
from scanners.engine import scan

KEY = "/shop/prod/features/banner"
ASK = f'ssm.get_parameter(Name="{KEY}")["Parameter"]["Value"]'


def asked(tmp_path, text: str, name: str = "app.py", provider: str = "ssm", key: str = KEY) -> list[str]:
    """Return which functions ask on every request, as the scan says."""
    (tmp_path / name).write_text(f"import boto3\nssm = boto3.client('ssm')\n{text}\n")
    found = scan([str(tmp_path)], [FlagSpec(key, provider)]).references
    assert found, "the scan finds the read"
    steps = [step for one in found for step in one.resolution if step.startswith(EVERY_REQUEST)]
    return [step.removeprefix(f"{EVERY_REQUEST}, in ") for step in steps]


@pytest.mark.parametrize(
    "text",
    [
        f"def handler(event, context):\n    return {ASK}",
        f"def handler(event, context):\n    if {ASK} == 'true':\n        return 1",
        f"async def handler(event, context):\n    value = {ASK}\n    return value",
        f"@app.get('/items')\ndef handler():\n    with span():\n        return {ASK}",
        f"@app.route('/', methods=['GET'])\ndef handler():\n    return {ASK}",
        f"def handler(request):\n    return {ASK}",
        f"class View:\n    def get(self, request):\n        return {ASK}",
        f"def handler(event, context):\n    for one in {ASK}:\n        pass",
        f"def handler(event, context):\n    try:\n        return {ASK}\n    except KeyError:\n        return None",
        f"def handler(event, context):\n    return {ASK} and event",
    ],
)
def test_a_client_in_a_function_that_serves_requests(tmp_path, text):
    assert len(asked(tmp_path, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"VALUE = {ASK}",
        f"def load():\n    return {ASK}",
        f"@lru_cache\ndef handler(event, context):\n    return {ASK}",
        f"@app.get('/')\n@cached(ttl=60)\ndef handler():\n    return {ASK}",
        f"def handler(event, context):\n    if stale():\n        return {ASK}",
        f"def handler(event, context):\n    return event and {ASK}",
        f"def handler(event, context):\n    return 1\n    {ASK}",
        f"def handler(event, context):\n    def later():\n        return {ASK}\n    return later",
        f"def handler(event, context):\n    for one in event:\n        print({ASK})",
        f"class View:\n    def load(self, request):\n        return {ASK}",
        f"from aws_lambda_powertools.utilities import parameters\ndef handler(event, context):\n"
        f"    return parameters.get_parameter('{KEY}')",
        f"@app.middleware\ndef handler():\n    return {ASK}",
    ],
)
def test_what_may_keep_its_answer_is_left_alone(tmp_path, text):
    assert asked(tmp_path, text) == []


@pytest.mark.parametrize(
    ("told", "expected"), [("force_fetch=True", 1), ("max_age=0", 1), ("max_age=60", 0), ("force_fetch=False", 0)]
)
def test_a_library_that_is_told_to_keep_nothing(tmp_path, told, expected):
    text = f"from aws_lambda_powertools.utilities import parameters\ndef handler(event, context):\n    return parameters.get_parameter('{KEY}', {told})"
    assert len(asked(tmp_path, text)) == expected


GET = "def get(name):\n    return ssm.get_parameter(Name=name)['Parameter']['Value']\n"
HANDLER = f"def handler(event, context):\n    return get('{KEY}')"


@pytest.mark.parametrize(
    "text",
    [
        f"{GET}{HANDLER}",
        f"def get(name):\n    value = get_raw(name)\n    return value == 'true'\n{GET.replace('get(', 'get_raw(')}{HANDLER}",
        f"{GET}def banner():\n    return get('{KEY}')\ndef handler(event, context):\n    return banner()",
        f"def banner():\n    return {ASK}\ndef handler(event, context):\n    return banner()",
        "class Flags:\n    def get(self, name):\n        return ssm.get_parameter(Name=name)['Parameter']['Value']\n"
        f"flags = Flags()\ndef handler(event, context):\n    return flags.get('{KEY}')",
        f"{GET}def handler(event, context):\n    if not event.get('id'):\n        return 400\n    return get('{KEY}')",
    ],
)
def test_a_client_behind_functions_of_the_repository(tmp_path, text):
    assert asked(tmp_path, text) == ["handler"]


@pytest.mark.parametrize(
    "text",
    [
        f"@lru_cache(maxsize=9)\n{GET}{HANDLER}",
        f"{GET}@cached(ttl=60)\ndef banner():\n    return get('{KEY}')\ndef handler(event, context):\n    return banner()",
        "def get(name):\n    if name not in CACHE:\n        CACHE[name] = ssm.get_parameter(Name=name)\n    return CACHE[name]\n"
        f"{HANDLER}",
        "def get(name):\n    if name in CACHE:\n        return CACHE[name]\n    return ssm.get_parameter(Name=name)\n"
        f"{HANDLER}",
        "def get(name):\n    try:\n        return CACHE[name]\n    except KeyError:\n        pass\n"
        f"    return ssm.get_parameter(Name=name)\n{HANDLER}",
        f"{GET}VALUE = get('{KEY}')\ndef handler(event, context):\n    return VALUE",
        f"{GET}def handler(event, context):\n    if stale():\n        return get('{KEY}')",
        f"{GET}def handler(event, context):\n    if VALUES:\n        return VALUES\n    return get('{KEY}')",
        f"{GET}def banner():\n    return get('{KEY}')\ndef handler(event, context):\n    return later(banner)",
        "from aws_lambda_powertools.utilities import parameters\ndef get(name):\n"
        f"    return parameters.get_parameter(name, max_age=60)\n{HANDLER}",
    ],
)
def test_a_helper_that_may_keep_its_answer_is_left_alone(tmp_path, text):
    assert asked(tmp_path, text) == []


def test_a_helper_in_another_module_is_followed(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "flags.py").write_text(f"import boto3\nssm = boto3.client('ssm')\n{GET}")
    (tmp_path / "shop" / "broken.py").write_text("print 'python 2'")
    for number, how in enumerate(("from .flags import get", "from shop import flags, broken\nget = flags.get")):
        (tmp_path / "shop" / f"app{number}.py").write_text(f"{how}\n{HANDLER}")

    found = scan([str(tmp_path)], [FlagSpec(KEY, "ssm")]).references

    assert {one.path for one in found if any(EVERY_REQUEST in step for step in one.resolution)} == {
        "shop/app0.py",
        "shop/app1.py",
    }


def test_what_cannot_be_parsed_is_left_alone(tmp_path):
    assert asked(tmp_path, f"def handler(event, context):\n    return {ASK}\nprint 'python 2'") == []
