"""The doctor: a checklist from the operator's chair to the FPGA, side by side and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.tui.actions import bindings
from console.tui.background import each, go, in_thread
from console.tui.screens.full import FullScreen
from services.operations.session import Session
from services.records import Step
from widgets.details import finding_content
from widgets.dialogs import Reader
from widgets.lines import Lines
from widgets.remedies import on_screen
from widgets.steps import StepList
from widgets.symbols import SEVERITY

if TYPE_CHECKING:
    from pathlib import Path

    from services.operations.doctor.examination import Examination


_PASSED = "passed"  # the name of the line that stands for all that passed


def folded(examination: Examination) -> list[Step]:
    """Return the checks with something to say, root causes first, and one line for all that passed."""
    if not examination.passed:
        return list(examination.troubled)
    return [*examination.troubled, Step(_PASSED, examination.passed_title, "done", "Enter shows them")]


class DoctorScreen(FullScreen[None]):
    """Every check with its sign, its time and its remedy."""

    HELP = """What failed stands first; what passed is one line, which a or Enter unfolds. r checks again; Enter tells more of a check;
W writes a report for support (secrets masked, message bodies left out)."""
    SCOPES = ("doctor",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, session: Session, device: str) -> None:
        super().__init__(f"Doctor · {device or 'no device'}")
        self.session = session
        self.device = device
        self.examination: Examination | None = None
        self.unfolded = False

    def compose_content(self) -> ComposeResult:
        yield StepList(id="steps")

    def on_mount(self) -> None:
        """Check at once."""
        self.query_one(StepList).focus()
        self.action_again()

    def action_again(self) -> None:
        """Check everything again."""
        go(self, self._check(), "doctor")

    async def _check(self) -> None:
        from services.operations.doctor.doctor import run_doctor
        from services.operations.doctor.examination import Gathering

        self.examination = None
        self.say("checking")
        gathering = Gathering(self.session.context, self.device)
        async for step in each(run_doctor(self.session.context, self.device, open_hub=lambda: self.session.hub)):
            gathering.add(step)
            self.query_one(StepList).show_steps(gathering.steps)
        self.examination = gathering.done()
        self._show()
        causes = self.examination.causes
        if not causes:
            self.say("✓ all well", "good")
            return
        # The root first: what follows from it stands after it.
        sign, role = SEVERITY[causes[0].severity]
        named = "; ".join(
            f"{f'{cause.module}: ' if cause.module else ''}{'likely ' if cause.likely else ''}{cause.reason.rstrip('.')}"
            for cause in causes[:3]
        )
        more = f"; {len(causes) - 3} more" if len(causes) > 3 else ""
        but = "" if causes[0].severity == "error" else "all well but for this: "
        self.say(f"{sign} {but}{named}{more}. Enter on a line tells more.", role)

    def _show(self) -> None:
        """Show what failed first; what passed as one line, or unfolded."""
        if self.examination is not None:
            self.query_one(StepList).show_steps(self.examination.steps if self.unfolded else folded(self.examination))

    def action_unfold(self) -> None:
        """Show every check in its order, or fold what passed."""
        self.unfolded = not self.unfolded
        self._show()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Show more of a check."""
        event.stop()
        step = self.query_one(StepList).current
        if step is None:
            return
        if step.name == _PASSED:
            self.action_unfold()
            return
        if step.finding is not None:
            self.app.push_screen(Reader(step.title, finding_content(step.finding), wide=False))
        else:
            self.app.push_screen(Reader(step.title, f"{step.detail}\n\n{on_screen(step.remedy)}".strip(), wide=False))

    def action_report(self) -> None:
        """Write two files for support: Markdown and JSON."""
        if self.examination is None:
            self.notify("still checking", timeout=2)
            return
        go(self, self._report(self.examination), "report")

    async def _report(self, examination: Examination) -> None:
        from services.contexts.paths import saved_folder
        from services.files import file_name, private_folder
        from services.operations.doctor.report import write

        name = f"doctor-{file_name(examination.device or 'none')}-{examination.at:%Y%m%dT%H%M%SZ}.md"

        def save() -> tuple[Path, Path]:
            return write(private_folder(saved_folder("reports")) / name, examination, self.session.context)

        report_paths = await in_thread(save)
        self.say(f"written to {report_paths[0]} and .json beside it", "good")
