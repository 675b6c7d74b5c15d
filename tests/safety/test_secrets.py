"""No secret leaks: the whole main job in a real terminal, by keys and by verbs, then a search through everything that is left of it."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest


def test_the_search_finds(search_for: Any, watched: Any, tmp_path: Path) -> None:
    """A search that cannot find proves nothing."""
    secret = "Zm9vL2Jhcis3ODkwMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ubw=="
    look = search_for([secret], ["iothubowner"])
    token = base64.b64encode(f"iothubowner:{secret}".encode()).decode()
    for leak in (f"x {secret} y", quote(secret, safe=""), f"Authorization: Basic {token}", secret[:30] + "\r\n" + secret[30:], f"…{secret[:20]}…",
                 "&sig=abcdefghijklmnopqrstuvw%3D", "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.abc", "SharedAccessKey=abcdefghijklm"):  # fmt: skip
        assert look.find("here", leak), leak
    assert not look.find("here", "SharedAccessKey=•••;sig=•••; Bearer •••")
    (tmp_path / "open").write_text(secret)
    (tmp_path / "open").chmod(0o644)
    assert len(look.files(tmp_path)) > 1 and look.files(tmp_path, lambda path: True)
    with subprocess.Popen([sys.executable, "-c", "input()", secret], stdin=subprocess.PIPE) as process:
        seen = watched(os.getpid(), False)
        seen.look()
        process.communicate(b"\n")
    assert look.find("processes", b"".join(seen.seen.values()))


def deploy(terminal: Any, draft: str, said: str) -> None:
    """From the form to the end of the rollout."""
    terminal.until("Go on to create options")
    terminal.press("enter")
    terminal.until(lambda text: "Esc Leave editor" in text and draft in text and "✓ valid" in text)
    terminal.press("f8")
    terminal.until("Save JSON")
    terminal.press("right", "enter")
    terminal.until(said, 120)


def test_the_main_job_leaks_no_secret(
    own_lab: dict[str, Any],
    in_terminal: Callable[..., Any],
    verb: Callable[..., Any],
    search: Callable[[dict[str, Any]], Any],
    private: dict[str, str],
    tmp_path: Path,
) -> None:
    home = Path(own_lab["config_home"])
    terminal = in_terminal(home=home, size=(180, 50), watched=True)
    terminal.until("accel-resnet50")
    terminal.until("databox-edge-1")
    terminal.until(lambda text: re.search(r"accel-[a-z0-9-]+:1  [✓▸✗]", text))
    while "accel-resnet50:1  ✓" not in (before := terminal.text()):  # the details follow the cursor
        terminal.press("j")
        shown = re.findall(r"[a-z0-9-]+:1  [✓▸✗]", before)
        terminal.until(lambda text, shown=shown: re.findall(r"[a-z0-9-]+:1  [✓▸✗]", text) != shown)
    terminal.press("D")
    deploy(terminal, "azureml-host on", "C deploys the client")
    terminal.press("C")
    deploy(terminal, "azureml-client on", "Rolled out. m goes")
    terminal.press("enter", "m")
    terminal.until(lambda text: any(name in text for name in ("tripod", "espresso", "palace", "tiger cat")))
    terminal.press("2")
    terminal.until("l Logs")
    for key, heading, whole in (
        ("t", "Twin · ", "secrets are masked"),
        ("l", "Logs · ", "following · "),
        ("H", "History · ", "2 changes"),
        ("enter", "Esc Close  y Copy", "azureml-client"),  # what the last one changed
    ):
        terminal.press(key)
        terminal.until(lambda text, wanted=(heading, whole): all(part in text for part in wanted))
        if key != "H":
            terminal.press("escape")
            terminal.until(lambda text, heading=heading: heading not in text)
    terminal.press("escape")
    terminal.until("l Logs")
    terminal.press("d")
    terminal.until("Write report")
    terminal.until(lambda text: "all well" in text or "✗" in text, 120)
    terminal.press("W")
    terminal.until("written to", 60)

    said = {}
    for words in (
        ["devices", "--json"],
        ["modules", "--json"],
        ["manifest", "export"],
        ["twin", "edgeAgent"],
        ["twin", "edgeHub"],
        ["history", "--json"],
        ["logs", "azureml-client", "--json"],
        ["stream", "--from", "beginning", "--no-follow", "--json"],
        ["context", "show"],
        ["deploy", "x.example/nothing:1", "--no-registry", "--no-image-check", "--dry-run", "--json"],
        ["rollback", "--dry-run", "--json"],
    ):
        done = verb(*words, home=home)
        assert "console itself failed" not in done.stderr, done.stderr
        said[" ".join(words)] = done
    assert said["modules --json"].returncode == 0 and "azureml-client" in said["modules --json"].stdout

    look = search(own_lab)
    found = []
    for words, done in said.items():
        found += look.find(f"dbe-console {words}: output", done.stdout) + look.find(f"dbe-console {words}: errors", done.stderr)
    state = home / "state"
    keys = home / "config" / "secrets"  # the lab's own keys, where a context finds them: private files
    for folder in (home, tmp_path / "home", tmp_path / "tmp"):
        found += look.files(folder, lambda path: keys in path.parents)
    terminal.press("escape", "q")
    assert terminal.ended() == 0
    found += look.find("terminal", bytes(terminal.bytes))
    processes = terminal.processes.seen.values()
    for part in (b"services.messages.recorder", b"services.workspace.child"):
        assert any(part in said for said in processes), "the processes were not seen"
    for said_of in processes:
        found += look.find("process", said_of)
    found += look.files(state)
    assert not found, "\n".join(sorted(set(found))[:40])
    names = {path.name.rpartition(".")[2] for path in state.rglob("*") if path.is_file()}
    assert {"journal", "md", "json"} <= names, f"what should have been searched was not there: {names}"
    assert any("history" in path.name for path in state.rglob("*"))
    assert [path for path in state.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


def test_a_secret_of_the_environment_goes_no_further(
    lab: dict[str, Any], lab_home: Path, in_terminal: Callable[..., Any], search_for: Any
) -> None:
    """The console's own environment is the operator's doing; its children's is ours."""
    path = lab_home / "config" / "contexts.toml"
    text = path.read_text()
    source = next(line for line in text.splitlines() if line.startswith("connection = "))
    path.write_text(text.replace(source, 'connection = "env:LAB_HUB"'))
    terminal = in_terminal(home=lab_home, environment={"LAB_HUB": lab["hub_connection_string"]}, watched=True)
    terminal.until("accel-resnet50")

    def children() -> dict[bytes, bytes]:
        seen = terminal.processes.seen
        return {
            said.split(b"\0")[2]: said for (pid, _), said in seen.items() if pid != terminal.process.pid and said.count(b"\0") > 2
        }

    terminal.until(lambda text: {b"services.workspace.child", b"services.messages.recorder"} <= children().keys())
    key = lab["hub_connection_string"].rpartition("SharedAccessKey=")[2]
    assert not [hit for name, said in children().items() for hit in search_for([key]).find(name.decode(), said)]


FAULTY = """
import sys
from console.tui.app import ConsoleApp
from console.cli.main import run

def fails(app):
    connection = "HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=" + app.key
    raise ValueError("cannot use " + connection)

ConsoleApp.key = KEY
ConsoleApp.action_help = fails
sys.exit(run(sys.argv[1:]))
"""


def test_a_crash_shows_a_sentence_and_no_secret(
    in_terminal: Callable[..., Any], private: dict[str, str], search_for: Any, lab: dict[str, Any]
) -> None:
    key = lab["hub_connection_string"].rpartition("SharedAccessKey=")[2]
    half = len(key) // 2
    program = FAULTY.replace("KEY\n", f"{key[:half]!r} + {key[half:]!r}\n", 1)
    terminal = in_terminal(program=[sys.executable, "-c", program])
    terminal.until("Welcome")
    terminal.press("f1")
    assert terminal.ended() == 1
    terminal.wrote(b"  remedy: ")
    assert terminal.restored()
    after = bytes(terminal.bytes[terminal.bytes.rindex(b"\x1b[?1049l") :]).decode()
    assert (
        "dbe-console: The console itself failed at this (ValueError)." in after
        and "Traceback" not in after
        and "fails" not in after
    )
    log = Path(private["DBE_CONSOLE_HOME"]) / "state" / "console.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "ValueError: cannot use HostName=h" in log.read_text() and "in fails" in log.read_text()
    look = search_for([key])
    assert not look.find("terminal", bytes(terminal.bytes)) + look.find("log", log.read_bytes())


def test_a_verb_that_crashes_shows_a_sentence(private: dict[str, str], search_for: Any, lab: dict[str, Any]) -> None:
    key = lab["hub_connection_string"].rpartition("SharedAccessKey=")[2]
    program = "import sys, console.cli.verbs.options as verb\nfrom console.cli.main import run\n"
    program += "def fails(call):\n    raise KeyError('SharedAccessKey=' + sys.argv[1])\n"
    program += "verb.run = fails\nsys.exit(run(['options', 'list', '--json']))"
    done = subprocess.run([sys.executable, "-c", program, key], capture_output=True, text=True, env=private, timeout=60)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "console.fault"
    log = (Path(private["DBE_CONSOLE_HOME"]) / "state" / "console.log").read_text()
    assert "KeyError" in log
    assert not search_for([key]).find("all", done.stdout + done.stderr + log)


@pytest.mark.long
def test_the_check_of_the_lab_leaks_no_secret(private: dict[str, str], search_for: Any, watched: Any) -> None:
    """``lab check`` with the verbs' route, its own lab and workspace; the shapes of keys and tokens only."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "lab", "check"], capture_output=True, text=True, env=private, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not search_for(["no secret of this lab is known"]).find("check", done.stdout + done.stderr)
