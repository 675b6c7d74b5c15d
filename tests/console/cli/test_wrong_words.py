"""Wrong words are named, with what was likely meant, before anything is asked of a service."""

from __future__ import annotations

import json

import pytest

from console.cli.main import run
from services.errors import UsageError
from services.names import did_you_mean
from services.operations.logs import agent_time


@pytest.mark.parametrize(
    ("words", "names", "offered"),
    [
        ("modulez", "'modulez'", "modules"),
        ("modules --devcie x", "'--devcie'", "--device"),
        ("modules surplus", "'surplus'", ""),
        ("context lisst", "'lisst'", "list"),
        ("deploy --route azurml x/y", "'azurml'", "azureml"),
        ("lab chek", "'chek'", "check"),
        ("options show fpga-hots", "'fpga-hots'", "fpga-host"),
        ("options show fpga-host --set prot=1", "'prot'", "port"),
        ("logs edgeAgent --tail ten", "'ten'", ""),
    ],
)
def test_a_wrong_word_is_named(words: str, names: str, offered: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words.split()) in (1, 2)
    lines = capsys.readouterr().err.splitlines()
    assert names in lines[0]
    assert ("Did you mean" in lines[-1]) == bool(offered) and offered in lines[-1]


def test_wrong_usage_is_json_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["modules", "--jsno", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage.words"


def test_a_secret_in_the_wrong_place_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    key = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    assert run(["modules", f"HostName=a.azure-devices.net;SharedAccessKeyName=s;SharedAccessKey={key}"]) == 2
    assert key not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("azureml-hots", "azureml-host"),
        ("AZUREML-HOST", "azureml-host"),
        ("resnet5", "resnet50:1"),
        ("belt", "belt-camera"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_near_names(word: str, near: str) -> None:
    hint = did_you_mean(word, ["azureml-host", "resnet50:1", "belt-camera", "edgeHub"])
    assert hint == (f"Did you mean {near}? " if near else "")


@pytest.mark.parametrize("text", ["yesterday", "last week", "10 parsecs", "10:00", "1h ago", "٣m", "99999999999h"])
def test_a_time_that_no_agent_takes_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        agent_time(text)
    assert "span" in refused.value.remedy


@pytest.mark.parametrize("text", ["", "10m", "2h30m", "1 hour", "10 minutes", "1d 2h", "1760000000", "2026-11-22T13:00:00Z"])
def test_what_an_agent_takes_stays_as_it_is(text: str) -> None:
    assert agent_time(text) == text


def test_other_times_become_rfc_3339() -> None:
    assert agent_time("2026-11-22T13:00:00+01:00") == "2026-11-22T12:00:00Z"
    assert agent_time("1.5h").endswith("Z")
