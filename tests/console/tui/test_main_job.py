"""The console on the lab, by keys alone: the main job, and what one looks at around it."""

from __future__ import annotations

from typing import Any

import pytest
from piloting import until
from textual.pilot import Pilot

from console.tui.app import ConsoleApp
from console.tui.main_screen import MainScreen
from console.tui.screens.doctor import DoctorScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.rollout import RolloutScreen
from widgets.deploy_form import DeployForm
from widgets.diff import DiffConfirm


@pytest.fixture
def app(own_lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> ConsoleApp:
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    return ConsoleApp()


async def deploy_by_keys(pilot: Pilot[None], app: ConsoleApp) -> None:
    """From the form to the end of the rollout."""
    await until(pilot, lambda: isinstance(app.screen, DeployForm), "the form")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.main.options.word == "✓ valid", "valid create options")
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(app.screen, DiffConfirm), "the diff")
    await pilot.press("right", "enter")
    await until(pilot, lambda: isinstance(app.screen, RolloutScreen), "the watch")
    await until(pilot, lambda: app.watches[-1].ended, "the rollout's end", 120)
    assert not app.watches[-1].failed, app.watches[-1].steps


async def test_the_main_job_by_keys_alone(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.images.look == "ready", "images")
        await until(pilot, lambda: app.main.modules.look == "ready", "modules")
        table = app.main.images.table
        while table.current.name != "accel-resnet50":
            await pilot.press("j")
        await pilot.press("enter")
        await deploy_by_keys(pilot, app)
        assert app.main.modules.row is not None and app.main.modules.row.module.name == "azureml-host"
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, DeployForm), "the client's form")
        assert app.screen.hosts == ["azureml-host"]
        await deploy_by_keys(pilot, app)
        assert '"azureml-host"' in app.main.options.text
        await pilot.press("m")
        await until(pilot, lambda: app.main.current is app.main.messages, "the messages pane")
        await until(pilot, lambda: [m for m in app.main.messages.stream.window if m.kind == "result"], "a result")
        await pilot.press("2")
        await until(pilot, lambda: app.main.modules.word == "2 of 2 run", "both run")
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and "2 changes" in _said(app), "the history")
    app.end()


def _said(app: ConsoleApp) -> str:
    return str(app.screen.query_one(".said").render())


async def test_models_devices_doctor_and_commands(app: ConsoleApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.main.images.look == "ready", "images")
        assert app.main.has_class("-four")
        await pilot.press("m")
        await until(pilot, lambda: app.main.images.models is not None, "models")
        await pilot.press("m", "2")
        await until(pilot, lambda: app.main.modules.look == "ready", "modules")
        await pilot.press("colon", *"device databox-edge-2", "enter")
        await until(
            pilot, lambda: app.main.modules.state and app.main.modules.state.device.id == "databox-edge-2", "the other device"
        )
        await pilot.press("d")
        await until(
            pilot, lambda: isinstance(app.screen, DoctorScreen) and app.screen.examination is not None, "the doctor's end", 120
        )
        await pilot.press("W")
        await until(pilot, lambda: "written to" in _said(app), "the report")
    app.end()
