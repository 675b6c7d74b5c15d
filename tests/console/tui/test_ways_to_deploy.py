"""Every way to deploy, by keys on the lab: from a model, by Azure ML, whole manifests, back again; what a killed console left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from piloting import text_of, until
from textual.pilot import Pilot
from textual.widgets import Input, Select

from console.tui.app import ConsoleApp
from console.tui.main_screen import MainScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.rollout import RolloutScreen
from console.tui.screens.score import ScoreScreen
from services.deployment.history import History
from services.deployment.manifest.changes import SetModule
from services.deployment.options.presets import preset, render
from services.deployment.routes.hub import apply_plan, plan_changes
from services.records import DeployRequest, WorkspaceImage
from widgets.deploy_form import DeployForm
from widgets.dialogs import Choose, Confirm, Prompt, Reader
from widgets.diff import DiffConfirm
from widgets.model_form import ModelForm
from widgets.progress import ProgressDialog


async def on_screen(pilot: Pilot[None], kind: type, seconds: float = 120) -> Any:
    """The screen of that kind, once it is there."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted, kind.__name__, seconds)
    await pilot.pause()
    return pilot.app.screen


@pytest.fixture
def app(own_lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> ConsoleApp:
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    return ConsoleApp()


async def row_with(pilot: Pilot[None], found: Callable[[], bool]) -> None:
    """Put the cursor on the row that is wanted."""
    await pilot.press("home")
    for _ in range(30):
        if found():
            return
        await pilot.press("j")
    raise AssertionError(f"no such row; focus on {pilot.app.focused}")


def stopped(app: ConsoleApp) -> list[Any]:
    """The steps that the last watch stopped at."""
    return [step for step in app.watches[-1].steps if step.state == "failed"] or [app.watches[-1].error]


async def opened(pilot: Pilot[None], app: ConsoleApp) -> None:
    await until(pilot, lambda: app.main.images.look == "ready", "images")
    await until(pilot, lambda: app.main.modules.look == "ready", "modules")


async def on_a_stopped_module(pilot: Pilot[None], app: ConsoleApp, name: str) -> None:
    """Deploy a module that is to stand still, and put the cursor on it."""
    hub = app.main.session.hub
    image = f"{app.main.session.registry().server}/cpu-classifier:1"
    apply_plan(
        hub, plan_changes(hub, app.main.device, [SetModule(name, image=image, create_options="{}", status="stopped")]), History()
    )
    await pilot.press("2", "r")
    await until(pilot, lambda: any(row.module.name == name for row in app.main.modules.table.all), "the module")
    await row_with(pilot, lambda: app.main.modules.row.module.name == name)


async def confirmed(pilot: Pilot[None], kind: type = DiffConfirm) -> None:
    await on_screen(pilot, kind)
    await pilot.press("right", "enter")


@pytest.mark.long
async def test_from_a_model_by_azure_ml_and_back(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: app.main.images.models, "models")
        await row_with(pilot, lambda: app.main.images.model.id == "densenet121:1")
        await pilot.press("enter")
        form = await on_screen(pilot, ModelForm)
        assert form.query_one("#outputs", Input).value == "classifier/densenet121/predictions/Softmax:0"
        await pilot.press("f8")
        dialog = await on_screen(pilot, ProgressDialog)
        await until(pilot, lambda: any("Running" in line for line in dialog.said), "a conversion that runs")
        await pilot.press("X")
        await on_screen(pilot, MainScreen)
        await until(
            pilot, lambda: any("is deleted" in note.message for note in app._notifications), "what was cancelled, deleted"
        )
        assert "densenet121.accel.onnx" not in [model.name for model in app.main.session.workspace.models()]
        await pilot.press("enter")
        await on_screen(pilot, ModelForm)
        await pilot.press("f8")
        await confirmed(pilot, Confirm)  # converted, built, and now: deploy?
        form = await on_screen(pilot, DeployForm)
        assert form.image == f"{app.main.session.registry().server}/accel-densenet121:1"
        form.query_one("#route", Select).value = "azureml"
        await pilot.pause()
        assert form.query_one("#beside", Select).value == "client-densenet121"
        await pilot.press("f8")
        await until(pilot, lambda: app.main.options.word == "✓ valid", "valid create options")
        await pilot.press("f8")
        await confirmed(pilot, Confirm)
        await on_screen(pilot, RolloutScreen, 120)
        await until(pilot, lambda: app.watches[-1].ended, "the rollout's end", 120)
        assert not app.watches[-1].failed, stopped(app)
        assert app.watches[-1].steps[-1].state == "done"  # the first message
        await pilot.press("escape")
        await on_screen(pilot, MainScreen)
        await pilot.press("H")
        screen = await on_screen(pilot, HistoryScreen)
        await until(pilot, lambda: screen.query_one("#entries").current, "the entry")
        await pilot.press("B")
        await confirmed(pilot)
        await until(pilot, lambda: len(History().entries()) == 2 and History().entries()[0].outcome == "applied", "rolled back")
        state = app.main.session.hub.device_state("databox-edge-1")
        assert not [module.name for module in state.modules if module.desired and not module.system]
    app.end()


@pytest.mark.long
async def test_a_manifests_file_and_score_now(app: ConsoleApp, own_lab: dict[str, Any], tmp_path: Path) -> None:
    options = json.dumps(
        json.loads(
            render(
                preset("fpga-host"),
            )
        )
    )
    host = {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"createOptions": options}}
    host["settings"] = {**host["settings"], "image": "$SERVER/accel-resnet50:1"}
    registry = {"lab": {"address": "$SERVER", "username": own_lab["registry_username"], "password": "$REGISTRY_PASSWORD"}}
    runtime = {"type": "docker", "settings": {"registryCredentials": registry}}
    desired = {"schemaVersion": "1.0", "runtime": runtime, "modules": {"azureml-host": host}}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"modulesContent": {"$edgeAgent": {"properties.desired": desired}}}))
    values = {"$SERVER": own_lab["registry_server"], "$REGISTRY_PASSWORD": own_lab["registry_password"]}
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app)
        await pilot.press("colon", *f"import-manifest {file}", "enter")
        for _ in values:
            prompt = await on_screen(pilot, Prompt)
            assert prompt.secret == ("PASSWORD" in prompt.heading) and "of 2 that manifest.json leaves open" in prompt.hint
            prompt.query_one(Input).value = values[prompt.heading]
            await pilot.press("enter")
            await until(pilot, lambda done=prompt: app.screen is not done, "the next question")
        await on_screen(pilot, Choose)
        await pilot.press("enter")
        await confirmed(pilot)
        await on_screen(pilot, RolloutScreen)
        await until(pilot, lambda: app.watches[-1].ended, "the rollout's end", 120)
        assert not app.watches[-1].failed, stopped(app)
        await pilot.press("escape")
        await on_screen(pilot, MainScreen)
        await pilot.press("2")
        await until(pilot, lambda: app.main.modules.row, "the modules")
        await row_with(pilot, lambda: app.main.modules.row.module.name == "azureml-host")
        await pilot.press("P")
        screen = await on_screen(pilot, ScoreScreen)
        await until(pilot, lambda: screen.score, "a score")
        assert "cat" in screen.score.labels[0].name and len(screen.score.milliseconds) == 5
        written = tmp_path / "out.json"
        await pilot.press("escape", "colon", *f"export-manifest {written}", "enter")
        await until(pilot, written.exists, "the manifest's file")
        assert written.stat().st_mode & 0o077 == 0 and own_lab["registry_password"] in written.read_text()
    app.end()


async def test_a_modules_options_move_off_the_fpga_by_a_preset(app: ConsoleApp, own_lab: dict[str, Any]) -> None:
    """What is its own stays, with its port in the form; a field changed after that changes the moved options."""
    own = json.loads(render(preset("fpga-host"), {"port": "50059"}))
    own["Env"] = ["SITE=7"]
    image = WorkspaceImage("", "host", 0, "", "Succeeded", "registry.example/host:2")
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app)
        options = app.main.options
        request = DeployRequest(image, "databox-edge-1", "azureml-host", options=json.dumps(own), status=None)
        await options.open_request(request)
        await until(pilot, lambda: options.presets, "the presets")
        options.query_one(Select).value = "gpu-host"
        await until(pilot, lambda: '"nvidia"' in options.text, "the moved options")
        moved = json.loads(options.text)
        assert moved["Env"] == ["SITE=7", "NVIDIA_VISIBLE_DEVICES=all"] and "Devices" not in moved["HostConfig"]
        await until(pilot, lambda: options.values.get("port") == "50059", "the port in the form", 20)
        next(field for field in options.query(Input) if field.name == "port").value = "50060"
        await until(pilot, lambda: '"50060"' in options.text, "the other port")
        assert "SITE=7" in options.text and "catapult" not in options.text
    app.end()


async def test_edge_hub_is_upgraded_its_image_first(app: ConsoleApp, own_lab: dict[str, Any]) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app)
        await pilot.press("2")
        modules = app.main.modules
        await until(pilot, lambda: modules.row, "the modules")
        await row_with(pilot, lambda: modules.row.module.name == "edgeAgent")
        await pilot.press("colon", *"upgrade", "enter")
        reader = await on_screen(pilot, Reader)
        assert "[agent.config]" in reader.text.plain and "azureiotedge-agent:1.6" in reader.text.plain
        await pilot.press("escape")
        for image in ("edgeHub-image", "edgeHub"):
            await until(pilot, lambda: isinstance(app.screen, MainScreen), "the main screen")
            await pilot.press("2")
            await row_with(pilot, lambda: modules.row.module.name == "edgeHub")
            await pilot.press("colon", *"upgrade", "enter")
            await confirmed(pilot)
            await on_screen(pilot, RolloutScreen)
            await until(pilot, lambda: app.watches[-1].ended, f"the rollout of {image}", 120)
            assert not app.watches[-1].failed, stopped(app)
            await pilot.press("escape")
        state = app.main.session.hub.device_state("databox-edge-1")
        hub = state.module("edgeHub")
        assert hub.desired.image.endswith("azureiotedge-hub:1.6") and state.module("edgeHub-image") is None
        assert state.module("edgeAgent").desired.image.endswith(":1.1"), "nobody asked for another agent"
    app.end()


async def test_an_interrupted_deployment_is_told_and_another_subscription_disables_azure_ml(
    app: ConsoleApp, own_lab: dict[str, Any]
) -> None:
    history = History()
    number = history.begin(
        context="lab", host=own_lab["host"], device="databox-edge-1", route="hub", summary="deploy x", before_version=99
    )
    import sqlite3

    from services.contexts.paths import state_folder

    with sqlite3.connect(state_folder() / "history.sqlite") as database:
        database.execute("UPDATE history SET process = 0")
    contexts = Path(own_lab["config_home"]) / "config" / "contexts.toml"
    text = contexts.read_text()
    before, mark, after = text.partition("/subscriptions/")
    contexts.write_text(f"{before}{mark}00000000-0000-4000-8000-000000000000{after[36:]}")
    async with app.run_test(size=(80, 24)) as pilot:
        reader = await on_screen(pilot, Reader)
        assert "deploy x on databox-edge-1" in reader.text.plain and history.entry(number).outcome == "unknown"
        await pilot.press("escape")
        await until(pilot, lambda: app.main.images.look == "ready", "images")
        await row_with(pilot, lambda: app.main.images.image.name == "accel-resnet50")
        await pilot.press("enter")
        form = await on_screen(pilot, DeployForm)
        assert form.query_one("#route", Select).disabled and "different subscriptions" in form.no_azureml
        await pilot.press("f8")
        await until(pilot, lambda: app.main.options.word == "✓ valid", "valid create options")
        assert app.main.options.editor.has_focus, "the keys that follow have to work while one types"
        await pilot.press("f6")
        prompt = await on_screen(pilot, Prompt)
        assert prompt.query_one(Input).value == "my-fpga-host"
        await pilot.press("enter")
        await until(pilot, lambda: app.main.options.chosen == "my-fpga-host", "the own preset")
        kept = preset("my-fpga-host")
        assert (kept.own, kept.kind, render(kept)) == (
            True,
            "host",
            render(
                preset("fpga-host"),
            ),
        )
        await pilot.press("f6")
        await on_screen(pilot, Prompt)
        await pilot.press("enter")
        await on_screen(pilot, Confirm)  # there is one of that name
        await pilot.press("escape")
    app.end()


async def test_editing_a_stopped_module_leaves_it_stopped(app: ConsoleApp) -> None:
    device, name = "databox-edge-1", "shelf"
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app)
        hub = app.main.session.hub
        await on_a_stopped_module(pilot, app, name)
        await pilot.press("e")
        await until(
            pilot,
            lambda: app.main.options.query("Editor:focus, Field:focus") and app.main.options.word == "✓ valid",
            "its create options",
        )
        app.main.options.editor.text = '{"Env": ["A=1"]}'
        await until(pilot, lambda: app.main.options.word == "✓ valid", "valid create options")
        await pilot.press("f8")
        await confirmed(pilot)
        await until(pilot, lambda: [e.outcome for e in History().entries()] == ["applied", "applied"], "both in the history")
        desired = hub.device_state(device).module(name).desired
        assert desired.status == "stopped" and "A=1" in desired.create_options
    app.end()


async def test_after_a_removal_the_pane_is_read_again_until_the_device_has_taken_it(
    app: ConsoleApp, own_lab: dict[str, Any], control: Callable[..., Any]
) -> None:
    contexts = Path(own_lab["config_home"]) / "config" / "contexts.toml"
    contexts.write_text(f"{contexts.read_text()}\n[contexts.lab.limits]\nmodules_every = 600\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await on_a_stopped_module(pilot, app, "shelf")
        late = {"name": "not-applied", "device": app.main.device}
        control(own_lab, "faults", {**late, "on": True})
        await pilot.press("X")
        await confirmed(pilot)
        modules = app.main.modules
        await until(pilot, lambda: modules.state.last_desired_version != modules.state.desired_version, "the device behind")
        control(own_lab, "faults", {**late, "on": False})
        await until(pilot, lambda: modules.state.last_desired_version == modules.state.desired_version, "it taken", 30)
    app.end()


async def test_a_plan_that_a_throttled_hub_delays_is_told_of_until_it_is_there(
    app: ConsoleApp, own_lab: dict[str, Any], control: Callable[..., Any]
) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot, app)
        await on_a_stopped_module(pilot, app, "shelf")
        control(own_lab, "faults", {"name": "throttle", "on": True})
        await pilot.press("X")
        await until(pilot, lambda: "no answer yet; waiting on" in text_of(app), "what is waited for", 15)
        await pilot.press("escape")
        await until(pilot, lambda: not app.opening, "what was given up")
    app.end()
