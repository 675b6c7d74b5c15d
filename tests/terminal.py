"""A program in a real terminal: its keys, its screen, every byte it writes, and what the system shows of its processes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte
import pytest

KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "f1": "\x1bOP",
    "f8": "\x1b[19~",
}
# What pyte does not know: private modes with a prefix, and questions to the terminal.
UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")


class Processes:
    """Descendants of a process, and what the system tells everybody or their owner of them; seen from a thread, again and again."""

    def __init__(self, root: int, watched: bool) -> None:
        self.root = root
        self.seen: dict[tuple[int, str], bytes] = {}
        self._ended = threading.Event()
        if watched:
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.look()

    def look(self) -> None:
        """Take down arguments and environment of the root and all its descendants, also of those whose parent has ended."""
        rows = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                rows[int(entry.name)] = (int(fields[1]), fields[19], fields[0])
        known = {self.root} | {pid for pid, started in self.seen if pid in rows and rows[pid][1] == started}
        grown = True
        while grown:
            more = {pid for pid, (parent, _, _) in rows.items() if parent in known} - known
            known |= more
            grown = bool(more)
        for pid in known & rows.keys():
            said = b""
            for name in ("cmdline", "environ"):
                try:
                    said += Path(f"/proc/{pid}/{name}").read_bytes() + b"\n"
                except OSError:
                    continue  # it has ended meanwhile
            key = (pid, rows[pid][1])
            if len(said) > len(self.seen.get(key, b"")):
                self.seen[key] = said

    def pids(self) -> list[int]:
        """Return those seen that still run."""
        return [int(line.split()[0]) for line in self.alive()]

    def alive(self) -> list[str]:
        """Command lines of those seen that still run."""
        found = []
        for pid, started in self.seen:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[19] == started and fields[0] != "Z":
                found.append(f"{pid} {self.seen[pid, started].splitlines()[0]!r}")
        return found

    def stop(self) -> None:
        """Watch no longer."""
        self._ended.set()


class Terminal:
    """A program in a terminal of its own: every byte it wrote, its screen, and keys for it."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], size: tuple[int, int], controlling: bool, watched: bool
    ) -> None:
        columns, rows = size
        self.bytes = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # preexec_fn takes the terminal as the controlling one, as a login does.
        take = (lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=take,
            env=environment,
        )
        self.slave = slave  # kept open: its settings are looked at when the program has ended
        self.processes = Processes(self.process.pid, watched)
        self._open = True
        self._reading = threading.Event()  # clear: nobody reads what it writes
        self._reading.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            if not self._reading.wait(0.1) or not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self.bytes += data
                self._stream.feed(UNKNOWN.sub(b"", data))

    def text(self) -> str:
        """The screen."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, wanted: str | Callable[[str], object], seconds: float = 120) -> str:
        """Wait for a text on the screen (or a condition on it); gives the screen."""
        met = wanted if callable(wanted) else lambda text: wanted in text
        end = time.monotonic() + seconds
        while not met(text := self.text()):
            if self.process.poll() is not None:
                pytest.fail(f"it ended with {self.process.returncode} before {wanted!r}:\n{text}")
            if time.monotonic() > end:
                pytest.fail(f"never saw {wanted!r}:\n{text}")
            time.sleep(0.05)
        return text

    def wrote(self, wanted: bytes, seconds: float = 60, since: int = 0) -> None:
        """Wait for bytes."""
        end = time.monotonic() + seconds
        while wanted not in self.bytes[since:]:
            assert time.monotonic() < end, f"never wrote {wanted!r}: {bytes(self.bytes[-300:])!r}"
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Keys by name, or text."""
        for key in keys:
            os.write(self.master, KEYS.get(key, key).encode())
            time.sleep(0.3 if key == "escape" else 0.05)  # an escape of its own must not run into the next key

    def idle(self, seconds: float = 0.4, at_most: float = 10) -> None:
        """Wait until it has written nothing for a while."""
        end, length, since = time.monotonic() + at_most, len(self.bytes), time.monotonic()
        while time.monotonic() < end and time.monotonic() - since < seconds:
            time.sleep(0.05)
            if len(self.bytes) != length:
                length, since = len(self.bytes), time.monotonic()

    def ended(self, seconds: float = 60) -> int:
        """Wait for its end; gives the exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end in {seconds} s:\n{self.text()}")

    def restored(self, seconds: float = 60) -> bool:
        """Whether the terminal is as it was: settings, main screen, cursor, no mouse, no focus reports, no bracketed paste.

        What a program wrote last may arrive after its end.
        """
        end = time.monotonic() + seconds
        while not (now := self._restored()) and time.monotonic() < end:
            time.sleep(0.05)
        return now

    def _restored(self) -> bool:
        if termios.tcgetattr(self.slave)[:4] != self.before[:4]:
            return False
        for off, on in ((b"\x1b[?1049l", b"\x1b[?1049h"), (b"\x1b[?25h", b"\x1b[?25l"), (b"\x1b[?1004l", b"\x1b[?1004h"),
                        (b"\x1b[?2004l", b"\x1b[?2004h"), (b"\x1b[?7h", b"\x1b[?7l")):  # fmt: skip
            if self.bytes.rfind(off) < self.bytes.rfind(on):
                return False
        return not re.search(rb"\x1b\[\?100[0235]h", bytes(self.bytes)) or self.bytes.rfind(b"\x1b[?1003l") > self.bytes.rfind(
            b"\x1b[?1003h"
        )

    def stall(self, seconds: float) -> None:
        """Read nothing for so long, as a line that does not keep up."""
        self._reading.clear()
        threading.Timer(seconds, self._reading.set).start()

    def hang_up(self) -> None:
        """Close the terminal's other end."""
        self._open = False
        self._reader.join(5)
        os.close(self.slave)
        os.close(self.master)
        self.slave = self.master = -1

    def close(self) -> None:
        """End whatever is left."""
        self.processes.look()
        self.processes.stop()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(60)
        for pid, started in self.processes.seen:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == started:
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        if self.master >= 0:
            self.hang_up()
