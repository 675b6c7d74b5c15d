"""Workspaces that refuse, hang, and die: each a clear error within a bounded time, and the next call works."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.contexts.model import Context, SecretSource
from services.contexts.store import ContextStore
from services.errors import OperatorError
from services.workspace.client import Workspace


def test_no_workspace_in_the_context():
    with pytest.raises(OperatorError) as caught:
        Workspace(Context("edge"))
    assert caught.value.code == "workspace.none"


def test_a_wrong_secret_is_a_failed_sign_in(lab_context: Context, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("not-the-secret")
    sign_in = dataclasses.replace(lab_context.sign_in, secret=SecretSource("file", str(wrong)))
    workspace = Workspace(dataclasses.replace(lab_context, sign_in=sign_in))
    try:
        with pytest.raises(OperatorError) as caught:
            workspace.images()
        assert caught.value.code == "sign-in.failed"
        assert "not-the-secret" not in repr(caught.value.as_dict())
    finally:
        workspace.close()


def test_a_machine_without_the_sdk_is_named(lab_context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "azureml").mkdir()
    (tmp_path / "azureml" / "__init__.py").write_text("raise ImportError('no wheel of azureml-core for this machine')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    workspace = Workspace(lab_context)
    try:
        with pytest.raises(OperatorError) as caught:
            workspace.images()
        assert caught.value.code == "workspace.sdk-missing"
        assert "no wheel" in caught.value.cause and "deploy" in caught.value.remedy
    finally:
        workspace.close()


def test_an_unknown_workspace(lab_context: Context):
    assert lab_context.workspace is not None
    workspace = Workspace(dataclasses.replace(lab_context, workspace=dataclasses.replace(lab_context.workspace, name="nowhere")))
    try:
        with pytest.raises(OperatorError) as caught:
            workspace.models()
        assert "404" in caught.value.raw or "not found" in str(caught.value).lower()
    finally:
        workspace.close()


def elsewhere(context: Context, address: str) -> Context:
    # Signing in goes on working; only the resource manager is somewhere else.
    return dataclasses.replace(context, cloud=dataclasses.replace(context.cloud, resource_manager=address))


def test_a_refused_connection_is_an_error_and_soon(lab_context: Context):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    workspace = Workspace(elsewhere(lab_context, f"https://127.0.0.1:{port}"), seconds=40)
    began = time.monotonic()
    try:
        with pytest.raises(OperatorError):
            workspace.images()
    finally:
        workspace.close()
    assert time.monotonic() - began < 120  # the SDK's own retries take 224 s


def test_one_that_hangs_is_given_up_and_its_process_ended(lab_context: Context):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections and never says a word
        address = f"https://127.0.0.1:{listener.getsockname()[1]}"
        workspace = Workspace(elsewhere(lab_context, address), seconds=1.5)
        try:
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(workspace.images)
                with pytest.raises(OperatorError) as caught:
                    asked.result(120)
            assert caught.value.code == "workspace.hung"
            assert workspace.pid is None
        finally:
            workspace.close()


def test_a_killed_child_is_started_again_and_the_question_asked_again(workspace: Workspace):
    before = workspace.images()
    pid = workspace.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert workspace.images() == before
    assert workspace.pid not in (None, pid)


def test_many_ask_at_once(workspace: Workspace):
    workspace.images()
    barrier = threading.Barrier(6)

    def ask(_: int) -> int:
        barrier.wait(60)
        return len(workspace.images())

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1


def test_a_closed_one_leaves_no_process(lab_context: Context):
    workspace = Workspace(lab_context)
    workspace.details()
    pid = workspace.pid
    workspace.close()
    workspace.close()
    assert pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(OperatorError):
        workspace.details()


@pytest.fixture
def own_workspace(own_lab: dict, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", own_lab["config_home"])
    workspace = Workspace(ContextStore().resolve("lab"), seconds=60, poll_seconds=0.1)
    yield workspace
    workspace.close()


def test_each_fault_has_its_words_and_passes(own_lab: dict, own_workspace: Workspace, control):
    faults = {"sign-in": "secret", "workspace-500": "500", "workspace-forbidden": "role", "expire": "token"}
    for fault, says in faults.items():
        control(own_lab, "faults", {"name": fault, "on": True})
        began = time.monotonic()
        with pytest.raises(OperatorError) as caught:
            own_workspace.images()
        assert time.monotonic() - began < 120, fault
        assert says in str(caught.value).lower(), caught.value.as_dict()
        assert caught.value.remedy
        control(own_lab, "faults", {"name": fault, "on": False})
        assert own_workspace.images(), f"{fault} passes; after expire with a token that was had anew"


def test_a_killed_console_leaves_no_child_and_no_home(lab_context: Context):
    script = (
        "from services.contexts.store import ContextStore\n"
        "from services.workspace.client import Workspace\n"
        "workspace = Workspace(ContextStore().resolve('lab'))\n"
        "workspace.details()\n"
        "print(workspace.pid, flush=True)\n"
        "input()\n"
    )
    console = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert console.stdout is not None
        child = Path(f"/proc/{int(console.stdout.readline())}")
        home = Path(next(part[5:] for part in (child / "environ").read_text().split("\0") if part.startswith("HOME=")))
        assert home.is_dir()
    finally:
        console.kill()
        console.communicate()
    deadline = time.monotonic() + 60
    while home.exists() or (child.exists() and "Z" not in (child / "stat").read_text().split()[2]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
