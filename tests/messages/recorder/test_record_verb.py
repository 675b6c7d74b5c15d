"""``dbe-console record`` as processes: left running, asked, ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "console", "record"]


def test_record_without_a_screen(
    lab: dict[str, Any], lab_home: Path, control: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    def record(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments, "--json"], capture_output=True, text=True, timeout=60)

    begun = record("--background", "--from", "latest")
    try:
        assert begun.returncode == 0, begun.stderr
        journal = Path(json.loads(begun.stdout)["journal"])
        assert journal.exists() and journal.stat().st_mode & 0o777 == 0o600
        eventually(lambda: json.loads(record("--status").stdout)["state"] == "receiving")
        control(lab, "messages", {"count": 12, "device": "record-test", "partition": "spread"})
        eventually(lambda: json.loads(record("--status").stdout)["committed"] >= 12)
    finally:
        stopped = record("--stop")
    assert stopped.returncode == 0 and "ended" in stopped.stderr
    after = record("--status")
    assert after.returncode == 1 and json.loads(after.stdout)["state"] == "ended"
