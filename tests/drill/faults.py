"""The faults of the drill: each a context that makes it and takes it back. ``available`` says which cannot be had here, and why."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.drill.console import Console
from tests.drill.deployments import Deployments
from tests.drill.home import Home, copy_databases
from tests.drill.lab_process import LabProcess
from tests.drill.lines import FOREIGN_REPLIES
from tests.drill.producer import Producer

_ROOM = "192m"
_FILES = 400
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS = 0x00020000


@dataclass
class Drill:
    """All that a fault may act on. ``clock`` is the file that libfaketime reads."""

    chance: random.Random
    folder: Path
    lab: LabProcess
    home: Home
    producer: Producer
    deployments: Deployments
    console: Console
    clock: Path
    copies: int = 0


Fault = Callable[[Drill], AbstractContextManager[None]]


def small_disk(folder: Path) -> str:
    """Put a small file system at ``folder``, seen by this process and its children alone; why not, where that cannot be."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        return "mounting a small file system needs root"
    if libc.unshare(_CLONE_NEWNS):
        return f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}"
    for words in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "tmpfs", "-o", f"size={_ROOM},nr_inodes={_FILES},mode=0700", "tmpfs", str(folder)],
    ):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            return f"{words[0]}: {done.stderr.strip()}"
    return ""


def obey_modes() -> None:
    """Take from what this process starts root's right to write where the mode of a file forbids it."""
    if os.geteuid() == 0:
        for capability in _OVERRIDES:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _of_lab(name: str, **parameters: Any) -> Fault:
    @contextmanager
    def fault(drill: Drill) -> Iterator[None]:
        with contextlib.suppress(OSError):
            drill.lab.call("faults", {"name": name, "on": True, **parameters})
        yield
        with contextlib.suppress(OSError):  # a lab that was killed meanwhile has no faults on
            drill.lab.call("faults", {"name": name, "on": False})

    return fault


@contextmanager
def _frozen_hub(drill: Drill) -> Iterator[None]:
    with _of_lab("hub-freeze")(drill):
        yield
    drill.home.front.cut()  # requests that the lab took meanwhile would wait for their answers for good


@contextmanager
def _stopped(*pids: int | None) -> Iterator[None]:
    living = [pid for pid in pids if pid]
    for pid in living:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def _stop_recorder(drill: Drill) -> Iterator[None]:
    with _stopped(drill.console.recorder()):
        yield


@contextmanager
def _stop_console(drill: Drill) -> Iterator[None]:
    with _stopped(drill.console.terminal.process.pid):
        yield


@contextmanager
def _stop_child(drill: Drill) -> Iterator[None]:
    with _stopped(drill.console.child()):
        yield


@contextmanager
def _stop_lab(drill: Drill) -> Iterator[None]:
    drill.lab.send_signal(signal.SIGSTOP)
    time.sleep(drill.chance.uniform(0.5, 4))  # not for longer: who switches the lab's faults waits for it
    drill.lab.send_signal(signal.SIGCONT)
    yield


@contextmanager
def _kill_recorder(drill: Drill) -> Iterator[None]:
    if pid := drill.console.recorder():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if 3 not in drill.producer.partitions:  # it has brought nothing yet, and is not to be forgotten for that
            drill.producer.partitions.append(3)
    yield


@contextmanager
def _kill_console(drill: Drill) -> Iterator[None]:
    drill.console.kill(drill.chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGHUP, signal.SIGABRT]))
    yield


@contextmanager
def _kill_child(drill: Drill) -> Iterator[None]:
    if pid := drill.console.child():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    yield


@contextmanager
def _remade_hub(drill: Drill) -> Iterator[None]:
    """Kill the lab and make its hub again; the operator is given the new keys, and starts console and recorder anew."""
    drill.lab.kill()
    time.sleep(drill.chance.uniform(0, 2))
    recorder = drill.console.recorder()
    drill.lab.start_again()
    drill.home.point_to(drill.lab)
    if recorder:
        with contextlib.suppress(ProcessLookupError):
            os.kill(recorder, signal.SIGTERM)
    drill.console.kill()
    yield


@contextmanager
def _retention(drill: Drill) -> Iterator[None]:
    """The hub forgets while nobody receives: a gap is owed, where the recorder had begun before."""
    if not drill.home.receiving():
        yield
        return
    with _stopped(drill.console.recorder()):
        yield
        with contextlib.suppress(OSError):
            drill.lab.call("faults", {"name": "retention", "on": True, "keep": 5})
            drill.lab.call("faults", {"name": "retention", "on": False})


@contextmanager
def _power_cut(drill: Drill) -> Iterator[None]:
    """Copy the databases while nobody can write them."""
    with _stopped(drill.console.recorder(), drill.console.terminal.process.pid, drill.deployments.verb_pid):
        copy_databases(drill.home, drill.folder / "copies" / str(drill.copies))
        drill.copies += 1
    yield


@contextmanager
def _cut_line(drill: Drill) -> Iterator[None]:
    for line in filter(None, (drill.home.front, drill.home.proxy)):
        line.cut()
    yield


@contextmanager
def _half_open_line(drill: Drill) -> Iterator[None]:
    lines = list(filter(None, (drill.home.front, drill.home.proxy)))
    for line in lines:
        line.hold(True)
    yield
    for line in lines:
        line.cut()
        line.hold(False)


@contextmanager
def _slow_line(drill: Drill) -> Iterator[None]:
    lines = list(filter(None, (drill.home.front, drill.home.proxy)))
    for line in lines:
        line.bytes_a_second = 20_000
    yield
    for line in lines:
        line.bytes_a_second = 0


@contextmanager
def _foreign_replies(drill: Drill) -> Iterator[None]:
    reply = FOREIGN_REPLIES[drill.chance.choice(sorted(FOREIGN_REPLIES))]
    drill.home.front.foreign_reply = reply(drill.home.trap.host)
    drill.home.front.cut()
    yield
    drill.home.front.foreign_reply = b""


@contextmanager
def _read_only_folder(drill: Drill) -> Iterator[None]:
    folders = [path for path in (drill.home.state, drill.home.state / "journals") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    yield
    for folder in folders:
        folder.chmod(0o700)


@contextmanager
def _full_disk(drill: Drill) -> Iterator[None]:
    ballast = drill.home.folder / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    yield
    ballast.unlink()


@contextmanager
def _no_inodes(drill: Drill) -> Iterator[None]:
    folder = drill.home.folder / "inodes"
    folder.mkdir(exist_ok=True)
    try:
        for number in range(_FILES):
            (folder / str(number)).touch()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    yield
    for path in folder.iterdir():
        path.unlink()


@contextmanager
def _clock_jump(drill: Drill) -> Iterator[None]:
    drill.clock.write_text(drill.chance.choice(["+2h", "-2h", "+400d", "-30d"]))
    yield
    drill.clock.write_text("+0")


FAULTS: dict[str, Fault] = {
    "cut": _of_lab("cut", every=1.5),
    "freeze": _of_lab("freeze"),
    "refuse": _of_lab("refuse"),
    "slow": _of_lab("slow", seconds=0.7),
    "link-stolen": _of_lab("link-stolen"),
    "too-many-readers": _of_lab("too-many-readers"),
    "expire": _of_lab("expire"),
    "unauthorized": _of_lab("unauthorized"),
    "skew": _of_lab("skew", seconds=7200.0),
    "throttle": _of_lab("throttle"),
    "hub-500": _of_lab("hub-500"),
    "hub-slow": _of_lab("hub-slow", seconds=1.0),
    "hub-freeze": _frozen_hub,
    "reply-lost": _of_lab("reply-lost", count=1),
    "retention": _retention,
    "stop-recorder": _stop_recorder,
    "stop-console": _stop_console,
    "stop-child": _stop_child,
    "stop-lab": _stop_lab,
    "kill-recorder": _kill_recorder,
    "kill-console": _kill_console,
    "kill-child": _kill_child,
    "remade-hub": _remade_hub,
    "power-cut": _power_cut,
    "cut-line": _cut_line,
    "half-open-line": _half_open_line,
    "slow-line": _slow_line,
    "foreign-replies": _foreign_replies,
    "read-only-folder": _read_only_folder,
    "full-disk": _full_disk,
    "no-inodes": _no_inodes,
    "clock-jump": _clock_jump,
}
# Of a group only one is on at a time: what the one takes back would end the other.
GROUPS = (
    {"stop-recorder", "retention", "kill-recorder", "power-cut", "remade-hub"},
    {"stop-console", "kill-console", "remade-hub", "power-cut"},
    {"stop-lab", "remade-hub"},
    {"cut-line", "half-open-line", "slow-line", "foreign-replies"},
    {"read-only-folder", "full-disk", "no-inodes"},
    {"stop-child", "kill-child"},
)


def apart(name: str, active: set[str]) -> bool:
    """Return whether ``name`` may be on beside ``active``."""
    return not any(name in group and group & active for group in GROUPS) and name not in active
