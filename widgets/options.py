"""The create options editor: presets with a few fields, the JSON itself, and what is wrong with it as one types."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.theme import Theme
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static, TextArea

from services.text import counted
from widgets.pane import Pane
from widgets.symbols import SEVERITY, STYLES, Role, drawn

if TYPE_CHECKING:
    from services.records import OptionsReport, Preset

CHANGED = "changed, not deployed"
EMPTY = "Nothing is being deployed. Enter on an image in 1 begins; e on a module in 2 brings the create options that it has."


class Editor(TextArea):
    """JSON with highlighting; Esc leaves it, so that the pane's keys are keys again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave editor", id="editor.leave")]

    class Left(Message):
        """Esc was pressed."""

    def on_mount(self) -> None:
        """Set colours of the syntax that can be read on the theme's background."""
        self.app.theme_changed_signal.subscribe(self, self._colour)
        self._colour(self.app.current_theme)

    def _colour(self, theme: Theme) -> None:
        self.theme = "css" if theme.dark else "github_light"

    def action_leave(self) -> None:
        """Give the focus back to the pane."""
        self.post_message(self.Left())


class Field(Input):
    """A field of a preset; Esc leaves it as it leaves the text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave the field", id="editor.leave")]

    def action_leave(self) -> None:
        """Give the focus back to the pane."""
        self.post_message(Editor.Left())


class OptionsPane(Pane):
    """Create options of the module that is about to be deployed, or of one that is there."""

    NUMBER = 3
    BEGINS = "ready"
    NAME = "Create options"
    HELP = """What docker is told when it creates the module's container, as JSON. A preset fills it in from a few fields; the text can
be changed freely after that; while a preset can still write it, its
fields follow the text. Problems appear under the text as you type, with line:column.

Esc leaves text and fields so that single keys work again; e goes back into it; p chooses a preset. F4 opens it in $EDITOR, F6 saves it as
a preset of your own (a file that can be shared). F8 reviews the whole change (diff and az commands) before anything is sent.

What you change is kept as a draft, one for each module: over Esc, e on another module, q and a lost line, until it is deployed. v
shows how it differs from what is deployed, u takes that instead. Secrets do not go to disk: those that the device has come back by
themselves, a new one is asked for again.

The hub keeps create options in chunks of 512 characters; the last line tells the room."""
    DEFAULT_CSS = """
    OptionsPane {
        .target { height: 1; padding: 0 1; color: $dim; text-wrap: nowrap; text-overflow: ellipsis; }
        .draft { display: none; height: auto; max-height: 3; padding: 0 1; }
        .draft.-said { display: block; }
        .preset { height: 1; }
        .preset Label, .fields Label { width: 26; max-width: 45%; height: 1; padding: 0 1; color: $dim; text-wrap: nowrap; text-overflow: ellipsis; }
        .preset Select { width: 1fr; }
        .fields { height: auto; max-height: 40%; overflow-y: auto; }
        .fields Horizontal { height: 1; }
        .fields Input { width: 1fr; }
        Editor { height: 1fr; border: none; padding: 0; }
        .problems { height: auto; max-height: 5; padding: 0 1; }
        .size { height: 1; padding: 0 1; color: $dim; }
    }
    """

    class TextChanged(Message):
        """The text is another one and stayed so for a moment: check it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class PresetChosen(Message):
        """A preset was chosen, or one of its fields changed: render it."""

        def __init__(self, name: str, values: Mapping[str, str]) -> None:
            super().__init__()
            self.name = name
            self.values = values

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.presets: dict[str, Preset] = {}
        self._state: tuple[str, Role] = ("empty", "dim")
        self.changed = False  # the text is a draft: neither deployed nor what was offered
        self._timer: Timer | None = None
        self._forming = asyncio.Lock()

    def compose_content(self) -> ComposeResult:
        """Target, how its draft stands, preset, fields, text, problems, size."""
        yield Static("", classes="target")
        yield Static("", classes="draft")
        with Horizontal(classes="preset"):
            yield Label("preset")
            yield Select[str]([], prompt="none: plain JSON", compact=True, id="preset-select")
        yield Vertical(classes="fields")
        yield Editor("{}", language="json", theme="css", show_line_numbers=True, compact=True, soft_wrap=False, id="editor")
        yield Static("", classes="problems")
        yield Static("", classes="size")

    def on_mount(self) -> None:
        """Have an editor ready from the start."""
        self.ready()
        self.target("for no module yet")
        self.say("empty", "dim")
        self.query_one(".problems", Static).update(Content.styled(EMPTY, STYLES["dim"]))

    @property
    def editor(self) -> Editor:
        """The text area."""
        return self.query_one(Editor)

    @property
    def text(self) -> str:
        """The create options as they stand."""
        return self.editor.text

    @property
    def values(self) -> dict[str, str]:
        """The form's values."""
        return {str(field.name): field.value for field in self.query(".fields Input").results(Input)}

    def target(self, text: str) -> None:
        """Name what the options are for."""
        self.query_one(".target", Static).update(Content(drawn(text)))

    def show_draft(self, lines: Sequence[tuple[str, Role]], changed: bool) -> None:
        """Show how the text stands to what is deployed, a line for each remark; none where there is nothing to say."""
        draft = self.query_one(".draft", Static)
        draft.set_class(bool(lines), "-said")
        draft.update(Content("\n").join([Content.assemble((drawn(text), STYLES[role])) for text, role in lines]))
        if changed != self.changed:
            self.changed = changed
            self._say_state()

    def show_values(self, values: Mapping[str, str]) -> None:
        """Show what the text has in the form's fields, unless one types there."""
        fields = list(self.query(".fields Input").results(Input))
        if any(field.has_focus for field in fields):
            return
        with self.prevent(Input.Changed):
            for field in fields:
                field.value = values.get(str(field.name), field.value)

    @property
    def chosen(self) -> str:
        """The chosen preset's name; empty for plain JSON."""
        value = self.query_one(Select).value
        return "" if value is Select.NULL else str(value)

    def set_presets(self, presets: Sequence[Preset], chosen: str = "") -> None:
        """Set the presets one can choose from; ``chosen`` is the one that the text is of, else the choice stays."""
        chosen = chosen or self.chosen
        self.presets = {preset.name: preset for preset in presets}
        select = self.query_one(Select)
        with select.prevent(Select.Changed):
            select.set_options([(Content(preset.title), name) for name, preset in self.presets.items()])
            select.value = chosen if chosen in self.presets else Select.NULL
        if not getattr(self.presets.get(chosen), "fields", ()):
            self.query_one(".fields", Vertical).remove_children()

    async def use_preset(self, name: str, values: Mapping[str, str]) -> None:
        """Choose a preset from outside, with some of its fields filled in; the text stays as it is."""
        select = self.query_one(Select)
        with select.prevent(Select.Changed):
            select.value = name if name in self.presets else Select.NULL
        await self._form(name, values)

    async def _form(self, name: str, values: Mapping[str, str]) -> None:
        """Show a preset's fields: one form at a time, and whole, since Textual breaks where a removal is cancelled."""

        async def replace() -> None:
            async with self._forming:
                await self._replace_fields(name, values)

        await asyncio.shield(asyncio.ensure_future(replace()))

    async def _replace_fields(self, name: str, values: Mapping[str, str]) -> None:
        fields = self.query_one(".fields", Vertical)
        await fields.remove_children()
        preset = self.presets.get(name)
        if preset is None:
            return
        rows = [
            Horizontal(
                Label(Content(field.label)),
                Field(
                    str(values.get(field.name, field.default)),
                    name=field.name,
                    placeholder="off; on turns it on" if field.kind == "flag" else "",
                    compact=True,
                ),
            )
            for field in preset.fields
        ]
        with self.prevent(Input.Changed):
            await fields.mount_all(rows)

    def set_text(self, text: str) -> None:
        """Show another text, not typed: it is checked at once."""
        if text != self.editor.text:
            self.editor.load_text(text)
        self.post_message(self.TextChanged(text))

    def replace_text(self, text: str) -> None:
        """Put what the preset writes in the place of the text; undo brings back what stood there, the cursor shows what changed."""
        before = self.text
        if text != before:
            self.editor.replace(text, (0, 0), self.editor.document.end, maintain_selection_offset=False)
            pairs = enumerate(zip(before.split("\n"), text.split("\n"), strict=False))
            self.editor.move_cursor((next((row for row, (old, new) in pairs if old != new), 0), 0))
        self.post_message(self.TextChanged(text))

    def show_report(self, report: OptionsReport) -> None:
        """Show what the check says: errors first, for a small screen has room for few."""
        lines: list[Content] = []
        for problem in sorted(report.problems, key=lambda problem: problem.severity != "error")[:4]:
            sign, role = SEVERITY[problem.severity]
            where = f"{problem.line}:{problem.column}" if problem.line else ""
            line = Content.assemble(
                (f"{sign} {where} ".replace("  ", " "), STYLES[role]), problem.message, (f"  {problem.remedy}", STYLES["dim"])
            )
            lines.append(line)
        if len(report.problems) > 4:
            lines.append(Content(f"… and {len(report.problems) - 4} more"))
        self.query_one(".problems", Static).update(Content("\n").join(lines))
        room = "" if report.room is None else f" · {counted(report.room, 'byte')} of room in the twin"
        self.query_one(".size", Static).update(
            Content(drawn(f"{counted(report.size, 'byte')} · {counted(report.chunks, 'chunk')}{room}"))
        )
        errors = sum(problem.severity == "error" for problem in report.problems)
        warnings = sum(problem.severity == "warning" for problem in report.problems)
        if errors:
            self._state = (f"✗ {counted(errors, 'error')}", "bad")
        elif warnings:
            self._state = (f"! {counted(warnings, 'warning')}", "warn")
        else:
            self._state = ("✓ valid", "dim")
        self._say_state()

    def _say_state(self) -> None:
        """Say how the text is, for tab and frame: what is wrong with it first, and that it is not deployed."""
        word, role = self._state
        if self.changed:
            word, role = (CHANGED, "warn") if role == "dim" else (f"{word}, {CHANGED}", role)
        self.say(word, role)

    def content(self) -> Widget:
        return self.query_one(Select)

    def needed_height(self) -> int | None:
        """Return what the text takes; a form beside it, or somebody who types, may use more."""
        if self.has_class("-current") or self.query(".fields Input"):
            return None
        return self.editor.document.line_count + self.outer_size.height - self.editor.size.height

    @on(TextArea.Changed)
    def _on_text_change(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(0.15, lambda: self.post_message(self.TextChanged(self.text)))

    @on(Select.Changed)
    async def _on_preset_change(self, event: Select.Changed) -> None:
        event.stop()
        name = "" if event.value is Select.NULL else str(event.value)
        await self._form(name, {})
        if name:
            self.post_message(self.PresetChosen(name, self.values))

    @on(Input.Changed, ".fields Input")
    def _field(self, event: Input.Changed) -> None:
        event.stop()
        value = self.query_one(Select).value
        if value is not Select.NULL:
            self.post_message(self.PresetChosen(str(value), self.values))

    @on(Editor.Left)
    def _on_editor_exit(self) -> None:
        self.focus_content()

    def action_edit(self) -> None:
        """Focus the text."""
        self.editor.focus()

    def edit_values(self) -> None:
        """Focus the first field of the preset that the text is of; the text where it is of none."""
        next(iter(self.query(Field)), self.editor).focus()

    def action_preset(self) -> None:
        """Open the chooser."""
        select = self.query_one(Select)
        select.focus()
        select.action_show_overlay()
