"""What a capture holds besides the replies that the other checks got: read once, at the end, and only where a capture is made."""

from __future__ import annotations

from collections.abc import Callable

from services.contexts.discovery import ResourceManager
from services.errors import OperatorError
from services.operations.doctor.checks.check import Chair, Outcome, neutral, ok
from services.records import Exchange, InferenceMessage, Observer
from services.text import counted

_MESSAGES = 50


def further_replies(chair: Chair) -> Outcome:
    """Read deployments at scale, and what ARM and the workspace have on record; nothing of it is metered."""
    observe = chair.observe
    assert observe is not None, "part of the checklist only where replies are observed"
    for message in list(chair.heard)[-_MESSAGES:]:
        observe(event_of(message))
    missing = []
    readings: list[Callable[[], object]] = [chair.hub.configurations] if chair.context.hub else []
    if chair.context.hub and chair.context.hub.resource_id:
        resource_id = chair.context.hub.resource_id
        readings.append(lambda: ResourceManager(chair.context, observe).hub_record(resource_id))
    for read in readings:
        try:
            read()
        except OperatorError as error:  # its reply, where there was one, is evidence as well
            missing.append(error.what)
    missing += _workspace(chair, observe)
    text = f"{counted(min(len(chair.heard), _MESSAGES), 'message')}, deployments at scale, records of ARM and the workspace"
    return neutral(f"not complete: {missing[0]}") if missing else ok(text)


def _workspace(chair: Chair, observe: Observer) -> list[str]:
    place = chair.context.workspace
    if place is None:
        return []
    from services.workspace.replies import observe_replies

    try:
        return observe_replies(chair.context, place, observe)
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
