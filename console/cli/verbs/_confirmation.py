"""What is asked before anything changes: the options that every changing verb has, the device, leave, a secret, and a yes."""

from __future__ import annotations

import argparse
import getpass
import sys

from console.cli.output import Call
from console.cli.verbs._names import DeviceName
from services.contexts import read_only
from services.contexts.model import Context
from services.errors import UsageError


def add_change_arguments(parser: argparse.ArgumentParser, *, wait: bool = True, images: bool = True) -> None:
    """Add ``--device --dry-run --yes --wait --json``."""
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    if images:
        parser.add_argument("--no-image-check", action="store_true", help="do not ask the registries for the images first")
    if wait:
        parser.add_argument("--wait", action="store_true", help="watch until it runs, or until it is known why not")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def device_of(call: Call, context: Context) -> str:
    """Return the device asked for; UsageError where there is none."""
    device = call.options.device or context.device
    if not device:
        raise UsageError("No device is named.", remedy="Give --device, or set one in the context.", code="usage.device")
    return str(device)


def may_change(context: Context) -> None:
    """Raise UsageError in a read-only context."""
    read_only.may_change(context)


def confirmed(call: Call, question: str, device: str = "") -> bool:
    """Ask on the terminal, unless ``--yes``; without a terminal it is wrong usage to leave that out.

    In production the name of the device (the one asked for, where ``device`` is not given) is typed: as the answer, or on the
    command line beside ``--yes``.
    """
    context = call.context()
    named = str(getattr(call.options, "device", ""))
    device = device or named or context.device
    if call.options.yes:
        if context.production and not (named and named == device):
            raise UsageError(
                f"The context {context.name} is marked production: --yes alone does not do.",
                remedy=f"Name the device too: --device {device or 'NAME'} --yes",
                code="usage.production",
            )
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to confirm on.", remedy="Give --yes, or look first with --dry-run.", code="usage.confirm"
        )
    if context.production:
        sys.stderr.write(f"{question} PRODUCTION: type {device or context.name} to go on: ")
        sys.stderr.flush()
        return sys.stdin.readline().strip() == (device or context.name)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def ask_secret(question: str) -> str:
    """Read a secret from the terminal, without echo."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} is needed, and there is no terminal to ask on.",
            remedy="Run it in a terminal, or give secrets in a file of mode 0600: --help names the option.",
            code="usage.secret",
        )
    return getpass.getpass(f"{question}: ", stream=sys.stderr)
