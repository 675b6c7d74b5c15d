"""The recorder as consoles see it: started where there is none, else attached to.

One recorder for each endpoint and user, by a lock on a file that the system lets go of when the process dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO

from services.contexts.children import environment
from services.contexts.model import Context
from services.errors import OperatorError
from services.files import FileError, file_error, open_private, private_folder
from services.messages.journal import schema
from services.messages.journal.field_rule import request_rule
from services.messages.journal.location import Place, journal_place
from services.messages.journal.retention import Keep
from services.messages.journal.store import Journal
from services.messages.parsing.field_rule import rule_text
from services.messages.recorder.settings import Settings
from services.messages.recorder.status import ANOTHER_RUNS, RecorderStatus
from services.messages.start import Start
from services.records import EventEndpoint
from services.text import one_line

_START_SECONDS = 45.0
_RESTART_WAIT, _LONGEST_RESTART_WAIT = 2.0, 60.0  # seconds from one start to the next, while it dies again and again
_SOUND_AFTER = 60.0  # seconds: one that lived for so long was not started in vain
_SILENT_AFTER = 20.0  # seconds: it says every five that it lives
_TRIES = 3
_ROOM_TO_START = 1024 * 1024
_LOG_END = 8_192


def ensure_recorder(
    context: Context, endpoint: EventEndpoint, start: Start | None = None, stay: bool = False, folder: Path | None = None
) -> RecorderHandle:
    """Attach to the endpoint's recorder, started where none runs; the journal is there when this returns.

    ``start`` holds for partitions that the journal does not know yet (default: the newest message) or reaches back before it.
    ``stay``: the recorder does not end with the last console. Raises OperatorError.
    """
    place = journal_place(endpoint.namespace, endpoint.entity, folder)
    limits = context.limits
    keep = Keep(limits.journal_rows, limits.journal_days, limits.journal_bytes)
    handle = RecorderHandle(place, Settings(endpoint, place.journal, keep, start or Start(), stay))
    handle.ensure()
    with contextlib.suppress(OperatorError, sqlite3.Error):  # what ails the journal the recorder itself says
        request_rule(place.journal, rule_text(context.messages))
    return handle


class RecorderHandle:
    """A console's hold on the recorder. As long as it is open, the recorder goes on; if it dies, ``status`` starts another."""

    def __init__(self, place: Place, settings: Settings) -> None:
        self.place = place
        self.journal_path = place.journal
        self._settings = settings
        self._console: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._deaths = 0  # in a row
        self._restarts = 0
        self._dying: OperatorError | None = None  # what to tell of it
        self._last_report = (0, 0.0)  # what it said last (``RecorderStatus.at``), and since when it has said no more
        self._reviving = threading.Lock()  # several threads ask for the status

    def ensure(self) -> None:
        """Attach, start the recorder where none runs, and wait for the journal. Raises OperatorError."""
        if self._console is None:
            self._console = _lock(self.place.consoles_lock, fcntl.LOCK_SH, _START_SECONDS)
        until = time.monotonic() + _START_SECONDS
        tries = 0
        while True:
            if not running(self.place) and (self._child is None or self._child.poll() is not None):
                if tries >= _TRIES:
                    raise self._not_started(f"It ended at once, {tries} times.")
                self._spawn()
                tries += 1
            elif self._child is not None and self._child.poll() == ANOTHER_RUNS:
                tries = 0
            error = self._trouble()
            if error is not None:
                raise error
            if self._ready():
                self.try_now()
                return
            if time.monotonic() > until:
                raise self._not_started(f"It said nothing for {_START_SECONDS:.0f} s.")
            time.sleep(0.02)

    def status(self) -> RecorderStatus:
        """Return what the recorder last said; one that has died is started again, after a pause that grows while it goes on dying."""
        current = RecorderStatus.read(self.place.status)
        if current is None:
            current = RecorderStatus("starting", int(time.time() * 1000), journal=str(self.journal_path))
        if self._console is None:
            return current
        with self._reviving:
            return self._as_it_is(current)

    def _as_it_is(self, current: RecorderStatus) -> RecorderStatus:
        alive = running(self.place)
        if alive and (self._child is None or self._child.poll() is not None or self._child.pid == current.pid):
            silent = self._silent(current)
            current = replace(current, state="failed", rate=0.0, error=silent.as_dict()) if silent else current
            return replace(current, restarts=self._restarts)
        dying = None if alive else self._revive()
        # What the one before said last holds no more.
        error = dying.as_dict() if dying else None
        return replace(current, state="failed" if dying else "starting", rate=0.0, error=error, restarts=self._restarts)

    def _silent(self, current: RecorderStatus) -> OperatorError | None:
        """Return what to tell of one that lives and says no more, by a clock that nobody sets; what it said itself goes before."""
        now = time.monotonic()
        if current.at != self._last_report[0]:
            self._last_report = current.at, now
        seconds = now - self._last_report[1]
        if seconds < _SILENT_AFTER or current.error:
            return None
        return OperatorError(
            "The recorder lives and does nothing.",
            cause="It was stopped (SIGSTOP, a debugger), or the machine or its disk has no time for it.",
            remedy=f"kill -CONT {current.pid} lets it go on. Where that does not help, kill -KILL {current.pid}: another one is started,"
            " and nothing is lost.",
            code="recorder.silent",
        )

    def _revive(self) -> OperatorError | None:
        """Start another recorder when it is time to; gives what to tell an operator where that has been in vain."""
        since = time.monotonic() - self._started_at
        beginning = self._child is not None and self._child.poll() is None
        if since > max(self._pause, _START_SECONDS if beginning else 0.0):
            self._deaths = 1 if since > _SOUND_AFTER + self._pause else self._deaths + 1
            try:
                self._dying = self._ends() if self._deaths > _TRIES else None  # its last words are gone with the next start
                over = self._ended_as_told()
                self._spawn()
                self._restarts += not over
            except OperatorError as error:
                self._dying = error
        return self._dying

    def _ended_as_told(self) -> bool:
        """Return whether it was another console's recorder, that was ending with that console when this one attached."""
        last = RecorderStatus.read(self.place.status)
        return self._child is None and last is not None and last.state == "ended"

    @property
    def _pause(self) -> float:
        return min(_RESTART_WAIT * 2.0 ** max(0, self._deaths - _TRIES), _LONGEST_RESTART_WAIT)

    def _ends(self) -> OperatorError:
        killed = self._child is not None and self._child.poll() == -signal.SIGKILL
        how = "It was killed: by the system, perhaps, where the memory is used up." if killed else "It ended by itself."
        error = self._not_started(how)
        return OperatorError(
            f"The recorder has died {self._deaths} times; it is started again every {self._pause:.0f} s.",
            cause=error.cause,
            remedy="Make memory free, or end what kills it; messages wait at the hub meanwhile." if killed else error.remedy,
            code="recorder.dies",
        )

    def try_now(self) -> None:
        """Ask a recorder that rests after a failure (for up to half a minute) to try again at once."""
        self._deaths = 0
        with contextlib.suppress(OSError):
            os.utime(self.place.consoles_lock)

    def journal(self) -> Journal:
        """Return the journal, for reading and for marks."""
        return Journal(self.journal_path)

    def close(self) -> None:
        """Let go; the recorder ends if this was the last console (unless it was told to stay)."""
        if self._console is not None:
            self._console.close()
            self._console = None
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    def _spawn(self) -> None:
        """Start the process: its own session, so that a dropped line does not take it along; the key by its standard input."""
        self._started_at = time.monotonic()
        if self._child is not None:
            self._child.poll()
        self._hold_again()
        try:
            log = open_private(self.place.log, "w")
        except FileError as error:
            raise _unwritable(self.place.log, error) from error
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.messages.recorder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=environment(sign_in=True),
            )
        finally:
            log.close()
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(self._settings.to_json().encode())
            self._child.stdin.close()

    def _hold_again(self) -> None:
        """Attach anew where the lock file was removed, with its folder perhaps: a recorder would find no console there."""
        if self._console is None or schema.identity(self.place.consoles_lock) == _identity_of(self._console):
            return
        try:
            private_folder(self.place.journal.parent)
        except FileError as error:
            raise _unwritable(self.place.journal.parent, error) from error
        before, self._console = self._console, _lock(self.place.consoles_lock, fcntl.LOCK_SH, 0.0)
        before.close()

    def _not_started(self, how: str) -> OperatorError:
        """Return why there is no recorder, by the last line of its log: the file may go with its folder."""
        try:
            lines = self.place.log.read_text("utf-8", "replace")[-_LOG_END:].splitlines()
        except OSError:
            lines = []
        text = next((line for line in reversed(lines) if line.strip()), "")
        connection_string = self._settings.endpoint.connection_string.reveal()
        for secret in (connection_string, *(part.partition("=")[2] for part in connection_string.split(";") if "Key=" in part)):
            text = text.replace(secret, "•••") if secret else text
        return OperatorError(
            "The recorder did not start.",
            cause=f"{how} Its last words: {one_line(text, 300)}" if text else f"{how} It left no word in its log.",
            remedy=f"End what holds the journal and try again. Where that does not help, send {self.place.log} to the makers.",
            code="recorder.start",
        )

    def _ready(self) -> bool:
        status = RecorderStatus.read(self.place.status)
        return status is not None and running(self.place) and status.state != "ended" and self.journal_path.exists() and (
            self._child is None or status.pid == self._child.pid or self._child.poll() is not None
        )  # fmt: skip

    def _trouble(self) -> OperatorError | None:
        """Return why there is no journal, where the recorder says so, or where it has no room to say so."""
        status = RecorderStatus.read(self.place.status)
        if status is None and shutil.disk_usage(self.place.journal.parent).free < _ROOM_TO_START:
            return schema.disk_full(self.journal_path)
        if status is not None and status.state == "disk" and status.error and self._child and status.pid == self._child.pid:
            return OperatorError(
                status.error["what"],
                cause=status.error["cause"],
                remedy=status.error["remedy"],
                code=status.error["code"],
                raw=status.error["raw"],
            )
        return None


def _identity_of(file: IO[str]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def running(place: Place) -> bool:
    """Return whether a recorder holds the endpoint's lock."""
    try:
        file = place.recorder_lock.open()  # to read: on a disk that is read-only now, a recorder may still run
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(place.recorder_lock, file_error(place.recorder_lock, error)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stop(place: Place) -> bool:
    """End the recorder of an endpoint, whoever started it; whether there was one."""
    status = RecorderStatus.read(place.status)
    if status is None or not running(place):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(status.pid, signal.SIGTERM)
    return True


def _unwritable(path: Path, error: FileError) -> OperatorError:
    return OperatorError(
        f"{path} cannot be opened.",
        cause=error.cause,
        remedy="Give rights there, or set DBE_CONSOLE_HOME to a folder on a local disk.",
        code="journal.unwritable",
    )


def _lock(path: Path, how: int, seconds: float) -> IO[str]:
    """Take the lock on ``path``; waits where a recorder that is just ending holds it."""
    until = time.monotonic() + seconds
    try:
        file = open_private(path)
    except FileError as error:
        raise _unwritable(path, error) from error
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > until:
                file.close()
                raise OperatorError(
                    "A recorder is ending and does not let go.",
                    remedy="Try again in a moment.",
                    code="recorder.busy",
                ) from None
            time.sleep(0.02)
