"""A planned change of a device on the screen: shown, sent when it is confirmed, and watched as it comes up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from console.tui.background import ask_from_thread, for_dialog, go, in_thread, said_again
from console.tui.flows.manifest_file import write_manifest
from console.tui.flows.watches import Watch
from console.tui.owner import app_of
from services.operations.session import Session
from services.records import Progress
from widgets.dialogs import Confirm
from widgets.diff import DiffConfirm
from widgets.progress import ProgressDialog
from widgets.remedies import on_screen

if TYPE_CHECKING:
    from console.tui.owner import MainScreen
    from services.deployment.plan import Plan
    from services.operations.deployer import Deployer
    from services.operations.rollout_steps import Watch as RolloutWatch


async def carry_out(main: MainScreen, session: Session, planning: Callable[[Deployer], Plan]) -> bool:
    """Plan, show, apply when it is confirmed, and watch what comes up; return whether it was applied.

    A device that changed meanwhile is asked about again.
    """
    from services.errors import Stopped

    main.notify("comparing with what the device has", timeout=2)
    plan = await for_dialog(main, lambda: planning(session.deployer))
    dialog = PlanDialog(main, session)
    try:
        applied = await in_thread(session.deployer.carry_out, plan, dialog, dialog.stopped)
    except Stopped as left:
        main.notify(f"{left.what} {on_screen(left.remedy)}".strip(), timeout=6)
        return False
    finally:
        dialog.close()
    if applied is None:
        return False
    if applied.detail:
        main.notify(
            applied.detail, severity="warning" if applied.warning else "information", timeout=20 if applied.warning else 6
        )
    main.go_to(2)  # to what it became; and out of the editor, where every key is text
    rollout = session.deployer.watch(dialog.plan or plan, applied)
    if rollout.modules:
        main.modules.stand_on(rollout.modules[0])
        watch(main, session, rollout, plan.title)
    else:
        main.modules.read_until_taken()  # no rollout is watched that would read it again
    return True


class PlanDialog:
    """The screen's side of ``Deployer.carry_out``: its methods are called from a thread."""

    def __init__(self, main: MainScreen, session: Session) -> None:
        self.main = main
        self.session = session
        self.stopped = Event()  # the operator left what goes on in the workspace
        self.plan: Plan | None = None  # as it was confirmed
        self._waiting = ExitStack()
        self._progress: ProgressDialog | None = None

    def confirm(self, plan: Plan) -> bool:
        """Ask on the screen; from a yes on say that the hub is waited for."""
        if not ask_from_thread(self.main.app, self._question(plan)):
            return False
        self.plan = plan
        self.main.app.call_from_thread(self._begin, plan)
        return True

    def report(self, progress: Progress) -> None:
        """Say it in the dialog that follows the workspace, else in a notification."""
        if self._progress is None:
            self.main.app.call_from_thread(self.main.notify, progress.text, timeout=4)
        elif not self.stopped.is_set():
            self.main.app.call_from_thread(self._progress.tell, progress)

    def close(self) -> None:
        """Take away what says that something goes on; and read the device, whatever the reply was."""
        self._waiting.close()
        if self._progress is not None and self._progress.is_attached:
            self._progress.dismiss(None)
        if self.plan is not None:
            self.main.modules.read(on_request=True)

    def _begin(self, plan: Plan) -> None:
        if plan.service is not None:
            self._progress = ProgressDialog(plan.title, "")
            self.main.app.push_screen(self._progress, lambda _: self.stopped.set())
            return
        self.main.notify(f"sending to {plan.device}", timeout=2)
        self._waiting.close()
        self._waiting.enter_context(said_again(self.main, f"{plan.device}: no answer of the hub yet; waiting on"))

    def _question(self, plan: Plan) -> ModalScreen[bool]:
        confirmation = self.session.name_to_type(plan.device)
        if plan.service is not None:
            return Confirm(plan.title, plan.remarks[0][1], plan.verb, type_to_confirm=confirmation)
        return DiffConfirm(
            plan.title,
            plan.diff,
            plan.commands,
            plan.remarks,
            yes=plan.verb,
            type_to_confirm=confirmation,
            forbidden=bool(plan.errors),
            rest_on_yes=plan.only_adds and not confirmation,
            save=lambda: go(self.main.app, write_manifest(self.main, "deployment.json", plan.after), "save"),
        )


def watch(main: MainScreen, session: Session, rollout: RolloutWatch, title: str) -> None:
    """Watch the rollout; the app owns it, so that leaving the screen ends nothing."""
    app = app_of(main)
    steps = session.deployer.rollout
    app.follow(Watch(rollout.device, rollout.modules[0], title, rollout.messages, lambda: steps(rollout)))
    app.action_watch()
