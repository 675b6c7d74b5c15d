"""Hostile text from hub, device and messages, shown in a real terminal: none of it is obeyed, by the terminal or by markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.contexts.store import ContextStore
from services.hub.client import AGENT, EDGE_HUB, Hub

DEVICE = "databox-edge-4"  # offline: what its agent "reports" is what this test writes
SHOWN = "EVIL"  # what is to be seen, so that the search is not one through nothing
ATTACKS = (
    "\x1b]52;c;RVZJTA==\x07",  # the clipboard
    "\x1b]0;owned\x1b\\",  # the title
    "\x1b[31337m\x1b[6n\x1b[2J\x1b[?1003h",  # colours, a question that types its answer, the screen, the mouse
    '\x1bP$q"p\x1b\\\x1b_x\x1b\\\x1bc',  # device control, application command, reset
    "\x9b31m\x9d52;c;RVZJTA==\x9c\x90q\x9c",  # the same as C1
    "\u202egnp.exe\u2066\u200f\u061c",  # writing directions
    "\x07\x08\x0e\x0f\x7f\x00",  # bell, backspace, other character sets, delete
    "[/dev/fpga0] [bold red on blue]x[/] [@click=app.quit]q[/] \\[ [/",  # markup
    "\r\n\x85\u2028\u2029\x0b\x0c",  # lines
)
ALL = f"{SHOWN} " + " ".join(ATTACKS)
# As the bytes of a terminal: what the console itself never writes.
NEVER = re.compile(
    rb"\x1b\](?:52|0|2);|\x1b\[31337m|\x1b\[6n|\x1b\[\?1003h|\x1bP|\x1b_|\x1bc|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c|[\x0e\x0f\x7f\x00]|\x08"
)
MANIFEST_NAME = "[red]EVIL[-"  # what the hub allows in a module's name


def manifest() -> dict[str, Any]:
    """A deployment with hostile text wherever the hub allows any."""
    module = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "version": ALL,
        "settings": {
            "image": f"example/{ALL}:1",
            "createOptions": json.dumps({"Env": [f"A={ALL}"], "Labels": {ALL: ALL}, "Cmd": [ALL]})[:500],
        },
        "env": {"B": {"value": ALL}},
    }
    escaped = json.dumps({"Env": [f"A={ALL}"]})  # JSON, whose escapes nothing may undo
    agent = {
        "schemaVersion": "1.0",
        "runtime": {
            "type": "docker",
            "settings": {
                "minDockerVersion": "v1.25",
                "registryCredentials": {"x": {"address": ALL, "username": ALL, "password": ALL}},
            },
        },
        "systemModules": {
            name: {
                "type": "docker",
                "status": "running",
                "restartPolicy": "always",
                "settings": {"image": ALL, "createOptions": "{}"},
            }
            for name in ("edgeAgent", "edgeHub")
        },
        "modules": {MANIFEST_NAME: module, "plain": {**module, "settings": {**module["settings"], "createOptions": escaped}}},
    }
    hub = {"schemaVersion": "1.0", "routes": {"r": ALL}, "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}
    return {"modulesContent": {AGENT: {"properties.desired": agent}, EDGE_HUB: {"properties.desired": hub}}}


@pytest.fixture(scope="module")
def bad_lab(running: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A lab for this file alone."""
    with running(tmp_path_factory.mktemp("labs") / "hostile") as lab:
        yield lab


@pytest.fixture
def hostile(bad_lab: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: Callable[..., Any]) -> Path:
    """A new home for a lab that holds hostile text: a deployment, its history, messages of every kind."""
    from services.deployment.history import History

    home = tmp_path / "hostile"
    path = home / "config" / "contexts.toml"
    path.parent.mkdir(parents=True, mode=0o700)
    text = (Path(bad_lab["config_home"]) / "config" / "contexts.toml").read_text()
    path.touch(0o600)
    path.write_text(text.replace('device = "databox-edge-1"', f'device = "{DEVICE}"', 1))
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(home))
    context = ContextStore().resolve()
    hub = Hub.open(context)
    hub.apply(DEVICE, manifest())
    history = History()
    begun = history.begin(
        host=hub.host, device=DEVICE, route="hub", summary=ALL, before={}, after=manifest(), context=ALL, before_version=1
    )
    history.end(begun, "failed", ALL)
    result = {"Picture": ALL, "Class": ALL, "Confidence": 0.5}
    bodies = [
        ALL,
        json.dumps(result),
        json.dumps({"image": ALL, "results": [{"label": ALL, "score": 1}], "error": ALL}),
        f'"{ALL}"',
        "{" + ALL,
    ]
    refused = {"code": ALL, "statusCode": 400, "message": ALL, "details": [{"code": ALL, "message": ALL}]}
    control(
        bad_lab,
        "images",
        {"name": "bad", "description": ALL, "kvTags": {ALL: ALL}, "error": refused, "imageLocation": ALL, "log": f"{ALL}\n{ALL}"},
    )
    control(bad_lab, "messages", {"device": DEVICE, "module": "plain", "bodies": bodies, "properties": {"kind": ALL, "a": ALL}})
    return home


def test_on_the_screen(
    hostile: Path,
    bad_lab: dict[str, Any],
    control: Callable[..., Any],
    in_terminal: Callable[..., Any],
    capfd: pytest.CaptureFixture[str],
) -> None:
    from console.cli.main import run

    assert run(["stream", "--from", "beginning", "--no-follow"]) == 0  # the journal goes on from there: nothing is missed
    before = len(capfd.readouterr().out.splitlines())
    terminal = in_terminal(home=hostile, size=(160, 48))
    terminal.until("accel-resnet50")
    terminal.until("plain")
    control(bad_lab, "messages", {"device": DEVICE, "bodies": [ALL, json.dumps({ALL: ALL})], "properties": {"p": ALL}})
    terminal.until(f"{before + 2} kept")

    def go(key: str, wanted: str) -> None:
        terminal.press(key)
        terminal.until(wanted)

    def look(keys: str, heading: str, shown: str = SHOWN) -> None:
        """Open something, see hostile text in it, and close it: no key before the one before has had its effect."""
        terminal.press(*keys.split())
        terminal.until(lambda text: shown in text.partition(heading)[2])
        terminal.press("escape")
        terminal.until(lambda text: heading not in text)

    def filtered(by: str) -> None:
        go("/", "To the rows")
        go(by, f"│ {by} ")
        terminal.press("enter")
        terminal.until(lambda text: "To the rows" not in text)

    go("2", "l Logs")
    look("i", f" on {DEVICE} ─")
    look("j i", f" on {DEVICE} ─")
    go("e", "Esc Leave editor")
    terminal.press("escape")
    terminal.until(lambda text: "e Edit" in text)
    go("2", "l Logs")
    terminal.press("G", "t")
    terminal.until(lambda text: "Twin · edgeHub" in text and "secrets are masked" in text)
    look("j j enter", "▼ routes")
    terminal.until("l Logs")
    filtered(SHOWN)
    terminal.until("l Logs")
    go("4", "h Health")
    for _ in range(7):
        look("i", "─ Message ─")
        terminal.press("k")
    look("h", "last 5 minutes", "kind")
    look("o", "Devices · ", DEVICE)
    go("H", "History · ")
    terminal.until(lambda text: SHOWN in text.partition("History · ")[2])
    look("enter", f"─ {SHOWN}")
    terminal.press("escape")
    terminal.until(lambda text: "History · " not in text)
    go("2", "l Logs")
    look("g l", "Logs · ")
    go("1", "m Models")
    filtered("bad")
    terminal.until(lambda text: "accel-broken" not in text and "m Models" in text)
    look("i", "─ Image ─")
    look("b", "─ Build log of bad:1 ─")
    terminal.press("q")
    assert terminal.ended() == 0
    assert terminal.bytes.count(SHOWN.encode()) > 10
    written = bytes(terminal.bytes)
    assert not [written[max(hit.start() - 200, 0) : hit.end() + 20] for hit in NEVER.finditer(written)]
    assert not (hostile / "state" / "console.log").exists(), (hostile / "state" / "console.log").read_text()


@pytest.mark.parametrize("words", ["modules", "modules --json", "history", "history --json", "manifest export", "twin edgeHub",
                                   "stream --from beginning --no-follow", "stream --from beginning --no-follow --json", "overview",
                                   "images", "images --json", "images --log bad:1"])  # fmt: skip
def test_in_a_verbs_output(hostile: Path, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    from console.cli.main import run

    assert run(words.split()) == 0, capfd.readouterr().err
    said = capfd.readouterr()
    assert SHOWN in said.out or words.startswith("overview")
    assert not NEVER.findall((said.out + said.err).encode())
    if words.endswith("--json"):
        assert [json.loads(line) for line in said.out.splitlines()]
