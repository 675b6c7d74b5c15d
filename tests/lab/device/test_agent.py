"""Deployments, carried out and reported as docs/facts/iot-hub.md says."""

import asyncio
import json
from pathlib import Path

import pytest

from services.errors import OperatorError
from services.inference.client import PredictionClient
from services.inference.http import HttpScorer
from services.lab.cloud.manifests import module

INPUT = "Placeholder:0"


async def test_system_modules_alone(bench):
    await bench.until(lambda: bench.status)
    assert bench.status == {"code": 200, "description": ""}
    system = bench.report["systemModules"]
    assert system["edgeHub"]["runtimeStatus"] == "running"
    assert not {"status", "restartPolicy", "restartCount", "lastRestartTimeUtc"} & set(system["edgeAgent"])
    hub = bench.world.hub
    # What Azure shows of a device that is well (docs/facts/iot-hub.md, liveness of an edge device).
    await bench.until(lambda: hub.identity(bench.id, "$edgeHub").connected)
    assert not hub.identity(bench.id).connected and not hub.identity(bench.id, "$edgeAgent").connected


async def test_host_serves_on_the_devices_address(bench):
    picture = "services/client/assets/coffee.jpg"
    version = bench.deploy({"azureml-host": bench.host()})
    await bench.until(lambda: bench.runtime("azureml-host") == "running" and bench.report["lastDesiredVersion"] == version)
    with PredictionClient(bench.address, 50051, attempts=8, first_wait=0.3) as client:
        scores = await asyncio.to_thread(client.score_image, Path(picture).read_bytes(), INPUT)
    assert scores.argmax() == 967
    reported = bench.report["modules"]["azureml-host"]
    assert reported["settings"]["image"] == bench.image("accel-resnet50")
    assert reported["settings"]["imageHash"].startswith("sha256:")
    assert bench.world.hub.has(bench.id, "azureml-host")


async def test_cpu_host_answers_http(bench):
    options = json.dumps({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}}})
    bench.deploy({"cpu": module(bench.image("cpu-classifier"), options)})
    await bench.until(lambda: bench.runtime("cpu") == "running")
    with HttpScorer(bench.address, 18080) as scorer:

        async def ask():
            try:
                return await asyncio.to_thread(
                    scorer.score, Path("services/client/assets/cat.jpg").read_bytes(), "application/octet-stream"
                )
            except OperatorError:
                return None

        for _ in range(100):
            if answer := await ask():
                break
            await asyncio.sleep(0.1)
    assert answer[0]["label"] == "tiger cat"


async def test_stop_start_remove_and_other_modules_stay(bench):
    bench.deploy({"a": bench.idle(), "b": bench.idle()})
    await bench.until(lambda: (bench.runtime("a"), bench.runtime("b")) == ("running", "running"))
    started = bench.report["modules"]["b"]["lastStartTimeUtc"]
    bench.deploy({"a": bench.idle(status="stopped"), "b": bench.idle()})
    await bench.until(lambda: bench.runtime("a") == "stopped")
    bench.deploy({"a": bench.idle(), "b": bench.idle()})
    await bench.until(lambda: bench.runtime("a") == "running")
    bench.deploy({"b": bench.idle()})
    await bench.until(lambda: "a" not in bench.report["modules"])
    assert not bench.world.hub.has(bench.id, "a")
    assert bench.report["modules"]["b"]["lastStartTimeUtc"] == started


@pytest.mark.parametrize(
    ("version", "words"), [("1.1", "unauthorized: authentication required"), ("1.4", "registry operation error")]
)
async def test_wrong_registry_password_in_both_wordings(bench, version, words):
    wrong = {"r": {**bench.credentials["r"], "password": "wrong"}}
    bench.deploy({"azureml-host": bench.host()}, wrong, version=version)
    await bench.until(lambda: bench.status.get("code") == 500)
    assert words in bench.status["description"]
    assert bench.image("accel-resnet50") in bench.status["description"]
    assert "azureml-host" not in bench.report["modules"]
    bench.deploy({"azureml-host": bench.host()}, version=version)
    await bench.until(lambda: bench.status.get("code") == 200 and bench.runtime("azureml-host") == "running")


async def test_port_taken_by_another_module_by_the_edge_hub_and_by_a_program(bench):
    def on(port):
        return {"HostConfig": {"PortBindings": {"1/tcp": [{"HostPort": port}]}}}

    bench.deploy({"a": bench.idle(on("9100"), startupOrder=1), "b": bench.idle(on("9100"), startupOrder=2)})
    await bench.until(lambda: "Bind for 0.0.0.0:9100 failed: port is already allocated" in bench.status.get("description", ""))
    assert (bench.runtime("a"), bench.runtime("b")) == ("running", "stopped")
    bench.deploy({"a": bench.idle(on("8883"))})
    await bench.until(lambda: "0.0.0.0:8883 failed" in bench.status["description"])
    server = await asyncio.start_server(lambda reader, writer: writer.close(), bench.address, 9200)
    bench.deploy({"a": bench.idle(on("9200"))})
    await bench.until(lambda: "listen tcp 0.0.0.0:9200: bind: address already in use" in bench.status["description"])
    server.close()
    await bench.until(lambda: bench.status["code"] == 200 and bench.runtime("a") == "running")


async def test_host_without_the_fpga_dies_and_a_second_one_waits_for_it(bench):
    no_fpga = module(bench.image("accel-resnet50"), json.dumps({"HostConfig": {"Privileged": True}}))
    bench.deploy({"h": no_fpga})
    await bench.until(lambda: bench.report.get("modules", {}).get("h", {}).get("restartCount", 0) >= 1)
    assert bench.report["modules"]["h"]["exitCode"] == 1
    second = json.loads(json.dumps(bench.host()).replace('50051\\"}', '50052\\"}'))
    bench.deploy({"h": bench.host(startupOrder=0), "i": {**second, "startupOrder": 1}})
    await bench.until(lambda: (bench.runtime("h"), bench.runtime("i")) == ("running", "running"))
    await bench.until(lambda: any("held by another process" in line.text for line in bench.agent.logs()["i"].lines))


async def test_crashes_back_off_and_restart(bench):
    bench.deploy({"belt": module(bench.image("belt-camera", "1.7"))})
    await bench.until(lambda: bench.report.get("modules", {}).get("belt", {}).get("restartCount", 0) >= 2)
    belt = bench.report["modules"]["belt"]
    assert belt["exitCode"] == 139
    assert belt["lastExitTimeUtc"] > belt["lastStartTimeUtc"] or belt["runtimeStatus"] == "running"
    bench.deploy({"belt": module(bench.image("belt-camera", "1.7"), restartPolicy="never")})
    await bench.until(lambda: bench.runtime("belt") == "failed")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"schemaVersion": "2.0"}, 412, "not compatible with the expected version"),
        ({"modules": {"bad,name": {}}}, 400, "Agent configuration format is invalid."),
        ({"runtime": None}, 400, "Agent configuration format is invalid."),
    ],
)
async def test_deployment_that_is_refused_as_a_whole(bench, change, code, words):
    bench.deploy({"a": bench.idle()})
    await bench.until(lambda: bench.runtime("a") == "running")
    twin = bench.world.hub.identity(bench.id, "$edgeAgent").twin
    before = twin.desired.version
    twin.desired.patch(change)
    await bench.until(lambda: bench.status["code"] == code)
    assert words in bench.status["description"]
    assert bench.report["lastDesiredVersion"] == before < twin.desired.version  # Agent.cs keeps the version before
    assert bench.runtime("a") == "running"


async def test_environment_of_the_edge_the_options_and_the_deployment(bench):
    bench.deploy({"a": bench.idle({"Env": ["ONE=1"]}, env={"TWO": "2"})})
    await bench.until(lambda: bench.runtime("a") == "running")
    process = bench.agent.engine.containers["a"]._process
    text = Path(f"/proc/{process.pid}/environ").read_text(encoding="utf-8")
    environment = dict(line.split("=", 1) for line in text.split("\0") if line)
    assert (environment["ONE"], environment["TWO"]) == ("1", "2")
    assert environment["IOTEDGE_MODULEID"] == "a"
    assert environment["IOTEDGE_WORKLOADURI"].startswith("unix:///")


async def test_a_failed_update_leaves_the_old_module_running(bench):
    bench.deploy({"a": bench.idle()})
    await bench.until(lambda: bench.runtime("a") == "running")
    started = bench.report["modules"]["a"]["lastStartTimeUtc"]
    bench.deploy({"a": module(bench.image("shop-counter", "9.9"))})
    await bench.until(lambda: bench.status["code"] == 500)
    assert 'Error calling prepare update for module a: Could not prepare update for module "a"' in bench.status["description"]
    assert (bench.runtime("a"), bench.report["modules"]["a"]["lastStartTimeUtc"]) == ("running", started)


async def test_a_first_pass_that_pulls_reports_only_when_it_has_ended(bench):
    await bench.until(lambda: bench.status)
    before = bench.report["lastDesiredVersion"]
    bench.switch("slow-pull", seconds=0.6)
    version = bench.deploy({"a": bench.idle()})
    await asyncio.sleep(0.3)
    assert bench.report["lastDesiredVersion"] == before
    assert await bench.method("ping", {}) == (200, None)
    await bench.until(lambda: bench.report["lastDesiredVersion"] == version)
    assert bench.status["code"] == 500


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.0.4", "(Error calling Create module h: Container runtime error)"),
        ("1.0.9", "Could not create module h\n\tcaused by: Could not pull image "),
        ("1.1", "unauthorized: authentication required"),
        ("1.3", "(Error calling Create module h: Could not create module h)"),
        ("1.4", '(Error calling Create module h: registry operation error: pull image "'),
        ("1.6", '(Error calling Create module h: registry operation error: pull image "'),
    ],
)
@pytest.mark.parametrize("address", ["https://{}", "{}/"])
async def test_an_address_that_is_not_the_registrys_gives_no_credentials(bench, version, words, address):
    wrong = {"r": {**bench.credentials["r"], "address": address.format(bench.credentials["r"]["address"])}}
    bench.deploy({"h": bench.host()}, wrong, version=version)
    await bench.until(lambda: bench.status.get("code") == 500)
    assert words in bench.status["description"]


async def test_an_agent_to_1_0_9_says_406_without_a_word_while_a_step_waits(bench):
    bench.agent.pace = 0.05
    bench.deploy({"h": module(bench.image("no-such-image"))}, version="1.0.9")
    await bench.until(lambda: bench.status.get("code") == 406)
    assert bench.status["description"] == ""
    bench.deploy({"h": module(bench.image("no-such-image"))}, version="1.0.10")
    await bench.until(lambda: bench.status["code"] == 500)
