"""The first frame waits for no SDK, and a terminal is left as it was found."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

# What fetches the context begins after the first frame: at that moment it is looked what was imported.
PROBE = """
import json, sys
from console.tui.app import ConsoleApp
seen = {}
async def opened(app):
    names = ("azure", "azureml", "grpc", "uamqp", "docker", "onnxruntime", "numpy", "google", "sqlite3", "requests", "msrest")
    seen["modules"] = sorted({name.split(".")[0] for name in sys.modules} & set(names))
    seen["drawn"] = app.main.images.region.height > 0
    app.exit()
ConsoleApp._open = opened
ConsoleApp().run(headless=True, size=(80, 24))
print(json.dumps(seen))
"""


def test_nothing_heavy_is_imported_before_the_first_frame(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DBE_CONSOLE_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"modules": [], "drawn": True}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_leaves_a_clean_terminal(tmp_path: Path, number: int) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-m", "console"],
        stdin=slave,
        stdout=slave,
        stderr=slave,  # Textual draws there
        start_new_session=True,
        env={**os.environ, "DBE_CONSOLE_HOME": str(tmp_path), "TERM": "xterm-256color"},
    )
    try:
        written = _read_until(master, "Welcome")
        process.send_signal(number)
        written += _read_until(master, "\x1b[?1049l")
        if "\x1b[?25h" not in written[-400:]:
            written += _read_until(master, "\x1b[?25h")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(5)
        os.close(slave)
        os.close(master)
    assert "\x1b[?1049h" in written and "\x1b[?25h" in written[written.rindex("\x1b[?1049l") - 400 :]
    assert before[3] & termios.ECHO


def _read_until(master: int, wanted: str, seconds: float = 120) -> str:
    text, end = "", time.monotonic() + seconds
    while wanted not in text:
        assert time.monotonic() < end, f"never saw {wanted!r} in {text[-500:]!r}"
        if select.select([master], [], [], 0.2)[0]:
            text += os.read(master, 65536).decode("utf-8", "replace")
    return text


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DBE_CONSOLE_HOME": str(tmp_path)},
    )
    assert done.returncode == 1 and "needs a terminal" in done.stderr and "remedy" in done.stderr
