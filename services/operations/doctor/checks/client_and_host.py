"""The doctor's check of clients and hosts side by side: a host that answers here and not there has a network in between."""

from __future__ import annotations

from collections.abc import Sequence

from services.operations.client_complaints import complaints, not_through
from services.operations.doctor.checks.check import Outcome, SharedFacts, neutral, ok, outcome_of
from services.operations.host import clients, target_of
from services.records import Module, states


def client_to_host(facts: SharedFacts) -> Sequence[Outcome]:
    """Check each client against the host that it asks: one that answers here and not there has the device's network in between."""
    outcomes = [_client_to_host(facts, client) for client in clients(facts.twin())]
    return outcomes or [neutral("no client module is deployed")]


def _client_to_host(facts: SharedFacts, client: Module) -> Outcome:
    named = {"name": f"between:{client.name}", "title": f"{client.name} reaches its host"}
    trouble = complaints(facts.twin(), facts.heard, facts.listening).get(client.name)
    answer = facts.answers.get(target_of(client))
    if trouble is not None and trouble.state in states.NOT_THROUGH and answer is not None and answer.verdict == "yes":
        return outcome_of(not_through(client.name, target_of(client), answer, trouble), **named)
    if trouble is not None:
        return neutral(trouble.reason, **named)
    return ok("it says of no trouble", **named) if facts.heard else neutral("nothing was heard of it", **named)
