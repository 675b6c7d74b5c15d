"""What the keys of the modules pane do with a module, or with the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.background import go
from console.tui.panes.pane_scope import PaneScope
from widgets.copy import Copy

if TYPE_CHECKING:
    from services.operations.session import Session
    from widgets.module_row import Row


class ModuleActions(PaneScope):
    """Handlers, mixed into the modules pane; without a context there is nothing to do."""

    session: Session | None
    device: str
    row: Row | None  # under the cursor

    def action_device(self, name: str) -> None:
        """Look at another device, the one named or one to choose."""
        from console.tui.flows import changes

        if name:
            self.main.look_at(name)
        elif self.session is not None:
            go(self.app, changes.choose_device(self.main, self.session), "device")

    def action_client(self) -> None:
        """Deploy the client beside a host."""
        from console.tui.flows import deploy

        if self.session is not None:
            go(self.app, deploy.deploy_client(self.main, self.session), "deploy")

    def action_logs(self, row: Row) -> None:
        """Open the module's logs."""
        from console.tui.screens.logs import LogsScreen

        if self.session is not None:
            self.app.push_screen(LogsScreen(self.session, self.device, row.module.name))

    def action_edit(self, row: Row) -> None:
        """Bring its create options into the editor."""
        from console.tui.flows import deploy

        if self.session is not None:
            go(self.app, deploy.edit_module(self.main, self.session, row.module), "deploy")

    def action_restart(self, row: Row) -> None:
        """Restart it."""
        from console.tui.flows import changes

        if self.session is not None:
            go(self.app, changes.restart(self.main, self.session, self.device, row.module.name), "change")

    def action_switch(self, row: Row) -> None:
        """Stop it where it should run, start it where it should not."""
        self._switch(row)

    def action_start(self, row: Row) -> None:
        """Start it, where it should not run."""
        self._switch(row, "start")

    def action_stop(self, row: Row) -> None:
        """Stop it, where it should run."""
        self._switch(row, "stop")

    def _switch(self, row: Row, verb: str = "") -> None:
        from console.tui.flows import changes

        if self.session is not None:
            go(self.app, changes.switch(self.main, self.session, self.device, row.module, verb), "change")

    def action_remove(self, row: Row) -> None:
        """Take it off the device."""
        from console.tui.flows import changes

        if self.session is not None:
            go(self.app, changes.remove(self.main, self.session, self.device, row.module.name), "change")

    def action_upgrade(self, row: Row) -> None:
        """Upgrade the runtime's module, its image first; say how edgeAgent is upgraded."""
        from console.tui.flows import changes

        if self.session is not None:
            go(self.app, changes.upgrade(self.main, self.session, self.device, row.module.name), "change")

    def action_score(self, module: str) -> None:
        """Score a picture on the module named, else on the operator's own under the cursor, else on the one host there is."""
        from console.tui.screens.score import ScoreScreen

        if self.session is not None:
            row = self.row
            current = row.module.name if row is not None and not row.module.system else ""
            self.app.push_screen(ScoreScreen(self.session, self.device, module or current))

    def action_twin(self, row: Row) -> None:
        """Show its twin."""
        from console.tui.screens.twin import TwinScreen

        if self.session is not None:
            self.app.push_screen(TwinScreen(self.session, self.device, row.module.name))

    def action_method(self, row: Row) -> None:
        """Invoke a direct method of it."""
        from console.tui.flows.method import invoke

        if self.session is not None:
            go(self.app, invoke(self.main, self.session, self.device, row.module.name), "method")

    def action_yank(self, row: Row) -> None:
        """Copy the image's name."""
        self.post_message(Copy(row.module.image, row.module.image))
