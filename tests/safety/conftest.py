"""A real terminal with the console in it, its processes watched, and a search for secrets in whatever they leave."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from secret_search import Search
from terminal import Processes, Terminal


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
