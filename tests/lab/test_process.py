"""The lab as a process: how fast it is up, several side by side, a clash, and that nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def port_open(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, port)) == 0


def children_of(pid: int) -> list[int]:
    """Every descendant's process id."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, queue = [], [pid]
    while queue:
        parent = queue.pop()
        mine = [child for child, owner in parents.items() if owner == parent]
        found += mine
        queue += mine
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_up_within_seconds_and_side_by_side(running, tmp_path):
    with running(tmp_path / "one") as one:
        assert processor_seconds(one["pid"]) < 3  # what else the machine does is not counted
        with running(tmp_path / "two") as two:
            assert one["address"] != two["address"]
            assert one["nonce"] != two["nonce"]
            for info in (one, two):
                assert all(port_open(info["address"], port) for port in (5671, 8883))


def test_a_clash_is_said(running, tmp_path):
    with running(tmp_path / "one") as one:
        done = subprocess.run(
            [sys.executable, "-m", "services.lab", "--folder", str(tmp_path / "two"), "--address", one["address"]],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("The lab cannot start: another lab")
    assert one["address"] in done.stderr


def test_files_are_the_owners_alone(running, tmp_path):
    with running(tmp_path / "lab") as info:
        folder = Path(info["folder"])
        secrets = [info["hub_connection_string"], info["client_secret"], info["registry_password"], info["control_key"]]
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            text = path.read_bytes().decode("utf-8", "replace")
            if any(secret in text for secret in secrets) or path.suffix == ".key":
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert json.loads((folder / "lab.json").read_text())["nonce"] == info["nonce"]


def test_every_secret_is_known_to_the_world(lab, control):
    known = set(control(lab, "world")["secrets"])
    for name in ("hub_connection_string", "service_connection_string"):
        assert lab[name].split("SharedAccessKey=")[1] in known
    assert {lab["client_secret"], lab["registry_password"], lab["control_key"]} <= known


@pytest.fixture
def folder():
    """So short that the lab puts its sockets there too, and not into a folder of their own, which who is killed would leave."""
    with tempfile.TemporaryDirectory(prefix="dbe-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.mark.parametrize(
    ("who", "how"), [("lab", signal.SIGTERM), ("lab", signal.SIGINT), ("lab", signal.SIGKILL), ("parent", signal.SIGKILL)]
)
def test_nothing_outlives_it(folder, eventually, who, how):
    """A parent that is killed takes the lab with it, modules' processes included; so does the lab's own death."""
    program = (
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-m', 'services.lab', '--folder', {str(folder)!r}, '--with-parent'],"
        " stdin=subprocess.PIPE)\n"
        "p.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    info = json.loads(parent.stdout.readline())
    modules = eventually(lambda: children_of(info["pid"]))  # of databox-edge-2
    whole = [info["pid"], *modules]
    if who == "parent":
        parent.kill()
    else:
        os.kill(info["pid"], how)
    parent.wait(120)
    eventually(lambda: not any(alive(pid) for pid in whole))
    assert not port_open(info["address"], 5671)


def test_many_messages_quickly(own_lab, control):
    used = processor_seconds(own_lab["pid"])
    reply = control(own_lab, "messages", {"count": 20_000, "body": "(12 ms) message {n}", "partition": "spread"})
    assert reply["count"] == 20_000
    assert processor_seconds(own_lab["pid"]) - used < 5
    partitions = control(own_lab, "world")["partitions"]
    assert sum(part["next"] for part in partitions) >= 20_000


def test_faults_from_the_start(running, control, tmp_path):
    with running(tmp_path / "lab", "--fault", "crash@databox-edge-1/azureml-host:exit_code=137", "--fault", "throttle") as info:
        assert control(info, "faults")["on"] == [
            {"name": "crash", "device": "databox-edge-1", "module": "azureml-host", "exit_code": 137},
            {"name": "throttle", "device": "", "module": ""},
        ]


@pytest.mark.parametrize("text", ["no-such", "crash:colour=red", "crash:exit_code=red"])
def test_a_fault_that_there_is_not(text):
    from console.cli.main import run

    assert run(["lab", "--fault", text]) == 2


def test_the_verb_runs_a_lab_and_ends_with_it(eventually, tmp_path):
    verb = subprocess.Popen(
        [sys.executable, "-m", "console", "lab", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert verb.stdout is not None
    info = json.loads(verb.stdout.readline())
    assert port_open(info["address"], 5671)
    verb.terminate()
    assert verb.wait(120) == 0
    eventually(lambda: not alive(info["pid"]))
    assert list(tmp_path.iterdir()) == []
