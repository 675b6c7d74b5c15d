"""``dbe-console upgrade edgeHub``: the runtime's image pulled first, then the module changed; for edgeAgent the steps at the device."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs._confirmation import add_change_arguments, device_of, may_change
from console.cli.verbs._deployment import carry_out
from services.deployment.plan import Plan
from services.operations.deployer import Deployer
from services.operations.upgrade import AGENT, RUNTIME, agent_steps, plan_step, pulls

HELP = "upgrade edgeHub, its image pulled first; say how edgeAgent is upgraded"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", nargs="?", default="edgeHub", choices=RUNTIME, help="edgeHub (default) or edgeAgent")
    parser.add_argument("--to", metavar="VERSION", default="", help="the version to go to (default: the newest supported one)")
    parser.add_argument(
        "--way-back", action="store_true", help="deploy edgeAgent: you have a shell on the device and can bring the old one back"
    )
    add_change_arguments(parser)


def run(call: Call) -> int:
    """Carry out the next step; with ``--wait`` the one after it, too. ``--json`` is one step, one object."""
    context, options = call.context(), call.options
    may_change(context)
    device = device_of(call, context)
    with call.session() as session:
        if options.module == AGENT and not options.way_back:
            steps = agent_steps(session.hub.device_state(device), options.to)
            if call.as_json:
                call.out_json({"device": device, "module": options.module, "steps": list(steps)})
            else:
                for line in steps:
                    call.out(line)
            return 0
        plans: list[Plan] = []

        def planning(deployer: Deployer) -> Plan:
            plans.append(plan_step(deployer, device, options.module, options.to))
            return plans[-1]

        status = carry_out(call, session, planning)
        if status or not pulls(plans[-1]) or options.dry_run:
            return status
        if not options.wait or call.as_json:
            call.progress(
                f"When it is pulled, upgrade again: dbe-console upgrade {options.module} (dbe-console modules shows it)."
            )
            return 0
        return carry_out(call, session, planning)
