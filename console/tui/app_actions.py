"""What the app's own keys and commands do: go to a pane, open a screen, or bring something in from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.actions import ACTIONS
from console.tui.background import go, in_thread
from console.tui.owner import app_of
from console.tui.scope import Scope

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp


class AppActions(Scope):
    """The handlers of the app's actions, mixed into it."""

    def action_images(self) -> None:
        """Go to the images."""
        app_of(self).main.go_to(1)

    def action_modules(self) -> None:
        """Go to the modules."""
        app_of(self).main.go_to(2)

    def action_options(self) -> None:
        """Go to the create options."""
        app_of(self).main.go_to(3)

    def action_messages(self) -> None:
        """Go to the messages."""
        app_of(self).main.go_to(4)

    def action_doctor(self) -> None:
        """Open the checklist from the operator's chair to the FPGA."""
        from console.tui.screens.doctor import DoctorScreen

        app = app_of(self)
        if app.session is not None:
            app.push_screen(DoctorScreen(app.session, app.main.device))

    def action_overview(self) -> None:
        """Open the list of all devices."""
        from console.tui.screens.overview import OverviewScreen

        app = app_of(self)
        if app.session is not None:
            app.push_screen(OverviewScreen(app.session), app.main.look_at)

    def action_history(self) -> None:
        """Open the list of what was deployed when."""
        from console.tui.screens.history import HistoryScreen

        app = app_of(self)
        if app.session is not None:
            app.push_screen(HistoryScreen(app.session, app.main.device))

    def action_faults(self) -> None:
        """Open the list of the lab's faults."""
        from console.lab.faults import LabFaults
        from console.tui.screens.faults import FaultsScreen

        app = app_of(self)
        control = LabFaults.find()
        if control is None:
            app.notify("this lab's control is not to be found from here", severity="warning", timeout=4)
            return
        row = app.main.modules.row
        app.push_screen(FaultsScreen(control, app.main.device, row.module.name if row and not row.module.system else ""))

    def action_watch(self) -> None:
        """Take up the last rollout's watch again."""
        from console.tui.screens.rollout import RolloutScreen

        app = app_of(self)
        if app.watches:
            app.push_screen(RolloutScreen(app.watches[-1]))
        else:
            app.notify("nothing was deployed in this session", timeout=3)

    def action_export_manifest(self, file: str) -> None:
        """Write the device's manifest into a file."""
        from console.tui.flows import manifests

        app = app_of(self)
        if app.session is not None:
            go(app, manifests.export(app.main, app.session, file), "manifest")

    def action_import_manifest(self, file: str) -> None:
        """Bring in a manifest from a file."""
        from console.tui.flows import manifests

        app = app_of(self)
        if app.session is not None:
            go(app, manifests.bring_in(app.main, app.session, file), "deploy")

    def action_contexts(self, name: str = "") -> None:
        """Go to another context, the one named or one to choose."""
        from console.tui.screens.contexts import choose_context

        app = app_of(self)
        if name:
            app.use_context(name)
        else:
            go(app, choose_context(app), "contexts")

    def action_sign_in(self) -> None:
        """Show the code again that a sign-in waits for."""
        app = app_of(self)
        if not app.codes.show():
            app.notify("no sign-in waits for a code", timeout=3)

    def action_leave(self) -> None:
        """Leave the console; ask where something would be lost that was typed."""
        app = app_of(self)
        go(app, _leave(app), "leave")

    async def action_quit(self) -> None:
        """Leave by Textual's own key as by ours."""
        self.action_leave()

    def action_help(self) -> None:
        """Open the help on where one is."""
        from console.tui.screens.help import help_dialog

        app = app_of(self)
        app.push_screen(help_dialog(app))

    def action_help_quit(self) -> None:
        """Say on Ctrl+C how one leaves: the key is hit by habit, and nothing is to end by it."""
        app = app_of(self)
        app.notify(f"{app.key_signs(ACTIONS['app.quit'])} leaves, Esc goes back; Ctrl+C ends nothing here", timeout=4)

    def action_slow_link(self) -> None:
        """Send less over a slow line, or as much as always."""
        app = app_of(self)
        app.set_slow(not app.slow)
        app.notify("less is drawn, for a slow line" if app.slow else "everything is drawn again", timeout=4)

    def action_paint(self) -> None:
        """Paint the whole screen once more, since something else has written on the terminal."""
        from console.terminal.stop_and_continue import paint_anew

        paint_anew(app_of(self))


async def _leave(app: ConsoleApp) -> None:
    """Keep what was typed; ask where that cannot be kept whole."""
    from widgets.dialogs import Confirm

    await in_thread(app.drafts.keep)
    losses = app.drafts.at_risk()
    if not losses or await app.push_screen_wait(Confirm("Leave the console", "\n\n".join(losses), "Leave")):
        app.exit()
