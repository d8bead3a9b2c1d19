from __future__ import annotations

import json
import subprocess
import sys

from examples import scan_truth

APP = """
from shop.flags import flag_set, Names
def view(user):
    if flag_set("new-ui", user) and flag_set(Names.OLD, user):
        return 1
    return flag_set("nobody", user)
"""
FLAGS = """
REGISTRY = {"new-ui": True}
REGISTRY.update({"old-ui": False})
class Names:
    OLD = "old-ui"
def flag_set(name, user=None):
    return REGISTRY[name]
"""


def repository(folder, files):
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return str(folder)


def test_a_registry_is_compared_with_a_scan_and_a_search(tmp_path, capsys):
    path = repository(tmp_path, {"shop/flags.py": FLAGS, "shop/app.py": APP, "shop/__init__.py": "", "odd.py": "if"})

    told = ["--asked-by", "flag_set", "--accessor", "shop.flags.flag_set", "--registered-in", "REGISTRY"]
    scan_truth.main(["registry", path, *told, "--show"])

    out, err = capsys.readouterr()
    assert "2 registered keys, 2 places ask for one, in 3 files" in out
    assert "scanner: precision 100.0 % (2 of 2), recall 100.0 % (2 of 2)" in out
    assert "quoted text: precision 25.0 % (1 of 4), recall 50.0 % (1 of 2)" in out
    assert "missed shop/app.py:4 old-ui" in out
    assert "not parsed: odd.py" in err


def test_a_registry_may_be_calls_or_a_file(tmp_path, capsys):
    files = {"a.py": "manager.add('x-one')\nfeatures.has('x-one')\nfeatures.has('x-two')\n", "flags.json": "{}"}
    path = repository(tmp_path, files)
    (tmp_path / "flags.json").write_text(json.dumps({"flags": {"x-two": {}}}), encoding="utf-8")

    told = ["--asked-by", "features.has", "--registered-by", "manager.add", "--registry-file", "flags.json"]
    scan_truth.main(["registry", path, *told])

    assert "2 registered keys, 2 places ask for one" in capsys.readouterr().out


def test_a_registry_may_be_a_class_and_files_that_nobody_parses_count_for_nothing(tmp_path, capsys):
    app = "from shop.models import Names\ndef view(account):\n    return account.has_feature(Names.OLD)\n"
    models = "class Names:\n    OLD = 'old-ui'\n    label = 'none'\nclass Account:\n    def has_feature(self, n): ...\n"
    path = repository(tmp_path, {"shop/models.py": models, "shop/app.py": app, "shop/odd.py": app + "if"})

    told = ["--asked-by", "has_feature", "--accessor", "shop.models.Account.has_feature", "--registered-class", "Names"]
    scan_truth.main(["registry", path, *told])

    out = capsys.readouterr().out
    assert "1 registered keys, 1 places ask for one, in 2 files" in out
    assert "scanner: precision 100.0 % (1 of 1), recall 100.0 % (1 of 1)" in out
    assert "quoted text: precision 0.0 % (0 of 1), recall 0.0 % (0 of 1)" in out


def test_what_ran_is_logged_and_compared(tmp_path, capsys):
    store = "class Store:\n    def evaluate(self, name, default=None):\n        return default\n"
    run = (
        "from aws_lambda_powertools.utilities.feature_flags import FeatureFlags\nfrom store import Store\n"
        'flags: FeatureFlags = Store()\nflags.evaluate(\n    name="new-ui", default=False)\nflags.evaluate("old-ui")\n'
    )
    stub = "class FeatureFlags: pass\n"
    package = "aws_lambda_powertools/utilities/feature_flags.py"
    path = repository(tmp_path, {"repo/run.py": run, "repo/store.py": store, f"stub/{package}": stub})
    log = tmp_path / "asked.jsonl"
    code = (
        f"import sys; sys.path[:0] = [{path + '/repo'!r}, {path + '/stub'!r}]; from examples.scan_truth import main; "
        f"main(['record', {path + '/repo'!r}, '--hook', 'store:Store.evaluate', '--log', {str(log)!r}, "
        f"{path + '/repo/run.py'!r}])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(one["key"], one["calls"][0]) for one in asked] == [
        ("new-ui", ["run.py", 4, 5]),
        ("old-ui", ["run.py", 6, 6]),
    ]
    scan_truth.main(["executed", path + "/repo", "--log", str(log)])
    out = capsys.readouterr().out
    assert "2 different ways to ask for 2 keys were executed" in out
    assert "quoted text: recall 100.0 % (2 of 2); of its claims on executed calls, 100.0 % (2 of 2) asked" in out
