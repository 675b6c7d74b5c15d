"""What operators have at hand, in the shapes in which mails, shells, ``az`` and PowerShell leave it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.cli.main import run
from services.contexts.connection_string import HubString, parse_connection_string
from services.contexts.draft import Draft
from services.contexts.paste import split_paste
from services.contexts.store import ContextStore
from services.errors import OperatorError

KEY = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI="
HUB = f"HostName=my.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"
EVENTS = f"Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY};EntityPath=my"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
CONFIG = {"subscription_id": SUBSCRIPTION, "resource_group": "rg", "workspace_name": "ws"}
WORKSPACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"


@pytest.mark.parametrize(
    "pasted",
    [
        HUB,
        f'"{HUB}"\r\n\r\n',
        f"\u201c{HUB}\u201d",
        f"\ufeff{HUB}",
        f"export IOTHUB_CONNECTION_STRING='{HUB}'",
        f'$env:HUB = "{HUB}"',
        f"Connection string\u2014primary key: {HUB}",
        f"{HUB[:60]}\n  {HUB[60:-6]}\r\n{HUB[-6:]}",
        json.dumps({"connectionString": HUB}, indent=2),
        json.dumps([{"connectionString": [HUB], "policy": "iothubowner"}]),
        f'# the hub\nHUB="{HUB}"\n',
        f"`{HUB}`",
        f"<{HUB}>",
        f"export HUB={HUB[:58].lower()}\n{HUB[58:]}",
        json.dumps({"connectionString": HUB.replace("HostName", "hostname")}),
    ],
)
def test_a_hubs_string_in_any_wrapping(pasted: str) -> None:
    draft = Draft("edge")
    draft.take(pasted)
    assert draft.hub_string is not None and draft.hub_string.text.reveal() == HUB


@pytest.mark.parametrize(
    "pasted",
    [
        json.dumps(CONFIG, indent=4),
        "\ufeff" + json.dumps(CONFIG),
        "// the portal's\n" + json.dumps(CONFIG, indent=4),
        json.dumps(CONFIG).replace("444444", "444\n444"),
        json.dumps({"Id": "1", "Scope": WORKSPACE}),
        f"https://ml.azure.com/?wsid={WORKSPACE}&tid=1",
    ],
)
def test_a_workspace_in_any_wrapping(pasted: str) -> None:
    draft = Draft("edge")
    draft.take(pasted)
    assert draft.workspace is not None
    assert (draft.workspace.subscription, draft.workspace.resource_group, draft.workspace.name) == tuple(CONFIG.values())


def test_several_things_without_a_break_between_them() -> None:
    assert split_paste(f"HUB={HUB}\nEVENTS='{EVENTS}'\n{json.dumps(CONFIG)}{SUBSCRIPTION}") == [
        HUB,
        EVENTS,
        json.dumps(CONFIG),
        SUBSCRIPTION,
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])  # as Notepad and PowerShell write
def test_files_of_other_systems(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "what the portal gave.json"
    path.write_text(json.dumps(CONFIG), encoding=encoding)
    for written in (str(path), f"'{path}'", str(path).replace(" ", "\\ ")):
        draft = Draft("edge")
        assert draft.take(written) == "workspace ws in rg"


def test_a_file_that_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "itself"
    path.write_text(str(path))
    with pytest.raises(OperatorError, match="nothing a context"):
        Draft("edge").take(str(path))


@pytest.mark.parametrize("name", ["", None, "<my-workspace>"])
def test_a_config_json_that_was_not_filled_in(name: str | None) -> None:
    with pytest.raises(OperatorError, match="workspace_name is"):
        Draft("edge").take(json.dumps({**CONFIG, "workspace_name": name}))


@pytest.mark.parametrize("pasted", [HUB[:-1], f"{HUB} and greetings"])
def test_a_key_that_is_cut_short_or_has_words_behind_it(pasted: str) -> None:
    with pytest.raises(OperatorError, match="cut short") as caught:
        Draft("edge").take(pasted)
    assert KEY[:20] not in str(caught.value)


def test_a_proxys_password_is_not_shown_and_folders_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "new" / "home"))
    draft = Draft("edge", transport="websocket", proxy="http://bob:hunter2@proxy:3128")
    draft.take(HUB)
    draft.store(ContextStore())
    for folder in (tmp_path / "new", tmp_path / "new" / "home", tmp_path / "new" / "home" / "config"):
        assert folder.stat().st_mode & 0o077 == 0, folder
    for arguments in ([], ["--json"]):
        assert run(["context", "show", *arguments]) == 0
        said = capsys.readouterr().out
        assert "proxy:3128" in said and "hunter2" not in said


def test_names_in_another_letter_case_are_given_the_sdks_spelling():
    assert parse_connection_string(EVENTS.replace("sb://", "SB://")).namespace == "ns.servicebus.windows.net"
    found = parse_connection_string("hostname=h.azure-devices.net;SHAREDACCESSKEYNAME=service;sharedAccessKey=a2V5")
    assert isinstance(found, HubString)
    assert found.text.reveal() == "HostName=h.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=a2V5"
    with pytest.raises(OperatorError, match="twice"):
        parse_connection_string("HostName=h;hostname=i;SharedAccessKeyName=s;SharedAccessKey=a2V5")
