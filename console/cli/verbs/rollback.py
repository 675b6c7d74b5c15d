"""``dbe-console rollback [ENTRY]``: back to what the device had before an entry of the history."""

from __future__ import annotations

import argparse
from typing import Literal

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, ask_secret, device_of, may_change
from console.cli.verbs._deployment import carry_out
from console.cli.verbs._numbers import MOST_ROWS, whole_number
from services.deployment.plan import Plan
from services.errors import UsageError
from services.operations.deployer import Deployer

HELP = "go back to what the device had before a deployment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "entry",
        nargs="?",
        type=whole_number(1, MOST_ROWS),
        help="an entry of the history; without it the device's last one that was applied",
    )
    parser.add_argument("--to-after", action="store_true", help="to what the entry made of the device, not to what was before it")
    add_change_arguments(parser)


def run(call: Call) -> int:
    """Prepare, ask for secrets that are gone, plan, show, confirm, apply."""
    context = call.context()
    may_change(context)
    point: Literal["before", "after"] = "after" if call.options.to_after else "before"
    with call.session() as session:

        def planning(deployer: Deployer) -> Plan:
            number = call.options.entry
            entry = deployer.last_applied(device_of(call, context)) if number is None else session.history.entry(number)
            if call.options.device not in ("", entry.device):
                raise UsageError(
                    f"The entry {entry.id} is of another device, {entry.device}, not of {call.options.device}.",
                    remedy=f"Give --device {entry.device}, or see which are of yours: dbe-console history.",
                    code="rollback.device",
                )
            rollback = deployer.prepare_rollback(entry, point)
            if rollback.missing:
                questions = zip(rollback.missing, rollback.questions(), strict=True)
                rollback = deployer.prepare_rollback(entry, point, {path: ask_secret(question) for path, question in questions})
            return deployer.rollback(rollback)

        return carry_out(call, session, planning)
