"""A module's log: followed, filtered, searched, saved."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from console.tui.actions import bindings
from console.tui.background import each, go, in_thread
from console.tui.owner import app_of
from console.tui.screens.full import FullScreen
from services.contexts.paths import saved_folder
from services.errors import OperatorError, UsageError
from services.files import file_name, private_folder, write
from services.operations.session import Session
from services.text import counted
from widgets.dialogs import Choose, Prompt, Reader
from widgets.lines import Lines
from widgets.log import LogView

if TYPE_CHECKING:
    from services.expressions import Search
    from services.records import LogLine

_HINTS = {
    "since": "From a time on: a span before now (10m, 2h), or 2026-01-31T10:00:00Z; empty for no limit.",
    "until": "Up to a time: a span before now (10m, 2h), or 2026-01-31T10:00:00Z; empty to follow.",
    "regex": "Only lines that match this regular expression, on the device; empty for all.",
}
_TAILS = ((100, "100 lines"), (500, "500 lines"), (2000, "2,000 lines"))
_LEVELS = ((None, "all levels"), (3, "errors"), (4, "warnings"), (6, "information"), (7, "debug"))


class LogsScreen(FullScreen[None]):
    """What a module writes to its output, asked of the edge agent."""

    HELP = """The edge agent is asked for the last lines and then, every few seconds, for those that came (each look counts
against the hub's quota: Space stops following). / searches in what is here, n and N go to the next match above and below. # takes
another number of lines, L another level, S and U lines since and until a time (10m, 2026-01-31T10:00:00Z), x those that match a
regular expression on the device; w wraps, t shows times, s saves, M reads another module's (edgeAgent's and edgeHub's too) or all
modules' merged by time, which is one question; R restarts this one."""
    SCOPES = ("logs",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)
    DEFAULT_CSS = """
    LogsScreen Input {
        display: none; height: 1; border: none; padding: 0 1; background: $boost;
        &.-open { display: block; }
        &:focus { border: none; }
    }
    """

    def __init__(self, session: Session, device: str, module: str) -> None:
        """Show the log of ``module``; of all where it is empty."""
        super().__init__(f"Logs · {module} on {device}")
        self.session = session
        self.device = device
        self.module = module
        self.tail = 100
        self.level: int | None = None
        self.filters = {"since": "", "until": "", "regex": ""}
        self.view = LogView()
        self._stopped = threading.Event()
        self._searching = threading.Event()  # set: the search that runs is not asked for any more
        self._matches = ""
        self._fresh: list[LogLine] = []
        self._timeless = False  # followed by the last lines alone, since the device finds none by its time
        self._halved = 0  # to how many lines the question was cut, since the device found its answer too large

    def compose_content(self) -> ComposeResult:
        yield self.view
        yield Input(placeholder="search: text, or /regular expression/")

    def on_mount(self) -> None:
        """Follow at once."""
        self.view.focus()
        self.set_interval(0.2, self._flush)
        self.action_again()

    def on_unmount(self) -> None:
        """End the reading: nobody looks any more."""
        self._stopped.set()
        self._searching.set()

    def action_again(self) -> None:
        """Ask anew, and follow."""
        self._stopped.set()
        self._stopped = threading.Event()
        self._fresh = []
        self._halved, self._timeless = 0, False
        self.view.clear()
        go(self, self._follow(self._stopped), "logs")

    async def _follow(self, stopped: threading.Event) -> None:
        from services.operations.logs import fetch, follow

        self.say(f"asking the edge agent for the last {counted(self.tail, 'line')}")
        hub, since, until, regex = self.session.hub, *self.filters.values()
        module: str | tuple[str, ...] = self.module or ()
        what: dict[str, Any] = {
            "tail": self.tail,
            "since": since,
            "level": self.level,
            "regex": regex,
            "halved": partial(self._cut_to, stopped),
        }
        try:
            if until:  # what ends cannot be followed
                self._fresh += await in_thread(lambda: fetch(hub, self.device, module, until=until, **what))
                stopped.set()
            else:
                timeless = partial(self._follow_without_times, stopped)
                async for line in each(follow(hub, self.device, module, stopped, timeless=timeless, **what)):
                    self._fresh.append(line)
        except OperatorError as error:
            stopped.set()
            self.say(f"✗ {error}", "bad")
            return
        if not self._fresh and not self.view.lines:
            self._say_state()

    def _cut_to(self, stopped: threading.Event, lines: int) -> None:
        """Set the log's end; called in the thread that asks."""
        if stopped is self._stopped:
            self._halved = lines

    def _follow_without_times(self, stopped: threading.Event) -> None:
        """Follow a log that has no times; called in the thread that asks."""
        if stopped is self._stopped:
            self._timeless = True

    def _flush(self) -> None:
        """Show what came since the last time, in one frame."""
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self.view.add(fresh)
            self._count_matches()

    def _say_state(self) -> None:
        followed = "following" if not self._stopped.is_set() else "ended" if self.filters["until"] else "paused"
        filter_text = "".join(f" · {name} {value}" for name, value in self.filters.items() if value)
        cut = f" · too large for one answer: the last {self._halved:,} asked for" if self._halved else ""
        timeless = " · last lines alone: no search by time" if self._timeless else ""
        lines = counted(len(self.view.lines), "line")
        self.say(f"{followed} · {lines}{self._matches} · {dict(_LEVELS)[self.level]}{filter_text}{cut}{timeless}")

    def action_wrap(self) -> None:
        """Show long lines over several rows, or cut."""
        self.view.wrap(not self.view.wrapped)

    def action_since(self) -> None:
        """Ask for a time, and show only lines from then on."""
        go(self, self._ask("since"), "choose")

    def action_until(self) -> None:
        """Ask for a time, and show only lines up to then."""
        go(self, self._ask("until"), "choose")

    def action_regex(self) -> None:
        """Ask for a regular expression, and show only lines that match it on the device."""
        go(self, self._ask("regex"), "choose")

    async def _ask(self, name: str) -> None:
        value = await self.app.push_screen_wait(Prompt(f"Log lines: {name}", _HINTS[name], self.filters[name]))
        if value is not None:
            self.filters[name] = value.strip()
            self.action_again()

    def action_module(self) -> None:
        """Ask for another module and show its log."""
        go(self, self._choose_module(), "choose")

    async def _choose_module(self) -> None:
        state = await in_thread(self.session.hub.device_state, self.device)
        names = [(module.name, module.name, "of the runtime" if module.system else "") for module in state.modules]
        names.append(("", "all modules", "merged by time"))
        answer = await self.app.push_screen_wait(Choose("Module", names, current=self.module))
        if answer is not None:
            self.module = answer
            self.title_is(f"Logs · {answer or 'all modules'} on {self.device}")
            self.action_again()

    def action_restart(self) -> None:
        """Restart the module whose log this is."""
        from console.tui.flows.changes import restart

        app = app_of(self)
        if not self.module:
            app.notify("M chooses the module that is to restart", severity="warning", timeout=4)
            return
        go(self.app, restart(app.main, self.session, self.device, self.module), "change")

    def action_pause(self) -> None:
        """Stop asking; again to go on."""
        if self._stopped.is_set():
            self.action_again()
        else:
            self._stopped.set()
            self._say_state()

    def action_times(self) -> None:
        """Show or hide the lines' times."""
        self.view.times = not self.view.times
        self.view.forget()

    def action_search(self) -> None:
        """Open the search line."""
        line = self.query_one(Input)
        line.add_class("-open")
        line.focus()

    @on(Input.Changed)
    def _search_changed(self, event: Input.Changed) -> None:
        from services.expressions import line_search

        try:
            search = line_search(event.value)
        except UsageError as error:  # as it is while somebody types
            self.view.mark(None)
            self._count_matches()
            self.say(error.what, "warn")
            return
        self.view.mark(search)
        self._count_matches()

    def _count_matches(self) -> None:
        """Say how many lines match, when they have been counted in a thread; for now without."""
        self._searching.set()
        self._matches = ""
        self._say_state()
        if self.view.search is not None:
            self._searching = threading.Event()
            go(self, self._count(self.view.search, self._searching), "search")

    async def _count(self, search: Search, stopped: threading.Event) -> None:
        from services.expressions import matching_lines

        places, complete = await in_thread(matching_lines, search, [line.text for line in self.view.lines], stopped)
        if not stopped.is_set():
            self._matches = (
                f", {len(places):,} match" if complete else f", {len(places):,} or more match (the search takes too long)"
            )
            self._say_state()

    @on(Input.Submitted)
    def _search_submitted(self) -> None:
        self.query_one(Input).set_class(bool(self.query_one(Input).value), "-open")
        self.view.focus()
        if self.view.search is not None:
            go(self, self._go_to_match(self.view.search), "match")

    def action_next_match(self) -> None:
        """Go to the next line that matches, towards the older ones, as the search does."""
        self._move_on(up=True)

    def action_previous_match(self) -> None:
        """Go back to the match before, towards the newer ones."""
        self._move_on(up=False)

    def _move_on(self, up: bool) -> None:
        if self.view.search is None:
            self.say("Nothing is searched for: / begins.", "warn")
        else:
            go(self, self._go_to_match(self.view.search, up), "match")

    async def _go_to_match(self, search: Search, up: bool = True) -> None:
        """Put the cursor on the nearest line that matches, above it or from the end; or below it and from the beginning."""
        from services.expressions import matching_lines

        lines, order = list(self.view.lines), self.view.search_order(up)
        texts = (lines[place].text for place in order)
        places, complete = await in_thread(partial(matching_lines, search, texts, threading.Event(), at_most=1))
        line = lines[order[places[0]]] if places else None
        now = next((place for place, each_line in enumerate(self.view.lines) if each_line is line), None)
        if now is not None:
            self.view.move_to_line(now)
        elif not complete:
            self.say("No match so far: the search takes too long. Try a simpler expression.", "warn")

    @on(Lines.Chosen)
    def _whole(self) -> None:
        """Show a long line whole."""
        line = self.view.current
        if line is not None:
            self.app.push_screen(Reader("Line", line.text))

    def action_leave(self) -> None:
        """Leave the search first, then the screen."""
        line = self.query_one(Input)
        if line.has_class("-open"):
            line.value = ""
            line.remove_class("-open")
            self.view.focus()
        else:
            self.dismiss(None)

    def action_tail(self) -> None:
        """Ask for another number of lines."""
        go(self, self._choose_tail(), "choose")

    async def _choose_tail(self) -> None:
        answer = await self.app.push_screen_wait(
            Choose("Lines", [(value, text, "") for value, text in _TAILS], current=self.tail)
        )
        if answer:
            self.tail = answer
            self.action_again()

    def action_level(self) -> None:
        """Ask for another level."""
        go(self, self._choose_level(), "choose")

    async def _choose_level(self) -> None:
        choices = [(text, text, "") for _, text in _LEVELS]
        answer = await self.app.push_screen_wait(Choose("Level", choices, current=dict(_LEVELS)[self.level]))
        if answer:
            self.level = next(value for value, text in _LEVELS if text == answer)
            self.action_again()

    def action_save(self) -> None:
        """Save what is here."""
        go(self, self._save(), "save", exclusive=False)

    async def _save(self) -> None:
        name = f"{file_name(self.device)}-{file_name(self.module.strip('$') or 'all')}-{datetime.now():%Y%m%d-%H%M%S}.log"
        path, lines = saved_folder("logs") / name, tuple(self.view.lines)

        def save() -> None:
            private_folder(path.parent)
            write(path, "".join(f"{_dated(line)}\n" for line in lines))

        await in_thread(save)
        self.say(f"saved to {path}", "good")


def _dated(line: LogLine) -> str:
    time = [line.time.isoformat(timespec="milliseconds")] if line.time else []
    return " ".join([*time, *([f"{line.module}:"] if line.module else []), line.text])
