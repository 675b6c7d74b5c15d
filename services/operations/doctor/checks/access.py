"""The doctor's check of whom the hub lets in, by its record in Azure Resource Manager: keys, public network, addresses."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from services.contexts.discovery import ResourceManager
from services.contexts.hosts import host_alone
from services.contexts.model import EventSettings
from services.diagnosis import diagnose
from services.errors import OperatorError
from services.hub.field_readers import mapping, word
from services.operations.doctor.checks.check import Outcome, SharedFacts, neutral, ok, outcome_of
from services.operations.message_routes import BUILT_IN, leads_to, place_of, takes_messages
from services.records import Evidence

_NAMED = 4  # addresses that are written out


def access(facts: SharedFacts) -> Sequence[Outcome]:
    """Say what of the hub's record keeps this context out; what stands there and does not is no fault."""
    hub = facts.context.hub
    if hub is None or not hub.resource_id:
        return [neutral("not to be seen: the context does not name the hub's ARM id")]
    try:
        record = ResourceManager(facts.context).hub_record(hub.resource_id)
    except OperatorError as error:
        return [neutral(f"not to be seen by this sign-in: {error.what}")]
    by_key = hub.connection is not None
    properties = mapping(record.get("properties"))
    evidence = evidence_of(properties, by_key, facts.let_in_by_hub, _addresses(hub.host))
    evidence += routing_evidence(mapping(properties.get("routing")), facts.context.events)
    if not evidence:
        return [ok("nothing in the hub's record keeps this context out: keys, networks, routes")]
    return [outcome_of(finding) for one in evidence for finding in diagnose(one)]


def evidence_of(properties: Mapping[str, Any], by_key: bool, let_in: bool, addresses: Sequence[str]) -> list[Evidence]:
    """Return what of a hub's properties in ARM speaks against a context; ``addresses`` are those that its name leads to here."""
    evidence = []
    if by_key and properties.get("disableLocalAuth") is True:
        evidence.append(Evidence("hub", code="local-auth-off"))
    private = [address for address in addresses if _is_private(address)]
    if not let_in and word(properties.get("publicNetworkAccess")).lower() == "disabled":
        evidence.append(Evidence("hub", code="public-access-off"))
    elif not let_in and (rules := _addresses_let_in(properties)):
        evidence.append(Evidence("hub", code="ip-rule", text=", ".join(rules)))
    if properties.get("privateEndpointConnections") and addresses and not private:
        evidence.append(Evidence("hub", code="private-endpoint", text=", ".join(addresses[:_NAMED])))
    return evidence


def routing_evidence(routing: Mapping[str, Any], events: EventSettings) -> list[Evidence]:
    """Return what of a hub's routing speaks against where a context's messages come from."""
    if events.namespace:
        endpoints = _rows(mapping(routing.get("endpoints")).get("eventHubs"))
        place = (host_alone(events.namespace), events.event_hub.lower())
        names = [word(row.get("name")) for row in endpoints if place_of(row) == place]
        # One with a key hides its place.
        is_hidden = any(not row.get("endpointUri") for row in endpoints)
        if is_hidden or any(leads_to(route, name) for route in _rows(routing.get("routes")) for name in names):
            return []
        return [Evidence("hub", code="route-missing", text=f"{events.event_hub} at {events.namespace}")]
    routes = [route for route in _rows(routing.get("routes")) if takes_messages(route)]
    if not routes or events.connection or any(BUILT_IN in (route.get("endpointNames") or ()) for route in routes):
        return []
    return [Evidence("hub", code="routed-away", text=", ".join(word(route.get("name"), 64) for route in routes[:_NAMED]))]


def _addresses_let_in(properties: Mapping[str, Any]) -> list[str]:
    """Return the addresses that the hub's rules speak of, as an operator reads them; empty where they keep nobody out."""
    rules = mapping(properties.get("networkRuleSets"))
    strict = word(rules.get("defaultAction")).lower() == "deny"
    rows = [*_rows(rules.get("ipRules"))] if strict else []
    texts = [word(row.get("ipMask"), 60) for row in rows if word(row.get("action")).lower() in ("allow", "")]
    older = [
        f"{word(row.get('action'), 10).lower()} {word(row.get('ipMask'), 60)}" for row in _rows(properties.get("ipFilterRules"))
    ]
    texts = [text for text in (*texts, *older) if text.strip()]
    if strict and not texts:
        return ["no address at all"]
    more = [f"and {len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
    return texts[:_NAMED] + more


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [mapping(row) for row in value] if isinstance(value, list) else []


def _is_private(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_private


def _addresses(host: str) -> list[str]:
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host_alone(host), None, type=socket.SOCK_STREAM)})
    except OSError:
        return []  # the check of the name says so
