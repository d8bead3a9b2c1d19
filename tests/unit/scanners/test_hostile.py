"""Files that break parsers are listed, searched as text where they can be, and change nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners import engine

FLAGS = [FlagSpec("/shop/x", "ssm"), FlagSpec("new-checkout", "appconfig")]
KEYED = b'KEY = "/shop/x"\n'
GOOD = b'import boto3\nboto3.client("ssm").get_parameter(Name="/shop/x")\n'

UNREADABLE = {
    "parens": b"x = " + b"(" * 3000 + b")" * 3000,
    "lists": b"x = " + b"[" * 3000 + b"]" * 3000,
    "dicts": b"x = " + b"{1:" * 3000 + b"1" + b"}" * 3000,
    "open_parens": b"x = " + b"(" * 100_000,
    "open_braces": b"{" * 100_000,
    "mixed": b"x = " + b"([{" * 1500,
    "plus": b"x = 1" + b" + 1" * 20_000,
    "strings": b'x = "a"' + b' + "a"' * 20_000,
    "attributes": b"x = a" + b".a" * 20_000,
    "calls": b"x = a" + b"()" * 20_000,
    "subscripts": b"x = a" + b"[0]" * 20_000,
    "not": b"x = " + b"not " * 20_000 + b"1",
    "minus": b"x = " + b"-" * 20_000 + b"1",
    "lambdas": b"x = " + b"lambda: " * 20_000 + b"1",
    "power": b"x = 1" + b" ** 1" * 20_000,
    "ternary": b"x = " + b"1 if a else " * 20_000 + b"1",
    "elif": b"if a:\n    pass\n" + b"elif a:\n    pass\n" * 20_000,
    "fstrings": b"x = " + b'f"{' * 3000 + b"1" + b'}"' * 3000,
    "indent": b"".join(b" " * depth + b"if a:\n" for depth in range(3000)) + b" " * 3000 + b"pass\n",
    "null": b'x = 1\n\0\nKEY2 = "a"\n',
    "null_first": b"\0\0\0\0",
    "python2": b'print "hello"\nexec "x"\n',
    "python2_raise": b"raise A, 'b'\n",
    "backticks": b"x = `1`\n",
    "template": b"{% if x %}\nx = {{ y }}\n{% endif %}\n",
    "conflict": b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
    "unknown_encoding": b"# -*- coding: no-such-codec -*-\nx = 1\n",
    "rot13": b"# -*- coding: rot13 -*-\nx = 1\n",
    "latin1_undeclared": b'x = "\xe9\xff"\n',
    "utf16": "x = 1\n".encode("utf-16"),
    "utf32": "x = 1\n".encode("utf-32"),
    "half_utf8": b'x = "\xc3"\n',
    "unclosed_string": b'x = "abc\n',
    "unclosed_triple": b'x = """abc\n' * 3,
    "tabs": b"if a:\n\tx = 1\n        y = 2\n    z = 3\n",
    "binary": bytes(range(256)) * 40,
    "random_words": b"the quick brown fox ( [ {\n" * 1000,
    "huge": b"x = 1\n" * 500_000,
    "long_line": b"x = '" + b"a" * 3_000_000 + b"'\n",
    "form": b"def (:\n",
}
# These are long or odd, and yet understood.
READABLE = {
    "chain_of_300": b"x = 1" + b" + 1" * 300 + b"\n",
    "crlf": b"import boto3\r\nx = 1\r\n",
    "bom": b"\xef\xbb\xbfx = 1\n",
    "cp1252": "# -*- coding: cp1252 -*-\nx = 'é'\n".encode("cp1252"),
    "newer": b"type A[T] = list[T]\ndef f[T](x: T) -> T: return x\ntry:\n    pass\nexcept* A:\n    pass\n",
    "empty": b"",
    "long_line": b"x = '" + b"a" * 70_000 + b"'\n",
}


def scan(folder: Path) -> ScanResult:
    return engine.scan([str(folder)], FLAGS, ScanOptions(seconds_per_file=30.0))


def test_there_are_forty_of_them():
    assert len(UNREADABLE) >= 40


def test_each_is_listed_and_no_other_file_suffers(tmp_path):
    for name, data in UNREADABLE.items():
        (tmp_path / f"{name}.py").write_bytes(data if data.startswith(b"# -*-") else KEYED + data)
    (tmp_path / "good.py").write_bytes(GOOD)
    (tmp_path / "good_too.py").write_bytes(GOOD)

    result = scan(tmp_path)

    assert {f"{name}.py" for name in UNREADABLE} - {one.path for one in result.unread} == set()
    assert all(one.reason for one in result.unread)
    assert not result.complete
    certain = {(one.path, one.line, one.kind.value) for one in result.references if one.path.startswith("good")}
    assert certain == {("good.py", 2, "read"), ("good_too.py", 2, "read")}


@pytest.mark.parametrize("name", ["parens", "plus", "python2", "null"])
def test_what_is_not_understood_is_searched_as_text(name, tmp_path):
    (tmp_path / "bad.py").write_bytes(KEYED + UNREADABLE[name])

    result = scan(tmp_path)

    found = [(one.path, one.line, one.kind.value, one.certainty.value) for one in result.references]
    assert found == [("bad.py", 1, "bind", "possible")]


@pytest.mark.parametrize("name", sorted(READABLE))
def test_odd_files_are_understood(name, tmp_path):
    (tmp_path / "odd.py").write_bytes(READABLE[name])
    result = scan(tmp_path)
    assert result.unread == ()
    assert result.complete


def test_a_line_of_a_hundred_megabytes_is_said(tmp_path):
    with (tmp_path / "wide.json").open("wb") as file:
        file.write(b'{"new-checkout": "')
        file.seek(100_000_000)
        file.write(b'"}')
    (tmp_path / "good.py").write_bytes(GOOD)

    result = scan(tmp_path)

    assert [(one.path, one.reason) for one in result.unread] == [("wide.json", "larger than 32 MB; searched as text")]
    found = {(one.path, one.line, one.column, one.flag.key) for one in result.references}
    assert found >= {("wide.json", 1, 3, "new-checkout")}


READ = 'ssm.getParameter({Name:"/shop/x"});'
MINIFIED = "".join(f'function a{n}(e,t){{return e.get("k{n}",t)?a{n}(t):[e]}}' for n in range(6_000))


def test_minified_code_is_searched_as_text_and_the_scan_is_whole(tmp_path):
    (tmp_path / "bundle.js").write_text(MINIFIED + READ + MINIFIED)
    (tmp_path / "app.ts").write_text(READ)
    begun = time.process_time()
    result = engine.scan([str(tmp_path)], FLAGS)
    assert {(one.path, one.kind.value, one.certainty.value) for one in result.references} == {
        ("app.ts", "read", "certain"),
        ("bundle.js", "read", "possible"),
    }
    assert [(one.path, one.reason) for one in result.skipped] == [("bundle.js", "minified code, searched as text")]
    assert result.complete
    assert time.process_time() - begun < 5


def test_a_long_line_is_no_minified_code(tmp_path):
    """A text of a megabyte on one line costs little to read, and what stands behind it is as sure as ever."""
    (tmp_path / "app.ts").write_text(f'const words = "{"many words and, more; words " * 40_000}";\n{READ}\n')
    result = engine.scan([str(tmp_path)], FLAGS)
    assert [(one.path, one.certainty.value) for one in result.references] == [("app.ts", "certain")]
    assert not result.skipped


def test_the_end_of_a_large_file_is_searched_and_nothing_waits_for_it(tmp_path):
    with (tmp_path / "wide.log").open("wb") as file:
        file.seek(40_000_000)
        file.write(b'\n"/shop/x"\n')

    found = scan(tmp_path)
    hurried = engine.scan([str(tmp_path)], FLAGS, ScanOptions(seconds_per_file=0.0))

    assert [(one.path, one.line, one.column) for one in found.references] == [("wide.log", 2, 2)]
    assert [one.reason for one in hurried.unread] == [
        "larger than 32 MB; only the first 0 MB were searched in 0 s, as text"
    ]


def test_pipes_sockets_and_loops_are_neither_read_nor_waited_for(tmp_path):
    (tmp_path / "good.py").write_bytes(GOOD)
    os.mkfifo(tmp_path / "pipe.py")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s.py"))
        (tmp_path / "loop").symlink_to(tmp_path)
        (tmp_path / "a.py").symlink_to(tmp_path / "b.py")
        (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
        (tmp_path / "zero.py").symlink_to("/dev/zero")
        (tmp_path / "passwd.py").symlink_to("/etc/passwd")
        (tmp_path / "up").symlink_to("..")
        result = scan(tmp_path)

    assert {one.path for one in result.unread} == {"pipe.py", "s.py"}
    assert {one.path for one in result.skipped} == {"loop", "a.py", "b.py", "zero.py", "passwd.py", "up"}
    assert [one.path for one in result.references] == ["good.py"]


def test_nothing_of_the_repository_is_run(tmp_path):
    folder, marker = tmp_path / "repo", tmp_path / "ran"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "good.py").write_bytes(GOOD)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    keys = ("fsmonitor", "hooksPath", "pager", "editor", "sshCommand", "askPass", "gitProxy")
    config = "[core]\n" + "".join(f"\t{key} = {program}\n" for key in keys)
    config += f'[diff]\n\texternal = {program}\n[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n'
    (folder / ".git" / "config").write_text(config)
    (folder / ".gitattributes").write_text("* filter=x diff=x\n")

    result = scan(folder)

    assert [one.path for one in result.references] == ["good.py"]
    assert not marker.exists()


def test_a_repository_module_of_a_known_name_is_not_imported(tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "boto3.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "sitecustomize.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "good.py").write_bytes(GOOD)
    scan(tmp_path)
    assert not marker.exists()


def test_source_that_git_lfs_keeps_elsewhere_is_said(tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1\n"
    for name in ("a.py", "flags.json", "logo.png"):
        (tmp_path / name).write_text(pointer)
    result = engine.scan([str(tmp_path)], FLAGS)
    assert [(one.path, one.reason.split(",")[0]) for one in result.unread] == [
        ("a.py", "a pointer of Git LFS"),
        ("flags.json", "a pointer of Git LFS"),
    ]
    assert [(one.path, one.reason) for one in result.skipped] == [("logo.png", "a pointer of Git LFS")]


def test_lines_of_a_gitignore_that_are_no_patterns_are_passed_over(tmp_path):
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe\n!\n\\\n[z-a]\n[[:x:]]\n*.log\n")
    (tmp_path / "a.py").write_bytes(GOOD)
    (tmp_path / "b.log").write_bytes(GOOD)
    result = engine.scan([str(tmp_path)], FLAGS)
    assert [one.path for one in result.references] == ["a.py"]
    assert [one.path for one in result.skipped] == ["b.log"]


DOUBLED = {
    "text.py": "a = '/shop/x'\n" + "a = a + a\n" * 60 + "ssm.get_parameter(Name=a)\n",
    "parts.py": "a = '/shop/x'\n" + "a = f'{a}{b}{a}'\n" * 60 + "ssm.get_parameter(Name=a)\n",
    "replaced.py": "a = '/shop/x'\n" + "a = a.replace('/', a)\n" * 60 + "ssm.get_parameter(Name=a)\n",
    "list.py": "a = ['/shop/x']\n" + "a = a + a\n" * 12 + "ssm.get_parameters(Names=a)\n",
    "text.js": "let a = '/shop/x';\n" + "a = a + b + a;\n" * 60 + "ssm.getParameter({ Name: a });\n",
    "list.js": "let a = ['/shop/x'];\n" + "a = [a, a];\n" * 60 + "ssm.getParameters({ Names: a });\n",
    "text.go": 'package a\nfunc f() {\n a := "/shop/x"\n' + " a = a + a\n" * 60 + " g(a)\n}\n",
    "text.sh": "a=/shop/x\n" + 'a="$a$b$a"\n' * 60 + 'aws ssm get-parameter --name "$a"\n',
    "dots.tf": "x = a" + ".b" * 20_000 + '\nk = "/shop/x"\n',
    "open.vue": "<script>" * 20_000 + "k('/shop/x')",
    "line.csv": '"/shop/x",' * 10_000,
}


@pytest.mark.parametrize("name", DOUBLED)
def test_what_doubles_with_each_line_stays_small(name, tmp_path):
    (tmp_path / name).write_text(DOUBLED[name])
    (tmp_path / "good.py").write_bytes(GOOD)
    began = time.process_time()
    result = engine.scan([str(tmp_path)], FLAGS)
    assert ("good.py", 2) in {(one.path, one.line) for one in result.references}
    assert name in {one.path for one in result.references}
    assert {one.reason for one in result.unread} <= {"nested too deeply"}
    assert time.process_time() - began < 10


def test_a_small_project_that_takes_too_long_is_followed_file_by_file(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_bytes(GOOD)
    (tmp_path / "k.py").write_bytes(KEYED)
    at_once = engine.scan([str(tmp_path)], FLAGS)

    def endless(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(engine, "resolve", endless)
    monkeypatch.setattr(engine, "_AT_ONCE", 0.01)
    assert engine.scan([str(tmp_path)], FLAGS) == at_once


def test_a_small_project_that_the_scanner_fails_on_is_followed_file_by_file(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_bytes(GOOD)
    (tmp_path / "k.py").write_bytes(KEYED)
    at_once = engine.scan([str(tmp_path)], FLAGS)
    follow = engine.follow_file

    def failing(*_: object) -> None:
        raise KeyError("of the scanner")

    def failing_on_one(project: object, world: object, path: str) -> object:
        return follow(project, world, path) if path != "k.py" else failing()

    monkeypatch.setattr(engine, "resolve", failing)
    assert engine.scan([str(tmp_path)], FLAGS) == at_once

    monkeypatch.setattr(engine, "follow_file", failing_on_one)
    result = engine.scan([str(tmp_path)], FLAGS)
    assert [one.path for one in result.unread] == ["k.py"]
    assert "an error of the scanner itself" in result.unread[0].reason
    assert {one.path for one in result.references} == {one.path for one in at_once.references}
