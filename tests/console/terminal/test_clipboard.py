"""A copy leaves in the form that the multiplexer in between lets through as it comes."""

import base64
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.terminal.changed_cells import Cells
from console.terminal.clipboard import advice, clipboard_sequence, multiplexer
from console.tui.copying import keep_copy

TEXT = "accel-resnet50 ✓ " * 60
PLAIN = f"\x1b]52;c;{base64.b64encode(TEXT.encode()).decode()}\a"
TMUX = {"TMUX": "/run/tmux/default,1,0", "TERM": "screen"}
SCREEN = {"STY": "1.dbe", "TERM": "screen"}


def test_plain_where_nothing_is_in_between() -> None:
    assert clipboard_sequence(TEXT, {"TERM": "xterm"}) == PLAIN
    assert advice({"TERM": "xterm"}) == []


def test_screen_gets_short_strings_that_it_hands_on() -> None:
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", clipboard_sequence(TEXT, SCREEN), re.DOTALL)
    assert len(pieces) > 1 and max(map(len, pieces)) < 256
    assert "".join(pieces) == PLAIN


@pytest.mark.parametrize(("variables", "name"), [(TMUX, "tmux"), (SCREEN, "screen"), ({"TERM": "tmux-256color"}, "")])
def test_the_multiplexer_of_this_machine(variables: dict[str, str], name: str) -> None:
    assert multiplexer(variables) == name


def test_one_on_the_operators_side_is_told_how_to_let_it_through() -> None:
    assert "set-clipboard on" in advice({"TERM": "tmux-256color"})[0]


def test_a_slow_line_hands_a_copy_on_and_keeps_what_it_knows_of_the_screen() -> None:
    cells = Cells()
    cells.changes("\x1b[1;1Htext")
    sequence = clipboard_sequence(TEXT, SCREEN)
    assert sequence in cells.changes(sequence)
    assert "text" not in cells.changes("\x1b[1;1Htext")


def test_a_copy_is_kept_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    keep_copy("one, longer")
    words = keep_copy("two")
    path = Path(words.removeprefix("kept in "))
    assert path.read_text() == "two" and path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "HostName=hub.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=",
        '{"Env": ["DB_PASSWORD=hunter2hunter2"]}',
    ],
)
def test_a_secret_is_kept_in_no_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    assert "secret" in keep_copy(text)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_it_passes_a_tmux_as_it_comes(tmp_path: Path) -> None:
    program = "import sys; from console.terminal.clipboard import *; sys.exit(not offer_through_tmux('arrived'))"
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    inner = f"{shlex.join([sys.executable, '-c', program])}; cat"
    child, master = pty.fork()
    if child == 0:
        clean = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")}
        os.execvpe("tmux", [*tmux, "new-session", inner], {**clean, "TERM": "xterm-256color"})
    try:
        output, end = b"", time.monotonic() + 20
        while base64.b64encode(b"arrived") not in output:
            assert time.monotonic() < end, output[-300:]
            if select.select([master], [], [], 0.2)[0]:
                output += os.read(master, 65536)
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
        os.close(master)
        os.waitpid(child, 0)
