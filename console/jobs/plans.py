"""A planned change of a device: its difference shown, sent when it is confirmed, and watched as it comes up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from console.background import for_dialog, go, in_thread, said_again
from console.jobs.manifest_file import write_manifest
from console.jobs.watches import Watch
from console.owner import app_of
from console.session import Session
from services.records import Severity
from widgets.diff import DiffConfirm

if TYPE_CHECKING:
    from console.owner import MainScreen
    from services.deployment.changes import Change
    from services.deployment.hub_route import Plan
    from services.operations.rollout_steps import Watch as Watched


async def confirm_plan(
    main: MainScreen, session: Session, device: str, changes: Sequence[Change], title: str, yes: str, modules: Sequence[str]
) -> None:
    """Plan changes, then ``carry_out``."""
    main.notify("comparing with what the device has", timeout=2)
    await carry_out(main, session, await for_dialog(main, session.plan, device, changes), title, yes, modules)


async def carry_out(main: MainScreen, session: Session, made: Plan, title: str, yes: str, modules: Sequence[str]) -> None:
    """Show a plan, apply it when it is confirmed, and watch ``modules`` come up (where there are any).

    A device that changed meanwhile is shown and asked about again.
    """
    from services.deployment.hub_route import ChangedMeanwhile, apply
    from services.operations.first_message import expected
    from services.operations.rollout_steps import Watch as Watched

    device = made.device
    extra: list[tuple[Severity, str]] = []
    while True:
        if not made.diff and made.empty:
            main.notify(f"{device} has all of it already", timeout=4)
            return
        if not await main.app.push_screen_wait(_question(main, session, made, title, yes, extra)):
            return
        began = datetime.now(timezone.utc)
        main.notify(f"sending to {device}", timeout=2)
        try:
            with said_again(main, f"{device}: no answer of the hub yet; waiting on"):
                applied = await in_thread(apply, session.hub, made, session.history, session.context.name)
        except ChangedMeanwhile as changed:
            made = await for_dialog(main, session.checked, changed.plan)
            extra = [("warning", f"{changed.what} {changed.cause}")]
            extra += [("warning", f"theirs: {line.sign} {line.text.strip()}") for line in changed.theirs if line.sign in "+-"][:6]
            continue
        finally:
            main.modules.read(asked=True)  # also where it failed: what the device has is shown, whatever the reply was
        break
    if applied.detail:
        main.notify(
            applied.detail, severity="warning" if applied.overwrote else "information", timeout=20 if applied.overwrote else 6
        )
    main.go_to(2)  # to what it became; and out of the editor, where every key is text
    if modules:
        main.modules.stand_on(modules[0])
        watch(main, session, Watched(device, tuple(modules), applied.version, began), title, client=expected(made))
    else:
        main.modules.read_until_taken()  # no rollout is watched that would read it again


def _question(
    main: MainScreen, session: Session, made: Plan, title: str, yes: str, extra: Sequence[tuple[Severity, str]]
) -> DiffConfirm:
    from services.deployment.hub_route import outline

    warnings: list[tuple[Severity, str]] = [*extra, ("info", outline(made))]
    for configuration in made.configurations:
        warnings.append(("warning", f"The deployment at scale {configuration.id} will overwrite this within moments."))
    warnings += [(problem.severity, f"{problem.place}: {problem.message}. {problem.remedy}".strip()) for problem in made.problems]
    return DiffConfirm(
        title,
        made.diff,
        made.commands,
        warnings,
        yes=yes,
        type_to_confirm=session.typed(made.device),
        forbidden=bool(made.errors),
        save=lambda: go(main.app, write_manifest(main, "deployment.json", made.after), "save"),
    )


def watch(main: MainScreen, session: Session, watched: Watched, title: str, *, client: bool) -> None:
    """Watch the rollout; the app owns it, so that leaving the screen ends nothing."""
    app = app_of(main)
    made = Watch(watched.device, watched.modules[0], title, client, lambda: session.rollout(watched, client))
    app.follow(made)
    app.action_watch()
