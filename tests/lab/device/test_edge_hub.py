"""edgeHub of a lab device: what it refuses and reports, and which messages it lets through."""

import pytest

from services.lab.cloud.manifests import content

UPSTREAM = {"up": "FROM /messages/* INTO $upstream"}


@pytest.fixture
async def hub(bench):
    await bench.until(lambda: bench.agent.edge_hub.running)
    return bench.agent.edge_hub


def reported(bench):
    return bench.world.hub.registered(bench.id, "$edgeHub").twin.reported.content


def events(bench):
    return sum(part.next for part in bench.world.hub.events.partitions)


def deploy(bench, routes, edge_hub=(), **more):
    whole = content({"m": bench.idle(), "n": bench.idle()}, bench.credentials, routes, **more)
    whole["modulesContent"]["$edgeHub"]["properties.desired"].update(dict(edge_hub))
    bench.world.hub.configurations.apply(bench.id, whole)
    return bench.world.hub.registered(bench.id, "$edgeHub").twin.desired.version


async def deployed(bench, *arguments, **more):
    version = deploy(bench, *arguments, **more)
    await bench.until(lambda: reported(bench).get("lastDesiredVersion") == version and bench.world.hub.has(bench.id, "m"))


async def test_a_bad_route_is_refused_and_the_old_ones_stay(bench, hub):
    await deployed(bench, UPSTREAM)
    assert reported(bench)["lastDesiredStatus"] == {"code": 200, "description": ""}
    await deployed(bench, {"up": "FROM /messages/* INTO "})
    assert reported(bench)["lastDesiredStatus"] == {
        "code": 400,
        "description": "Error while parsing desired properties - Error parsing route up - Exception of type "
        "'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown.",
    }
    assert bench.status["code"] == 200
    assert hub.message("m", "", b"x", {}, {}) == ["$upstream"]


async def test_a_message_that_no_route_matches_stays_on_the_device(bench, hub):
    await deployed(bench, {"one": "FROM /messages/modules/m/outputs/out INTO $upstream"})
    before = events(bench)
    assert hub.message("m", "", b"x", {}, {}) == hub.message("n", "out", b"x", {}, {}) == hub.message("", "", b"x", {}, {}) == []
    assert events(bench) == before
    assert hub.message("m", "out", b"x", {}, {}) == ["$upstream"]
    assert events(bench) == before + 1


async def test_another_modules_input_gets_it(bench, hub):
    await deployed(bench, {"one": 'FROM /messages/modules/m/* INTO BrokeredEndpoint("/modules/n/inputs/in")'})
    received = []
    hub.inputs["n"] = lambda *message: received.append(message)
    hub.message("m", "", b"x", {"Level": "hot"}, {})
    assert received == [("in", b"x", {"Level": "hot"})]


async def test_a_condition_that_does_not_compile_is_found_after_200_was_reported(bench, hub):
    await deployed(bench, UPSTREAM)
    await deployed(bench, {"one": "FROM /messages/* WHERE is_array(a) INTO $upstream"})
    assert reported(bench)["lastDesiredStatus"]["code"] == 200
    assert hub.message("m", "", b"x", {}, {}) == ["$upstream"]
    assert "Error getting edge hub configuration" in bench.agent.logs()["edgeHub"].lines[-1].text


async def test_the_schema_is_read_by_its_own_version_and_with_no_configuration_to_go_on_with_it_dies(bench, hub):
    await deployed(bench, UPSTREAM, {"schemaVersion": "1.9"})  # of 1.1, which looks at the major version alone
    assert reported(bench)["lastDesiredStatus"]["code"] == 200
    deploy(bench, UPSTREAM, {"schemaVersion": "1.9"}, version="1.4")
    await bench.until(lambda: bench.report["systemModules"]["edgeHub"]["runtimeStatus"] in ("backoff", "failed"))
    assert bench.report["systemModules"]["edgeHub"]["exitCode"] == 134
    assert "unsupported SchemaVersion: 1.9" in reported(bench)["lastDesiredStatus"]["description"]


async def test_clients_are_reported(bench, hub):
    await deployed(bench, UPSTREAM)
    hub.connected("m", True)
    entry = reported(bench)["clients"][f"{bench.id}/m"]
    assert (entry["status"], "lastDisconnectedTimeUtc" in entry) == ("Connected", False)
    hub.connected("m", False)
    assert reported(bench)["clients"][f"{bench.id}/m"]["status"] == "Disconnected"


async def test_what_cannot_leave_waits_for_its_time_to_live(bench, hub):
    await deployed(bench, UPSTREAM)
    before = events(bench)
    bench.switch("offline")
    hub.message("m", "", b"1", {}, {})
    hub.message("m", "", b"2", {}, {})
    assert events(bench) == before
    bench.switch("offline", False)
    await bench.until(lambda: events(bench) == before + 2)


async def test_the_fault_is_reported_and_ends(bench, hub):
    await deployed(bench, UPSTREAM)
    bench.switch("routes-refused")
    await bench.until(lambda: reported(bench)["lastDesiredStatus"]["code"] == 400)
    assert "Error parsing route up - " in reported(bench)["lastDesiredStatus"]["description"]
    bench.switch("routes-refused", False)
    await bench.until(lambda: reported(bench)["lastDesiredStatus"]["code"] == 200)
