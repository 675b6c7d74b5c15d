"""The doctor's remedy, carried out by the verbs in the lab, cures the fault that it was named for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from console.cli.main import run
from services.operations.doctor.doctor import examine

HOST, CLIENT = "azureml-host", "azureml-client"
DEPLOY = f"deploy accel-resnet50 --module {HOST} --no-image-check --yes"
# fault, module, what the doctor names, and what its remedy says as a verb
CURES = [
    ("port-taken", HOST, "port-taken", f"{DEPLOY} --preset fpga-host --set port=50052"),
    ("pull-unauthorized", HOST, "pull-unauthorized", DEPLOY),
    ("bad-format", "", "bad-configuration", "rollback --yes --no-image-check"),
    ("stuck", CLIENT, "gave-up", f"restart {CLIENT} --yes"),
    ("host-gone", HOST, "host-gone", f"restart {HOST} --yes"),
]

pytestmark = pytest.mark.long


def states(context: Any) -> set[str]:
    return {finding.state for finding in examine(context, message_seconds=2.0).causes}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("name", "module", "state", "words"), CURES)
def test_the_remedy_cures_it(
    device_lab: Any, device_fault: Callable[..., None], name: str, module: str, state: str, words: str
) -> None:
    _, context, _ = device_lab
    device_fault(name, module)
    until(lambda: state in states(context))
    assert run(words.split()) == 0
    until(lambda: state not in states(context))
