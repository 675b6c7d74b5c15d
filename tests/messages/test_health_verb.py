"""``dbe-console health``: the screen's verdict as one line and as JSON, and an exit status that a script can go by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run

RESULT = "(7 ms) The image s{n}.jpg was classified as cat with confidence 0.5."
REFUSED = "Error: the host refused the picture {n}"


@pytest.fixture(autouse=True)
def home(lab_home: Path) -> Path:
    return lab_home


@pytest.mark.parametrize(
    ("device", "body", "sign", "severity", "status"),
    [
        ("health-well", RESULT, "✓ ", "ok", 0),
        ("health-bad", REFUSED, "✗ no result: 30 messages", "error", 1),
        ("health-silent", "", "– nothing came in this window", "info", 0),
    ],
)
def test_the_verdict_is_the_first_line_and_the_exit_status(
    lab: dict[str, Any],
    control: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    device: str,
    body: str,
    sign: str,
    severity: str,
    status: int,
) -> None:
    if body:
        control(lab, "messages", {"count": 30, "device": device, "body": body})
    assert run(["health", "--device", device]) == status
    shown = capsys.readouterr().out
    assert shown.startswith(sign), shown
    assert ("WINDOW" in shown) == bool(body)
    assert all(len(line) <= 80 for line in shown.splitlines()[1:])
    assert run(["health", "--device", device, "--window", "1h", "--json"]) == status
    told = json.loads(capsys.readouterr().out)
    assert (told["device"], told["severity"]) == (device, severity)
    assert told["now"]["messages"] == (30 if body else 0)
    assert set(told["now"]) == {"since", "until", "messages", "results", "errors", "latency_ms", "confidence", "classes"}
    if severity == "ok":
        assert (
            told["now"]["latency_ms"]["p50"] == 7 and told["now"]["classes"] == {"cat": 30} and told["now"]["confidence"] == 0.5
        )
