"""First frame of the console beside a bare app of Textual's own DataTable, TextArea and Footer, and beside one of our widgets' classes.

All in a pty, in turns; prints JSON.

The reach is 1.3 (DESIGN.md). A run is the time from starting the process to the frame that holds its mark; on a machine that does
other things too, the processor's time for it tells more.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_lab import report

# Our widgets' classes mounted by an app that does nothing with them, in the console's arrangement at 80x24; no console, no services.
BARE = """
from textual.app import App
from textual.containers import Horizontal, Vertical
from widgets.details import DetailsPanel
from widgets.footer import KeyLine
from widgets.images import ImagesPane
from widgets.messages import MessagesPane
from widgets.modules import ModulesPane
from widgets.options import OptionsPane
from widgets.status import Banner, Strip

class Bare(App):
    CSS = "#modules, #right, DetailsPanel { display: none }"

    def get_theme_variable_defaults(self):
        return {"dim": "#8a949e", "edge": "#3d4751"}

    def compose(self):
        yield Banner()
        yield Strip()
        with Horizontal():
            with Vertical():
                yield ImagesPane(id="images")
                yield ModulesPane(id="modules")
            with Vertical(id="right"):
                yield OptionsPane(id="options")
                yield MessagesPane(id="messages")
            yield DetailsPanel()
        yield KeyLine()

Bare().run(mouse=False)
"""
# Textual's own classes alone, as many of them: what our widgets cost is then the console's. Reported beside the figure.
TEXTUAL = """
from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Input, Label, Select, Static, TextArea
from textual.scroll_view import ScrollView

class Bare(App):
    def compose(self):
        yield Static("Images")
        with Horizontal():
            with Vertical():
                for number in range(2):
                    with Vertical():
                        yield Static("")
                        yield Input()
                        with ContentSwitcher():
                            yield ScrollView()
            with Vertical():
                yield Select([("one", 1)])
                yield Label("label")
                yield TextArea("{}", language="json")
                yield ScrollView()
        yield Static("keys")

Bare().run(mouse=False)
"""
# How each of them is told to have drawn.
MARK = b"Images"
COMMANDS = {"textual": ("-c", TEXTUAL), "bare": ("-c", BARE), "console": ("-m", "console")}


def once(kind: str, home: str) -> tuple[float, float]:
    """Seconds to the first frame, and seconds of the processor that it took."""
    command = [sys.executable, *COMMANDS[kind]]
    master, slave = pty.openpty()
    env = {**os.environ, "DBE_CONSOLE_HOME": home, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    # As installed, where pip has compiled everything: else the console's modules alone would be compiled anew at each start.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPYCACHEPREFIX"] = f"{home}/compiled"
    env.update(TEXTUAL_FPS="60", TEXTUAL_ANIMATIONS="none", TEXTUAL_SMOOTH_SCROLL="0", TEXTUAL_DISABLE_KITTY_KEY="1")
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    seen = b""
    try:
        while MARK not in seen:
            if time.monotonic() - began > 60:
                raise RuntimeError(f"{kind}: no frame in 60 s: {seen[-300:]!r}")
            if select.select([master], [], [], 0.005)[0]:
                seen += os.read(master, 65536)
        return time.monotonic() - began, processor(process.pid)
    finally:
        process.kill()
        process.wait()
        os.close(slave)
        os.close(master)


def processor(pid: int) -> float:
    """Seconds of the processor a process has used, its threads included (the kernel's nanoseconds)."""
    spent = (int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(spent) / 1e9


def main() -> None:
    """Run both in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in COMMANDS}
    with tempfile.TemporaryDirectory() as home:
        for kind in times:
            once(kind, home)  # warm caches
        for _ in range(runs):
            for kind, found in times.items():
                found.append(once(kind, home))
    wall = {kind: statistics.median(wall for wall, _ in found) for kind, found in times.items()}
    used = {kind: statistics.median(used for _, used in found) for kind, found in times.items()}
    report(
        "first frame, console / bare app of Textual's own DataTable, TextArea and Footer",
        round(wall["console"] / wall["textual"], 3),
        "<= 1.3, then 1.15",
        best_ratio=round(min(times["console"])[0] / min(times["textual"])[0], 3),
        processor_ratio=round(used["console"] / used["textual"], 3),
        ratio_to_our_widget_classes=round(wall["console"] / wall["bare"], 3),
        processor_ratio_to_our_widget_classes=round(used["console"] / used["bare"], 3),
        ms={kind: round(seconds * 1000) for kind, seconds in wall.items()},
        processor_ms={kind: round(seconds * 1000) for kind, seconds in used.items()},
        runs=runs,
        terminal="80x24 pty",
    )


if __name__ == "__main__":
    main()
