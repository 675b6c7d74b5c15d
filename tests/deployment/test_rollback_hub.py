"""A device of the same name on another hub is another device: its history neither shows nor rolls back here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli.output import Call
from console.cli.verbs import history as verb
from services.deployment.history import History
from services.deployment.rollback import Rollback, plan_rollback, prepare
from services.errors import OperatorError

OWN, OTHER = "plant-a.azure-devices.net", "plant-b.azure-devices.net"
MANIFEST = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {}}}}}


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))
    history = History()
    for host in (OWN, OTHER):
        number = history.begin(
            context="plant", host=host, device="edge-1", route="hub", summary=f"of {host}", before=MANIFEST, after=MANIFEST
        )
        history.end(number, "applied")
    return history


@pytest.mark.parametrize("host", [OTHER, "", "PLANT-C.azure-devices.net"])
def test_the_service_refuses_an_entry_of_another_hub(history: History, host: str) -> None:
    entry = history.entries(host=OWN)[0]
    hub: Any = SimpleNamespace(host=host)  # asked for nothing
    for refused in (lambda: prepare(hub, entry), lambda: plan_rollback(hub, Rollback(entry, "before", MANIFEST))):
        with pytest.raises(OperatorError) as caught:
            refused()
        assert caught.value.code == "rollback.hub" and OWN in caught.value.what and "context" in caught.value.remedy


@pytest.fixture
def listed(history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """``listed(all=True)``: what the verb prints in a context of the hub ``OWN``."""
    monkeypatch.setattr(Call, "context", lambda self: SimpleNamespace(hub=SimpleNamespace(host=OWN)))

    def run(**options: Any) -> str:
        capsys.readouterr()
        defaults = {"entry": None, "device": "", "limit": 50, "json": False, "all": False}
        assert verb.run(Call(argparse.Namespace(**{**defaults, **options}))) == 0
        return capsys.readouterr().out

    return run


def test_the_verb_lists_this_hub_s_entries_and_names_it(listed: Callable[..., str]) -> None:
    own, everything = listed(), listed(all=True)
    assert "plant-a" in own and "plant-b" not in own and "HUB" in own
    assert "plant-a" in everything and "plant-b" in everything
    assert [row["host"] for row in json.loads(listed(json=True))] == [OWN]
    assert f"host: {OTHER}" in listed(entry=2)
