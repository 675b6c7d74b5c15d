"""Steps as they go: of a rollout, a conversion, the doctor."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from services.records import Step
from widgets.lines import Cells, Lines, fit
from widgets.signs import SEVERITY, STEP, Role


def seconds(value: float | None) -> str:
    """How long a step took."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def step_sign(step: Step) -> tuple[str, Role]:
    """The sign of a step: what diagnosis says of one that neither failed nor passed counts too."""
    if step.state == "done" and step.finding is not None and step.finding.severity == "warning":
        return SEVERITY["warning"]
    return STEP[step.state]


class StepList(Lines):
    """A line for each step, and its remedy under one that needs it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.steps: list[Step] = []
        self.rows: list[tuple[Step, str]] = []

    def show_steps(self, steps: Sequence[Step]) -> None:
        """The steps as they stand."""
        before = {step.name: step.state for step in self.steps}
        self.steps = list(steps)
        self.rows = []
        for step in steps:
            self.rows.append((step, ""))
            told = step.state in ("failed", "neutral") or step_sign(step)[1] == "warn"
            remedy = step.remedy or (step.finding.remedy if step.finding else "")
            if told and remedy:
                self.rows += [
                    (step, piece) for piece in textwrap.wrap(f"→ {remedy}", max(self.size.width - 6, 30), subsequent_indent="  ")
                ]
        self.forget()
        fresh = next((step for step in steps if step.state == "failed" and before.get(step.name) != "failed"), None)
        if fresh is not None and not any(state == "failed" for state in before.values()):
            self.move_to(next(index for index, (step, _) in enumerate(self.rows) if step is fresh))

    @property
    def current(self) -> Step | None:
        """The step under the cursor."""
        return self.rows[self.index][0] if self.rows else None

    def row_count(self) -> int:
        """Steps and remedies."""
        return len(self.rows)

    def row_key(self, index: int) -> object:
        """The place: steps are drawn anew whenever they change."""
        return index

    def cells(self, index: int, width: int) -> Cells:
        """Sign, title, detail, time; or a remedy."""
        step, remedy = self.rows[index]
        title = min(max((len(each.title) for each in self.steps), default=10), max(width * 2 // 5, 12))
        if remedy:
            return [("     ", "dim"), (fit(remedy, max(width - 6, 0)), "accent")]
        sign, role = step_sign(step)
        detail = max(width - title - 15, 0)
        plain: Role = "dim" if step.state in ("waiting", "skipped") else "plain"
        return [
            (f" {sign} ", role),
            (fit(step.title, title) + "  ", "strong" if step.state == "running" else plain),
            (fit(step.detail, detail), plain if step.state != "done" else "dim"),
            (fit(seconds(step.seconds), 9, right=True), "dim"),
        ]
