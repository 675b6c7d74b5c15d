"""What the verbs of the workspace share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from console.cli.output import Call
from services.contexts.read_only import may_change
from services.records import Progress


def conversion_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return ``--input`` and ``--output`` as arguments of ``Workspace.convert``."""
    inputs: dict[str, Any] = {"input_node": options.input} if options.input else {}
    return {**inputs, "output_nodes": options.output} if options.output else inputs


def refuse_read_only(call: Call, what: str) -> None:
    """Raise where the context may change nothing."""
    may_change(call.context(), what)


def progress_printer(call: Call) -> Callable[[Progress], None]:
    """Return a function that prints progress as lines on standard error."""
    return lambda progress: call.progress(progress.text)
