"""Every fault whose place is the agent, switched on while a host runs, seen in what the device reports or answers, and gone when
it is off.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from services.errors import OperatorError
from services.inference.client import PredictionClient
from services.lab.cloud.hub import HubError
from services.lab.faults import KINDS

HOST = "azureml-host"


@pytest.fixture
async def running(bench):
    bench.deploy({HOST: bench.host()})
    await bench.until(lambda: bench.runtime(HOST) == "running")
    return bench


@pytest.mark.parametrize(
    ("name", "parameters", "code", "words"),
    [
        ("empty", {}, 417, "empty configuration"),
        ("bad-format", {}, 400, "Agent configuration format is invalid."),
        ("schema", {}, 412, "not compatible with the expected version"),
        ("agent-stopped", {}, 406, "Agent is not running"),
        ("pull-unauthorized", {"wording": "old"}, 500, "unauthorized: authentication required"),
        ("pull-unauthorized", {"wording": "new"}, 500, "registry operation error: pull image"),
        ("pull-denied", {"wording": "old"}, 500, "may require 'docker login'"),
        ("slow-pull", {"wording": "canceled"}, 500, "The operation was canceled"),
        ("slow-pull", {"wording": "timeout"}, 500, "HttpClient.Timeout of 100 seconds"),
        ("slow-pull", {}, 500, "The operation was canceled."),
        ("step-waits", {}, 406, ""),
        ("port-taken", {"wording": "docker"}, 500, "Bind for 0.0.0.0:50051 failed: port is already allocated"),
        ("port-taken", {"wording": "proxy"}, 500, "address already in use"),
        ("no-fpga", {}, 500, "error gathering device information"),
    ],
)
async def test_states_of_the_deployment(running, name, parameters, code, words):
    running.switch(name, **parameters)
    await running.until(lambda: running.status["code"] == code)
    assert words in running.status["description"]
    if name == "agent-stopped":
        assert running.runtime(HOST) == "unknown"
    running.switch(name, False)
    await running.until(lambda: running.status["code"] == 200 and running.runtime(HOST) == "running")


@pytest.mark.parametrize(
    ("name", "parameters", "state", "exit_code"),
    [
        ("crash", {"exit_code": 139}, "backoff", 139),
        ("crash", {"exit_code": 137}, "backoff", 137),
        ("crash", {"exit_code": 132}, "backoff", 132),
        ("stuck", {}, "failed", 139),
        ("dead", {}, "dead", 137),
        ("unhealthy", {}, "unhealthy", 0),
    ],
)
async def test_states_of_a_module(running, name, parameters, state, exit_code):
    running.agent.pace = 0.1
    running.switch(name, **parameters)
    await running.until(lambda: running.runtime(HOST) == state)
    reported = running.report["modules"][HOST]
    assert reported["exitCode"] == exit_code
    if name == "stuck":
        assert reported["restartCount"] == 20
    running.switch(name, False)
    await running.until(lambda: running.runtime(HOST) == "running")


async def ask(bench, seconds=10.0):
    with PredictionClient(bench.address, 50051, attempts=1) as client:
        try:
            return await asyncio.to_thread(
                client.score_image, Path("services/client/assets/cat.jpg").read_bytes(), "Placeholder:0", timeout=seconds
            )
        except OperatorError as error:
            return error.__cause__.code().name


async def until_answer(bench, wanted, seconds=10.0):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = await ask(bench, seconds)
        if answer == wanted if isinstance(answer, str) else wanted == "scores":
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the host still answers {answer}")


@pytest.mark.parametrize(
    ("name", "parameters", "answer"),
    [
        ("flashing", {"seconds": 600}, "UNAVAILABLE"),
        ("flashing-forever", {}, "UNAVAILABLE"),
        ("host-gone", {}, "UNAVAILABLE"),
        ("wrong-tensors", {}, "UNKNOWN"),
        ("host-slow", {"seconds": 30}, "DEADLINE_EXCEEDED"),
    ],
)
async def test_what_the_host_answers(running, name, parameters, answer):
    await until_answer(running, "scores")
    running.switch(name, **parameters)
    await until_answer(running, answer, seconds=2.0)
    running.switch(name, False)
    await until_answer(running, "scores")


async def test_network_between_modules(running):
    running.switch("network")
    assert running.agent.engine.find(HOST, 50051) is None
    running.switch("network", False)
    assert running.agent.engine.find(HOST, 50051) is not None


@pytest.mark.parametrize(("version", "seconds"), [("1.3", 100), ("1.6", 300)])
async def test_a_slow_pull_names_the_seconds_of_its_version(bench, version, seconds):
    bench.switch("slow-pull")
    bench.deploy({"a": bench.idle()}, version=version)
    await bench.until(lambda: bench.status.get("code") == 500)
    assert f"HttpClient.Timeout of {seconds} seconds elapsing" in bench.status["description"]


async def test_an_agent_that_cannot_list_its_containers_reports_none(running):
    running.switch("engine-gone")
    await running.until(lambda: running.status["code"] == 500)
    assert running.status["description"].startswith("Error calling List modules: Could not list modules")
    assert running.report["modules"] == {} and running.report["systemModules"]["edgeAgent"]["type"] == "unknown"
    running.switch("engine-gone", False)
    await running.until(lambda: running.status["code"] == 200 and running.runtime(HOST) == "running")


async def test_not_applied(running):
    before = running.report["lastDesiredVersion"]
    running.switch("not-applied")
    version = running.deploy({HOST: running.host(), "a": running.idle()})
    await asyncio.sleep(1)
    assert running.report["lastDesiredVersion"] == before < version
    running.switch("not-applied", False)
    await running.until(lambda: running.report["lastDesiredVersion"] == version and running.runtime("a") == "running")


async def test_stale_report(running):
    running.switch("stale-report")
    await running.until(lambda: not running.world.hub.identity(running.id, "$edgeHub").connected)
    with pytest.raises(HubError) as refused:
        await running.method("ping", {})
    assert refused.value.code == 404103
    running.switch("stale-report", False)
    await running.until(lambda: running.world.hub.identity(running.id, "$edgeHub").connected)
    assert await running.method("ping", {}) == (200, None)


async def test_odd_report(running):
    running.switch("odd-report")
    await running.until(lambda: "unheardOf" in running.report)
    assert running.report["modules"][HOST]["runtimeStatus"] == 7
    running.switch("odd-report", False)
    await running.until(lambda: "unheardOf" not in running.report and running.runtime(HOST) == "running")
    assert json.loads(running.report["modules"][HOST]["settings"]["createOptions"])


def test_none_of_the_agents_faults_is_left_out():
    from pathlib import Path

    text = Path(__file__).read_text(encoding="utf-8") + Path(__file__).with_name("test_agent_methods.py").read_text(
        encoding="utf-8"
    )
    text += Path(__file__).with_name("test_edge_hub.py").read_text(encoding="utf-8")
    assert [name for name, kind in KINDS.items() if kind.place == "agent" and f'"{name}"' not in text] == []
