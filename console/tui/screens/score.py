"""Score now: a picture sent to a host module from here; what it sees on it, and how long it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.screens.full import FullScreen
from services.errors import OperatorError
from services.operations.session import Session
from services.text import one_line
from widgets.dialogs import Prompt
from widgets.pane import error_content
from widgets.plot import bar
from widgets.symbols import STYLES

if TYPE_CHECKING:
    from services.operations.score import Score

_BAR = 30
_AT_MOST = 1000


class ScoreScreen(FullScreen[None]):
    """A picture's five likeliest classes, p50 and p95 of n repeats."""

    HELP = "f chooses another picture, n how often it is scored, r scores again. Tensor names come from the client's own options."
    SCOPES = ("score",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session, device: str, module: str) -> None:
        super().__init__(f"Score now · {module or 'host'} on {device}")
        self.session = session
        self.device = device
        self.module = module
        self.file = ""
        self.repeat = 5
        self.score: Score | None = None

    def compose_content(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("", id="score")

    def on_mount(self) -> None:
        """Score a shipped picture first, so that there is something to see at once."""
        from services.operations.score import sample

        self.file = str(sample())
        self.action_again()

    def action_file(self) -> None:
        """Ask for another picture."""
        go(self, self._ask_file(), "ask")

    async def _ask_file(self) -> None:
        name = await self.app.push_screen_wait(Prompt("Picture", "A file on this machine (JPEG)", self.file))
        if name:
            self.file = str(Path(name).expanduser())
            self.action_again()

    def action_repeat(self) -> None:
        """Ask how often to score."""
        go(self, self._ask_repeat(), "ask")

    async def _ask_repeat(self) -> None:
        text = await self.app.push_screen_wait(Prompt("Repeats", f"1 to {_AT_MOST}", str(self.repeat)))
        if text and len(text) < 10 and text.isascii() and text.isdigit() and 1 <= int(text) <= _AT_MOST:
            self.repeat = int(text)
            self.action_again()
        elif text:
            self.say(f"✗ {one_line(text, 40)!r} is no number from 1 to {_AT_MOST}", "bad")

    def action_again(self) -> None:
        """Score, beside everything else."""
        go(self, self._score(), "score")

    async def _score(self) -> None:
        score_view = self.query_one("#score", Static)
        times = "once" if self.repeat == 1 else f"{self.repeat} times"
        self.say(f"scoring {Path(self.file).name} {times}")
        try:
            self.score = await in_thread(self.session.score, self.device, self.module, self.file, self.repeat)
        except OperatorError as error:
            score_view.update(error_content(error))
            self.say("✗ not scored", "bad")
            return
        score_view.update(score_content(self.score))
        self.say(f"✓ {Path(self.file).name} {times} at {self.score.host}", "good")


def score_content(score: Score) -> Content:
    """Return the labels with bars, then the times."""
    parts: list[tuple[str, str]] = [(f"\n {Path(score.file).name}\n\n", "bold")]
    probabilities = all(0 <= label.confidence <= 1 for label in score.labels)
    width = max((len(label.name) for label in score.labels), default=0)
    for index, label in enumerate(score.labels):
        figure = f"{label.confidence:7.1%}" if probabilities else f"{label.confidence:10.4f}"
        plot = bar(label.confidence, _BAR) if probabilities else ""
        parts += [(f" {figure}  ", "bold" if index == 0 else ""), (f"{label.name:<{width}}  ", "bold" if index == 0 else "")]
        parts += [(f"{plot}\n", STYLES["good" if index == 0 else "dim"])]
    if score.raw:
        parts += [(f" {score.raw}\n", "")]
    if len(score.milliseconds) == 1:
        parts += [(f"\n {score.p50:.1f} ms\n", "")]
    else:
        parts += [(f"\n p50 {score.p50:.1f} ms   p95 {score.p95:.1f} ms   of {len(score.milliseconds)}\n", "")]
    return Content.assemble(*parts)
