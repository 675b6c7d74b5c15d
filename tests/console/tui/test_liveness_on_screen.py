"""Whether the device is alive, in the modules pane, on a hub that answers as Azure does."""

from __future__ import annotations

from pathlib import Path

import pytest
from piloting import text_of, until
from replayed_hub import DEVICE, ReplayedHub

from console.tui.app import ConsoleApp
from services.contexts.store import ContextStore

PINGS = f"POST /twins/{DEVICE}/modules/$edgeAgent/methods"


@pytest.fixture
def app(azure: ReplayedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleApp:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    ContextStore().add(azure.context)
    ContextStore().use(azure.context.name)
    return ConsoleApp()


async def test_a_healthy_device_is_alive_and_is_not_pinged(app: ConsoleApp, azure: ReplayedHub) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "✓ alive: $edgeHub connected" in text_of(app), "the judgement")
        assert "offline" not in text_of(app) and not azure.requests[PINGS] and len(azure.times) <= 12


async def test_a_ping_settles_what_the_identities_do_not(app: ConsoleApp, azure: ReplayedHub) -> None:
    azure.module("$edgeHub")["connectionState"] = None
    azure.module("m1")["connectionState"] = "Disconnected"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "? unknown: the hub does not say whether $edgeHub is" in text_of(app), "the doubt")
        assert "p pings (2" in text_of(app) and not azure.requests[PINGS]
        await pilot.press("p")
        await until(pilot, lambda: "✓ alive: pinged" in text_of(app), "the judgement")
        assert "cost 2 messages" in text_of(app) and azure.requests[PINGS] == 1
