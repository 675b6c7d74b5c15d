"""Whom a hub lets in, by its record in Azure Resource Manager: evidence, rule, named state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from services.contexts.model import Context, EventSettings
from services.diagnosis import diagnose
from services.operations.doctor.checks.access import evidence_of, routing_evidence

ALLOW = {"filterName": "a", "action": "Allow", "ipMask": "203.0.113.0/24"}
DENY = {"defaultAction": "Deny", "ipRules": [ALLOW], "applyToBuiltInEventHubEndpoint": True}
PUBLIC, PRIVATE = ["20.50.1.2"], ["10.1.0.4"]


@pytest.mark.parametrize(
    ("properties", "by_key", "let_in", "addresses", "states"),
    [
        ({}, True, True, PUBLIC, []),
        ({"disableLocalAuth": False, "publicNetworkAccess": "Enabled"}, True, False, PUBLIC, []),
        ({"disableLocalAuth": True}, True, False, PUBLIC, ["local-auth-off"]),
        ({"disableLocalAuth": True}, False, True, PUBLIC, []),
        ({"publicNetworkAccess": "Disabled"}, True, False, PUBLIC, ["public-access-off"]),
        ({"publicNetworkAccess": "Disabled", "privateEndpointConnections": [{}]}, True, True, PRIVATE, []),
        ({"privateEndpointConnections": [{}]}, True, True, PUBLIC, ["private-endpoint"]),
        ({"networkRuleSets": DENY}, True, False, PUBLIC, ["ip-rule"]),
        ({"networkRuleSets": DENY}, True, True, PUBLIC, []),
        ({"networkRuleSets": {**DENY, "defaultAction": "Allow"}}, True, False, PUBLIC, []),
        ({"networkRuleSets": {"defaultAction": "Deny"}}, True, False, PUBLIC, ["ip-rule"]),
        ({"ipFilterRules": [{"action": "Reject", "ipMask": "0.0.0.0/0"}]}, True, False, [], ["ip-rule"]),
        ({"networkRuleSets": "?", "ipFilterRules": [1], "privateEndpointConnections": 3}, True, False, [], []),
    ],
)
def test_what_keeps_a_context_out(
    properties: dict[str, Any], by_key: bool, let_in: bool, addresses: list[str], states: list[str]
) -> None:
    evidence = evidence_of(properties, by_key, let_in, addresses)
    findings = [finding for one in evidence for finding in diagnose(one)]
    assert [finding.state for finding in findings] == states
    assert all(finding.cause and finding.remedy for finding in findings)


def test_many_addresses_are_counted() -> None:
    rules = [{**ALLOW, "ipMask": f"203.0.113.{number}"} for number in range(9)]
    (evidence,) = evidence_of({"networkRuleSets": {**DENY, "ipRules": rules}}, True, False, [])
    assert evidence.text.endswith("and 5 more")


@pytest.mark.parametrize("name", ["local-auth-off", "public-access-off", "ip-rule"])
def test_the_doctor_names_it_where_the_hub_says_unauthorized(
    fault: Callable[..., Any], context: Context, checked: Callable[..., set[str]], name: str
) -> None:
    with fault(name):
        assert {name, "unauthorized"} <= checked(context, "access", "key")


def test_a_token_cures_local_authentication_that_is_off(
    fault: Callable[..., Any], context: Context, checked: Callable[..., set[str]]
) -> None:
    assert context.hub is not None
    by_token = dataclasses.replace(context, hub=dataclasses.replace(context.hub, connection=None))
    with fault("local-auth-off"):
        assert checked(by_token, "access", "key") == set()


@pytest.mark.parametrize(("name", "check"), [("role-missing", "key"), ("receiver-role-missing", "seat")])
def test_a_role_that_is_missing_is_named_by_the_doctor(
    fault: Callable[..., Any], context: Context, lab: dict[str, Any], checked: Callable[..., set[str]], name: str, check: str
) -> None:
    assert context.hub is not None
    events = EventSettings(namespace=lab["address"], event_hub=lab["routed_event_hub"], ca_file=lab["ca_file"])
    by_token = dataclasses.replace(context, hub=dataclasses.replace(context.hub, connection=None), events=events)
    assert checked(by_token, "key", "seat") == set()
    with fault(name):
        assert checked(by_token, check) == {name}


PLACE = {"name": "mine", "endpointUri": "sb://Edge.servicebus.windows.net/", "entityPath": "results"}
ROUTED = EventSettings(namespace="edge.servicebus.windows.net", event_hub="results")


def route(endpoint: str, **more: Any) -> dict[str, Any]:
    return {
        "name": endpoint,
        "source": "DeviceMessages",
        "endpointNames": [endpoint],
        "condition": "true",
        "isEnabled": True,
    } | more


@pytest.mark.parametrize(
    ("events", "endpoints", "routes", "states"),
    [
        (EventSettings(), [], [], []),
        (EventSettings(), [PLACE], [route("mine")], ["routed-away"]),
        (EventSettings(), [PLACE], [route("mine"), route("events")], []),
        (EventSettings(), [PLACE], [route("mine", isEnabled=False)], []),
        (EventSettings(), [PLACE], [route("mine", source="TwinChangeEvents")], []),
        (ROUTED, [PLACE], [route("mine")], []),
        (ROUTED, [PLACE], [route("mine", condition="level > 3")], ["route-missing"]),
        (ROUTED, [PLACE], [route("events")], ["route-missing"]),
        (ROUTED, [], [], ["route-missing"]),
        (ROUTED, [{"name": "keyed"}], [], []),
        (ROUTED, "?", [1, None], ["route-missing"]),
    ],
)
def test_routes_that_lead_past_a_context(events: EventSettings, endpoints: Any, routes: Any, states: list[str]) -> None:
    evidence = routing_evidence({"endpoints": {"eventHubs": endpoints}, "routes": routes}, events)
    assert [finding.state for one in evidence for finding in diagnose(one)] == states
