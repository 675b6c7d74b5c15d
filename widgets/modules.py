"""The modules pane: what a device was told to run, and what it says it runs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from services.records import PING_COST, DeviceState, Finding, states
from services.times import ago
from widgets.hanging_indent import Hang, Hanging
from widgets.module_row import COLUMNS, Row, module_state, next_start, reason, summary
from widgets.pane import Pane
from widgets.remedies import on_screen
from widgets.symbols import LIVENESS, SEVERITY, STYLES, drawn
from widgets.table import Table

_CAUSE = 240  # characters of a cause under the table, so that its remedy stays in sight; Enter shows all


def _hung(parts: Sequence[tuple[str, str]]) -> Hanging:
    """Return the lines that begin with a sign, and go on under what stands beside it."""
    content = Content.assemble(*parts)
    starts = [len(line.split(" ", 1)[0]) + 1 for line in content.plain.split("\n")]
    return Hanging(content, {number: Hang(start, start) for number, start in enumerate(starts)})


class ModulesPane(Pane):
    """Modules of one device."""

    NUMBER = 2
    NAME = "Modules"
    HELP = """Modules of the device: what the deployment asks for against what the edge agent reports. STATE is one word,
REASON says in short why; Enter tells cause, remedy and everything else. ✓ is well, ! wants a look, ✗ is a fault. l reads the
logs (of edgeAgent and edgeHub too), t the twin, m invokes a direct method, p asks the edge agent for a sign of life, which costs
2 messages of the quota.

The hub counts each refresh against its daily quota: the interval is in the context (limits.modules_every). What the edge hub
makes of its routes stands in a twin of its own, which is read with r, after a deployment, and every tenth time."""

    class Highlighted(Message):
        """The cursor stands on another module."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    def compose_content(self) -> ComposeResult:
        yield Table(
            COLUMNS,
            lambda row: row.module.name,
            lambda row: f"{row.module.name} {module_state(row)[0]} {reason(row)[0]} {row.module.image}",
            id="module-table",
        )
        self.row_line = Static("", id="row-line")
        yield self.row_line
        self.device_line = Static("", id="device-line")
        yield self.device_line

    def on_mount(self) -> None:
        """Count down between two readings."""
        self.set_interval(1.0, self._count_down)

    @property
    def table(self) -> Table[Row]:
        """The table of modules."""
        return self.query_one("#module-table", Table)

    @property
    def row(self) -> Row | None:
        """The module under the cursor."""
        return self.table.current

    pinged = ""  # how the last ping went, in a few words
    support = ""  # what of the device is out of support, in a few words

    def show_state(self, state: DeviceState, findings: Mapping[str, Finding]) -> None:
        """Show the device's modules as just read, with what diagnosis finds; ``""`` is the device itself."""
        self.border_title = Content(drawn(f"{self.NUMBER} Modules · {state.device.id}"))
        rows = [Row(module, findings.get(module.name)) for module in state.modules]
        rows.sort(key=lambda row: row.module.system)
        if not rows:
            self.empty(
                f"{state.device.id} runs no modules.",
                "Nothing was deployed to it yet. 1 goes to the images; Enter there deploys one.",
            )
        else:
            self.ready(state.read_at)
            self.table.show(rows)
            whole = findings.get("")
            if whole is not None and whole.state != states.MODULE_TROUBLE and whole.severity in ("error", "warning"):
                sign, role = SEVERITY[whole.severity]
                self.say(f"{sign} {whole.word}", role)
            else:
                self.say(*summary(rows))
        self._say_device(state, findings.get(""))

    def say_row(self) -> None:
        """Show what is wrong with the module under the cursor, whole, and when it starts again."""
        row = self.row
        parts: list[tuple[str, str]] = []
        if row is not None and row.finding is not None and row.finding.severity in ("warning", "error"):
            finding = row.finding
            sign, role = SEVERITY[finding.severity]
            likely = "likely: " if finding.likely else ""
            parts.append((drawn(f"{sign} {row.module.name}: {likely}{finding.reason}. "), STYLES[role]))
            start = next_start(row.module)
            parts.append((f"{start[:1].upper()}{start[1:]}. " if start else "", STYLES["warn"]))
            cause = textwrap.shorten(finding.cause, _CAUSE, placeholder=" …")
            parts.append((drawn(f"{cause}\n→ {on_screen(finding.remedy)}"), ""))
        self.row_line.display = bool(parts)
        self.row_line.update(_hung(parts))

    def _count_down(self) -> None:
        if self.look == "ready" and self.row is not None and next_start(self.row.module):
            self.say_row()

    def _say_device(self, state: DeviceState, finding: Finding | None) -> None:
        parts: list[tuple[str, str]] = []
        if finding is not None and finding.severity != "ok":
            # First: where there is no room, what is out of support is what goes.
            sign, role = SEVERITY[finding.severity]
            also = "" if finding.state == states.MODULE_TROUBLE else f" {on_screen(finding.remedy)}"
            parts.append((drawn(f"{sign} {finding.reason}.{also}\n"), STYLES[role]))
        if state.liveness is not None:
            sign, role = LIVENESS[state.liveness.word]
            ask = f"; p pings ({PING_COST} messages)" if state.liveness.unasked else ""
            parts.append((f"{sign} {state.liveness.text}{ask} · ", STYLES[role]))
        parts.append((f"reported {ago(state.reported_at)}" if state.reported_at else "never reported", STYLES["dim"]))
        if state.desired_version is not None:
            same = state.desired_version == state.last_desired_version
            versions = (
                f"version {state.desired_version}"
                if same
                else f"version {state.last_desired_version or '?'} of {state.desired_version}"
            )
            parts.append((f" · {versions}", STYLES["dim" if same else "warn"]))
        parts += [(drawn(f" · {text}"), STYLES["dim"]) for text in (self.pinged, self.support) if text]
        self.device_line.update(_hung([(drawn(text), style) for text, style in parts]))

    DEFAULT_CSS = """
    ModulesPane #device-line { height: auto; max-height: 4; padding: 0 1; }
    ModulesPane #row-line { height: auto; max-height: 7; padding: 0 1; display: none; }
    """

    def filtered(self, text: str) -> None:
        self.table.set_filter(text)

    def content(self) -> Widget:
        return self.table.rows

    def needed_height(self) -> int | None:
        return self.table.needed_height(self) if self.look == "ready" else None

    def action_sort(self) -> None:
        """Take the next order."""
        self.notify(f"modules sorted: {self.table.next_sort()}", timeout=2)

    def on_table_highlighted(self, event: Table.Highlighted) -> None:
        event.stop()
        self.say_row()
        self.post_message(self.Highlighted(self.row))
