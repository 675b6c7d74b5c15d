"""The linear mode: verbs at a prompt, changes in lines, and never a control sequence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROMPT = "LAB lab/databox-edge-1> "


def test_a_session_in_a_terminal_that_cannot_draw(in_terminal: Callable[..., Any], own_lab: dict[str, Any], control: Any):
    home = Path(own_lab["config_home"])
    with (home / "config" / "contexts.toml").open("a", encoding="utf-8") as contexts:
        contexts.write("\n[contexts.lab.limits]\nmodules_every = 3\n")
    session = in_terminal("--linear", home=home, size=(200, 60), environment={"TERM": "dumb"})
    session.until("modules, 2 running.")  # what stands, said by itself, above the prompt
    session.press("dep", "\t")  # Tab completes a verb
    session.until(PROMPT + "deploy")
    session.press("accel-resnet50:1", "enter")
    session.until("[y/N]")
    session.press("y", "enter")
    session.until(lambda text: text.rstrip().endswith(PROMPT.rstrip()))
    session.press("mod")  # half a line, which an announcement writes again
    session.until("azureml-host: new")
    session.until(lambda text: text.splitlines() and text.rstrip().endswith(PROMPT + "mod"))
    session.press("ules", "enter")
    session.until("REASON")
    session.press("device databox-edge-9", "enter")
    session.until("Did you mean databox-edge-")
    session.press("device databox-edge-2", "enter")
    session.until("LAB lab/databox-edge-2>")
    session.press("nonsense", "enter")
    session.until("There is no verb 'nonsense'.")
    session.press("\x04")
    assert session.ended() == 0
    assert b"\x1b" not in session.bytes


def test_lines_that_are_fed(lab_home: Path, private: dict[str, str]):
    lines = "help\nhelp quit\nmodules --json\ndevice 'one\n--lab\ndbe-console context show\n# nothing\nquit\nnot reached\n"
    session = subprocess.run(
        [sys.executable, "-m", "console", "--linear", "--read-only"],
        input=lines, capture_output=True, text=True, timeout=120, env={**private, "DBE_CONSOLE_HOME": str(lab_home)},
    )  # fmt: skip
    assert session.returncode == 0, session.stderr
    for part in (
        "quit: leave",
        '"name":"edgeAgent"',
        "cannot be read: no closing quotation",
        "begins with a verb, not with '--lab'",
    ):
        assert part in session.stdout.replace('": "', '":"'), part
    assert "LAB lab/databox-edge-1 read-only> " in session.stdout
    assert "deploy: " not in session.stdout  # it does not exist in read-only mode
    assert "not reached" not in session.stdout


def test_without_a_context(private: dict[str, str]):
    session = subprocess.run(
        [sys.executable, "-m", "console", "--linear"], input="modules\n", capture_output=True, text=True, timeout=120, env=private
    )
    assert session.returncode == 0
    assert session.stdout.count("There is no context yet.") == 1 and "no context> modules" in session.stdout
    assert "There is no context yet." in session.stderr
