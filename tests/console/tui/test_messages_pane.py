"""The messages pane at work on the lab, by keys: what filters, marks, saves, exports and jumps do."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from piloting import until
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.app import ConsoleApp
from console.tui.screens.health import HealthScreen
from services.contexts.model import FieldPath, MessageFields
from services.messages.journal.field_rule import request_rule
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.parsing.field_rule import rule_text
from widgets.dialogs import ErrorDialog, Prompt, Reader
from widgets.pane import FilterLine

DEVICES = ("pane-one", "pane-two")


async def type_into(pilot: Pilot[None], title: str, text: str) -> None:
    """Answer the question of that title."""
    prompt = await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.screen, title)
    assert prompt.heading == title
    prompt.query_one(Input).value = text
    await pilot.press("enter")


async def narrow(pilot: Pilot[None], app: ConsoleApp, text: str) -> None:
    """Another filter in the place of the one that is there."""
    await pilot.press("slash")
    app.main.messages.query_one(FilterLine).value = text
    await pilot.press("enter")


def fox(number: int) -> RawMessage:
    """What was classified in the five minutes before these."""
    six_minutes_ago = int(time.time() * 1000) - 360_000
    origin = ("pane-one", "", "", "", "{}")
    return RawMessage(number, six_minutes_ago, origin, 0, 10.0, 0.5, "fox", str(number), None, b"", None, None)


async def refused(pilot: Pilot[None], why: str) -> None:
    """It is said why something cannot be done, and what to do; Esc, and one is where one was."""
    error = await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog) and pilot.app.screen, why)
    assert why in str(error.text) and "remedy" in str(error.text)
    await pilot.press("escape")
    await until(pilot, lambda: not isinstance(pilot.app.screen, ErrorDialog), "the panes")


async def test_filter_context_mark_save_export_jump(
    lab: dict[str, Any], lab_home: Path, control: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: app.session is not None and app.main.current is app.main.messages, "the messages pane")
        pane = app.main.messages
        await until(pilot, lambda: pane.intake.state == "receiving", "the recorder receives")
        for device in DEVICES:
            bodies = [f"({n} ms) The image {device}-{n}.jpg was classified as cat with confidence 0.5." for n in range(20)]
            control(lab, "messages", {"device": device, "bodies": [*bodies, '=odd, "body"\nof two lines'], "partition": 0})
        await until(pilot, lambda: pane.intake.stored >= 42, "42 messages in the journal")
        assert not pane.stream.window and app.main.device in str(pane.border_title), "none of them is of this device"
        await pilot.press("a")
        await until(pilot, lambda: len(pane.stream.window) >= 42 and "all devices" in str(pane.border_title), "42 messages")
        await until(pilot, lambda: pane.stream.column is not None, "who sent what")

        # What the filter lets through, then x: the same message among its neighbours, and back.
        await narrow(pilot, app, "device:pane-two ms>9")
        await until(pilot, lambda: len(pane.stream.window) == 10, "ten pass")
        await pilot.press("k", "k")
        found = pane.stream.current
        assert found.picture == "pane-two-17.jpg" and pane.stream.column is None
        await pilot.press("x")
        await until(pilot, lambda: len(pane.stream.window) >= 42, "all of them, around it")
        assert pane.stream.current.row == found.row and pane.filter_now == "" and "x brings it back" in str(pane.border_subtitle)
        await pilot.press("k")
        await until(pilot, lambda: pane.stream.current.picture == "pane-two-16.jpg", "its neighbour")
        await pilot.press("x")
        await until(pilot, lambda: len(pane.stream.window) == 10, "the filter is back")
        assert pane.stream.current.picture == "pane-two-16.jpg" and pane.filter_now == "device:pane-two ms>9"

        await pilot.press("m")
        await until(pilot, lambda: pane.stream.current.marked, "the mark")
        await narrow(pilot, app, "marked:")
        await until(pilot, lambda: [m.picture for m in pane.stream.window] == ["pane-two-16.jpg"], "the marked one")
        await pilot.press("m")
        await until(pilot, lambda: not pane.stream.current.marked, "no mark")

        # Saved byte for byte, never over another file.
        await narrow(pilot, app, "odd device:pane-one")
        await until(pilot, lambda: [m.kind for m in pane.stream.window] == ["text"], "the odd one")
        body = tmp_path / "body"
        await pilot.press("s")
        await type_into(pilot, "Save", str(body))
        await until(pilot, body.exists, "the body")
        await until(pilot, lambda: body.read_bytes() == b'=odd, "body"\nof two lines', "the whole body")
        assert body.stat().st_mode & 0o777 == 0o600
        await pilot.press("s")
        await type_into(pilot, "Save", str(body))
        await refused(pilot, "is there already")

        # The filtered set, whole, as NDJSON and as CSV; where it cannot be written, that is said.
        await narrow(pilot, app, "device:pane-one")
        await until(pilot, lambda: len(pane.stream.window) == 21, "what pane-one sent")
        lines, table = tmp_path / "out.ndjson", tmp_path / "out.csv"
        for path in (lines, table):
            await pilot.press("E")
            await type_into(pilot, "Export", str(path))
            await until(pilot, path.exists, path.name)
        told = [json.loads(line) for line in lines.read_text().splitlines()]
        assert len(told) == 21 and {one["device"] for one in told} == {"pane-one"}
        assert (told[3]["class"], told[3]["milliseconds"], told[20]["body"]) == ("cat", 3.0, '=odd, "body"\nof two lines')
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["picture"] for row in rows[:20]] == [f"pane-one-{n}.jpg" for n in range(20)]
        assert rows[20]["body"] == '\'=odd, "body"\nof two lines'  # no spreadsheet takes it for a formula
        for path, why in ((lines, "is there already"), (tmp_path / "no" / "such" / "folder.csv", "cannot be written")):
            await pilot.press("E")
            await type_into(pilot, "Export", str(path))
            await refused(pilot, why)
        assert len(lines.read_text().splitlines()) == 21

        # Details, a time, health.
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, Reader) and "pane-one" in str(app.screen.text), "details")
        at = pane.stream.index
        await pilot.press("p")
        await until(pilot, lambda: "pane-one-19.jpg" in str(app.screen.text) and pane.stream.index == at - 1, "the previous one")
        await pilot.press("n")
        await until(pilot, lambda: "of two lines" in str(app.screen.text) and pane.stream.index == at, "the next one")
        await pilot.press("n", "escape", "at")
        await type_into(pilot, "Jump to a time", "1h")
        await until(pilot, lambda: pane.stream.index == 0 and not pane.tailing, "the first of the last hour")
        journal = Journal(Path(app.session.messages.path))
        journal.append([Batch(journal.part("before", "hub", 0, "0"), [fox(n) for n in range(40)])])
        journal.close()
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HealthScreen) and "pane-one" in _shown(app), "health")
        await until(pilot, lambda: "! Share of the results: cat from 0% to 100%, fox from 100% to 0%." in _shown(app), "a change")

        # What only lies further back than the newest rows is searched for; that there is none is said.
        monkeypatch.setattr("services.messages.feed.RECENT", 5)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main, "the panes")
        await narrow(pilot, app, "pane-one-3.jpg")
        await until(pilot, lambda: [m.picture for m in pane.stream.window] == ["pane-one-3.jpg"], "the old one")
        await narrow(pilot, app, "/nothing of [a-z]+ kind/")
        await until(pilot, lambda: "nothing found up to" in str(pane.border_subtitle) and not pane.stream.window, "nothing")
        await narrow(pilot, app, "")
        await until(pilot, lambda: len(pane.stream.window) >= 42, "all again")

        # The oldest of the journal, not of the window; one device's messages and those of all.
        await pilot.press("g")
        await until(pilot, lambda: pane.stream.index == 0 and not pane.tailing, "the oldest")
        await pilot.press("f")
        app.main.look_at("pane-two")
        await pilot.press("a")
        await until(pilot, lambda: {m.device for m in pane.stream.window} == {"pane-two"}, "what pane-two sent")
        assert str(pane.border_title) == "4 Messages · pane-two"
        await pilot.press("a")
        await until(pilot, lambda: len(pane.stream.window) >= 42, "all again")

        # The journal is taken away: said, and the pane goes on with the next one.
        await pilot.press("f")
        for path in Path(app.session.messages.path).parent.glob("*.journal*"):
            path.unlink()
        await until(pilot, lambda: "was removed" in pane.intake.notice and pane.intake.stored == 0, "a new journal")
        assert pane.has_class("-noted") and not pane.stream.window
        control(lab, "messages", {"device": "pane-one", "bodies": ["after"], "partition": 0})
        await until(pilot, lambda: [m.text for m in pane.stream.window] == ["after"], "what came after")
        await pilot.press("r")
        await until(pilot, lambda: not pane.has_class("-noted"), "the notice was seen")

        # Foreign JSON, and the context's fields for it, given while the pane shows it.
        control(lab, "messages", {"device": "pane-one", "bodies": ['{"animal": "fox", "when": 1}'], "partition": 0})
        await until(pilot, lambda: [m.kind for m in pane.stream.window] == ["text", "json"], "JSON of no known names")
        request_rule(Path(app.session.messages.path), rule_text(MessageFields(label=FieldPath("animal"))))
        await until(pilot, lambda: [m.label for m in pane.stream.window] == ["", "fox"], "its class")
    app.end()


def _shown(app: ConsoleApp) -> str:
    return str(app.screen.query_one("#health").content)
