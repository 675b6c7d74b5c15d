"""A crash leaves no keys in a file and no terminal that is of no use: the limits of every process, and a console that is killed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.contexts import children


def allow_core_dumps() -> None:
    """In a child before exec, as in a shell after ``ulimit -c unlimited``, as far as the test's own process may."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def core_limits(pid: int) -> list[str]:
    """The soft and the hard limit of a process's core file."""
    line = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core file size"))
    return line.split()[4:6]


needs_room_for_a_core = pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="core dumps are forbidden here already: nothing could be seen"
)


@needs_room_for_a_core
@pytest.mark.parametrize("module", ["console", "services.messages.recorder", "services.workspace.child", "services.hub.redirect"])
def test_every_process_with_a_key_forbids_its_core_first(module: str, eventually: Callable[..., Any]) -> None:
    """What it waits for is its standard input, from which the key comes."""
    arguments = ["manifest", "diff", "-"] if module == "console" else []
    program = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=allow_core_dumps
    ) as process:
        try:
            eventually(lambda: core_limits(process.pid) == ["0", "0"])
            eventually(lambda: int(Path(f"/proc/{process.pid}/coredump_filter").read_text(), 16) == 0)
        finally:
            process.kill()


def test_nothing_of_memory_goes_into_a_core_that_is_piped_to_a_program() -> None:
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "from services.contexts.children import forbid_core_dumps as forbid; forbid()\n"
            "import json, resource; print(json.dumps(resource.getrlimit(resource.RLIMIT_CORE)))\n"
            "print(int(open('/proc/self/coredump_filter').read(), 16))",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(children.__file__).parents[2],
    )
    limits, kept = child.stdout.splitlines()
    assert json.loads(limits) == [0, 0] and kept == "0"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_gives_the_terminal_back(in_terminal: Callable[..., Any], number: signal.Signals) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    terminal.processes.look()
    os.kill(terminal.process.pid, number)
    assert terminal.ended() == -number
    assert terminal.restored()
    terminal.wrote(b"What was recorded is kept")


def test_leaving_in_order_says_nothing_of_a_crash(in_terminal: Callable[..., Any]) -> None:
    terminal = in_terminal()
    terminal.until("Welcome")
    terminal.press("escape")
    assert terminal.ended() == 0 and terminal.restored()
    assert b"What was recorded" not in terminal.bytes
