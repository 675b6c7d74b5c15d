"""Rows that could not be read again look stale and say how old they are; who looks elsewhere is called when something turns bad."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from piloting import text_of, until
from replayed_hub import ReplayedHub

from console.tui.app import ConsoleApp
from console.tui.panes.messages import Messages
from services.contexts.store import ContextStore
from services.messages.feed import MessageFeed
from services.operations import changes
from widgets.table import Table

SOON = 15.0  # seconds within which a frozen hub has to be noticed


@pytest.fixture
def app(azure: ReplayedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleApp:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    ContextStore().add(azure.context)
    ContextStore().use(azure.context.name)
    return ConsoleApp()


async def test_a_frozen_hub_is_noticed_soon_and_its_thaw_too(
    app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch
):
    thawed = threading.Event()
    answer = azure.get
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        monkeypatch.setattr(azure, "get", lambda path: (thawed.wait(60), answer(path))[1])
        frozen_at = time.monotonic()
        await until(pilot, lambda: app.main.modules.stale, "the staleness", SOON)
        assert time.monotonic() - frozen_at < SOON
        text = text_of(app)
        assert text.count("as of ") == 2 and "The hub does not answer." in text  # above the rows and in the frame
        await pilot.press("1")
        await until(pilot, lambda: "as of" in text_of(app).splitlines()[1], "the tab")
        thawed.set()
        await until(pilot, lambda: not app.main.modules.stale, "fresh rows")
        await pilot.press("2")
        await until(pilot, lambda: "as of" not in text_of(app), "no word of it")


async def test_a_throttled_hub_is_named_at_the_next_refresh(app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch):
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        throttled: Any = (429, {"Message": "ErrorCode:ThrottlingException;Throttled", "ExceptionMessage": "Tracking ID:x"})
        monkeypatch.setattr(azure, "get", lambda path: throttled)
        await pilot.press("2", "r")
        await until(pilot, lambda: app.main.modules.stale and "throttles" in text_of(app), "the throttle")


async def test_a_throttle_is_named_while_the_hub_s_pause_is_waited_for(
    app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.hub.calls._pause", lambda response, attempt: SOON)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        throttled: Any = (429, {"Message": "ErrorCode:ThrottlingException;Throttled", "ExceptionMessage": "Tracking ID:x"})
        monkeypatch.setattr(azure, "get", lambda path: throttled)
        await pilot.press("2", "r")
        await until(pilot, lambda: app.main.modules.stale and "throttles" in text_of(app), "the throttle", SOON)
        assert "does not answer" not in text_of(app)


@pytest.mark.parametrize("bell", [False, True])
async def test_a_module_that_turns_bad_calls_once(
    app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch, bell: bool
):
    ContextStore().add(replace(azure.context, bell=bell), replace=True)
    rings: list[None] = []
    monkeypatch.setattr(app, "bell", lambda: rings.append(None))
    reported = azure.twin["properties"]["reported"]["modules"]["m1"]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        assert not app._notifications
        reported |= {"runtimeStatus": "backoff", "exitCode": 1, "restartCount": 5, "lastExitTimeUtc": "2026-11-30T20:00:00Z"}
        await pilot.press("d")
        for _ in range(3):
            app.main.modules.read()
            await until(pilot, lambda: app._notifications, "the call")
        assert len(app._notifications) == 1 and len(rings) == bell
        message = next(iter(app._notifications)).message
        assert message.startswith("✗ m1: ") and message.endswith("(2 goes there)")


async def test_the_overview_says_how_old_it_is_where_it_could_not_be_read_again(
    app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch
):
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        await pilot.press("o")
        await until(pilot, lambda: "1 of 1 in trouble" in text_of(app) or "all well" in text_of(app), "the devices")
        answer = azure.get
        throttled: Any = (429, {"Message": "ErrorCode:ThrottlingException;Throttled", "ExceptionMessage": "Tracking ID:x"})
        monkeypatch.setattr(azure, "get", lambda path: throttled)
        await pilot.press("r")
        await until(pilot, lambda: "Devices · as of " in text_of(app) and "throttles" in text_of(app), "the staleness")
        rows = app.screen.query_one(Table).rows
        assert rows.stale and rows.records
        monkeypatch.setattr(azure, "get", answer)
        await pilot.press("r")
        await until(pilot, lambda: "as of" not in text_of(app), "fresh rows")
        assert not rows.stale


async def test_messages_that_turn_bad_call_once_on_another_screen(
    app: ConsoleApp, azure: ReplayedHub, monkeypatch: pytest.MonkeyPatch
):
    verdicts: list[tuple[str, str]] = [("ok", "6/min")]
    monkeypatch.setattr(changes, "verdict", lambda health: verdicts[0])
    monkeypatch.setattr(MessageFeed, "health", lambda *args: None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.modules.look == "ready", "the modules")
        messages = app.main.query_one(Messages)
        await pilot.press("d")
        await messages._judge(azure.context.device)
        assert not app._notifications
        verdicts[0] = ("error", "no result for 4 min; before: 6/min")
        for _ in range(3):
            await messages._judge(azure.context.device)
        (called,) = [each.message for each in app._notifications]
        assert called == "✗ Messages: no result for 4 min; before: 6/min. (4 goes there)"
