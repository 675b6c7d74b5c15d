"""Create options at work: rendered from presets, checked as one types, handed to the deployment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import BindingType

from console.tui.actions import bindings
from console.tui.background import go, in_thread
from console.tui.panes.pane_scope import PaneScope
from services.errors import OperatorError
from services.files import FileError, scratch_folder, write
from services.operations.session import Session
from services.records import DeployRequest
from widgets.copy import Copy
from widgets.dialogs import Confirm, Prompt
from widgets.options import OptionsPane


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return the editor that VISUAL or EDITOR names, with its arguments; ValueError where they cannot be told apart."""
    import shlex

    return shlex.split(environment.get("VISUAL") or "") or shlex.split(environment.get("EDITOR") or "") or ["vi"]


class Options(PaneScope, OptionsPane):
    """The editor at work. ``draft`` is what F8 would deploy."""

    SCOPES = ("options",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self.draft: DeployRequest | None = None
        self._migrated = ("", "")  # the preset that options were moved off the FPGA to, and what they were

    def begin(self, session: Session) -> None:
        """Offer the presets."""
        self.session = session
        go(self, self._offer(), "presets")

    async def _offer(self, name: str = "") -> None:
        from services.operations.options import list_presets

        self.set_presets(await in_thread(list_presets), name)

    async def open_request(self, request: DeployRequest) -> None:
        """Open what is to be deployed: its own create options, else what its preset fills in before this returns."""
        self.draft, self._migrated = request, ("", "")
        self.target(f"{request.module} on {request.device} from {request.image.location.rsplit('/', 1)[-1]}")
        await self.use_preset(request.preset, dict(request.values))
        if request.options is not None:
            self.set_text(request.options)
        elif request.preset:
            await self._rendered(request.preset, self.values)

    @on(OptionsPane.PresetChosen)
    def _preset_chosen(self, event: OptionsPane.PresetChosen) -> None:
        if event.name:
            go(self, self._rendered(event.name, dict(event.values)), "render")

    async def _rendered(self, name: str, values: dict[str, str]) -> None:
        from services.operations.options import leaves_fpga, migrate_options, render_preset

        again = self._migrated[0] == name
        present = self._migrated[1] if again else self.text
        # A module that is there keeps what is its own; the options of a new one are the preset's alone.
        moves = self.draft is not None and self.draft.options is not None and leaves_fpga(present, self.presets[name])
        try:
            if moves:
                migration = await in_thread(migrate_options, present, name, values if again else {})
                text = migration.text
                if not again:
                    await self.use_preset(name, migration.values)
                    self.notify(" ".join(migration.sentences), timeout=12)
            else:
                text = await in_thread(render_preset, name, values)
        except OperatorError as error:
            self.say("✗ field", "bad")
            self.notify(str(error), severity="error", timeout=5)
            return
        self._migrated = (name, present) if moves else ("", "")
        self.set_text(text)

    @on(OptionsPane.TextChanged)
    def _changed(self, event: OptionsPane.TextChanged) -> None:
        go(self, self._check(event.text), "check")

    async def _check(self, text: str) -> None:
        from services.operations.options import check_options

        state = self.main.modules.state
        module, image = (self.draft.module, self.draft.image.location) if self.draft is not None else ("", "")
        self.show_report(await in_thread(check_options, text, state, module, image))

    def action_deploy(self) -> None:
        """Review the change."""
        from console.tui.flows import deploy

        if self.session is None or self.draft is None:
            self.notify("nothing to deploy yet: choose an image in 1, or e on a module in 2", severity="warning", timeout=4)
        else:
            go(self.app, deploy.review(self.main, self.session, self.draft, self.text), "deploy")

    def action_save(self) -> None:
        """Keep the text as a preset of one's own."""
        go(self, self._save_preset(self.text), "save")

    def action_yank(self) -> None:
        """Copy the text."""
        self.post_message(Copy(self.text, "create options"))

    async def _save_preset(self, text: str) -> None:
        from services.operations import options

        presets = {preset.name: preset for preset in await in_thread(options.list_presets)}
        based_on = presets.get(self.chosen)
        suggested = self.chosen if based_on and based_on.own else f"my-{self.chosen or 'options'}"
        name = await self.app.push_screen_wait(
            Prompt("Save as a preset of your own", "Its name, of small letters, digits, '.', - and _", suggested)
        )
        if not name:
            return
        if name in presets:
            what = "own preset" if presets[name].own else "shipped preset (yours is taken before it)"
            question = Confirm("Replace a preset", f"There is a {what} {name}: {presets[name].title}", "Replace")
            if not await self.app.push_screen_wait(question):
                return
        path = await in_thread(options.save_preset, name, text, based_on.kind if based_on else "other")
        await self._offer(name)
        self.notify(f"saved: {path}", timeout=4)

    def action_external(self) -> None:
        """Edit with $VISUAL or $EDITOR; the console goes on receiving meanwhile."""
        command: list[str] = []
        with ExitStack() as stack:
            try:
                path = stack.enter_context(scratch_folder("options")) / "create-options.json"
                write(path, self.text)
            except FileError as error:
                self.notify(f"{error.what} {error.cause} TMPDIR names another folder.", severity="error", timeout=8)
                return
            try:
                command = editor_command(os.environ)
                with self.app.suspend():
                    ended = subprocess.run([*command, str(path)], check=False).returncode
                text = path.read_text(encoding="utf-8")
            except SuspendNotSupported:
                self.notify("this terminal cannot be lent to an editor", severity="error", timeout=6)
                return
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", "") or error
                name = Path(command[0]).name if command else "$EDITOR"
                self.notify(f"{name}: {reason}. EDITOR names another.", severity="error", timeout=8)
                return
        if ended:
            self.notify(f"{Path(command[0]).name} ended with {ended}: the text stays as it was", severity="warning", timeout=6)
        elif text == self.text:
            self.notify("the text was not changed (an editor with windows of its own needs its --wait)", timeout=5)
        else:
            self.set_text(text)
