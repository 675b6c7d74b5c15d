"""What start, stop and remove share: one change of one module, everything else on the device left as it is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.call import Call
from console.verbs._names import ModuleName

if TYPE_CHECKING:
    from services.deployment.changes import Change


def add_arguments(parser: argparse.ArgumentParser, *, wait: bool = True) -> None:
    """MODULE and what every change takes."""
    from console.verbs._confirming import add_change_arguments

    parser.add_argument("module", action=ModuleName, help="its name: dbe-console modules")
    add_change_arguments(parser, wait=wait)


def carry_out_one(call: Call, change: Change, *, watch: bool = True) -> int:
    """Plan, show, confirm, apply, and with ``--wait`` watch the module."""
    from console.verbs._confirming import device_of, may_change
    from console.verbs._deploying import carry_out
    from services.deployment.hub_route import plan
    from services.hub.client import Hub

    context = call.context()
    may_change(context)
    hub = Hub.open(context)
    return carry_out(call, context, hub, plan(hub, device_of(call, context), [change]), [call.options.module] if watch else [])
