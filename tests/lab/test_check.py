"""``dbe-console lab check`` as a process: the main job from end to end, and what it says where a step fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

STEPS = ["lab", "images", "registry", "messages", "deploy", "rollout", "results"]


def check(folder, *arguments):
    """(exit status, the steps, the verdict) of a run with a home of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "lab", "check", "--json", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "DBE_CONSOLE_HOME": str(folder / "home"), "TMPDIR": str(folder)},
        timeout=200,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr[-2000:]
    return done.returncode, lines[:-1], lines[-1]


def test_the_main_job(tmp_path):
    status, steps, verdict = check(tmp_path)
    assert (status, verdict["passed"]) == (0, True), steps
    assert [step["name"] for step in steps] == STEPS
    assert all(step["state"] == "done" and step["seconds"] > 0 for step in steps)
    assert steps[-1]["detail"].startswith("8 right")
    # The operator's own home is left alone, and the lab's is gone (azureml's telemetry leaves a file of its own).
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ("sign-in", "images", "secret"),
        pytest.param("pull-unauthorized@databox-edge-1/azureml-host", "rollout", "azureml-host", marks=pytest.mark.long),
    ],
)
def test_the_step_that_fails_is_named(tmp_path, fault, step, words):
    status, steps, verdict = check(tmp_path, "--fault", fault)
    assert (status, verdict["passed"]) == (1, False), steps
    assert [one["name"] for one in steps] == STEPS[: STEPS.index(step) + 1]
    assert [one["state"] for one in steps[:-1]] == ["done"] * (len(steps) - 1)
    last = steps[-1]
    assert last["state"] == "failed"
    assert words in last["detail"]
    assert last["remedy"]
