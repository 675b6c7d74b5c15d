"""The drill in its short form, and the hour."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]


def drill(*options: str, limit: float) -> dict[str, Any]:
    """Run it as its user does; gives its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.drill", *options], cwd=_ROOT, capture_output=True, text=True, timeout=limit
    )
    assert done.stdout, done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def test_a_short_drill_holds() -> None:
    # A hub made again takes most of so short a time, and most of its messages with it.
    short = ("--seconds", "14", "--longest", "2", "--patience", "90", "--without", "remade-hub")
    verdict = drill(*short, "--seed", "6", "--unprivileged", limit=300)
    assert verdict["verdict"] == "held", json.dumps(verdict, indent=1)
    assert verdict["messages"]["kept"] and verdict["deployments"]["deployments"] and len(verdict["faults"]) >= 8, verdict


@pytest.mark.long
def test_an_hour_holds() -> None:
    verdict = drill(limit=2 * 3600)
    assert verdict["verdict"] == "held", json.dumps(verdict, indent=1)
