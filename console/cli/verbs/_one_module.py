"""What start, stop and remove share: one change of one module, everything else on the device left as it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, device_of, may_change
from console.cli.verbs._deployment import carry_out
from console.cli.verbs._names import ModuleName
from services.deployment.plan import Plan
from services.operations.deployer import Deployer


def add_arguments(parser: argparse.ArgumentParser, *, wait: bool = True) -> None:
    parser.add_argument("module", action=ModuleName, help="its name: dbe-console modules")
    add_change_arguments(parser, wait=wait)


def carry_out_one(call: Call, planning: Callable[[Deployer, str, str], Plan]) -> int:
    """Plan, show, confirm, apply, and with ``--wait`` watch the module. ``planning`` is given device and module."""
    context = call.context()
    may_change(context)
    device, module = device_of(call, context), call.options.module
    with call.session() as session:
        return carry_out(call, session, lambda deployer: planning(deployer, device, module))
