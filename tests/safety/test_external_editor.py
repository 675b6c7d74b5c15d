"""F4: the create options in an editor of the operator's own, in a real terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.tui.panes.options import editor_command

# Does to the file what the folder beside it says next, and writes down how it was called.
EDITOR = """
import json, os, sys
here, file = os.path.dirname(__file__), sys.argv[-1]
seen = {"arguments": sys.argv[1:-1], "file": file, "mode": os.stat(file).st_mode & 0o777, "terminal": os.isatty(0) and os.isatty(1)}
seen["folder"] = os.stat(os.path.dirname(file)).st_mode & 0o777
with open(here + "/next") as wanted:
    step = json.load(wanted)
if step["text"] is not None:
    with open(file, "wb") as edited:
        edited.write(step["text"].encode("latin-1"))
with open(here + "/seen", "w") as log:
    json.dump(seen, log)
sys.exit(step["status"])
"""


def test_edited_failed_broken_unreadable_and_untouched(in_terminal: Callable[..., Any], lab_home: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "my editor.py").write_text(EDITOR)
    named = f"{sys.executable} '{tools}/my editor.py' --wait"
    terminal = in_terminal(home=lab_home, environment={"EDITOR": named, "VISUAL": ""}, size=(120, 36))
    terminal.until("Create options")
    terminal.press("3")
    terminal.until("F4")

    def edit(text: str | None, status: int, shown: str) -> dict[str, Any]:
        (tools / "next").write_text(json.dumps({"text": text, "status": status}))
        (tools / "seen").unlink(missing_ok=True)
        terminal.press("\x1bOS")
        terminal.until(shown)
        seen: dict[str, Any] = json.loads((tools / "seen").read_text())
        assert not Path(seen["file"]).parent.exists(), "what was edited is left behind"
        return seen

    seen = edit('{"Hostname": "written-by-hand"}', 0, "written-by-hand")
    assert seen["arguments"] == ["--wait"] and seen["terminal"]
    assert (seen["mode"], seen["folder"]) == (0o600, 0o700)
    edit('{"Hostname": "thrown-away"}', 1, "ended with 1")
    assert "thrown-away" not in terminal.text() and "written-by-hand" in terminal.text()
    edit("\xff", 0, "0xff")
    edit(None, 0, "the text was not changed")
    edit('{"Hostname": "no-end', 0, "no-end")
    terminal.until("✗ 1 error")  # told with line and column, as if it had been typed
    terminal.press("escape", "q")
    assert terminal.ended() == 0 and terminal.restored()


@pytest.mark.parametrize(
    ("visual", "editor", "command"),
    [
        (None, None, ["vi"]),
        ("", " ", ["vi"]),
        ("", "code --wait", ["code", "--wait"]),
        ("emacs -nw", "nano", ["emacs", "-nw"]),
        (None, "'/opt/my editor/bin' -x", ["/opt/my editor/bin", "-x"]),
    ],
)
def test_which_editor(visual: str | None, editor: str | None, command: list[str]) -> None:
    named = {"VISUAL": visual, "EDITOR": editor, "PATH": os.environ["PATH"]}
    assert editor_command({name: value for name, value in named.items() if value is not None}) == command
    with pytest.raises(ValueError, match="No closing quotation"):  # said on the screen, as an editor that is not there is
        editor_command({"EDITOR": "no 'end"})
