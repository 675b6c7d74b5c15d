import asyncio
import base64
import gzip
import time

import pytest


@pytest.fixture
async def running(bench):
    bench.deploy({"a": bench.idle(), "ab": bench.idle()})
    await bench.until(lambda: all(len(bench.agent.logs().get(name, bench.agent.log).lines) for name in ("a", "ab")))
    await bench.until(lambda: bench.runtime("a") == bench.runtime("ab") == "running")
    return bench


def logs(*items, **more):
    return {"schemaVersion": "1.0", "items": [{"id": name, "filter": query} for name, query in items], **more}


async def test_ping_and_unknown_commands(running):
    assert await running.method("ping", {}) == (200, None)
    status, reply = await running.method("Dance", {})
    assert (status, "not found" in reply["message"]) == (400, True)


@pytest.mark.parametrize(
    ("version", "method", "reply"),
    [
        ("1.0.7", "GetModuleLogs", (501, None)),
        (
            "1.0.9",
            "GetModuleLogs",
            (
                400,
                {"message": "Command 'GetModuleLogs' not found. The supported commands are - ping,GetTaskStatus,RestartModule"},
            ),
        ),
        ("1.6", "GetLogs", None),
    ],
)
async def test_methods_are_those_of_the_agents_version(bench, version, method, reply):
    wanted = bench.deploy({"a": bench.idle()}, version=version)
    await bench.until(lambda: bench.report.get("lastDesiredVersion") == wanted and bench.runtime("a") == "running")
    assert await bench.method("ping", {}) == (200, None)
    status, payload = await bench.method(method, logs(("a", {})))
    assert (status, payload) == reply if reply else (status == 400 and "GetModuleLogs" in payload["message"])


async def test_restart(running):
    before = running.report["modules"]["a"]["lastStartTimeUtc"]
    assert await running.method("RestartModule", {"schemaVersion": "1.0", "id": "a"}) == (200, None)
    await running.until(
        lambda: running.report["modules"]["a"]["lastStartTimeUtc"] != before and running.runtime("a") == "running"
    )
    assert (await running.method("RestartModule", {"schemaVersion": "1.0", "id": "nobody"}))[0] == 500
    assert (await running.method("RestartModule", {"id": "a"}))[0] == 400


async def test_a_restart_and_the_agents_own_plan_at_once_start_it_once(running):
    engine = running.agent.engine
    before = max(int(path.stem) for path in engine._paths.values())
    await engine.containers["a"].stop()
    await asyncio.gather(engine.start("a"), engine.start("a"))
    assert int(engine._paths["a"].stem) == before + 1


async def test_logs_by_unanchored_id_packed_and_filtered(running):
    log = running.agent.logs()["a"]
    now = running.world.clock.now()
    log.write(now - 3600, "<3>old error")
    for number in range(5):
        log.write(now, f"<4>warning {number}")
    status, reply = await running.method("GetModuleLogs", logs(("a", {"tail": 1})))
    assert (status, {one["id"] for one in reply}) == (200, {"a", "ab"})
    _, reply = await running.method(
        "GetModuleLogs", logs(("^a$", {"regex": "warning [34]"}), encoding="gzip", contentType="text")
    )
    assert gzip.decompress(base64.b64decode(reply[0]["payloadBytes"])) == b"<4>warning 3\n<4>warning 4\n"
    _, reply = await running.method("GetModuleLogs", logs(("^a$", {"loglevel": 3})))
    assert reply[0]["payload"] == "<3>old error\n"
    _, reply = await running.method("GetModuleLogs", logs(("^a$", {"since": "10m", "loglevel": 3})))
    assert reply[0]["payload"] == ""
    assert (await running.method("GetModuleLogs", logs(("(", {}))))[0] == 400


async def test_too_large_is_400_until_the_tail_is_small_enough(running):
    log = running.agent.logs()["a"]
    for number in range(2000):
        log.write(running.world.clock.now(), f"{number} " + "x" * 200)
    status, reply = await running.method("GetModuleLogs", logs(("^a$", {})))
    assert (status, "too large" in reply["message"]) == (400, True)
    assert (await running.method("GetModuleLogs", logs(("^a$", {"tail": 100}))))[0] == 200
    assert (await running.method("GetModuleLogs", logs(("^a$", {}), encoding="gzip")))[0] == 200
    running.switch("logs-too-large")
    assert (await running.method("GetModuleLogs", logs(("^a$", {"tail": 3}))))[0] == 400
    assert (await running.method("GetModuleLogs", logs(("^a$", {"tail": 2}))))[0] == 200


async def test_upload_says_how_it_went(running):
    status, reply = await running.method("UploadModuleLogs", {**logs(("a", {})), "sasUrl": "https://127.0.0.1:1/blob?sig=x"})
    assert (status, reply["status"]) == (200, "Running")
    asked = {"schemaVersion": "1.0", "correlationId": reply["correlationId"]}
    deadline = time.monotonic() + 60
    while (await running.method("GetTaskStatus", asked))[1]["status"] != "Failed":  # nobody listens there
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert (await running.method("GetTaskStatus", {"schemaVersion": "1.0", "correlationId": "x"}))[1]["status"] == "Unknown"
