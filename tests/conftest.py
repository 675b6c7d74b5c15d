"""One lab for the whole test session, and a fresh one for who changes it for everybody."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from replayed_hub import ReplayedHub
from textual.pilot import Pilot

from services.contexts import hub_api, sign_in

# A busy machine is slow at making examples, which says nothing of the code that they are given to.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

Pilot._wait_for_screen.__defaults__ = (120.0,)  # Textual's half a minute is too short there, too

# A suite that a script starts in the background ignores SIGINT, and so would everything that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

LabInfo = dict[str, Any]

# Few tests, long ones: begun last, they would keep one processor busy and leave the other idle.
FIRST = (
    "tests/safety/",
    "tests/deployment/test_verbs",
    "tests/console/",
    "tests/messages/recorder/test_recorder",
    "tests/client/",
)


# What stands for minutes of processes and sockets; the rest is the quick half of the suite (docs/contributing.md).
SLOW_FIXTURES = frozenset({"lab", "own_lab", "running", "start_host", "azure"})
SLOW_ROOMS = ("tests/safety/", "tests/console/", "tests/client/", "tests/drill/", "tests/replies/", "tests/files/", "tests/lab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and mark what is not of the quick half."""
    for item in items:
        if item.nodeid.startswith(SLOW_ROOMS) or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: next((place for place, name in enumerate(FIRST) if item.nodeid.startswith(name)), len(FIRST)))


def _without_low_ports() -> None:
    """In a child before exec: it may not bind ports below 1024, as no ordinary user may, though root runs the tests."""
    drop_from_bounding_set, bind_service = 24, 10  # PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE
    ctypes.CDLL(None).prctl(drop_from_bounding_set, bind_service, 0, 0, 0)


@contextmanager
def running_lab(folder: Path, *arguments: str, low_ports: bool = True) -> Iterator[LabInfo]:
    """A lab process in ``folder``, up; it ends with the block, and with the test process whatever becomes of that.

    Without ``low_ports`` it may not bind ports below 1024.
    """
    errors = folder.parent / f"{folder.name}.stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.lab", "--folder", str(folder), "--with-parent", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=None if low_ports else _without_low_ports,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                process.wait(60)
                pytest.fail(f"the lab did not start:\n{errors.read_text(errors='replace')}")
            yield json.loads(line)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
                raise
            finally:
                process.stdout.close()


@pytest.fixture(scope="session")
def running() -> Callable[..., Any]:
    """``with running(folder, *arguments) as lab:`` is a lab of one's own; gives LabInfo."""
    return running_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabInfo]:
    """LabInfo of the session's lab. Leave its faults off, and its devices as others may need them: 2 to 4 are for reading."""
    with running_lab(tmp_path_factory.mktemp("labs") / "session") as info:
        yield info


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[LabInfo]:
    """LabInfo of a lab for one test alone."""
    with running_lab(tmp_path / "lab") as info:
        yield info


@pytest.fixture(scope="session")
def control() -> Callable[..., Any]:
    """``control(lab, "faults", {...})`` posts to a lab's control, ``control(lab, "world")`` gets; both give the JSON reply."""

    def call(lab: LabInfo, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{lab['control']}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {lab['control_key']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=lab["ca_file"]), timeout=60) as reply:
            return json.load(reply)

    return call


@pytest.fixture(params=["sdk", "rest"])
def hub_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """By which of the two the hub is asked: azure-iot-hub, or our own REST as where that cannot be installed."""
    if request.param == "rest":
        monkeypatch.setattr(hub_api, "has_sdk", lambda: False)
    elif not hub_api.has_sdk():
        pytest.skip("azure-iot-hub has no wheels for this machine")
    return str(request.param)


@pytest.fixture(scope="session", autouse=True)
def _no_home_of_the_operator_s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where a test names no folders of its own, the console's are temporary, and not the home's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBE_CONSOLE_HOME", str(tmp_path_factory.mktemp("console")))
        yield


@pytest.fixture(autouse=True)
def _nobody_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-in lives as long as its process, and one process runs many tests against the session's lab."""
    monkeypatch.setattr(sign_in, "_credentials", {})
    monkeypatch.setattr(sign_in, "_handlers", [])


@pytest.fixture
def lab_home(lab: LabInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own with the lab's context as the current one; DBE_CONSOLE_HOME names it."""
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True, mode=0o700)
    contexts = config / "contexts.toml"
    contexts.write_bytes((Path(lab["config_home"]) / "config" / "contexts.toml").read_bytes())
    contexts.chmod(0o600)
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(config.parent))
    return config.parent


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """``eventually(condition, seconds=120)``: asks until ``condition()`` is true and gives its value; fails with the last one."""

    def wait(condition: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s; last: {value!r}")
            time.sleep(0.05)
        return value

    return wait


def _start(module: str, *options: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "listening on" in line:
            return process, int(line.split()[-1])
    raise AssertionError(f"{module} ended with {process.wait()}")


@pytest.fixture(scope="session")
def start_host() -> Iterator[Callable[..., int]]:
    """Start a host module's program; gives its port."""
    processes = []

    def start(module: str = "services.lab.device.host", *options: str) -> int:
        process, port = _start(module, *options)
        processes.append(process)
        return port

    yield start
    for process in processes:
        process.terminate()
        assert process.wait(60) == 0
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def host_port(start_host: Callable[..., int]) -> int:
    return start_host("services.lab.device.host", "--flash-seconds", "0")


class _Proxy(socketserver.StreamRequestHandler):
    """An HTTP proxy that opens tunnels; ``server.asked`` holds what for."""

    def handle(self) -> None:
        target = self.rfile.readline().decode().split()[1]
        while self.rfile.readline().strip():
            pass
        host, _, port = target.rpartition(":")
        self.server.asked.append(target)  # type: ignore[attr-defined]
        with socket.create_connection((host, int(port)), 5) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {self.connection: other, other: self.connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    ends[ready].sendall(data)


@pytest.fixture
def connect_proxy() -> Iterator[tuple[str, list[str]]]:
    """The URL of an HTTP proxy, and what it was asked to open tunnels to."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Proxy)
    server.daemon_threads = True
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", server.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture
def websockets(lab: LabInfo) -> None:
    """Skips where the lab could not bind port 443."""
    if not lab["https"].endswith(lab["address"]):
        pytest.skip("port 443 cannot be bound here, and azure-eventhub knows no other for websockets")


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[ReplayedHub]:
    """A hub of one IoT Edge device that is well, as Azure shows one."""
    folder = tmp_path / "azure"
    folder.mkdir()
    replayed = ReplayedHub(folder)
    yield replayed
    replayed.close()
