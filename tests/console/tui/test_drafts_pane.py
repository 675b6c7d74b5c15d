"""Drafts on the screen: kept over other modules and other consoles, said in tab and pane, asked about where something would go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from piloting import text_of
from piloting import until as wait_until
from textual.pilot import Pilot

from console.tui.app import ConsoleApp
from services.deployment import drafts as store
from services.deployment.history import History
from services.deployment.manifest.changes import RemoveModule, SetModule
from services.deployment.options.presets import preset, render
from services.deployment.routes.hub import apply_plan, plan_changes
from widgets.dialogs import Confirm, Prompt, Reader
from widgets.options import Editor, Field

SIZE = (80, 24)
until = partial(wait_until, seconds=30)
NAME = "drafted"


def set_options(app: ConsoleApp, options: str | None) -> None:
    """Deploy other create options for the module behind the console's back; without options it is removed."""
    hub = app.main.session.hub
    image = f"{app.main.session.registry().server}/cpu-classifier:1"
    change = RemoveModule(NAME) if options is None else SetModule(NAME, image=image, create_options=options, status="stopped")
    apply_plan(hub, plan_changes(hub, app.main.device, [change]), History())


@pytest.fixture
def app(lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[ConsoleApp]:
    monkeypatch.setenv("DBE_CONSOLE_HOME", lab["config_home"])
    yield ConsoleApp()
    for path in store.draft_files():
        path.unlink()


async def with_module(pilot: Pilot[None], app: ConsoleApp, options: str) -> None:
    await until(pilot, lambda: app.main.modules.look == "ready", "modules")
    set_options(app, options)
    await pilot.press("2", "r")
    await until(pilot, lambda: app.main.modules.state.module(NAME) is not None, "the module")
    assert app.main.modules.go_to_row(NAME)


async def opened(pilot: Pilot[None], app: ConsoleApp, module: str = NAME) -> None:
    await pilot.press("escape", "2")
    app.main.modules.go_to_row(module)
    await pilot.press("e")
    await until(pilot, lambda: app.main.options.key is not None and app.main.options.key.module == module, module)
    await until(pilot, lambda: isinstance(app.focused, Editor | Field), "the editor")


async def test_a_port_is_a_field_and_its_draft_outlives_module_and_console(app: ConsoleApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await with_module(pilot, app, render(preset("cpu-host-80")))
        await opened(pilot, app)
        options = app.main.options
        assert options.chosen == "cpu-host-80"
        await pilot.press(*"8080")  # in the field, instead of what it has
        await until(pilot, lambda: options.word == "changed, not deployed", "the word")
        await until(pilot, lambda: "changed, not deployed (" in text_of(app), "the line")
        await opened(pilot, app, "edgeHub")
        assert options.word != "changed, not deployed"
        await opened(pilot, app)
        assert '"8080"' in options.text and options.values == {"port": "8080"}
    again = ConsoleApp()
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: again.main.options.key is not None, "the draft, taken up")
        assert again.main.options.key.module == NAME and '"8080"' in again.main.options.text
        await pilot.press("2")
        await until(pilot, lambda: "3 Options changed, not deployed" in text_of(again), "the tab")
        set_options(again, render(preset("cpu-host-80"), {"port": "81"}))
        await pilot.press("2", "r", "3")
        await until(pilot, lambda: "deployed is newer" in text_of(again), "that it has moved")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(again.screen, Reader), "the difference")
        assert '"HostPort": "8080"' in text_of(again)
        await pilot.press("escape", "u")
        await until(pilot, lambda: isinstance(again.screen, Confirm), "the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: again.main.options.values == {"port": "81"}, "what is deployed")
        assert store.draft_files() == []
        set_options(again, None)


async def test_leaving_asks_for_a_secret_alone_and_it_is_asked_for_again(app: ConsoleApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await with_module(pilot, app, render(preset("cpu-host-80")))
        await opened(pilot, app)
        options = app.main.options
        changed = {**json.loads(options.text), "Env": ["DB_PASSWORD=hunter2-very-secret"]}
        options.editor.load_text(json.dumps(changed, indent=2))
        await until(pilot, lambda: "Env.DB_PASSWORD: secret" in text_of(app), "that it is secret")
        await until(pilot, lambda: "no preset: Env is no part" in text_of(app), "why it is no preset's")
        await pilot.press("escape", "q")
        await until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
        assert "DB_PASSWORD" in text_of(app)
        await pilot.press("enter")  # Cancel
        assert app.is_running
    again = ConsoleApp()
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: again.main.options.key is not None, "the draft, taken up")
        assert "hunter2" not in again.main.options.text
        await until(pilot, lambda: again.main.options.word.startswith("✗"), "a mask is an error")
        await pilot.press("2")
        again.main.modules.go_to_row(NAME)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(again.screen, Prompt), "the secret is asked for")
        await pilot.press(*"hunter3", "enter")
        await until(pilot, lambda: "DB_PASSWORD=hunter3" in again.main.options.text, "the secret")
        set_options(again, None)


async def test_leaving_without_anything_to_lose_asks_nothing(app: ConsoleApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await with_module(pilot, app, "{}")
        await opened(pilot, app)
        app.main.options.editor.load_text('{"User": "root"}')
        await pilot.press("escape", "q")
        await until(pilot, lambda: not app.is_running, "the end")
    assert [path.read_text().count("root") for path in store.draft_files()] == [1]
