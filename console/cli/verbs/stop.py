"""``dbe-console stop MODULE``: ask for the module to be stopped, nothing else changed."""

from __future__ import annotations

from console.cli.output import Call
from console.cli.verbs._one_module import add_arguments as add_arguments  # what every verb has
from console.cli.verbs._one_module import carry_out_one

HELP = "stop a module"


def run(call: Call) -> int:
    """Plan, show, confirm, apply."""
    return carry_out_one(call, lambda deployer, device, module: deployer.stop(device, module))
