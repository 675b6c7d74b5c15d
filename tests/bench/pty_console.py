"""The real console on a bench's lab, in a pty: its keys, what it writes, and its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import pyte
from bench_lab import BenchLab


class PtyConsole:
    """A console in a pty of 80×24; ``pump`` reads what it writes, and counts it."""

    def __init__(self, home: Path, *arguments: str, columns: int = 80, rows: int = 24) -> None:
        self.home = home
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = 0
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {**os.environ, "DBE_CONSOLE_HOME": str(home), "TERM": "xterm-256color"}
        env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        os.close(slave)
        self._read: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self._ended, self._end = os.pipe()
        self._reader = threading.Thread(target=self._reads, daemon=True)
        self._reader.start()

    def _reads(self) -> None:
        """Read at once what is written, whatever else is done with what was written before."""
        while self._ended not in select.select([self.master, self._ended], [], [])[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:
                return  # the console has ended
            self._read.put((time.perf_counter(), data))

    def next(self, seconds: float, draw: bool = True) -> float | None:
        """When the next piece was written (``perf_counter``), drawn if wanted; None where nothing was for so long."""
        try:
            at, data = self._read.get(timeout=seconds)
        except Empty:
            return None
        self.written += len(data)
        if draw:
            self._stream.feed(data.replace(b"\x1b[>", b"\x1b[?"))
        return at

    def pump(self, seconds: float, draw: bool = True) -> None:
        """Read for so long; ``draw`` keeps the screen up to date."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.next(left, draw)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def until(self, seen: str | Callable[[str], bool], seconds: float = 60) -> None:
        """Read until the screen shows it."""
        end = time.monotonic() + seconds
        while not (seen in self.text() if isinstance(seen, str) else seen(self.text())):
            if time.monotonic() > end:
                raise RuntimeError(f"never saw {seen!r}:\n{self.text()}")
            self.pump(0.1)

    def close(self) -> None:
        """End it as a closed terminal does."""
        os.write(self._end, b"\n")
        self._reader.join()
        for descriptor in (self._ended, self._end, self.master):
            os.close(descriptor)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def home_of(lab: BenchLab) -> Iterator[Path]:
    """A home with the lab's context as the current one."""
    with tempfile.TemporaryDirectory(prefix="dbe-bench-") as folder:
        home = Path(folder)
        (home / "config").mkdir(mode=0o700)
        target = home / "config" / "contexts.toml"
        shutil.copy(Path(lab.info["config_home"]) / "config" / "contexts.toml", target)
        target.chmod(0o600)
        yield home


@contextmanager
def console(lab: BenchLab, *arguments: str) -> Iterator[PtyConsole]:
    """The console on the messages pane, receiving."""
    with home_of(lab) as home:
        found = PtyConsole(home, *arguments)
        try:
            found.until("Images")
            found.press("4")
            found.until("No messages of", 90)
            end = time.monotonic() + 60
            while "kept" not in found.text() and time.monotonic() < end:  # the first that comes shows the line
                lab.inject(1)
                found.pump(1)
            yield found
        finally:
            found.close()
            # The recorder ends with its last console; the home must not go before it.
            end = time.monotonic() + 15
            while any(_holds(path) for path in home.rglob("*.recorder.lock")) and time.monotonic() < end:
                time.sleep(0.1)


def _holds(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
