"""Read-only by flag, context or environment: what changes something is not there, by verbs, by keys, and in the services themselves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from piloting import until

from console.cli.main import parser, run
from console.cli.verbs import CHANGING, NAMES
from console.tui.actions import ACTIONS
from console.tui.app import ConsoleApp
from console.tui.screens.history import HistoryScreen
from services.contexts.store import ContextStore
from services.errors import OperatorError
from widgets.deploy_form import DeployForm
from widgets.dialogs import Confirm, ErrorDialog, Prompt
from widgets.diff import DiffConfirm

# Every verb, and the calls of it that would change something; () where none can.
VERBS: dict[str, tuple[str, ...]] = {
    "lab": (),
    "context": (),  # the operator's own file
    "images": ("--create x --model resnet50.accel.onnx:1",),
    "models": ("--convert densenet121:1",),
    "devices": (),
    "overview": (),
    "health": (),
    "modules": (),
    "options": (),  # own presets
    "services": ("--delete x --yes",),
    "deploy": ("accel-resnet50 --yes", "accel-resnet50 --dry-run", "accel-resnet50 --route azureml --yes"),
    "manifest": ("import {manifest} --yes", "import {manifest} --replace --yes"),
    "start": ("counter --yes",),
    "stop": ("counter --yes",),
    "restart": ("edgeHub --yes",),
    "upgrade": ("--yes", "edgeAgent --way-back --yes"),
    "remove": ("counter --yes",),
    "history": (),
    "rollback": ("--yes", "1 --yes"),
    "logs": (),
    "twin": ("edgeHub --set {manifest} --yes",),
    "method": ("RestartModule --yes", "own --module edgeHub --yes"),
    "stream": (),
    "record": (),
    "score": (),
    "doctor": (),
    "client": ("push",),
    "completion": (),
}


@pytest.fixture
def world(lab: dict[str, Any], control: Callable[..., Any]) -> Callable[[], str]:
    """A digest of what could be changed; devices 3 and 4 are left out, since deployments at scale and other tests move them."""

    def digest() -> str:
        seen = control(lab, "world")
        twins = {
            f"{device}/{module}": one["twin"]["desired"]
            for device in ("databox-edge-1", "databox-edge-2")
            for module, one in seen["devices"][device]["modules"].items()
            if any(not name.startswith("$") for name in one["twin"]["desired"])  # a new lab's modules register one by one
        }
        images = [image["id"] for image in seen["images"]]
        text = json.dumps([images, seen["models"], seen["services"], seen["registry"], twins], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    return digest


@pytest.fixture(params=["flag", "context", "environment"])
def way(request: pytest.FixtureRequest, lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The home is read-only in one of three ways; gives the arguments for it."""
    if request.param == "context":
        path = lab_home / "config" / "contexts.toml"
        path.write_text(path.read_text().replace("[contexts.lab]", "[contexts.lab]\nread_only = true", 1))
    if request.param == "environment":
        monkeypatch.setenv("DBE_CONSOLE_READ_ONLY", "1")
    return ["--read-only"] if request.param == "flag" else []


def test_every_verb_is_known_here() -> None:
    assert VERBS.keys() == set(NAMES)
    assert {name for name, calls in VERBS.items() if calls} >= CHANGING


def test_no_verb_changes_anything(
    way: list[str], capsys: pytest.CaptureFixture[str], world: Callable[[], str], tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"modulesContent": {"$edgeHub": {"properties.desired": {"routes": {}}}}}))
    before = world()
    for name, calls in VERBS.items():
        for call in calls:
            status = run([*way, name, *call.format(manifest=manifest).split()])
            said = capsys.readouterr().err
            assert status == 2 and "read-only" in said, (name, call, status, said)
    assert world() == before
    with pytest.raises(SystemExit):
        run(["--help", *way])
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ") and line[4:5].isalpha()}
    assert "modules" in shown and not shown & CHANGING


def test_without_it_the_verbs_are_there(lab_home: Path) -> None:
    assert all(name in parser().format_help() for name in CHANGING)
    assert not ContextStore().resolve().read_only


def test_the_services_refuse_whoever_calls(lab_home: Path, world: Callable[[], str]) -> None:
    from services.hub.client import AGENT, Hub
    from services.workspace.client import Workspace

    context = ContextStore().resolve(read_only=True)
    hub, workspace, before = Hub.open(context), Workspace(context), world()
    device = "databox-edge-1"
    changes: list[Callable[[], object]] = [
        lambda: hub.apply(device, {"modulesContent": {}}),
        lambda: hub.patch_module_twin(device, AGENT, {"x": 1}, "*"),
        lambda: hub.invoke(device, AGENT, "RestartModule", {"schemaVersion": "1.0", "id": "edgeHub"}),
        lambda: hub.invoke(device, "edgeHub", "ping", {}),
        lambda: workspace.convert("densenet121:1"),
        lambda: workspace.create_image("x", ["resnet50.accel.onnx:1"]),
        lambda: workspace.attach_hub("another", "/subscriptions/x/y"),
    ]
    try:
        for change in changes:
            with pytest.raises(OperatorError, match="read-only"):
                change()
        assert hub.invoke(device, AGENT, "ping", {}).status == 200, "looking stays possible"
    finally:
        workspace.close()
    assert world() == before


async def test_no_key_changes_anything(lab_home: Path, world: Callable[[], str]) -> None:
    """Every key of every pane, on a fresh screen each time: none opens what could change something, none is refused late."""
    before = world()
    app = ConsoleApp(read_only=True)
    asked: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:

        def judge(keys: str) -> None:
            assert not isinstance(app.screen, DeployForm | Confirm | DiffConfirm | Prompt), (keys, app.screen)
            if isinstance(app.screen, ErrorDialog):
                assert "read-only" not in app.screen.text.plain, keys

        await until(pilot, lambda: app.main.images.look == "ready" and app.main.modules.look == "ready")
        assert "READ-ONLY" in str(app.main.banner.render()) or "READ-ONLY" in " ".join(
            str(child.render()) for child in app.main.banner.query("Static")
        )
        for number, pane in enumerate(app.main.panes, 1):
            keys = {
                key
                for place in type(pane).__mro__
                for binding in place.__dict__.get("BINDINGS", [])
                for key in binding.key.split(",")
            }
            # E asks for a name on the operator's own disk, nothing of Azure's
            for key in sorted((keys | {"enter"}) - {"f4", "q", "c", "v", "slash", "escape", "at", "E"}):
                while app.screen is not app.main:
                    app.pop_screen()
                app.main.go_to(number)
                await pilot.pause()
                live = {active.binding.id for active in app.screen.active_bindings.values()}
                assert not live & {action.id for action in ACTIONS.values() if action.changing}, pane
                await pilot.press(key)
                await pilot.pause()
                asked.append(key)
                judge(f"{number} {key}")
        while app.screen is not app.main:
            app.pop_screen()
        app.main.go_to(1)
        await pilot.pause()
        if app.main.images.showing != "models":
            await pilot.press("m")
        await until(pilot, lambda: app.main.images.models is not None)
        for key in ("enter", "D"):
            await pilot.press(key)
            await pilot.pause()
            judge(f"models {key}")
            while app.screen is not app.main:
                app.pop_screen()
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("B")
        await pilot.pause()
        judge("history B")
    app.end()
    assert {"D", "C", "R", "s", "X", "f8"} <= set(asked)
    assert world() == before


@pytest.mark.parametrize(("typed", "opens"), [("databox-edge-2", False), ("databox-edge-1", True)])
async def test_production_asks_for_the_devices_name(lab_home: Path, typed: str, opens: bool, world: Callable[[], str]) -> None:
    path = lab_home / "config" / "contexts.toml"
    path.write_text(path.read_text().replace("[contexts.lab]", "[contexts.lab]\nproduction = true", 1))
    app, before = ConsoleApp(), world()
    async with app.run_test(size=(80, 24)) as pilot:
        end = time.monotonic() + 120
        while app.main.modules.look != "ready":
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        app.main.go_to(2)
        await pilot.pause()
        await pilot.press("R")
        while not isinstance(app.screen, Confirm):
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        await pilot.pause()
        yes = app.screen.query_one("#yes")
        assert yes.disabled
        await pilot.press(*typed)
        await pilot.pause()
        assert yes.disabled is not opens
        await pilot.press("enter", "enter")  # Enter goes to Cancel, and Cancel it is
        await pilot.pause()
        assert not isinstance(app.screen, Confirm)
    app.end()
    assert world() == before


DANGEROUS = (
    "stop shop-counter",
    "remove shop-counter",
    "restart shop-counter",
    "upgrade --no-image-check",
    "deploy accel-resnet50 --no-image-check",
    "manifest import {manifest} --no-image-check",
    "twin shop-counter --set {manifest}",
    "method RestartModule",
)


@pytest.fixture
def production(lab_home: Path, tmp_path: Path) -> Path:
    """A production context for a device with modules; gives a file that would change it."""
    path = lab_home / "config" / "contexts.toml"
    text = path.read_text().replace("[contexts.lab]", "[contexts.lab]\nproduction = true", 1)
    path.write_text(text.replace('"databox-edge-1"', '"databox-edge-2"', 1))
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"modulesContent": {"$edgeHub": {"properties.desired": {"routes": {"new": "FROM /* INTO $upstream"}}}}})
    )
    return manifest


@pytest.mark.parametrize("words", DANGEROUS)
def test_in_production_yes_alone_does_not_do(
    production: Path, words: str, capsys: pytest.CaptureFixture[str], world: Callable[[], str]
) -> None:
    before, call = world(), words.format(manifest=production).split()
    assert run([*call, "--yes"]) == 2
    said = capsys.readouterr().err
    assert "production" in said and "--device databox-edge-2" in said
    assert world() == before


@pytest.mark.parametrize(("typed", "sent"), [("y", False), ("databox-edge-1", False), ("databox-edge-2", True)])
def test_in_production_the_name_is_typed(production: Path, typed: str, sent: bool, in_terminal: Callable[..., Any]) -> None:
    terminal = in_terminal(
        "method", "greet", "--module", "shop-counter", "--timeout", "5", home=os.environ["DBE_CONSOLE_HOME"], size=(160, 24)
    )
    terminal.until("type databox-edge-2 to go on")
    terminal.press(typed, "enter")
    terminal.ended(60)
    assert ("Nothing was sent" in terminal.text()) is not sent
