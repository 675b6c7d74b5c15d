"""Create options at work: rendered from presets, checked as one types, handed to the deployment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import BindingType
from textual.widgets import TextArea

from console.tui.actions import ACTIONS, bindings
from console.tui.background import go, in_thread
from console.tui.owner import app_of
from console.tui.panes.pane_scope import PaneScope
from services.errors import OperatorError
from services.files import FileError, scratch_folder, write
from services.records import DeployRequest, DraftKey, DraftStatus
from services.text import indented_json
from widgets.copy import Copy
from widgets.dialogs import Confirm, Prompt, Reader
from widgets.diff import diff_content
from widgets.options import CHANGED, OptionsPane
from widgets.remedies import on_screen

if TYPE_CHECKING:
    from services.operations.session import Session
    from widgets.symbols import Role


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return the editor that VISUAL or EDITOR names, with its arguments; ValueError where they cannot be told apart."""
    import shlex

    return shlex.split(environment.get("VISUAL") or "") or shlex.split(environment.get("EDITOR") or "") or ["vi"]


class Options(PaneScope, OptionsPane):
    """The editor at work. ``request`` is what F8 would deploy, ``key`` whose draft the text is."""

    SCOPES = ("options",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.session: Session | None = None
        self.request: DeployRequest | None = None
        self.key: DraftKey | None = None
        self._offer_text = ""  # what the editor began with where there was no draft
        self._status = DraftStatus()
        self._no_preset = ""  # why the text is no preset's
        self._opening = False
        self._migrated = ("", "")  # the preset that options were moved off the FPGA to, and what they were

    def begin(self, session: Session) -> None:
        """Offer the presets."""
        self.session = session
        go(self, self._offer(), "presets")

    async def _offer(self, name: str = "") -> None:
        from services.operations.options import list_presets

        self.set_presets(await in_thread(list_presets), name)

    async def open_request(self, request: DeployRequest, ask: bool = True) -> None:
        """Open what is to be deployed: the draft of that module, else its own create options, else what its preset fills in.

        Secrets that a draft could not keep are asked for, unless ``ask`` is False.
        """
        from services.operations.options import recognise_preset, render_preset

        self._opening, self.key = True, None  # what comes of the text before is not this module's
        try:
            offer = request.options
            if offer is None:
                offer = await in_thread(render_preset, request.preset, request.values) if request.preset else "{}"
            hub = self.session.context.hub if self.session is not None else None
            key = DraftKey(hub.host, request.device, request.module) if hub is not None and request.module else None
            text, status = (offer, DraftStatus()) if key is None else await self._draft_of(key, request, offer, ask)
            recognition = await in_thread(recognise_preset, text, request.preset)
        finally:
            self._opening = False
        self._migrated = ("", "")
        self.request, self._offer_text, self._no_preset = request, offer, recognition.reason
        self.target(f"{request.module} on {request.device} from {request.image.location.rsplit('/', 1)[-1]}")
        await self.use_preset(recognition.preset, recognition.values)
        self.set_text(text)
        self.key = key
        self._show_status(status)

    async def _draft_of(self, key: DraftKey, request: DeployRequest, offer: str, ask: bool) -> tuple[str, DraftStatus]:
        from services.operations.drafts import place_name

        drafts = app_of(self).drafts
        await in_thread(drafts.keep)
        deployed = self._deployed(key)
        opened = await in_thread(drafts.open, key, deployed, offer)
        answers = {}
        for place in opened.missing if ask else ():
            prompt = Prompt(
                place_name(place), f"A secret of the draft for {key.module} that is kept nowhere. Esc: later", secret=True
            )
            if answer := await self.app.push_screen_wait(prompt):
                answers[place] = answer
        if answers:
            opened = await in_thread(drafts.open, key, deployed, offer, answers)
        return opened.text, opened.status

    def _deployed(self, key: DraftKey) -> str | None:
        """Return a module's deployed create options as they were read last; None where they were not."""
        state = self.main.modules.state
        if state is None or state.device.id != key.device:
            return None
        module = state.module(key.module)
        return module.desired.create_options if module is not None and module.desired is not None else ""

    def device_read(self) -> None:
        """Compare the draft with what is deployed now; with nothing open yet, take up the draft that was typed last."""
        if self.key is not None:
            self._note_text()
            go(self, self._keep(), "keep", exclusive=False)
        elif self.request is None and not self._opening:
            go(self, self._take_up(), "draft")

    async def _take_up(self) -> None:
        from services.operations.deployer import edit_request
        from services.operations.drafts import drafts_on

        state, hub = self.main.modules.state, self.session.context.hub if self.session is not None else None
        if state is None or hub is None:
            return
        stored = await in_thread(drafts_on, hub.host, state.device.id)
        if self.request is not None or self._opening:
            return
        for draft in stored:
            module = state.module(draft.key.module)
            if module is not None and module.desired is not None:
                await self.open_request(edit_request(state.device.id, module), ask=False)
                return
        if stored:
            names = ", ".join(draft.key.module for draft in stored)
            self.show_draft([(f"{names}: {CHANGED}. Enter on its image in 1, under that name, goes on with it.", "warn")], True)

    @on(TextArea.Changed)
    def _note_text(self) -> None:
        """Note what is typed at once: a console that ends keeps it."""
        if self.key is not None:
            app_of(self).drafts.note(self.key, self.text, self._deployed(self.key), self._offer_text)

    async def _keep(self) -> None:
        statuses = await in_thread(app_of(self).drafts.keep)
        if self.key in statuses:
            self._show_status(statuses[self.key])

    def _show_status(self, status: DraftStatus) -> None:
        """Show how the draft stands; what there is to say once is said once."""
        if status.remark:
            self.notify(f"{self.key.module if self.key else ''}: {on_screen(status.remark)}", severity="warning", timeout=10)
        self._status = status
        difference, deployed = (app_of(self).key_signs(ACTIONS[id]) for id in ("options.difference", "options.deployed"))
        lines: list[tuple[str, Role]] = []
        if status.changed:
            since = f"{CHANGED}{f' ({status.saved_at.astimezone():%H:%M})' if status.saved_at else ''}"
            ways = f": {difference} difference, {deployed} take the deployed"
            if status.moved:
                ways = f"; deployed is newer: {difference} shows how, {deployed} takes it"
            lines.append((since + ways, "warn" if status.moved else "dim"))
        if status.unkept:
            lines.append((f"! not on disk: {on_screen(status.unkept)}", "warn"))
        elif status.secrets:
            lines.append((f"! {', '.join(status.secrets)}: secret, so not on disk; leaving asks", "warn"))
        if self._no_preset:
            lines.append((f"no preset: {self._no_preset}", "dim"))
        self.show_draft(lines, status.changed)

    @on(OptionsPane.PresetChosen)
    def _preset_chosen(self, event: OptionsPane.PresetChosen) -> None:
        if event.name:
            go(self, self._rendered(event.name, dict(event.values)), "render")

    async def _rendered(self, name: str, values: dict[str, str]) -> None:
        from services.operations.options import leaves_fpga, migrate_options, render_preset

        again = self._migrated[0] == name
        present = self._migrated[1] if again else self.text
        # A module that is there keeps what is its own; the options of a new one are the preset's alone.
        moves = self.request is not None and self.request.options is not None and leaves_fpga(present, self.presets[name])
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
        self.replace_text(text)

    @on(OptionsPane.TextChanged)
    def _changed(self, event: OptionsPane.TextChanged) -> None:
        go(self, self._check(event.text), "check")
        go(self, self._keep(), "keep", exclusive=False)

    async def _check(self, text: str) -> None:
        from services.operations.options import check_options, recognise_preset

        state, request, chosen = self.main.modules.state, self.request, self.chosen
        module, image = (request.module, request.image.location) if request is not None else ("", "")
        self.show_report(await in_thread(check_options, text, state, module, image))
        if chosen and self._migrated[0] == chosen:
            return  # the preset's fields, and what the module keeps of its own beside them
        recognition = await in_thread(recognise_preset, text, chosen)
        if request is None or recognition.broken or (text, request, chosen) != (self.text, self.request, self.chosen):
            return
        if recognition.preset != chosen:
            await self.use_preset(recognition.preset, recognition.values)
        else:
            self.show_values(recognition.values)
        if recognition.reason != self._no_preset:
            self._no_preset = recognition.reason
            self._show_status(self._status)

    def action_deploy(self) -> None:
        """Review the change."""
        from console.tui.flows import deploy

        if self.session is None or self.request is None:
            self.notify("nothing to deploy yet: choose an image in 1, or e on a module in 2", severity="warning", timeout=4)
        else:
            go(self.app, deploy.review(self.main, self.session, self.request, self.text), "deploy")

    async def drop_deployed(self, text: str) -> None:
        """Drop the draft that was deployed, unless it was changed meanwhile."""
        if self.key is not None and text == self.text:
            await in_thread(app_of(self).drafts.drop, self.key)
            self._offer_text = text
            self._show_status(DraftStatus())

    def action_difference(self) -> None:
        """Show how the text differs from what is deployed."""
        go(self, self._show_difference(), "difference")

    async def _show_difference(self) -> None:
        from services.operations.drafts import difference

        deployed = self._deployed(self.key) if self.key is not None else None
        if self.key is None or deployed is None:
            self.notify("nothing to compare with: the device was not read", severity="warning", timeout=4)
            return
        lines = await in_thread(difference, deployed, self.text)
        body = diff_content(lines) if lines else "What is deployed is the same."
        await self.app.push_screen_wait(Reader(f"{self.key.module}: deployed, and your text", body))

    def action_deployed(self) -> None:
        """Take what is deployed instead of the draft."""
        go(self, self._take_deployed(), "difference")

    async def _take_deployed(self) -> None:
        key, request = self.key, self.request
        if key is None or request is None or not self._status.changed:
            self.notify("nothing was changed here", timeout=3)
            return
        deployed = self._deployed(key)
        what = f"The draft for {key.module} on {key.device} is gone then."
        if not await self.app.push_screen_wait(Confirm("Take what is deployed", what, "Drop the draft")):
            return
        self.key = None
        await in_thread(app_of(self).drafts.drop, key)
        await self.open_request(replace(request, options=indented_json(deployed)) if deployed else request)

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
