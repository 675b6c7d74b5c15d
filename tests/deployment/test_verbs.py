"""The deploying verbs as an operator calls them, each a process of its own."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = "databox-edge-1"
CASES = Path(__file__).parents[1] / "cases" / "field"


@pytest.fixture
def run(own_lab, tmp_path):
    def call(*arguments, expect=0):
        environment = {**os.environ, "DBE_CONSOLE_HOME": own_lab["config_home"]}
        done = subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=90,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return call


def test_host_and_client_by_verbs(run, own_lab, tmp_path):
    client = f"{own_lab['registry_server']}/sample-client:1.0"
    made = json.loads(run("deploy", "accel-resnet50", "--device", DEVICE, "--client", client, "--yes", "--json").stdout)
    assert made["applied"] and made["problems"] == []
    modules = {row["name"]: row for row in json.loads(run("modules", "--device", DEVICE, "--json").stdout)}
    assert {"azureml-host", "azureml-client"} <= set(modules)

    refused = run("remove", "azureml-client", "--device", DEVICE, expect=2)
    assert "--yes" in refused.stderr
    assert "read-only" in run("--read-only", "remove", "azureml-client", "--device", DEVICE, "--yes", expect=2).stderr
    dry = json.loads(run("stop", "azureml-client", "--device", DEVICE, "--dry-run", "--json").stdout)
    assert dry["changed"] and not dry["applied"]
    run("stop", "azureml-client", "--device", DEVICE, "--yes")

    file = tmp_path / "manifest.json"
    run("manifest", "export", str(file), "--device", DEVICE)
    assert file.stat().st_mode & 0o077 == 0 and "azureml-host" in file.read_text()
    masked = run("manifest", "export", "--device", DEVICE).stdout
    assert own_lab["client_secret"] not in masked and "•••" in masked
    same = json.loads(run("manifest", "diff", str(file), "--device", DEVICE, "--json").stdout)
    assert not same["changed"]
    file.write_text(masked)
    again = json.loads(run("manifest", "diff", str(file), "--device", DEVICE, "--json").stdout)
    assert not again["changed"], "the secrets that were masked are the device's"

    refused = run("rollback", str(made["entry"]), "--device", "databox-edge-2", "--yes", expect=2)
    assert f"another device, {DEVICE}" in refused.stderr
    run("rollback", str(made["entry"]), "--device", DEVICE, "--yes")
    names = {row["name"] for row in json.loads(run("modules", "--device", DEVICE, "--json").stdout) if row["desired"]}
    assert "azureml-host" not in names
    history = json.loads(run("history", "--json").stdout)
    assert [(row["route"], row["outcome"]) for row in history] == [("hub", "applied")] * 3


def test_azure_mls_route_by_verb(run):
    done = run("deploy", "accel-resnet50", "--device", DEVICE, "--route", "azureml", "--yes", "--json")
    made = json.loads(done.stdout)
    assert made["device"] == DEVICE and made["lost"] == []
    history = json.loads(run("history", "--json").stdout)
    assert [(row["route"], row["outcome"]) for row in history] == [("azureml", "applied")]


def test_manifests_of_the_field_by_verbs(run, tmp_path):
    """What the runtime refuses stops before it is sent; what it takes is only compared."""
    for case, words in (("02", '"<FROM_MODULE_NAME>" in the source'), ("20", "storeAndForwardConfiguration")):
        file = next(CASES.glob(f"{case}-*")).joinpath("manifest.json")
        refused = run("manifest", "import", "--replace", str(file), "--device", DEVICE, "--no-image-check", "--yes", expect=1)
        assert words in refused.stderr and "nothing was sent" in refused.stderr
    taken = next(CASES.glob("01-*")).joinpath("manifest.json")
    report = json.loads(run("manifest", "diff", "--replace", str(taken), "--device", DEVICE, "--no-image-check", "--json").stdout)
    assert report["changed"] and not report["problems"]
    merged = run("manifest", "diff", str(taken), "--device", DEVICE, "--no-image-check", "--json").stdout
    assert "$edgeHub.schemaVersion" in json.loads(merged)["problems"][0]["message"]


def test_options_by_verbs(run, tmp_path):
    file = tmp_path / "options.json"
    file.write_text(run("options", "show", "fpga-host", "--set", "port=8080").stdout)
    run("options", "check", str(file))
    file.write_text('{"HostConfig": {"Priviledged": true}}')
    bad = run("options", "check", str(file), "--json", expect=1)
    assert json.loads(bad.stdout)["problems"][0]["remedy"] == "Did you mean Privileged?"
    assert "options.json:1:17: error" in run("options", "check", str(file), expect=1).stdout
    case = next(CASES.glob("11-*")).joinpath("options.json")
    assert "docker inspect prints" in run("options", "check", str(case), expect=1).stdout
    run("options", "save", "mine", str(file))
    assert "mine" in {row["name"] for row in json.loads(run("options", "list", "--json").stdout)}
    run("options", "remove", "mine")


def test_a_reader_that_goes_is_no_fault():
    """``dbe-console options list | head -1``."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as pipe:
        command = [sys.executable, "-m", "console", "options", "list"]
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_question_is_answered_on_the_terminal(own_lab, run):
    """On a real terminal: n sends nothing, y sends; a module nobody knows is named."""

    def answered(text, *arguments):
        ours, theirs = pty.openpty()
        environment = {**os.environ, "DBE_CONSOLE_HOME": own_lab["config_home"]}
        command = [sys.executable, "-m", "console", *arguments]
        child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
        os.close(theirs)
        seen = b""
        try:
            while chunk := _read(ours):
                seen += chunk
                if text and b"[y/N] " in seen:
                    os.write(ours, text)
                    text = b""
            return child.wait(60), seen.decode()
        finally:
            child.kill()
            os.close(ours)

    change = ("deploy", f"{own_lab['registry_server']}/accel-resnet50:1", "--preset", "fpga-host", "--device", DEVICE)
    status, seen = answered(b"n\n", *change)
    assert status == 1 and "Nothing was sent." in seen
    status, seen = answered(b"y\n", *change)
    assert status == 0 and "is at version" in seen
    assert [row["outcome"] for row in json.loads(run("history", "--json").stdout)] == ["applied"]
    assert "no module of that name" in run("restart", "nothere", "--device", DEVICE, "--yes", expect=1).stderr
    services = json.loads(run("services", "--json").stdout)
    assert services == [] and "no service gone" in run("services", "--delete", "gone", "--yes", expect=1).stderr


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the last one that had it open has gone
        return b""
