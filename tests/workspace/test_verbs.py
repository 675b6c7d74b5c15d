"""The verbs of workspace and contexts, as an operator types them."""

import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.cli.main import run
from services.contexts.model import SecretSource
from services.contexts.store import ContextStore
from services.records import PendingOperation
from services.workspace.pending import PendingOperations


def test_images_and_models_and_what_was_left_is_cancelled(lab: dict, lab_home: Path, capsys: pytest.CaptureFixture[str]):
    mine, elsewhere = f"{lab['subscription']}/{lab['resource_group']}/{lab['workspace']}", "a/b/c"
    for workspace in (mine, elsewhere):  # an operation that the service has forgotten
        PendingOperations(workspace).keep(PendingOperation("conversion", workspace, "resnet50:1", "gone"))
    assert run(["images", "--cancel", "--read-only"]) == 2 and PendingOperations(mine).all()
    capsys.readouterr()
    assert run(["images", "--cancel"]) == 2 and PendingOperations(mine).all()  # nobody to ask
    capsys.readouterr()
    assert run(["images", "--cancel", "--yes", "--json"]) == 0
    out, err = capsys.readouterr()
    assert {"accel-resnet50:1", "cpu-classifier:1"} <= {image["id"] for image in json.loads(out)}
    assert "resnet50:1: nothing is left of it" in err
    assert not PendingOperations(mine).all() and PendingOperations(elsewhere).all()
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["ID", "FRAMEWORK"]
    assert any(line.startswith("resnet50:1 ") and "resnet50.accel.onnx:1" in line for line in lines)


def test_converting_what_is_converted_finds_it(lab: dict, lab_home: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["models", "--convert", "resnet50:1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "resnet50.accel.onnx:1"


def test_read_only_makes_nothing(lab_home: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["models", "--convert", "densenet121:1", "--read-only"]) == 2
    assert "read-only" in capsys.readouterr().err


def test_wrong_usage_is_2(lab_home: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["images", "--create", "x"]) == 2
    assert run(["context", "add", "x", "--hub", "HostName=h;SharedAccessKey=c2VjcmV0"]) == 2
    out, err = capsys.readouterr()
    assert "c2VjcmV0" not in out + err


def test_a_context_of_events_alone_with_paths_as_the_shell_means_them(lab: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text(Path(lab["ca_file"]).read_text())
    (tmp_path / "events.txt").write_text(lab["event_hub_connection_string"])
    (tmp_path / "events.txt").chmod(0o600)
    assert run(["context", "add", "--events", "file:events.txt", "--ca-file", "ca.pem"]) == 0
    assert ContextStore().resolve().events.connection == SecretSource("file", str(tmp_path / "events.txt"))


def test_contexts_listed_shown_chosen_removed(lab: dict, lab_home: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["context", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "lab"
    assert run(["context", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["hub"]["connection"].startswith("file:")
    assert run(["context", "use", "nowhere"]) == 1
    assert "has: lab" in capsys.readouterr().err


def added(lab: dict, *more: str) -> list[str]:
    cloud = ["--resource-manager", lab["https"], "--authority", lab["https"], "--ca-file", lab["ca_file"]]
    sign_in = ["--sign-in", "service-principal", "--tenant", lab["tenant"], "--client-id", lab["client_id"]]
    return ["context", "add", "edge", *cloud, *sign_in, "--client-secret", "env:EDGE_SECRET", *more]


def test_only_a_subscription_is_enough(
    lab: dict, lab_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("EDGE_SECRET", lab["client_secret"])
    assert run(added(lab, "--subscription", lab["subscription"], "--device", "databox-edge-1")) == 0
    out, err = capsys.readouterr()
    context = ContextStore().resolve("edge")
    assert context.workspace is not None
    assert context.workspace.name == lab["workspace"]
    assert context.hub is not None
    assert context.hub.resource_id.lower() == lab["hub_resource_id"].lower()
    for secret in (lab["client_secret"], lab["hub_connection_string"].partition("SharedAccessKey=")[2]):
        assert secret not in out + err + ContextStore().path.read_text()
    kept = lab_home / "config" / "secrets" / "edge-hub"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run(["context", "remove", "edge"]) == 0
    assert not kept.exists()


def test_what_does_not_work_is_not_kept(
    lab: dict, lab_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("EDGE_SECRET", lab["client_secret"])
    monkeypatch.setenv("EDGE_HUB", lab["hub_connection_string"])
    assert run(added(lab, "--hub", "env:EDGE_HUB", "--device", "databox-edge-9")) == 1
    assert "Nothing was kept" in capsys.readouterr().err
    assert ContextStore().names() == ("lab",)


def test_pasted_on_a_terminal_and_never_shown(lab: dict, lab_home: Path):
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "console", *added(lab, "--device", "databox-edge-1")]
    environment = {**os.environ, "EDGE_SECRET": lab["client_secret"]}
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True)
    os.close(terminal)
    screen = b""

    def until(text: bytes) -> None:
        nonlocal screen
        deadline = time.monotonic() + 60
        while text not in screen:
            assert time.monotonic() < deadline, screen.decode(errors="replace")
            if select.select([controller], [], [], 0.5)[0]:
                screen += os.read(controller, 4096)

    try:
        until(b"empty line ends")
        os.write(controller, b"nonsense\n\n")
        until(b"nothing a context can be made from")
        pasted = lab["hub_connection_string"]
        # All at once, wrapped as mails wrap it.
        os.write(controller, f"{pasted[:30]}\n{pasted[30:90]}\n{pasted[90:]}\n\n".encode())
        until(b"understood: hub")
        until(b"is kept in")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(5)
        os.close(controller)
    key = lab["hub_connection_string"].partition("SharedAccessKey=")[2]
    assert key[-12:].encode() not in screen
    assert ContextStore().resolve("edge").device == "databox-edge-1"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_that_the_shell_takes(
    shell: str, lab_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert re.search(r"\bimages\b", script)
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
