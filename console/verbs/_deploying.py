"""What the deploying verbs share: a plan shown and confirmed on the terminal, applied, and watched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from console.call import Call
from console.verbs._confirming import confirmed
from services.contexts.model import Context
from services.errors import OperatorError

if TYPE_CHECKING:
    from services.deployment.history import Entry
    from services.deployment.hub_route import Applied, Plan
    from services.hub.client import Hub
    from services.operations.rollout_steps import Watch
    from services.records import Step


def carry_out(call: Call, context: Context, hub: Hub, plan: Plan, watch: Sequence[str] = ()) -> int:
    """Show a plan, confirm, apply, watch: the rest of every deploying verb; the exit status. What is ``watch``ed is named by
    module; where a client is among the changes, up to its first message."""
    from services.deployment.history import History
    from services.deployment.hub_route import ChangedMeanwhile, apply
    from services.deployment.image_check import with_images_checked
    from services.deployment.interrupted import settle

    history = History()
    if not call.options.no_image_check:
        plan = with_images_checked(context, plan)
    if not call.options.dry_run:
        found_again(call, settle(hub, history))
    while True:
        show(call, plan)
        if plan.errors:
            _result(call, plan, None)
            raise OperatorError(
                f"The deployment has {len(plan.errors)} error{'s' if len(plan.errors) > 1 else ''}; nothing was sent.",
                cause=f"{plan.errors[0].place}: {plan.errors[0].message}",
                remedy=plan.errors[0].remedy,
                code="deployment.invalid",
            )
        if call.options.dry_run or plan.empty:
            call.progress(
                "Nothing was sent." if call.options.dry_run else "The device has all of this already; nothing was sent."
            )
            _result(call, plan, None)
            return 0
        if not confirmed(call, f"{plan.summary} on {plan.device}?", plan.device):
            call.progress("Nothing was sent.")
            return 1
        began = datetime.now(timezone.utc)
        try:
            applied = apply(hub, plan, history, context.name)
            break
        except ChangedMeanwhile as changed:
            if call.options.yes:
                raise
            call.progress(f"{changed.what} {changed.cause} What was changed:")
            for line in changed.theirs:
                call.progress(f"{line.sign} {line.text}")
            plan = changed.plan
    call.progress(applied.detail or f"{plan.device} is at version {applied.version} now.")
    _result(call, plan, applied)
    if not getattr(call.options, "wait", False) or not watch:
        return 0
    from services.operations.first_message import expected
    from services.operations.rollout_steps import Watch

    rollout = Watch(plan.device, tuple(watch), applied.version, began)
    return watched(call, context, hub, rollout, messages=expected(plan))


def found_again(call: Call, entries: Sequence[Entry]) -> None:
    """Tell how deployments went that nobody saw to their end."""
    for entry in entries:
        call.progress(
            f"found again: {entry.summary} on {entry.device} of {entry.at:%Y-%m-%d %H:%M}: {entry.outcome}. {entry.detail}"
        )


def show(call: Call, plan: Plan) -> None:
    """The difference, the commands, problems and deployments at scale, to standard error."""
    for line in plan.diff:
        call.progress(f"{line.sign} {line.text}" if line.sign != "@" else line.text)
    for configuration in plan.configurations:
        call.progress(f"warning: the deployment at scale {configuration.id} will overwrite this within moments.")
    for problem in plan.problems:
        call.progress(f"{problem.severity}: {problem.place}: {problem.message}. {problem.remedy}")
    for command in plan.commands:
        call.progress(f"the same with the Azure CLI: {command}")


def _result(call: Call, plan: Plan, applied: Applied | None) -> None:
    if not call.as_json:
        return
    from dataclasses import asdict

    answer: dict[str, Any] = {
        "device": plan.device,
        "summary": plan.summary,
        "changed": not plan.empty,
        "applied": applied is not None and applied.entry is not None,
        "version": applied.version if applied else plan.before_version,
        "entry": applied.entry if applied else None,
        "diff": [f"{line.sign} {line.text}" for line in plan.diff],
        "problems": [asdict(problem) for problem in plan.problems],
        "configurations": [item.id for item in plan.configurations],
        "commands": list(plan.commands),
    }
    call.out_json(answer)


def watched(call: Call, context: Context, hub: Hub, watch: Watch, *, messages: bool = False) -> int:
    """Tell a rollout's steps until it is done or stops; 1 where it stopped. With ``messages`` up to the first one."""
    from services.operations.first_message import Listener
    from services.operations.rollout import Rollout

    listener: Listener | None = None
    if messages:
        try:
            listener = Listener(context)
        except OperatorError as error:
            call.progress(f"messages cannot be listened to: {error.what}")
    told: dict[str, tuple[str, str]] = {}
    steps: Sequence[Step] = ()
    try:
        for steps in Rollout(hub, context, watch, listener.sent if listener else None).steps():
            for step in steps:
                if step.state != "waiting" and told.get(step.name) not in ((step.state, step.detail), ("done", step.detail)):
                    told[step.name] = (step.state, step.detail)
                    took = f" ({step.seconds:.0f} s)" if step.seconds is not None else ""
                    call.progress(f"{step.state:8} {step.title}{took} {step.detail} {step.remedy}".rstrip())
    finally:
        if listener is not None:
            listener.close()
    return 0 if all(step.state in ("done", "neutral", "skipped") for step in steps) else 1
