"""The console where operators have it: inside tmux and screen, and over a real sshd whose line is thin, is cut, and comes back."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
CONSOLE = (sys.executable, "-m", "console")
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def consoles(home: Path) -> list[int]:
    """The processes that work in that home: the console, its children, the recorder; not shells and multiplexers around them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                said, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            python = Path(os.fsdecode(said.partition(b"\0")[0])).name.startswith("python")
            if python and f"DBE_CONSOLE_HOME={home}".encode() in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_tmux(in_terminal: Callable[..., Any], lab_home: Path, tmp_path: Path, eventually: Callable[..., Any]) -> None:
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    try:
        first = in_terminal("new-session", shlex.join(CONSOLE), program=tmux, home=lab_home)
        first.until("accel-resnet50")
        first.press("2")
        first.until(lambda text: "edgeAgent" in text and "│ ✓" in text)
        first.press("\x02d")  # detached: it goes on without a terminal
        assert first.ended() == 0 and "detached" in first.text()
        assert consoles(lab_home)
        again = in_terminal("attach", program=tmux, home=lab_home, size=(160, 50))
        again.until(lambda text: "edgeAgent" in text and "accel-resnet50" in text)  # four panes, after the resize
        again.press("?")
        again.until("Help · Modules")
        again.press("escape")
        again.until(lambda text: "Help · Modules" not in text)  # tmux waits whether more follows an escape
        again.press("q")
        assert again.ended() == 0
        eventually(lambda: not consoles(lab_home))
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)


@pytest.mark.skipif(not shutil.which("screen"), reason="screen is not installed")
def test_screen(in_terminal: Callable[..., Any], lab_home: Path, tmp_path: Path, eventually: Callable[..., Any]) -> None:
    sockets = tmp_path / "screens"
    sockets.mkdir(mode=0o700)
    own = {"SCREENDIR": str(sockets)}
    screen = ["screen", "-U", "-c", "/dev/null"]
    try:
        first = in_terminal("-S", "dbe", *CONSOLE, program=screen, home=lab_home, environment=own)
        first.until("accel-resnet50")
        first.press("2")
        first.until(lambda text: "edgeAgent" in text and "│ ✓" in text)
        first.press("\x01d")
        first.ended()
        assert consoles(lab_home)
        again = in_terminal("-r", "dbe", program=screen, home=lab_home, environment=own, size=(160, 50))
        again.until(lambda text: "edgeAgent" in text and "accel-resnet50" in text)
        again.press("q")
        again.ended()
        eventually(lambda: not consoles(lab_home))
    finally:
        subprocess.run(["screen", "-S", "dbe", "-X", "quit"], env={**os.environ, **own}, capture_output=True)


class ThinLine:
    """A port that passes bytes on to another, at most so many a second, counts them, and can be cut."""

    def __init__(self, port: int, rate: float) -> None:
        self.to, self.rate, self.passed = port, rate, 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            far = socket.create_connection(("127.0.0.1", self.to))
            self._sockets += [near, far]
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, down: bool) -> None:
        try:
            while data := source.recv(1024):
                target.sendall(data)
                if down:
                    self.passed += len(data)
                    time.sleep(len(data) / self.rate)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def cut(self) -> None:
        """End every connection that goes through it."""
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """The same, and take no more."""
        self._listener.close()
        self.cut()


@pytest.fixture
def ssh(tmp_path: Path, lab_home: Path, eventually: Callable[..., Any]) -> Iterator[Callable[..., list[str]]]:
    """``ssh(line, *arguments)``: the command that opens the console over a real sshd, with keys of its own."""
    if not (SSHD and shutil.which("ssh") and shutil.which("ssh-keygen")):
        pytest.skip("no OpenSSH here")
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)

    def up() -> bool:
        if server.poll() is not None:
            pytest.skip(f"sshd does not start here: {(folder / 'log').read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(up)

    def command(line: ThinLine | None, *arguments: str) -> list[str]:
        there = [f"DBE_CONSOLE_HOME={lab_home}", "LANG=C.UTF-8", *CONSOLE, *arguments]
        options = ["-tt", "-F", "none", "-i", str(folder / "user"), "-p", str(line.port if line else port)]
        for option in ("StrictHostKeyChecking=no", f"UserKnownHostsFile={folder / 'known'}", "LogLevel=ERROR", "Compression=no"):
            options += ["-o", option]
        return [
            "ssh",
            *options,
            f"{getpass.getuser()}@127.0.0.1",
            f"cd {shlex.quote(str(Path.cwd()))} && env {shlex.join(there)}",
        ]

    command.port = port
    yield command
    server.terminate()
    server.wait(10)


def test_a_thin_line_that_is_cut(
    ssh: Callable[..., list[str]], in_terminal: Callable[..., Any], lab_home: Path, eventually: Callable[..., Any]
) -> None:
    line = ThinLine(ssh.port, 8 * 1024)
    try:
        first = in_terminal(program=ssh(line, "--slow-link"))
        first.until("accel-resnet50")
        first.press("2")
        first.until(lambda text: "edgeAgent" in text and "│ ✓" in text)
        first.press("/", "edge", "enter")
        first.until(lambda text: "edgeHub" in text and "azureml" not in text)
        assert line.passed < 120_000, "the way here, frame by frame"

        def quiet() -> bool:
            before = line.passed
            first.idle(3, 4)
            return line.passed - before < 1024

        eventually(quiet)
        eventually(lambda: json.loads((lab_home / "state" / "place.json").read_text()).get("lab", {}).get("pane") == 2)
        assert consoles(lab_home)
        line.cut()
        first.ended()
        eventually(lambda: not consoles(lab_home))
        second = in_terminal(program=ssh(line))  # and it is where it was
        second.until(lambda text: "2 Modules" in text and "edgeHub" in text and "edge" in text)
        second.press("q")
        assert second.ended() == 0
        second.wrote(b"\x1b[?1049l")
        assert second.bytes.rfind(b"\x1b[?25h") > second.bytes.rfind(b"\x1b[?25l")
        eventually(lambda: not consoles(lab_home))
    finally:
        line.close()
