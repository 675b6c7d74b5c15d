"""A change as the operator reads it before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from widgets.copy import Copy
from widgets.dialogs import Question, same_with_az
from widgets.footer import KeyLine
from widgets.symbols import SEVERITY, STYLES, drawn

if TYPE_CHECKING:
    from services.records import DiffLine, Severity


def diff_content(lines: Sequence[DiffLine]) -> Content:
    """Return a diff, told by sign and colour."""
    styles = {"+": STYLES["good"], "-": STYLES["bad"], "!": STYLES["warn"]}
    return Content("\n").join(
        [
            Content.assemble(
                ("  ..." if line.sign == "@" else f"{line.sign} {line.text}", styles.get(line.sign, STYLES["dim"])),
            )
            for line in lines
        ]
    )


class DiffConfirm(Question):
    """Shows what will change, what it takes along, and the equivalent az commands.

    It rests on Cancel; on the other button with ``rest_on_yes``, where a key counts only if it was pressed after the question was
    painted. ``save`` writes out what would be sent.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next", "then Enter goes on", id="review.next"),
        Binding("enter", "go_on", "Go on", id="review.go-on"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="review.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="review.up"),
        Binding("pagedown", "scroll(10)", "Scroll", id="review.page-down"),
        Binding("pageup", "scroll(-10)", "Scroll", show=False, id="review.page-up"),
        Binding("y", "copy", "Copy az", id="review.copy"),
        Binding("s", "save", "Save JSON", id="review.save"),
    ]

    def __init__(
        self,
        title: str,
        diff: Sequence[DiffLine],
        commands: Sequence[str],
        warnings: Sequence[tuple[Severity, str]] = (),
        *,
        yes: str = "Deploy",
        type_to_confirm: str = "",
        forbidden: bool = False,
        rest_on_yes: bool = False,
        save: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(
            title, yes, look="primary", type_to_confirm=type_to_confirm, forbidden=forbidden, wide=True, rest_on_yes=rest_on_yes
        )
        self.save = save
        self.diff = diff
        self.commands = commands
        self.warnings = warnings

    def on_mount(self) -> None:
        """Say where Enter alone goes on."""
        if self.rest_on_yes:
            self.query_one(".box").border_subtitle = "Enter goes on, Esc cancels"

    def compose_content(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):  # warnings too: a dozen of them must not push the buttons off a small screen
            for severity, text in self.warnings:
                sign, role = SEVERITY[severity]
                yield Static(Content.assemble((drawn(f"{sign} {text}"), STYLES[role])), classes="text")
            body = diff_content(self.diff) if self.diff else Content("nothing changes")
            yield Static(body, classes="text")
            if self.commands:
                yield same_with_az("\n".join(self.commands))
        yield from self.compose_answer()
        yield KeyLine()

    def action_go_on(self) -> None:
        """Do what the button with the focus would do, where another widget has it."""
        self.query_one("#yes", Button).press()

    def action_scroll(self, by: int) -> None:
        """Scroll the diff."""
        self.query_one(".scroll").scroll_relative(y=by, animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to save only what can be saved, and the shorter way to go on where there is one."""
        if action == "save":
            return self.save is not None
        return {"go_on": self.rest_on_yes, "next": not self.rest_on_yes}.get(action, True)

    def action_next(self) -> None:
        """Go to the next button."""
        self.focus_next()

    def action_save(self) -> None:
        """Write the change into a file, which the az commands take."""
        if self.save is not None:
            self.save()

    def action_copy(self) -> None:
        """Copy the az commands."""
        self.post_message(Copy("\n".join(self.commands), "az commands"))
