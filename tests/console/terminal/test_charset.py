"""Terminals and pipes of every character set: nothing raises, nothing is written as an escape that people have to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from console.terminal.charset import locale_charset, stand_in

CHARSETS = ("iso8859-1", "iso8859-15", "koi8-r", "cp1252", "ascii", "utf-8")
TEXT = "✓ done ✗ … • █ λ→ Möwe 猫 \u2400 \udcff \u0301 “x” – 😀"


def written(code: str, tmp_path: Path, **environment: str) -> tuple[bytes, bytes]:
    """What a program that begins as the console does writes to standard output and standard error."""
    program = "from console.terminal.charset import configure_streams\nconfigure_streams()\nimport sys\n" + textwrap.dedent(code)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    home = {"DBE_CONSOLE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env={**clean, **home, **environment}, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("charset", CHARSETS)
def test_both_streams_replace_what_they_lack(charset: str, tmp_path: Path) -> None:
    both = written(f"for stream in (sys.stdout, sys.stderr):\n    stream.write({TEXT!r})", tmp_path, PYTHONIOENCODING=charset)
    for raw in both:
        text = raw.decode(charset)
        assert "\\u" not in text and "\\x" not in text and "done" in text
        if charset != "utf-8":
            assert text.startswith("+ done x ") and "?> M" in text
        if charset == "ascii":
            assert text == '+ done x ~ * # ?> Mowe ?? ? ?  "x" - ??'
        assert ("Möwe" in text) == (charset not in ("ascii", "koi8-r")) or "Mowe" in text


@pytest.mark.parametrize("charset", CHARSETS)
def test_verbs_tell_errors_and_json_in_any_charset(charset: str, tmp_path: Path) -> None:
    code = """
        import argparse
        from console.cli.output import Call
        from console.cli.main import run
        call = Call(argparse.Namespace(json=True))
        call.out_json({"label": "λ → Möwe \\x7f", "secret": "•••"})
        call.table(("name",), [{"name": "λ"}])
        assert run(["--context", "λ✓", "modules"]) == 1
    """
    out, error = written(code, tmp_path, PYTHONIOENCODING=charset)
    first, second = out.decode(charset).splitlines()
    assert json.loads(first) == {"label": "λ → Möwe \x7f", "secret": "•••"} and json.loads(second) == [{"name": "λ"}]
    assert (charset == "utf-8") or out.isascii()
    assert b"\\u" not in error and "dbe-console: " in error.decode(charset)


@pytest.mark.parametrize(
    ("environment", "charset"),
    [
        ({}, "utf-8"),
        ({"LANG": "de_DE.UTF-8"}, "utf-8"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "POSIX", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LC_ALL": "en_US.ISO-8859-1"}, "iso8859-1"),
        ({"LC_ALL": "de_DE.ISO-8859-15@euro"}, "iso8859-15"),
        ({"LC_ALL": "ru_RU.KOI8-R", "LANG": "de_DE.UTF-8"}, "koi8-r"),
        ({"LANG": "en_US.CP1252"}, "cp1252"),
        ({"LANG": "en_US.nonsense"}, "ascii"),
    ],
)
def test_the_locale_names_a_charset(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], charset: str) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert locale_charset() == charset


@pytest.mark.parametrize(
    ("character", "plain"), [("✓", "+"), ("ö", "o"), ("λ", "?"), ("猫", "??"), ("\u0301", ""), ("…", "~"), ("•", "*")]
)
def test_a_stand_in_takes_as_many_cells(character: str, plain: str) -> None:
    assert stand_in(character) == plain
