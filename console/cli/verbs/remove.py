"""``dbe-console remove MODULE``: take a module off the device, nothing else changed."""

from __future__ import annotations

import argparse

from console.cli.output import Call
from console.cli.verbs import _one_module

HELP = "remove a module from the device"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _one_module.add_arguments(parser, wait=False)


def run(call: Call) -> int:
    """Plan, show, confirm, apply."""
    return _one_module.carry_out_one(call, lambda deployer, device, module: deployer.remove(device, module))
