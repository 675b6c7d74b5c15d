"""``dbe-console lab check``: the main job end to end on a lab of its own, each step with its time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

from console.cli.output import Call
from console.lab.process import LabProcess

# What is to be seen on the client's own pictures (services/client/assets/README.md).
EXPECTED = {"camera.jpg": "tripod", "cat.jpg": "tiger cat", "coffee.jpg": "espresso", "temple.jpg": "palace"}
_SIGNS = {"done": "✓", "failed": "✗", "running": "…"}


def check(call: Call, arguments: Sequence[str] = ()) -> int:
    """Run it on a lab started with ``arguments``; 0 where every step was done, 1 otherwise."""
    from services.contexts.store import ContextStore
    from services.operations.main_job import MainJob, run_main_job

    began = time.monotonic()
    lab = LabProcess(arguments)
    steps = []
    try:
        info = lab.ready()
        started = time.monotonic() - began
        _say(call, {"name": "lab", "title": "The lab is up", "state": "done", "detail": info["address"], "seconds": started})
        for step in run_main_job(MainJob(ContextStore().resolve("lab"), info["client_image"], EXPECTED)):
            if step.state == "running":
                if not call.as_json:
                    call.progress(f"  {_SIGNS['running']} {step.title}: {step.detail}" if step.detail else f"  … {step.title}")
                continue
            steps.append(step)
            _say(call, asdict(step))
    finally:
        lab.close()
    passed = bool(steps) and all(step.state == "done" for step in steps)
    seconds = time.monotonic() - began
    if call.as_json:
        call.out_json({"passed": passed, "seconds": round(seconds, 2)})
    else:
        call.out(f"{'passed' if passed else 'FAILED'} in {seconds:.1f} s")
    return 0 if passed else 1


def _say(call: Call, step: dict[str, object]) -> None:
    if call.as_json:
        call.out_json({key: step.get(key) for key in ("name", "title", "state", "detail", "seconds", "remedy") if step.get(key)})
        return
    call.out(f"{_SIGNS[str(step['state'])]} {step['seconds']:6.1f} s  {step['title']}: {step['detail']}")
    if step.get("remedy"):
        call.out(f"            remedy: {step['remedy']}")
