"""What a fault's remedy says cures it in the lab, too; what helps nobody does not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from services.lab.cloud.manifests import module
from services.lab.faults import CURES, KINDS
from tests.lab.device.conftest import FPGA_OPTIONS, Bench
from tests.lab.device.test_agent_faults import until_answer

HOST = "azureml-host"


@pytest.fixture
async def running(bench: Bench) -> Bench:
    bench.world.registry.add("accel-resnet50", "2", "accel-host")
    bench.deploy({HOST: bench.host()})
    await bench.until(lambda: bench.runtime(HOST) == "running")
    return bench


def well(bench: Bench) -> bool:
    return bench.status["code"] == 200 and bench.runtime(HOST) == "running"


def other_port(bench: Bench) -> None:
    options = copy.deepcopy(FPGA_OPTIONS)
    options["HostConfig"]["PortBindings"]["50051/tcp"][0]["HostPort"] = "50052"
    bench.deploy({HOST: module(bench.image("accel-resnet50"), json.dumps(options))})


def other_options(bench: Bench) -> None:
    options = copy.deepcopy(FPGA_OPTIONS)
    options["HostConfig"]["Memory"] = 4_000_000_000
    bench.deploy({HOST: module(bench.image("accel-resnet50"), json.dumps(options))})


def new_password(bench: Bench) -> None:
    credentials = copy.deepcopy(bench.credentials)
    credentials["r"]["password"] = bench.world.registry.passwords[0]
    bench.deploy({HOST: bench.host()}, credentials)


def other_image(bench: Bench) -> None:
    bench.deploy({HOST: module(bench.image("accel-resnet50", "2"), json.dumps(FPGA_OPTIONS))})


def the_same_again(bench: Bench) -> None:
    bench.deploy({HOST: bench.host()})


REMEDIES = {
    "port": other_port,
    "options": other_options,
    "password": new_password,
    "image": other_image,
    "deployment": the_same_again,
    "wait": lambda bench: None,
}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("port-taken", 500),
        ("pull-unauthorized", 500),
        ("pull-denied", 500),
        ("slow-pull", 500),
        ("empty", 417),
        ("bad-format", 400),
        ("schema", 412),
    ],
)
async def test_a_refused_deployment_is_cured_by_its_remedy(running: Bench, name: str, code: int) -> None:
    running.switch(name)
    await running.until(lambda: running.status["code"] == code)
    REMEDIES[KINDS[name].cure](running)
    await running.until(lambda: well(running))


@pytest.mark.parametrize("name", ["port-taken", "pull-unauthorized", "pull-denied"])
async def test_the_same_again_cures_nothing(running: Bench, name: str) -> None:
    running.switch(name)
    await running.until(lambda: running.status["code"] == 500)
    version = running.deploy({HOST: running.host()})
    await running.until(lambda: running.report["lastDesiredVersion"] == version)
    assert running.status["code"] == 500


@pytest.mark.parametrize(("name", "state"), [("crash", "backoff"), ("dead", "dead")])
async def test_a_module_that_dies_is_cured_by_its_remedy(running: Bench, name: str, state: str) -> None:
    running.switch(name)
    await running.until(lambda: running.runtime(HOST) == state)
    REMEDIES[KINDS[name].cure](running)
    await running.until(lambda: well(running))


async def test_back_to_the_image_that_crashes_is_back_to_the_crash(running: Bench) -> None:
    running.switch("crash")
    await running.until(lambda: running.runtime(HOST) == "backoff")
    other_image(running)
    await running.until(lambda: well(running))
    the_same_again(running)
    await running.until(lambda: running.runtime(HOST) == "backoff")


async def restart(bench: Bench) -> None:
    assert (await bench.method("RestartModule", {"schemaVersion": "1.0", "id": HOST}))[0] == 200


@pytest.mark.parametrize(("name", "state"), [("stuck", "failed"), ("unhealthy", "unhealthy")])
async def test_a_restart_cures_the_module(running: Bench, name: str, state: str) -> None:
    running.switch(name)
    await running.until(lambda: running.runtime(HOST) == state)
    await restart(running)
    await running.until(lambda: well(running))


@pytest.mark.parametrize(
    ("name", "parameters", "answer"),
    [
        ("flashing-forever", {}, "UNAVAILABLE"),
        ("host-gone", {}, "UNAVAILABLE"),
        ("host-slow", {"seconds": 30}, "DEADLINE_EXCEEDED"),
        ("wrong-tensors", {}, "UNKNOWN"),
        ("flashing", {"seconds": 1}, "UNAVAILABLE"),
    ],
)
async def test_a_host_answers_again_after_its_remedy(running: Bench, name: str, parameters: dict[str, Any], answer: str) -> None:
    await until_answer(running, "scores")
    container = running.agent.engine.containers[HOST]
    before = container.started
    running.switch(name, **parameters)
    if name != "host-gone":  # the others begin with a new process
        await running.until(lambda: container.running and container.started != before)
    await until_answer(running, answer, seconds=2.0)
    if KINDS[name].cure == "restart":
        await restart(running)
    else:
        REMEDIES[KINDS[name].cure](running)
    await until_answer(running, "scores")


async def test_other_routes_cure_the_edge_hub(bench: Bench) -> None:
    def status() -> int:
        twin = bench.world.hub.identity(bench.id, "$edgeHub").twin.reported.content
        return int(twin.get("lastDesiredStatus", {}).get("code", 0))

    bench.deploy({}, routes={"up": "FROM /messages/* INTO $upstream"})
    await bench.until(lambda: status() == 200)
    bench.switch("routes-refused")
    await bench.until(lambda: status() == 400)
    bench.deploy({}, routes={"up": "FROM /messages/modules/* INTO $upstream"})
    await bench.until(lambda: status() == 200)


def test_a_lost_image_is_cured_by_another_version_or_by_pushing_it_again(bench: Bench) -> None:
    registry = bench.world.registry
    registry.add("accel-resnet50", "2", "accel-host")
    bench.world.faults.switch("image-missing")
    assert registry.find("accel-resnet50", "1") is None
    assert registry.find("accel-resnet50", "2") is not None
    registry.add("accel-resnet50", "1", "accel-host")
    assert registry.find("accel-resnet50", "1") is not None


def test_a_renewed_password_is_what_the_workspace_gives(bench: Bench) -> None:
    registry, before = bench.world.registry, bench.credentials["r"]["password"]
    bench.world.faults.switch("registry-unauthorized")
    assert not registry.authorized(registry.username, before)
    assert registry.authorized(registry.username, registry.passwords[0])
    bench.world.faults.switch("registry-unauthorized", False)
    assert registry.authorized(registry.username, before)


@pytest.mark.parametrize("name", ["convert-fails", "build-fails"])
def test_of_makings_that_fail_another_model_succeeds(bench: Bench, name: str) -> None:
    faults = bench.world.faults
    faults.switch(name)
    assert faults.active(name, sign="one:1") is not None
    assert faults.active(name, sign="other:1") is None
    assert faults.active(name, sign="one:1") is not None


@pytest.mark.parametrize("name", ["concurrent-apply", "reply-lost"])
def test_the_next_try_succeeds(bench: Bench, name: str) -> None:
    bench.switch(name)
    assert bench.world.faults.take(name, bench.id)
    assert not bench.world.faults.take(name, bench.id)


async def test_the_next_deployment_makes_the_identity_anew(running: Bench) -> None:
    running.world.faults.switch("module-missing", True, running.id, HOST)
    hub = running.world.hub
    with pytest.raises(Exception, match="not registered"):
        hub.identity(running.id, HOST)
    the_same_again(running)
    assert hub.identity(running.id, HOST).module == HOST


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.lasts])
def test_what_passes_by_itself_passes(bench: Bench, name: str) -> None:
    faults, told = bench.world.faults, []
    faults.watch(lambda fault, on: told.append((fault.kind.name, on)))
    faults.switch(name)
    assert faults.active(name) is not None
    faults.on[0].since -= KINDS[name].lasts
    assert faults.active(name) is None and not faults.on
    assert told[-1] == (name, False)


def test_every_fault_says_what_cures_it() -> None:
    assert {kind.cure for kind in KINDS.values()} == set(CURES)
    agent = [kind for kind in KINDS.values() if kind.place == "agent" and kind.cure == "elsewhere"]
    assert {kind.name for kind in agent} == {
        *("not-applied", "agent-stopped", "engine-gone", "no-fpga", "network", "stale-report", "odd-report")
    }
