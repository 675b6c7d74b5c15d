"""Names on the command line: an empty one is refused before anything is asked, and the runtime's modules go by either name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli.main import parser, run
from console.tui.panes.modules import Modules
from services.errors import UsageError
from services.names import module_identity, module_name


@pytest.fixture
def outcome(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """``outcome("twin", "")``: exit status and the error of a verb in a home without a context, which could send nothing."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))

    def call(*words: str) -> tuple[int, Any]:
        status = run([*words, "--json"] if words[0] != "twin" else words)
        captured = capsys.readouterr()
        return status, json.loads(captured.out)["error"] if captured.out else captured.err

    return call


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
@pytest.mark.parametrize(
    "words",
    [
        *(f"{verb} {{}}" for verb in ("logs", "restart", "start", "stop", "remove", "deploy")),
        "restart {} --yes",
        "restart counter --device {} --yes",
        "method ping --module {}",
        "method ping --device {}",
        "score cat.jpg --module {}",
        "score cat.jpg --device {}",
        "options check options.json --module {}",
        "options check options.json --device {}",
        "options draft drop {}",
        "options draft show counter --device {}",
        *(f"{verb} --device {{}}" for verb in ("modules", "doctor", "history", "rollback", "services", "stream")),
        "stream --module {}",
        "logs edgeHub --device {}",
        "manifest import m.json --device {}",
        "manifest diff m.json --device {}",
        *(f"deploy accel-resnet50 --{option} {{}}" for option in ("module", "client", "client-module", "device", "service")),
        "deploy --model {}",
        "images --log {}",
        "images --create {} --model m:1",
        "images --create i --model {}",
        "models --convert {}",
        "services --delete {}",
        "client build --image {}",
        "client push --image {}",
        "context add edge --device {}",
    ],
)
def test_an_empty_name_is_refused_before_anything_is_asked(outcome: Callable[..., Any], words: str, empty: str) -> None:
    status, error = outcome(*(word.replace("{}", empty) for word in words.split(" ")))
    assert status == 2 and error["code"] == "usage.empty-name" and "name is empty" in error["what"] and error["remedy"]


def test_an_empty_module_is_explained(outcome: Callable[..., Any]) -> None:
    status, error = outcome("twin", "")
    assert status == 2 and "takes $edgeHub for a variable" in error and "edgeHub or edgeAgent" in error


@pytest.mark.parametrize("verb", ["logs", "restart", "start", "stop", "remove", "twin"])
@pytest.mark.parametrize("name", ["edgeHub", "edgeAgent"])
def test_every_verb_takes_either_name(verb: str, name: str) -> None:
    options = parser([verb])
    expected = [name] if verb == "logs" else name  # of several modules
    assert options.parse_args([verb, f"${name}"]).module == options.parse_args([verb, name]).module == expected


def test_each_name_of_the_runtime_s_modules_becomes_the_other() -> None:
    assert [module_name(name) for name in ("$edgeHub", "edgeHub", " counter ", "edgehub")] == [
        "edgeHub",
        "edgeHub",
        "counter",
        "edgehub",
    ]
    assert [module_identity(name) for name in ("$edgeAgent", "edgeAgent", "counter")] == ["$edgeAgent", "$edgeAgent", "counter"]
    for name in (module_name, module_identity):
        with pytest.raises(UsageError):
            name(" ")


def test_the_device_s_own_method_is_asked_for_by_a_dash() -> None:
    assert parser(["method"]).parse_args(["method", "reboot", "--module", "-"]).module == "-"


@pytest.mark.parametrize("typed", ["$edgeHub", "edgeHub"])
def test_commands_of_the_screen_take_either_name(typed: str) -> None:
    table = SimpleNamespace(go_to=lambda name: name == "edgeHub")
    pane: Any = SimpleNamespace(table=table)
    assert Modules.go_to_row(pane, typed)
