from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from typing import get_args

import pytest

from auditor.adapters.aws import Service
from deploy.packaging.bytecode import compile_folder, interpreter
from deploy.packaging.contents import LAYER_LIBRARIES, SERVICES, members
from deploy.packaging.lambda_zip import Target, pack, parse, unpack
from deploy.packaging.locks import entries, function_lock, layer_lock

OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def tree(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name.rpartition("/")[2])
    return folder


def wheel(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


def test_only_what_the_function_needs_belongs(tmp_path):
    tree(tmp_path, ["bin/run", "a/b.py", "a/tests/test_b.py", "a.dist-info/RECORD", "a.dist-info/METADATA", "bin.py"])
    tree(tmp_path, ["click/core.py", "click-8.5.1.dist-info/METADATA", "a/click/b.py"])
    tree(tmp_path, [f"botocore/data/{name}" for name in ("ssm/2014/service.json.gz", "ec2/x.json", "endpoints.json")])

    assert [path.as_posix() for path in members(tmp_path)] == [
        "a.dist-info/METADATA",
        "a/b.py",
        "a/click/b.py",
        "bin.py",
        "botocore/data/endpoints.json",
        "botocore/data/ssm/2014/service.json.gz",
    ]


def test_every_service_that_is_called_is_described():
    assert set(get_args(Service)) <= SERVICES


def test_the_same_files_give_the_same_bytes(tmp_path):
    one = tree(tmp_path / "one", ["a/b.py", "c.so"])
    two = tree(tmp_path / "two", ["c.so", "a/b.py"])
    os.utime(two / "c.so", (1, 1))
    (two / "c.so").chmod(0o600)

    pack(one, tmp_path / "one.zip")
    pack(two, tmp_path / "two.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_native_module_may_be_loaded_by_anyone(tmp_path):
    pack(tree(tmp_path / "one", ["a.py", "c.so", "lib/d.so.1"]), tmp_path / "one.zip")

    with zipfile.ZipFile(tmp_path / "one.zip") as package:
        rights = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in package.infolist()}
    assert rights == {"a.py": 0o644, "c.so": 0o755, "lib/d.so.1": 0o755}


def test_a_wheel_is_laid_out_without_its_scripts(tmp_path):
    made = wheel(tmp_path / "a.whl", ["a/b.py", "a.data/scripts/a.py", "a.dist-info/RECORD"])

    unpack(made, tmp_path / "out")

    assert [path.as_posix() for path in members(tmp_path / "out")] == ["a/b.py"]


def test_a_wheel_that_needs_an_installer_is_refused(tmp_path):
    with pytest.raises(ValueError):
        unpack(wheel(tmp_path / "a.whl", ["a.data/purelib/a.py"]), tmp_path / "out")


def test_bytecode_is_the_same_wherever_it_was_compiled(tmp_path):
    source = "def f(x):\n    return x in {'a', 'b', 'c'}\n"
    made = []
    for folder in (tmp_path / "here", tmp_path / "somewhere" / "else"):
        folder.mkdir(parents=True)
        (folder / "m.py").write_text(source)
        compile_folder(folder, sys.executable)
        (compiled,) = (folder / "__pycache__").iterdir()
        made.append(compiled.read_bytes())

    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]


def test_bytecode_counts_whatever_the_source_says_by_now(tmp_path):
    (tmp_path / "m.py").write_text("answer = 42\n")
    compile_folder(tmp_path, sys.executable)
    (tmp_path / "m.py").write_text("answer = 1\n")
    spec = importlib.util.spec_from_file_location("m", tmp_path / "m.py")
    module = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(module)

    assert module.answer == 42


def test_only_the_same_python_compiles(tmp_path):
    other = tmp_path / "python3.4"
    other.write_text("#!/bin/sh\necho CPython 3.4\n")
    other.chmod(0o755)

    assert interpreter(OWN_VERSION) == sys.executable
    assert interpreter("3.4", [str(tmp_path / "none"), sys.executable, str(other)]) == str(other)
    assert interpreter("3.4") is None


def test_each_runtime_and_processor_is_built_unless_told_otherwise():
    assert {target.name for target in parse([]).targets} == {
        "flagtrail-python3.11-arm64.zip",
        "flagtrail-python3.11-x86_64.zip",
        "flagtrail-python3.12-arm64.zip",
        "flagtrail-python3.12-x86_64.zip",
        "flagtrail-python3.13-arm64.zip",
        "flagtrail-python3.13-x86_64.zip",
    }
    assert parse(["--python", "3.12", "--architecture", "arm64"]).targets == (Target("3.12", "arm64"),)
    assert parse(["--here"]).targets == (Target.here(),)
    assert Target.here().python == OWN_VERSION


def test_an_old_runtime_gets_a_driver_that_is_built_for_it():
    older, usual = function_lock(older_driver=True), function_lock(older_driver=False)

    assert Target("3.11", "arm64").needs_older_driver
    assert not Target("3.11", "x86_64").needs_older_driver
    assert not Target("3.12", "arm64").needs_older_driver
    assert "psycopg-binary==3.2." in older
    assert "psycopg-binary==3.3." in usual
    named = [[line.partition("==")[0] for line in lock.splitlines() if "==" in line] for lock in (older, usual)]
    assert sorted(named[0]) == sorted(named[1]), "and nothing else, nothing twice"


def test_the_layer_holds_what_the_function_leaves_out():
    lock = layer_lock(LAYER_LIBRARIES)

    assert {line.partition("==")[0] for line in lock.splitlines() if "==" in line} == LAYER_LIBRARIES
    assert LAYER_LIBRARIES.isdisjoint(entries("lambda"))
    assert all(entry.count("--hash=sha256:") for entry in entries("run").values())
    with pytest.raises(KeyError):
        layer_lock({"left-pad"})


@pytest.mark.parametrize(
    "text", ['[database]\nurl = "postgresql://flagtrail:secret@db.example.com/flagtrail"\n', "[databse]\n", None]
)
def test_a_configuration_that_cannot_go_along_is_refused(tmp_path, text, capsys):
    config = tmp_path / "flagtrail.toml"
    if text is not None:
        config.write_text(text)

    with pytest.raises(SystemExit) as refused:
        parse(["--config", str(config)])

    assert refused.value.code == 2
    assert "secret@" not in capsys.readouterr().err


def test_a_sound_configuration_goes_along(tmp_path):
    config = tmp_path / "flagtrail.toml"
    config.write_text('[slack]\nchannel = "C0123456789"\n')

    assert parse(["--config", str(config)]).config == config


def test_certificates_go_along_where_they_are(tmp_path):
    pem = tmp_path / "global-bundle.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")

    assert parse(["--certificates", str(pem)]).certificates == pem
    with pytest.raises(SystemExit):
        parse(["--certificates", str(tmp_path / "none.pem")])
