"""Whether the model is healthy, at a glance: rate, latency, classes, errors, and what changed against the window before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from services.messages.health.statistics import WINDOWS
from services.messages.health.verdict import verdict
from services.operations.session import Session
from services.records import ERROR_KINDS
from services.text import counted
from widgets.lines import fit
from widgets.plot import bar, spark
from widgets.status import spent_today
from widgets.stream import share
from widgets.symbols import SEVERITY, STYLES, drawn

if TYPE_CHECKING:
    from services.messages.health.statistics import Counts, Health

_WINDOWS = tuple(zip(WINDOWS.values(), ("5 minutes", "hour", "day", "7 days"), strict=True))
_LABEL = 13
_PLOT = "$text-primary"


class HealthScreen(FullScreen[None]):
    """Numbers and plots of a window, which is compared with the one before it."""

    DEFAULT_CSS = """
    HealthScreen #health { padding: 0 1; }
    """
    HELP = """n takes the next length of window. Everything is compared with the window of the same length before it; what changed
stands in the first lines, where both hold enough messages to tell."""
    SCOPES = ("health",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session, device: str = "") -> None:
        """Tell of ``device``; of all the hub's devices where it is empty."""
        super().__init__(f"Health · {device or 'all devices'}")
        self.session = session
        self.device = device
        self.window = 0

    def compose_content(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("", id="health")

    def on_mount(self) -> None:
        """Read now, and every few seconds."""
        self.query_one(VerticalScroll).focus()
        self.action_again()
        self.set_interval(5, self.action_again)

    def action_next(self) -> None:
        """Take the next longer window; after the longest the shortest."""
        self.window = (self.window + 1) % len(_WINDOWS)
        self.action_again()

    def action_again(self) -> None:
        """Read again."""
        go(self, self._read(), "health")

    async def _read(self) -> None:
        seconds, name = _WINDOWS[self.window]
        counted = 0.0
        while counted < 1:
            try:
                health = await in_thread(self.session.messages.health, seconds, self.device)
            except OperatorError as error:
                self.say(f"✗ {error}", "bad")
                return
            counted = health.counted
            self.query_one("#health", Static).update(content(health, name, max(self.size.width - _LABEL - 22, 10)))
            spent = self.session.spent()
            words = (
                "" if counted == 1 else f"counting, newest first: {counted:.0%}",
                "" if spent is None else spent_today(spent),
            )
            self.say(" · ".join(word for word in words if word))


def content(health: Health, name: str, width: int) -> Content:
    """Return the health as text; ``width`` is that of the plots."""
    now, before = health.now, health.before
    dim = STYLES["dim"]
    severity, sentence = verdict(health)
    sign, role = SEVERITY[severity]
    parts: list[tuple[str, str]] = [
        (drawn(f"{sign} {sentence}\n\n"), f"bold {STYLES[role]}".strip()),
        (f"last {name}", "bold"),
        (f", {_when(now, before)}\n\n", dim),
    ]
    for change in health.changes:
        parts.append((drawn(f"{'!' if change.worse else '·'} {change.text}\n"), STYLES["warn" if change.worse else "dim"]))
    if now.count and not before.count:
        parts.append(("Nothing came in the window before: there is nothing to compare with.\n", dim))
    if health.changes or not before.count:
        parts.append(("\n", ""))
    rates = [float(point.count) for point in health.points]
    parts += _row("messages", f"{now.count:,}", spark(rates, width), f"before {before.count:,}")
    for percent, value in sorted(now.percentiles.items()):
        plot = spark([point.percentiles.get(percent) for point in health.points], width)
        was = before.percentiles.get(percent)
        parts += _row(f"latency p{percent}", f"{value:,.0f} ms", plot, f"before {f'{was:,.0f} ms' if was is not None else '—'}")
    parts += _row(
        "errors", f"{now.errors:,}", spark([float(point.errors) for point in health.points], width), f"before {before.errors:,}"
    )
    if now.mean_confidence is not None:
        parts += [(f"{'confidence':<{_LABEL}}", dim), (f"{share(now.mean_confidence)} on average\n", "")]
    senders = [(f"{each.device}/{each.module}" if each.module else each.device, each) for each in now.senders[:12]]
    classes = now.classes[:10]
    names = [label for label, _ in classes] + list(now.kinds) + [who for who, _ in senders]
    column = min(max((cell_len(name) for name in names), default=0), max(width - 4, 12))
    if classes:
        parts.append(("\nclasses\n", "bold"))
        most = max(count for _, count in classes)
        for label, count in classes:
            parts.append((f"  {fit(label, column)} {count:>9,} {count / (now.results or 1):>4.0%}  ", ""))
            parts.append((bar(count / most, max(min(width - column, 40), 8)) + "\n", _PLOT))
        if now.class_count > 10:
            parts.append((f"  and {now.class_count - 10:,} more\n", dim))
        if now.unlisted:
            parts.append((f"  {now.unlisted:,} results of further classes, which are not told apart\n", dim))
    if now.kinds:
        parts.append(("\nkinds\n", "bold"))
        parts += [
            (f"  {fit(kind, column)} {count:>9,}\n", STYLES["warn" if kind in ERROR_KINDS else "dim"])
            for kind, count in now.kinds.items()
        ]
    if now.senders:
        parts.append(("\nsenders\n", "bold"))
        for who, sender in senders:
            mean = f"{sender.mean_ms:,.0f} ms" if sender.mean_ms is not None else ""
            parts += [
                (f"  {fit(who, column)} {sender.count:>9,} {mean:>9}", ""),
                (f"  {counted(sender.errors, 'error')}\n" if sender.errors else "\n", STYLES["warn"]),
            ]
    if not now.count:
        parts.append(("\nNothing came in this window.\n", dim))
    return Content.assemble(*parts)


def _when(now: Counts, before: Counts) -> str:
    """Return since when, and compared with when: windows end where a bar of the plots does, the last one now."""
    form = "%Y-%m-%d %H:%M" if now.until - now.since >= 86_400_000 else "%H:%M:%S"
    begin, middle = (datetime.fromtimestamp(at / 1000).astimezone().strftime(form) for at in (before.since, now.since))
    return f"since {middle}, compared with {begin} to {middle}"


def _row(label: str, value: str, plot: str, remark: str) -> list[tuple[str, str]]:
    return [
        (f"{label:<{_LABEL}}", STYLES["dim"]),
        (f"{value:>9} ", "bold"),
        (plot, _PLOT),
        (drawn(f"  {remark}\n"), STYLES["dim"]),
    ]
