"""What the verbs of the workspace share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from console.call import Call
from services.records import Progress

if TYPE_CHECKING:
    from services.workspace.client import Workspace


@contextmanager
def open_workspace(call: Call) -> Iterator[Workspace]:
    """The workspace of the call's context; its process ends with the block."""
    from services.workspace.client import Workspace

    workspace = Workspace(call.context())
    try:
        yield workspace
    finally:
        workspace.close()


def conversion_options(options: argparse.Namespace) -> dict[str, Any]:
    """``--input`` and ``--output`` as arguments of ``Workspace.convert``."""
    given: dict[str, Any] = {"input_node": options.input} if options.input else {}
    return {**given, "output_nodes": options.output} if options.output else given


def refuse_read_only(call: Call, what: str) -> None:
    """Raise where the context may change nothing."""
    from services.contexts.read_only import may_change

    may_change(call.context(), what)


def told(call: Call) -> Callable[[Progress], None]:
    """Progress as lines on standard error."""
    return lambda progress: call.progress(progress.text)
