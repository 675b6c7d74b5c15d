"""The rollout watch: step by step, until the first message arrives. It can be left and taken up again."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.tui.actions import Action, bindings
from console.tui.flows.watches import Watch
from console.tui.owner import app_of
from console.tui.screens.full import FullScreen
from widgets.details import finding_content
from widgets.dialogs import ErrorDialog, Reader
from widgets.lines import Lines
from widgets.steps import StepList


class RolloutScreen(FullScreen[None]):
    """What a deployment has reached."""

    HELP = "Esc leaves the watch, which goes on; w takes it up again. Enter tells more of a step; m: messages, l: logs."
    SCOPES = ("rollout",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch.title)
        self.watch_of = watch

    def compose_content(self) -> ComposeResult:
        yield StepList(id="steps")

    def on_mount(self) -> None:
        """Follow the watch."""
        self.watch_of.listeners.append(self.update)
        self.query_one(StepList).focus()
        self.update()

    def on_unmount(self) -> None:
        """Stop listening; the watch goes on."""
        if self.update in self.watch_of.listeners:
            self.watch_of.listeners.remove(self.update)

    def update(self) -> None:
        """Show the steps as they stand."""
        watch = self.watch_of
        self.query_one(StepList).show_steps(watch.steps)
        if watch.error is not None:
            self.say(f"✗ {watch.error}", "bad")
        elif watch.failed:
            self.say("✗ It stopped here. Enter on the step tells cause and remedy; l shows the logs.", "bad")
        elif watch.ended:
            self.say(f"✓ {self._ended()}", "good")
        else:
            self.say("watching; Esc leaves it, it goes on and w takes it up again")

    def _ended(self) -> str:
        if any(step.state == "skipped" for step in self.watch_of.steps):
            return "Stopped, as asked."
        more = (
            "m goes to the messages." if self.watch_of.client else "C deploys the client that asks it." if self._alone() else ""
        )
        return f"Rolled out. {more}".rstrip()

    def _alone(self) -> bool:
        """Return whether a host may be there that no client asks yet; from here it is often not reached."""
        from services.operations.host import clients

        watch, state = self.watch_of, app_of(self).main.modules.state
        answers = any(step.name == "answers" and step.state in ("done", "neutral") for step in watch.steps)
        return answers and not watch.client and not (state is not None and state.device.id == watch.device and clients(state))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Show more of a step; at the end of a good one, its messages."""
        event.stop()
        step = self.query_one(StepList).current
        if self.watch_of.error is not None:
            self.app.push_screen(ErrorDialog(self.watch_of.error))
        elif step is not None and step.finding is not None:
            self.app.push_screen(Reader(step.title, finding_content(step.finding), wide=False))
        elif step is not None and step.name == "message" and step.state == "done":
            self.action_messages()

    def action_messages(self) -> None:
        app = app_of(self)
        self.dismiss(None)
        app.call_later(app.main.go_to, 4)

    def action_client(self) -> None:
        """Deploy the client beside the host."""
        app = app_of(self)
        self.dismiss(None)
        app.call_later(app.main.modules.act, "modules.client")

    def offers(self, action: Action) -> bool | None:
        """Withhold the client's key where the rollout is of a client."""
        return not (action.id == "rollout.client" and self.watch_of.client) and super().offers(action)

    def action_logs(self) -> None:
        """Open the module's logs."""
        from console.tui.screens.logs import LogsScreen

        app = app_of(self)
        if app.session is not None:
            app.push_screen(LogsScreen(app.session, self.watch_of.device, self.watch_of.module))
