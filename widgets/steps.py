"""Steps as they go: of a rollout, a conversion, the doctor."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from widgets.lines import Cells, Lines, fit
from widgets.remedies import on_screen
from widgets.symbols import SEVERITY, STEP, Role

if TYPE_CHECKING:
    from services.records import Step


def seconds(value: float | None) -> str:
    """Return how long a step took."""
    if value is None:
        return ""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def step_sign(step: Step) -> tuple[str, Role]:
    """Return the sign of a step: what diagnosis says of one that neither failed nor passed counts too."""
    if step.state == "done" and step.finding is not None and step.finding.severity == "warning":
        return SEVERITY["warning"]
    return STEP[step.state]


def _explained(step: Step) -> bool:
    """Return whether what was found is told in full, below the step's own line where that has no room."""
    return step.state in ("failed", "neutral") or step_sign(step)[1] == "warn"


_TIME = 8  # cells
_TOLD = 12  # cells without which a step's detail is not begun: Enter tells it


class StepList(Lines):
    """A line for each step; under one that needs it its remedy, and its detail where there is no column for it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.steps: list[Step] = []
        self.rows: list[tuple[Step, str]] = []

    def show_steps(self, steps: Sequence[Step]) -> None:
        before = {step.name: step.state for step in self.steps}
        stood = self.current
        self.steps = list(steps)
        self.rows = []
        width = self.size.width or 80
        room = self._columns(width)[1]
        for step in steps:
            self.rows.append((step, ""))
            if not _explained(step):
                continue
            remedy = on_screen(step.remedy or (step.finding.remedy if step.finding else ""))
            for text in (step.detail if cell_len(step.detail) > room else "", f"→ {remedy}" if remedy else ""):
                self.rows += [(step, piece) for piece in textwrap.wrap(text, max(width - 6, 30), subsequent_indent="  ")]
        self.forget()
        fresh = next((step for step in steps if step.state == "failed" and before.get(step.name) != "failed"), None)
        first = fresh is not None and not any(state == "failed" for state in before.values())
        target = fresh if first else stood
        place = next(
            (index for index, (step, _) in enumerate(self.rows) if target is not None and step.name == target.name), None
        )
        if place is not None and (first or self.current is None or self.current.name != self.rows[place][0].name):
            self.move_to(place)  # lines came above it

    def on_resize(self) -> None:
        """Draw anew: another width breaks remedies elsewhere."""
        super().on_resize()
        self.show_steps(self.steps)
        self.move_to(self.index)  # in sight, where there is less room

    @property
    def current(self) -> Step | None:
        """The step under the cursor."""
        return self.rows[self.index][0] if self.index < len(self.rows) else None

    def row_count(self) -> int:
        return len(self.rows)

    def row_key(self, index: int) -> object:
        return index

    def _columns(self, width: int) -> tuple[int, int]:
        """Return the cells of title and detail."""
        title = min(max((len(each.title) for each in self.steps), default=10), max(width * 2 // 5, 26))
        detail = width - title - _TIME - 6
        return (title, detail) if detail >= _TOLD else (max(width - _TIME - 4, 0), 0)

    def cells(self, index: int, width: int) -> Cells:
        """Sign, title, detail, time; or what is told under them."""
        step, more = self.rows[index]
        if more:
            return [("     ", "dim"), (fit(more, max(width - 6, 0)), "accent")]
        title, detail = self._columns(width)
        sign, role = step_sign(step)
        plain: Role = "dim" if step.state in ("waiting", "skipped") else "plain"
        explanation = "" if _explained(step) and cell_len(step.detail) > detail else step.detail
        return [
            (f" {sign} ", role),
            (fit(step.title, title) + ("  " if detail else ""), "strong" if step.state == "running" else plain),
            (fit(explanation, detail), "dim" if step.state in ("done", "neutral", "skipped") else "plain"),
            (fit(seconds(step.seconds), _TIME, right=True), "dim"),
        ]
