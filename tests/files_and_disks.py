"""Disks that take nothing more, and every place where the product writes a file."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest

from console.terminal import crash
from console.tui import saved_state as place
from console.tui import themes
from services.contexts.model import Context
from services.contexts.secrets import keep_in_file
from services.contexts.store import ContextStore
from services.deployment.manifest import file as manifest_file
from services.deployment.options import presets
from services.messages.journal import export
from services.messages.recorder.status import RecorderStatus
from services.operations.doctor import report
from services.operations.doctor.examination import Examination
from services.records import PendingOperation, Secret
from services.workspace.pending import PendingOperations


@dataclass(frozen=True)
class Writer:
    """A function that writes the file ``path`` below a home."""

    path: str
    write: Callable[[Path], object]
    from_outside: bool = False  # the operator names the file, so that its folder is there already

    def __str__(self) -> str:
        return self.path.rpartition("/")[2]


def _report(path: Path) -> object:
    run = Examination("plant-7", "edge-1", datetime(2026, 12, 1, tzinfo=timezone.utc), ())
    return report.write(path, run, Context("plant-7"))


WRITERS = [
    Writer("config/contexts.toml", lambda path: ContextStore(path).add(Context("plant-7"), replace=True)),
    Writer("config/secrets/plant", lambda path: keep_in_file("plant", Secret("key"))),
    Writer("config/presets/mine.json", lambda path: presets.save(presets.own("mine", '{"Tty": true}'))),
    Writer("state/place.json", lambda path: place.keep("plant-7", place.Place(2))),
    Writer("state/theme", lambda path: themes.remember(path, "light")),
    Writer(
        "state/workspace-operations.json",
        lambda path: PendingOperations("w", path).keep(PendingOperation("image", "w", "a: b", "1")),
    ),
    Writer("state/exports/message-0-1", lambda path: export.save_body(b"body", path)),
    Writer("manifest.json", lambda path: manifest_file.write_private(path, {"modulesContent": {}}), True),
    Writer("report.md", _report, True),
    Writer("report.json", lambda path: _report(path.with_suffix(".md")), True),
]
# Those that go on without the file, in a way of their own.
QUIET = [
    Writer("state/journals/a.status.json", lambda path: RecorderStatus("receiving", 1).write(path), True),
    Writer("state/console.log", lambda path: crash.write_down(RuntimeError("x"))),
]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs with those options on ``folder``; skips where it may not be mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options.encode()):
        number = ctypes.get_errno()
        pytest.skip(f"no tmpfs can be mounted here: {os.strerror(number)}")
    try:
        yield
    finally:
        detach = 2  # MNT_DETACH
        libc.umount2(os.fsencode(folder), detach)


@contextmanager
def full(folder: Path) -> Iterator[str]:
    """A full disk at ``folder``."""
    with mounted(folder, "size=64k"):
        ballast = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(ballast, bytes(4096)):
                continue
        except OSError as error:
            assert error.errno == errno.ENOSPC
        finally:
            os.close(ballast)
        yield "The disk is full."


@contextmanager
def without_inodes(folder: Path) -> Iterator[str]:
    """A disk with room and no more inodes at ``folder``."""
    with mounted(folder, "size=1m,nr_inodes=2"):
        (folder / "last").touch()
        yield "its inodes are used up"


@contextmanager
def read_only(folder: Path) -> Iterator[str]:
    """A disk at ``folder`` that is read-only."""
    with mounted(folder, "size=1m,ro"):
        yield "The disk is read-only."


@contextmanager
def no_folder(folder: Path) -> Iterator[str]:
    """A file in the place of ``folder``."""
    folder.rmdir()
    folder.touch()
    yield "is no folder"


DISKS = [full, without_inodes, read_only, no_folder]
