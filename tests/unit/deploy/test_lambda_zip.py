from __future__ import annotations

import os
import zipfile

from deploy.packaging.lambda_zip import members, pack


def tree(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name.rpartition("/")[2])
    return folder


def test_what_an_installer_left_is_left_out(tmp_path):
    tree(
        tmp_path,
        ["bin/run", "a/b.py", "a/__pycache__/b.pyc", "a.dist-info/RECORD", "a.dist-info/METADATA", "bin.py"],
    )

    assert [path.as_posix() for path in members(tmp_path)] == ["a.dist-info/METADATA", "a/b.py", "bin.py"]


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
