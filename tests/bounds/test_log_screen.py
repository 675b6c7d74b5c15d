"""The log screen with expressions and lines that would stall it: each key has its effect soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from piloting import text_of, until
from still_console import StillConsole
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.screens.logs import LogsScreen
from services.hub.log_lines import LogLine
from widgets.dialogs import Reader
from widgets.log import MOST_CHARACTERS, LogView


class StillLog(LogsScreen):
    """A log whose lines have been read."""

    lines: Sequence[LogLine] = ()

    def action_again(self) -> None:
        self.view.add(self.lines)


async def open_log(pilot: Pilot[None], lines: Sequence[LogLine]) -> StillLog:
    app = cast(StillConsole, pilot.app)
    screen = StillLog(await until(pilot, lambda: app.session), "edge-1", "host")
    screen.lines = lines
    await app.push_screen(screen)
    await pilot.pause()
    return screen


async def test_an_expression_that_stalls_other_engines_is_searched_while_it_is_typed(still_console: StillConsole) -> None:
    async with still_console.run_test(size=(80, 24)) as pilot:
        log = await open_log(pilot, [LogLine("a" * 40 + "!"), LogLine("b" * 40)])
        await pilot.pause()
        await pilot.press("slash", *"/(a+)+$/")
        await until(pilot, lambda: "0 match" in text_of(still_console), "counted")
        await pilot.press(*["backspace"] * 20, *r"/(\w+,?)+$/")
        await until(pilot, lambda: "1 match" in text_of(still_console), "counted")
        await pilot.press("enter")
        await until(pilot, lambda: log.view.index == 1, "the match")


async def test_a_bad_expression_is_said_and_marks_nothing(still_console: StillConsole) -> None:
    async with still_console.run_test(size=(120, 24)) as pilot:
        log = await open_log(pilot, [LogLine("(a")])
        await pilot.pause()
        await pilot.press("slash", *"/(a")
        await until(pilot, lambda: "/(a/ is not a regular expression: missing )" in text_of(still_console), "said")
        assert log.view.search is None
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert log.is_current


async def test_a_search_that_takes_too_long_ends_and_keys_work_meanwhile(still_console: StillConsole) -> None:
    async with still_console.run_test(size=(80, 24)) as pilot:
        log = await open_log(pilot, [LogLine("a" * 16_000)] * 900)
        await pilot.pause()
        await pilot.press("slash")
        log.query_one(Input).value = "/(.{0,10}){1,30}z!/"
        await pilot.pause()
        delays = []
        for _ in range(50):  # the pilot's own waiting for an idle processor would be measured with its keys
            start = time.monotonic()
            await asyncio.sleep(0.01)
            delays.append(time.monotonic() - start)
        assert max(delays) < 0.5
        await until(pilot, lambda: "takes too long" in text_of(still_console), "ended")
        await pilot.press("enter")
        await until(pilot, lambda: "No match so far" in text_of(still_console), "ended")


async def test_huge_lines_are_drawn_wrapped_and_read(still_console: StillConsole) -> None:
    huge = "x" * 5_000_000
    async with still_console.run_test(size=(80, 24)) as pilot:
        await open_log(
            pilot,
            [LogLine(huge), LogLine("w " * 2_000_000), LogLine("\u4e00" * 1_000_000), LogLine("e\u0301" * 1_000_000)],
        )
        await pilot.pause()
        start = time.monotonic()
        await pilot.press("g", "w", "down", "t", "w", "g")
        assert time.monotonic() - start < 20
        assert "xxx" in text_of(still_console)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(still_console.screen, Reader), "the line")
        await until(pilot, lambda: "x" * 40 in text_of(still_console), "drawn")
        assert "4,868,928 characters are not shown here" in cast(Reader, still_console.screen).text.plain
        await pilot.press("y", "pagedown", "escape")
        assert time.monotonic() - start < 20


async def test_a_log_is_held_to_a_number_of_characters(still_console: StillConsole) -> None:
    async with still_console.run_test(size=(80, 24)) as pilot:
        log = await open_log(pilot, [])
        await pilot.pause()
        view: LogView = log.view
        for number in range(10):
            view.add([LogLine(f"{number}" * (MOST_CHARACTERS // 4))])
        assert sum(len(line.text) for line in view.lines) <= MOST_CHARACTERS
        assert view.lines[-1].text.startswith("9") and view.current is view.lines[-1]
        view.add([LogLine("y" * (MOST_CHARACTERS * 2))])
        assert [line.text[0] for line in view.lines] == ["y"]
        view.clear()
        view.add([LogLine("z")])
        assert len(view.lines) == 1


async def test_n_goes_on_up_and_capital_n_back_down(still_console: StillConsole) -> None:
    async with still_console.run_test(size=(80, 24)) as pilot:
        log = await open_log(pilot, [LogLine(text, module=module) for text, module in zip("x.x..x.", "aabbbcc", strict=True)])
        await pilot.press("n")
        await until(pilot, lambda: "Nothing is searched for" in text_of(still_console), "said")
        await pilot.press("slash", "x", "enter")
        for key, index in (("", 5), ("n", 2), ("n", 0), ("n", 5), ("N", 0), ("N", 2)):
            await pilot.press(*key)
            await until(pilot, lambda index=index: log.view.index == index, f"{key} to {index}")
