"""Messages at work: the recorder is started or attached to, and the pane reads only the window that it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.owner import app_of
from console.tui.panes.pane_scope import PaneScope
from services.errors import OperatorError, UsageError
from services.records import PAGE, InferenceMessage
from services.text import counted
from widgets.copy import Copy
from widgets.details import message_details
from widgets.dialogs import Prompt
from widgets.lines import Lines
from widgets.messages import MessagesPane
from widgets.pane import Pane
from widgets.stream import Stream

if TYPE_CHECKING:
    from services.messages.feed import MessageFeed
    from services.operations.changes import StreamChanges
    from services.operations.session import Session

_BUSY, _IDLE = 0.25, 1.0  # seconds between two looks at the journal
_VERDICT = 10.0  # seconds between two looks at how the messages of the device are


class Messages(PaneScope, MessagesPane):
    """The messages pane at work."""

    SCOPES = ("messages", "pane")
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self._aside = ""  # the filter that x has put aside
        self._device = ""  # the one that is looked at
        self._all_devices = False
        self._changes: StreamChanges | None = None  # of the device that is looked at

    @property
    def source(self) -> MessageFeed:
        """Where it reads."""
        assert self.session is not None
        return self.session.messages

    def begin(self, session: Session, device: str) -> None:
        """Attach to the recorder, then look at the journal again and again; ``device`` may not be known yet."""
        self.session = session
        self._name_devices(device)
        self.read()

    def on_mount(self) -> None:
        """Follow the verdict on the device's messages, whatever is looked at."""
        self.set_interval(_VERDICT, self._judge_now)

    def _judge_now(self) -> None:
        if self.session is not None and self.source.path and self._device:
            go(self, self._judge(self._device), "verdict")

    async def _judge(self, device: str) -> None:
        from services.operations.changes import WINDOW, StreamChanges

        if self._changes is None:
            self._changes = StreamChanges()
        try:
            health = await in_thread(self.source.health, WINDOW, device)
        except OperatorError:
            return  # what ails the journal is said where it is read
        if device == self._device:
            for change in self._changes.compare(health):
                self.main.alert(change, "app.messages")

    def look_at(self, device: str) -> None:
        """Show the messages of another device."""
        if device != self._device:
            self._changes = None
            self._name_devices(device)
            self._read_anew()

    def _name_devices(self, device: str) -> None:
        self._device = device
        self.show_scope("" if self._all_devices else self._device)

    def _read_anew(self) -> None:
        if self.session is not None:
            go(self, self._narrow(self.filter_text), "narrow")

    @on(Pane.Reload)
    def read(self) -> None:
        """Open the journal and read its end."""
        if self.session is not None:
            go(self, self._run(), "tail")

    async def _run(self) -> None:
        self.waiting("Finding the hub's endpoint and starting the recorder")
        try:
            await in_thread(self.source.open)
            self.show_window(await in_thread(self.source.narrow, self.filter_text, self.scope_device))
        except OperatorError as error:
            self.failed(error)
            return
        slow = 4 if app_of(self).slow else 1
        pause = _BUSY
        while True:
            await asyncio.sleep(pause * slow)
            pause = _BUSY if await self._glance() else min(pause * 1.5, _IDLE)

    async def _glance(self) -> bool:
        """Look once and return whether anything came that is seen; a filter that changes meanwhile makes the answer worthless."""
        from services.messages.journal.window import Cancelled

        tailing, last = self.tailing, self.stream.last_row
        shown_set = self.filter_text, self.scope_device
        seen_now = self.look != "ready" or self.is_on_screen  # out of sight only the intake is told
        try:
            glimpse = await in_thread(self.source.look, last, self.stream.room if tailing and seen_now else 0)
        except Cancelled:
            return True
        except OperatorError as error:
            self.show_unread(error)
            return False
        if shown_set == (self.filter_text, self.scope_device) and tailing == self.tailing and last == self.stream.last_row:
            with self.app.batch_update():
                if glimpse.newer or glimpse.anew:
                    self.add_newer(glimpse.newer, glimpse.anew)
                self.show_intake(glimpse.intake, 0 if tailing else glimpse.pending)
        return seen_now and (bool(glimpse.newer) or glimpse.pending > 0)

    @on(MessagesPane.FilterChanged)
    def _filtered(self, event: MessagesPane.FilterChanged) -> None:
        if self.session is not None:
            go(self, self._narrow(event.text), "narrow")

    async def _narrow(self, text: str, at_row: int | None = None) -> None:
        from services.messages.journal.window import Cancelled

        try:
            messages = await in_thread(self.source.narrow, text, self.scope_device)
        except UsageError as error:
            self.say_mistake(error.what)
            return
        except Cancelled:
            return  # a newer filter is on its way
        except OperatorError as error:
            if self.look == "ready":  # else the journal is not open yet
                self.show_unread(error)
            return
        self._aside = "" if text else self._aside
        self.stream.following = True
        self.show_window(messages, at_row)
        if (text or self.scope_device) and len(messages) < self.stream.page_size:
            self._more("before", None)

    @on(Stream.Wanted)
    def _load_rows(self, event: Stream.Wanted) -> None:
        self._more(event.where, event.row)

    def show_window(self, messages: Sequence[InferenceMessage], at_row: int | None = None) -> None:
        """Show another window, on which what is still being searched for does not follow."""
        self.workers.cancel_group(self, "before")
        self.say_mistake("")
        super().show_window(messages, at_row)

    def _more(self, where: str, row: int | None) -> None:
        go(self, self._older(row) if where == "before" else self._newer(row), where)

    async def _newer(self, row: int | None) -> None:
        from services.messages.journal.window import Cancelled

        try:
            messages = await in_thread(self.source.newer, row)
        except Cancelled:
            return
        if self.stream.window and self.stream.last_row == row:
            self.add_newer(messages)

    async def _older(self, row: int | None) -> None:
        """Go back through the journal, a portion at a time, until there is a screen full: the tail goes on meanwhile."""
        from services.messages.journal.window import Cancelled

        match_count, stop, searching = 0, max(self.stream.page_size, PAGE // 5), False
        while match_count < stop:
            try:
                older = await in_thread(self.source.older, row)
            except Cancelled:
                return
            self.add_older(older.messages)
            match_count, row = match_count + len(older.messages), older.reached
            if older.share >= 1:
                break
            if match_count < stop:
                searching = True
                self.say_mistake(f"searching, newest first: {min(older.share, 0.99):.0%}")
        if not self.stream.window and self.filter_text:
            self.say_mistake(f"nothing found up to {datetime.now():%H:%M:%S}")
        elif searching:
            self.say_mistake("")

    @on(MessagesPane.Highlighted)
    def _highlighted(self, event: MessagesPane.Highlighted) -> None:
        if self.main.current is self:
            self.action_panel()

    def action_panel(self) -> None:
        message = self.stream.current
        if message is not None and self.main.has_details:
            self.main.show_details(message_details(message))

    def row_word(self) -> str:
        return "message"

    def current_row(self) -> InferenceMessage | None:
        """Return the message under the cursor."""
        return self.stream.current

    @on(MessagesPane.Tail)
    def _tail(self) -> None:
        self._read_anew()

    @on(Stream.Beginning)
    def _to_beginning(self) -> None:
        go(self, self._show_oldest(), "narrow")

    async def _show_oldest(self) -> None:
        from services.messages.journal.window import Cancelled

        try:
            messages = await in_thread(self.source.oldest)
        except Cancelled:
            return
        if messages:
            self.stream.following = False
            self.show_window(messages, messages[0].row)

    def action_devices(self) -> None:
        """Show the messages of all the hub's devices, or again only those of the device that is looked at."""
        self._all_devices = not self._all_devices
        self.show_scope("" if self._all_devices else self._device)
        self._read_anew()

    @on(Lines.Chosen)
    def _on_row_chosen(self, event: Lines.Chosen) -> None:
        """Enter shows details."""
        event.stop()
        self.act("messages.details")

    def action_details(self, message: InferenceMessage) -> None:
        """Show its body, properties and system properties."""
        go(self, self._details(message), "details")

    def action_export(self) -> None:
        """Export what the filter lets through."""
        go(self, self._export(), "export")

    def action_context(self, message: InferenceMessage) -> None:
        """Show what came before and after it, without the filter."""
        go(self, self._show_context(message), "narrow")

    def action_mark(self, message: InferenceMessage) -> None:
        """Mark it, or take the mark away."""
        go(self, self._mark(message), "mark")

    def action_health(self) -> None:
        """Open rates, latencies and classes."""
        from console.tui.screens.health import HealthScreen

        if self.session is not None:
            self.app.push_screen(HealthScreen(self.session, self.scope_device))

    def action_jump(self) -> None:
        """Go to a time."""
        go(self, self._jump(), "jump")

    def action_save(self, message: InferenceMessage) -> None:
        """Save its body."""
        go(self, self._save(message), "save")

    def action_yank(self, message: InferenceMessage) -> None:
        """Copy it."""
        go(self, self._copy(message), "copy")

    async def _details(self, message: InferenceMessage) -> None:
        from console.tui.screens.message import MessageReader

        whole, raw = await in_thread(self.source.whole, message)
        self.app.push_screen(MessageReader(self.source, self.stream, whole, raw))

    async def _copy(self, message: InferenceMessage) -> None:
        whole, _ = await in_thread(self.source.whole, message)
        truncation = f", without its last {counted(whole.body_left, 'byte')}" if whole.body_left else ""
        self.post_message(Copy(whole.body or whole.text, "message", note=truncation))

    async def _save(self, message: InferenceMessage) -> None:
        """Ask where to, and write the body there, byte for byte."""
        name = f"message-{message.partition}-{message.sequence_number}"
        text = await self.app.push_screen_wait(Prompt("Save", "The message's body, byte for byte", self.source.export_path(name)))
        if text:
            path, size = await in_thread(self.source.save, message, text)
            self.notify(f"{counted(size, 'byte')} written to {path}", timeout=10)

    async def _show_context(self, message: InferenceMessage) -> None:
        """Show what stands around this message without the filter; once more, and the filter is back, around the message looked at now."""
        text, self._aside = self._aside if not self.filter_text else "", self.filter_text
        with self._filter.prevent(Input.Changed):
            self.restore_filter(text)
        self.filter_text = text
        messages = await in_thread(self.source.around, message.row, text, self.scope_device)
        self.stream.following = False
        self.show_window(messages, message.row)
        self.border_subtitle = Content("without the filter; x brings it back") if self._aside else None

    async def _mark(self, message: InferenceMessage) -> None:
        self.stream.update_message(await in_thread(self.source.mark, message))

    async def _jump(self) -> None:
        hint = "14:30, yesterday 14:30, 2026-01-31 14:30; 10m or 2h for so long ago"
        text = await self.app.push_screen_wait(Prompt("Jump to a time", hint))
        if not text:
            return
        from services.messages.start import parse_time

        moment = await in_thread(lambda: self.source.at(parse_time(text)))
        if moment is None:
            self.notify("Nothing came at that time or since.", timeout=3)
            return
        self.stream.following = False
        self.show_window(moment.messages, moment.row)
        if moment.is_first:
            self.notify("The journal has no message before this one.", timeout=4)

    async def _export(self) -> None:
        """Ask where to, and write there all that the filter lets through."""
        what = "What the filter lets through" if self.filter_text else "All messages"
        what += f" of {self.scope_device}" if self.scope_device else ""
        hint = f"{what}: as NDJSON, or as CSV where the name ends in .csv"
        text = await self.app.push_screen_wait(Prompt("Export", hint, self.source.export_path()))
        if not text:
            return
        self.notify("exporting", timeout=2)
        path, count = await in_thread(self.source.export, self.filter_text, text, self.scope_device)
        self.notify(f"{counted(count, 'message')} written to {path}", timeout=10)
