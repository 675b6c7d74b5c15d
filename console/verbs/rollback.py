"""``dbe-console rollback [ENTRY]``: back to what the device had before an entry of the history."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Literal

from console.call import Call

HELP = "go back to what the device had before a deployment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``[ENTRY]`` and what every change takes."""
    from console.verbs._confirming import add_change_arguments

    parser.add_argument(
        "entry", nargs="?", type=int, help="an entry of the history; without it the device's last one that was applied"
    )
    parser.add_argument("--to-after", action="store_true", help="to what the entry made of the device, not to what was before it")
    add_change_arguments(parser)


def run(call: Call) -> int:
    """Prepare, ask for secrets that are gone, plan, show, confirm, apply."""
    from console.verbs._confirming import ask_secret, device_of, may_change
    from console.verbs._deploying import carry_out
    from services.deployment.history import History
    from services.deployment.hub_route import modules_named
    from services.deployment.rollback import plan_rollback, prepare
    from services.errors import OperatorError, UsageError
    from services.hub.client import Hub
    from services.workspace.client import Workspace, own_registry

    context = call.context()
    may_change(context)
    hub, history = Hub.open(context), History()
    if call.options.entry is not None:
        entry = history.entry(call.options.entry)
        if call.options.device not in ("", entry.device):
            raise UsageError(
                f"The entry {entry.id} is of another device, {entry.device}, not of {call.options.device}.",
                remedy=f"Give --device {entry.device}, or see which are of yours: dbe-console history.",
                code="rollback.device",
            )
    else:
        device = device_of(call, context)
        made = [
            item for item in history.entries(host=hub.host, device=device) if item.outcome == "applied" and item.route != "method"
        ]
        if not made:
            raise OperatorError(
                f"The history has nothing about {device}.", remedy="See: dbe-console history.", code="rollback.nothing"
            )
        entry = made[0]
    point: Literal["before", "after"] = "after" if call.options.to_after else "before"
    rollback, registry = prepare(hub, entry, point), None
    if rollback.missing and context.workspace is not None:
        with closing(Workspace(context)) as workspace:
            registry = own_registry(workspace)
        rollback = prepare(hub, entry, point, registry=registry)
    if rollback.missing:
        questions = zip(rollback.missing, rollback.questions(), strict=True)
        answers = {path: ask_secret(question) for path, question in questions}
        rollback = prepare(hub, entry, point, answers, registry)
    plan = plan_rollback(hub, rollback)
    return carry_out(call, context, hub, plan, modules_named(plan))
