"""A direct method, by keys on the lab: its name and payload asked for, the reply shown, what may change something confirmed first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from piloting import text_of, until
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.app import ConsoleApp
from services.deployment.history import History
from widgets.dialogs import Confirm, Prompt, Reader


async def prompted(pilot: Pilot[None], heading: str) -> Any:
    """The prompt of that heading."""
    await until(pilot, lambda: getattr(pilot.app.screen, "heading", "").startswith(heading) and pilot.app.focused, heading)
    assert isinstance(pilot.app.screen, Prompt)
    return pilot.app.screen.query_one(Input)


@pytest.fixture
def app(lab_home: Path) -> ConsoleApp:
    return ConsoleApp()


async def test_ping_of_the_edge_agent_and_one_that_may_change_something(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "modules")
        await pilot.press("2")
        for _ in range(10):
            if app.main.modules.row.module.name == "edgeAgent":
                break
            await pilot.press("j")
        await pilot.press("m")
        assert not (await prompted(pilot, "Direct method of edgeAgent")).value
        await pilot.press(*"ping", "enter")
        (await prompted(pilot, "Payload of ping")).value = "{no json"
        wrong = app.screen
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not wrong and isinstance(app.screen, Prompt), "the question again")
        assert any("JSON" in note.message for note in app._notifications)
        again = await prompted(pilot, "Payload of ping")
        assert again.value == "{no json", "what was typed, to be mended"
        again.value = "{}"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader) and "status 200" in text_of(app), "the reply")
        await pilot.press("escape")

        before = len(History().entries())
        await pilot.press("m")
        await prompted(pilot, "Direct method")
        await pilot.press(*"RestartModule", "enter")
        assert "schemaVersion" in (await prompted(pilot, "Payload of RestartModule")).value
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.focused, "the question")
        assert "az iot hub invoke-module-method" in text_of(app)
        await pilot.press("enter")  # it rests on Cancel
        await until(pilot, lambda: app.screen is app.main, "the panes again")
        assert len(History().entries()) == before
    app.end()
