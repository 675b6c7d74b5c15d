"""A log wrapped and searched, a module's countdown, a twin as a tree: with records, in the app without a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from threading import Event

from textual.app import App, ComposeResult
from textual.widget import Widget

from services.expressions import line_search, matching_lines
from services.records import DesiredModule, Finding, Module, ReportedModule, Step
from widgets.details import Around, module_details
from widgets.log import LogView
from widgets.module_row import Row, next_start
from widgets.steps import StepList
from widgets.twin import TwinTree

NOW = datetime(2026, 1, 31, 14, 30, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Line:
    text: str
    level: int = 6
    time: datetime | None = NOW
    module: str = ""


class Bare(App[None]):
    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"dim": "#808080"}


def drawn(widget: Widget) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_a_wrapped_log_shows_all_of_a_line_and_the_cursor_stays_on_it() -> None:
    view = LogView()
    async with Bare(view).run_test(size=(40, 12)) as pilot:
        view.add([Line("short"), Line("word " * 20 + "end"), Line("last", 3)])
        await pilot.pause()
        assert "end" not in "".join(drawn(view))
        view.move_to(1)
        view.wrap(True)
        await pilot.pause()
        shown = drawn(view)
        assert any("end" in row for row in shown) and view.row_count() > 3
        assert view.current is view.lines[1]
        view.mark(line_search("last"))
        view.move_to_line(matching_lines(view.search, [line.text for line in view.lines], Event())[0][0])
        assert view.current is view.lines[2]
        view.wrap(False)
        assert view.current is view.lines[2] and view.row_count() == 3


def module(status: str, restarts: int, seconds_ago: float) -> Module:
    reported = ReportedModule(
        status, "reg/a:1", "sha256:1", exit_code=139, restart_count=restarts, last_exit=NOW - timedelta(seconds=seconds_ago)
    )
    return Module("host", desired=DesiredModule("reg/a:1", env={"MODE": "x"}), reported=reported)


def test_the_countdown_follows_the_agents_back_off() -> None:
    assert next_start(module("backoff", 0, 3), NOW) == "starts again in 7s"
    assert next_start(module("backoff", 3, 20), NOW) == "starts again in 1m"
    assert next_start(module("backoff", 500, 0), NOW) == "starts again in 5m"
    assert next_start(module("backoff", 1, 999), NOW) == "due to start again"
    assert next_start(module("running", 3, 1), NOW) == ""


def test_details_hold_what_an_operator_asks_for() -> None:
    finding = Finding("crash-segfault", "error", "crash", "crashed", "a bug", "Read its logs.", "host")
    around = Around(
        {"MODE": "x"}, '{"Tty": true}', (), NOW, "ping answered in 0.2 s, 3s ago", [(NOW, "exit code 139, restart 2")]
    )
    text = module_details(Row(module("backoff", 2, 1), finding), around).plain
    for part in (
        "Read its logs.",
        "running → backoff",
        "sha256:1",
        "139",
        "ping answered",
        "exit code 139, restart 2",
        "MODE",
        '"Tty": true',
    ):
        assert part in text, part


async def test_a_twin_of_anything_is_a_tree_of_texts() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(100):
        inner["a"] = inner = {}
    tree = TwinTree()
    async with Bare(tree).run_test(size=(60, 20)) as pilot:
        tree.show({"desired": {"[bold]x": "[red]y[/]", "list": [1, None], "deep": deep}, "reported": "no object"})
        await pilot.pause()
        shown = "\n".join(drawn(tree))
        assert "[bold]x  [red]y[/]" in shown and "no object" in shown
        opened = [node.data for node in tree.root.children if node.is_expanded]
        tree.show({"desired": {"other": 1}, "reported": "no object"})
        assert "desired" in opened and [node.data for node in tree.root.children if node.is_expanded] == opened


async def test_a_long_remedy_is_shown_whole_also_of_a_warning() -> None:
    steps = StepList()
    finding = Finding("slow", "warning", "slow", "late", "", "")
    async with Bare(steps).run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        steps.show_steps([Step("a", "One", "done", "late", 1.0, "word " * 20 + "end", finding)])
        await pilot.pause()
        assert "end" in " ".join(drawn(steps))
