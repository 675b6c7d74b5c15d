"""A real terminal with the console in it, its processes watched, and a search for secrets in whatever they leave."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            if not select.select([self.master], [], [], 0.1)[0]:
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


@pytest.fixture
def private(tmp_path: Path) -> dict[str, str]:
    """An environment in which everything that is written lies under ``tmp_path``."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DBE_", "XDG_", "TEXTUAL", "AZURE"))}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        kept.pop(name, None)
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "DBE_CONSOLE_HOME": str(tmp_path / "home" / "console"),
        "TERM": "xterm-256color",
    }


@pytest.fixture
def in_terminal(private: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """``in_terminal(*arguments, home=…, environment={…}, program=[…])``: the console in a terminal."""
    running: list[Terminal] = []

    def start(
        *arguments: str,
        home: str | Path = "",
        environment: dict[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "console"),
        size: tuple[int, int] = (80, 24),
        controlling: bool = True,
        watched: bool = False,
    ) -> Terminal:
        own = {**private, **({"DBE_CONSOLE_HOME": str(home)} if home else {}), **(environment or {})}
        running.append(Terminal([*program, *arguments], own, size, controlling, watched))
        return running[-1]

    yield start
    for terminal in running:
        terminal.close()


@pytest.fixture
def verb(private: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``verb("modules", "--json", home=…)``: a verb, run to its end, with nobody to ask."""

    def run(*arguments: str, home: str | Path = "", **environment: str) -> subprocess.CompletedProcess[str]:
        own = {**private, **({"DBE_CONSOLE_HOME": str(home)} if home else {}), **environment}
        return subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env=own,
        )

    return run


class Search:
    """Looks for secrets: as they are, quoted for a URL, in base64 beside a user's name, in pieces; and for the shapes of derived ones."""

    # Signatures, keys and tokens that are made from secrets, so that no list can name them.
    SHAPES = re.compile(
        rb"sig=[A-Za-z0-9%+/=]{20,}|SharedAccessKey=[A-Za-z0-9+/]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|AccountKey=[A-Za-z0-9+/]{10,}"
        rb"|(?:Bearer|Basic) [A-Za-z0-9._~+/=-]{16,}"
    )
    PIECE = 14  # what a line's end leaves of a secret that is broken there, and what a cell cuts off

    def __init__(self, secrets: Iterable[str], users: Iterable[str] = ()) -> None:
        forms: set[bytes] = set()
        self.secrets = sorted({secret for secret in secrets if secret})
        for secret in self.secrets:
            for form in (secret, quote(secret, safe=""), secret.replace("/", "\\/")):
                forms |= {form[at : at + self.PIECE].encode() for at in range(0, max(len(form) - self.PIECE, 1), self.PIECE)}
            forms.add(base64.b64encode(secret.encode()).rstrip(b"=")[:40])
            for user in users:
                for pair in (f"{user}:{secret}", f"\0{user}\0{secret}"):
                    forms.add(base64.b64encode(pair.encode()).rstrip(b"="))
        self._forms = re.compile(b"|".join(sorted(map(re.escape, forms))))

    def find(self, where: str, data: bytes | str) -> list[str]:
        """What is found in ``data``, in words for an assertion."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        found = []
        for pattern in (self._forms, self.SHAPES):
            for hit in pattern.finditer(raw):
                about = raw[max(hit.start() - 60, 0) : hit.end() + 20]
                found.append(f"{where}: {about!r}")
        return found

    def files(self, folder: Path, allowed: Callable[[Path], bool] = lambda path: False) -> list[str]:
        """The same in every file below ``folder`` and in every value of its databases; also files that others can read."""
        found = []
        for path in folder.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            try:
                mode, data = path.stat().st_mode & 0o777, path.read_bytes()
            except FileNotFoundError:
                continue  # a scratch file, gone by now
            hits = self.find(str(path), data)
            if data.startswith(b"SQLite format 3"):
                hits += self.find(f"{path} (rows)", _rows(path))
            if hits and not allowed(path):
                found += hits
            if hits and mode & 0o077:
                found.append(f"{path}: others can read it (mode {mode:04o})")
        return found


def _rows(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
        return "\n".join(str(row) for name in tables for row in base.execute(f'select * from "{name}"'))


@pytest.fixture
def search(control: Callable[..., Any]) -> Callable[[dict[str, Any]], Search]:
    """``search(lab)``: a Search for every secret that the lab knows now."""

    def made(lab: dict[str, Any]) -> Search:
        return Search(
            [*control(lab, "world")["secrets"], lab["client_secret"], lab["control_key"]],
            [lab["registry_username"], "iothubowner", "service"],
        )

    return made


@pytest.fixture
def search_for() -> type[Search]:
    """The class, for secrets of one's own."""
    return Search


@pytest.fixture
def watched() -> type[Processes]:
    """The class, for processes of one's own."""
    return Processes
