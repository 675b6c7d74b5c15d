"""Modules of a device: read, looked into, restarted, switched, removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.panes.module_actions import ModuleActions
from services.errors import OperatorError
from services.names import module_name
from services.records import PING_COST, DeviceState, Finding, InferenceMessage
from services.times import ago, now
from widgets.details import Around, module_details
from widgets.modules import ModulesPane
from widgets.pane import Pane
from widgets.symbols import drawn
from widgets.table import Table

if TYPE_CHECKING:
    from services.operations.changes import DeviceChanges
    from services.operations.client_monitor import ClientMonitor
    from services.operations.session import Session
    from widgets.module_row import Row

_MONITOR = 2.0  # seconds between two looks at what clients say
_AFTER_A_FAILURE = 10.0  # seconds to the next reading where one failed
_TAKING, _LOOKS = 3.0, 6  # seconds between two looks whether the device has taken a deployment, and how many: each costs quota
_PROBE = 10.0  # seconds between two signs of the hub: a frozen one is noticed long before the next reading of the twin
_UNANSWERED = 4.0  # seconds after which what has no answer yet is spoken of


class Modules(ModuleActions, ModulesPane):
    """The modules pane at work."""

    SCOPES = ("modules", "pane")
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES, hidden=("pane.filter",))

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self.device = ""
        self.state: DeviceState | None = None
        self.findings: Mapping[str, Finding] = {}
        self._timer: Timer | None = None
        self._sooner: Timer | None = None
        self._monitor: ClientMonitor | None = None
        self._changes: DeviceChanges | None = None
        self._complaints: Sequence[Finding] = ()
        self._has_listened = False  # what clients complained of before was so at the start: it calls nobody
        self._monitoring = False
        self._reading = 0  # readings that wait for the hub
        self._ping: tuple[datetime, str] | None = None
        self._exits: dict[str, list[tuple[datetime, str]]] = {}
        self._recent: dict[str, Sequence[InferenceMessage]] = {}
        self._row_to_select = ""

    def begin(self, session: Session, device: str) -> None:
        """Read the device now, and again every half minute (``limits.modules_every``: each reading costs quota)."""
        from services.operations.changes import DeviceChanges  # after the first frame
        from services.operations.client_monitor import ClientMonitor

        if device != self.device:
            self.look = "loading"
            self.screen.refresh_bindings()
            self.state, self._ping, self.pinged = None, None, ""
            self._exits, self._recent = {}, {}
            self._monitor, self._complaints, self._has_listened = ClientMonitor(), (), False
            self._changes = DeviceChanges()
            self.border_title = Content(drawn(f"{self.NUMBER} Modules · {device}"))
        self.session, self.device = session, device
        self.read()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(session.context.limits.modules_every, self._read_in_time)

    @on(Pane.Reload)
    def _read_asked(self) -> None:
        """Read the device's state and its edge hub's, as the operator asks."""
        self.read(on_request=True)

    def read(self, on_request: bool = False) -> None:
        """Read the device's state."""
        if self.session is not None and self.device:
            go(self, self._read(self.session, self.device, on_request), "read")

    def _read_in_time(self) -> None:
        """Read anew, but never in place of a reading that still waits: a hub that is silent would never be told of."""
        if not self._reading:
            self.read()

    def read_until_taken(self) -> None:
        """Read again every few seconds until the device has taken what was deployed, a few times at most."""
        go(self, self._read_until_taken(self.device), "taken")

    async def _read_until_taken(self, device: str) -> None:
        for _ in range(_LOOKS):
            await asyncio.sleep(_TAKING)
            state = self.state
            if device != self.device or (state is not None and state.last_desired_version == state.desired_version):
                return
            self._read_in_time()

    def on_mount(self) -> None:
        """Watch the device's clients and the hub, too."""
        self.set_interval(_MONITOR, self._monitor_now)
        self.set_interval(_PROBE, self._probe_now)

    def _probe_now(self) -> None:
        """Look whether the hub answers, unless a reading does so now."""
        if self.session is not None and self.look == "ready" and not self._reading:
            go(self, self._probe(self.session, self.device), "probe")

    async def _probe(self, session: Session, device: str) -> None:
        late = self.set_timer(_UNANSWERED, self._say_unanswered)
        self._reading += 1
        try:
            await in_thread(session.probe, device)
        except OperatorError as error:
            self.failed(error)
        else:
            if self.stale:
                self.read()
        finally:
            self._reading -= 1
            late.stop()

    def _monitor_now(self) -> None:
        if self._monitor is not None and self.session is not None and self.state is not None and not self._monitoring:
            self._monitoring = True
            go(self, self._monitor_clients(self._monitor, self.session, self.state), "monitor")

    async def _monitor_clients(self, monitor: ClientMonitor, session: Session, state: DeviceState) -> None:
        try:
            report = await in_thread(monitor.look, session, state)
        finally:
            self._monitoring = False
        if state is not self.state:
            return  # read anew meanwhile
        if list(report.complaints) != list(self._complaints):
            self._complaints = report.complaints
            self._adopt(state, report.findings, calling=self._has_listened)
        self._has_listened = self._has_listened or session.messages.listening
        if report.twin_is_old:
            self._read_in_time()

    async def _read(self, session: Session, device: str, on_request: bool) -> None:
        if self.look != "ready":
            self.waiting(f"Reading the twin of {device}")
        late = self.set_timer(_UNANSWERED, self._say_unanswered)
        self._reading += 1
        if self._sooner is not None:
            self._sooner.stop()
        try:
            state, findings = await in_thread(session.state, device, self._complaints, on_request)
        except OperatorError as error:
            self.failed(error)
            self._sooner = self.set_timer(_AFTER_A_FAILURE, self._read_in_time)
        else:
            self._note_exits(state)
            self._adopt(state, findings)
            if self._row_to_select and self.table.go_to(self._row_to_select):
                self._row_to_select = ""
        finally:
            self._reading -= 1
            late.stop()
        self.main.say_spent()

    def _adopt(self, state: DeviceState, findings: Mapping[str, Finding], calling: bool = True) -> None:
        from services.diagnosis.lifecycle import headline, unsupported

        self.state, self.findings = state, findings
        self.support = headline(unsupported(state, now().date()))
        self.show_state(state, findings)
        self.main.options.device_read()
        for change in self._changes.compare(state, findings) if self._changes is not None else ():
            if calling:
                self.main.alert(change, "app.modules")

    def stand_on(self, module: str) -> None:
        """Move the cursor to a module as soon as the twin shows it."""
        self._row_to_select = module

    def _say_unanswered(self) -> None:
        """Say above the rows that the hub has not answered yet; the answer or the error takes the line's place."""
        reason = self.session.waits_for if self.session is not None else None
        if self.look == "ready" or reason is not None:
            self.failed(reason or OperatorError("The hub does not answer.", remedy="Find out why: dbe-console doctor."))
        else:
            self.waiting("The hub has not answered yet; d finds out why")

    def details_of(self, row: Row) -> Content:
        """Return details with secrets masked, as they are now."""
        from services.masking import Masking, mask_document

        desired = row.module.desired
        env = Masking().tree(desired.env) if desired else {}
        around = Around(
            env=env,
            options=mask_document(desired.create_options) if desired else "",
            messages=self._recent.get(row.module.name, ()),
            reported_at=self.state.reported_at if self.state else None,
            pinged=self.ping_words(),
            exits=self._exits.get(row.module.name, ()),
        )
        return module_details(row, around)

    def ping_words(self) -> str:
        """Return how the last ping went."""
        if self._ping is None:
            return ""
        at, answer = self._ping
        return f"{answer}, {ago(at)}"

    async def _ask_ping(self, session: Session, device: str) -> None:
        began = time.monotonic()
        try:
            await in_thread(session.ping, device)
            answer = f"ping answered in {time.monotonic() - began:.1f} s"
        except OperatorError as error:
            answer = f"ping: {error.what}"
        if device != self.device:
            return
        self._ping = (now(), answer)
        self.pinged = f"{answer} (cost {PING_COST} messages of the quota)"
        if self.state is not None:
            self._adopt(*await in_thread(session.judged, self.state, self._complaints))
        self.main.say_spent()

    async def _find_recent(self, session: Session, device: str, module: str) -> None:
        from services.operations.host import clients

        client = self.state is not None and module in [each.name for each in clients(self.state)]
        self._recent[module] = await in_thread(session.messages.recent, device, module, client)

    def _note_exits(self, state: DeviceState) -> None:
        """Keep the exits that were seen, of which the twin tells only the last."""
        for module in state.modules:
            reported = module.reported
            if reported is None or reported.last_exit is None:
                continue
            exits = self._exits.setdefault(module.name, [])
            if not exits or exits[-1][0] != reported.last_exit:
                exits.append((reported.last_exit, f"exit code {reported.exit_code}, restart {reported.restart_count}"))
                del exits[:-20]

    @on(ModulesPane.Highlighted)
    def _highlighted(self, event: ModulesPane.Highlighted) -> None:
        if self.main.current is self:
            self.action_panel()

    def action_panel(self) -> None:
        if self.row is not None:
            self.main.show_details(self.details_of(self.row))

    def row_word(self) -> str:
        return "module"

    def current_row(self) -> Row | None:
        """Return the module under the cursor."""
        return self.row

    def go_to_row(self, name: str) -> bool:
        """Put the cursor on a module."""
        return self.table.go_to(module_name(name))

    def row_names(self) -> list[str]:
        """Return the names of the modules."""
        return [module.name for module in self.state.modules] if self.state is not None else []

    @on(Table.Chosen)
    def _on_row_chosen(self, event: Table.Chosen) -> None:
        """Enter shows details."""
        event.stop()
        self.act("modules.details")

    def action_ping(self) -> None:
        """Ask the edge agent for a sign of life."""
        if self.session is not None:
            self.notify("asking the edge agent", timeout=2)
            go(self, self._ask_ping(self.session, self.device), "ping")

    def action_details(self, row: Row) -> None:
        """Show all that is known of the module; from there its other keys go on with it."""
        from console.tui.screens.module import ModuleScreen

        name = row.module.name
        if self.session is not None:
            go(self, self._find_recent(self.session, self.device, name), "recent")
            screen = ModuleScreen(f"{name} on {self.device}", lambda: self._now(name, row), lambda id: self.act(id, row=row))
            self.app.push_screen(screen)

    def _now(self, name: str, before: Row) -> Content:
        """Return details of a module by what was read last."""
        row = next((row for row in self.table.all if row.module.name == name), before)
        return self.details_of(row)
