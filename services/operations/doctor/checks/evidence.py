"""What a capture holds besides the replies that the other checks got: read once, at the end, and only where a capture is made."""

from __future__ import annotations

from collections.abc import Callable

from services.contexts.discovery import ResourceManager
from services.errors import OperatorError
from services.operations.doctor.checks.check import Outcome, SharedFacts, neutral, ok
from services.records import Exchange, InferenceMessage, Observer
from services.text import counted

_MESSAGES = 50


def further_replies(facts: SharedFacts) -> Outcome:
    """Read deployments at scale, and what ARM and the workspace have on record; nothing of it is metered."""
    observe = facts.observe
    assert observe is not None, "part of the checklist only where replies are observed"
    for message in list(facts.heard)[-_MESSAGES:]:
        observe(event_of(message))
    missing = []
    readings: list[Callable[[], object]] = [facts.hub.configurations] if facts.context.hub else []
    if facts.context.hub and facts.context.hub.resource_id:
        resource_id = facts.context.hub.resource_id
        readings.append(lambda: ResourceManager(facts.context, observe).hub_record(resource_id))
    for read in readings:
        try:
            read()
        except OperatorError as error:  # its reply, where there was one, is evidence as well
            missing.append(error.what)
    missing += _workspace(facts, observe)
    text = f"{counted(min(len(facts.heard), _MESSAGES), 'message')}, deployments at scale, records of ARM and the workspace"
    return neutral(f"not complete: {missing[0]}") if missing else ok(text)


def _workspace(facts: SharedFacts, observe: Observer) -> list[str]:
    place = facts.context.workspace
    if place is None:
        return []
    from services.workspace.replies import observe_replies

    try:
        return observe_replies(facts.context, place, observe)
    except OperatorError as error:
        return [error.what]


def event_of(message: InferenceMessage) -> Exchange:
    """Return a message as an exchange: where it stands, its properties and its body, which a capture leaves out unless asked."""
    fields = {
        "partition": message.partition,
        "sequence_number": message.sequence_number,
        "enqueued": message.enqueued.isoformat(),
        "device": message.device,
        "module": message.module,
        "kind": message.kind,
        "properties": dict(message.properties),
        "system_properties": dict(message.system_properties),
        "body_size": message.body_size,
        "body": message.body,
    }
    return Exchange("events", "message", body=fields)
