"""What a capture holds besides the replies that the other checks got: read once, at the end, and only where a capture is made."""

from __future__ import annotations

from collections.abc import Callable

from services.errors import OperatorError
from services.hub.client import EDGE_HUB
from services.operations.checks.vocabulary import Chair, Outcome, neutral, ok
from services.records import Exchange, InferenceMessage, Observer
from services.text import counted

_MESSAGES = 50


def further_replies(chair: Chair) -> Outcome:
    """Read $edgeHub's twin (one metered read), the modules' identities, deployments at scale and the workspace's records."""
    observe = chair.observe
    assert observe is not None, "part of the checklist only where replies are observed"
    for message in list(chair.heard)[-_MESSAGES:]:
        observe(event_of(message))
    missing = []
    device = chair.device
    readings: list[Callable[[], object]] = [chair.hub.configurations] if chair.context.hub else []
    if device and chair.state is not None:
        readings = [lambda: chair.hub.module_twin(device, EDGE_HUB), lambda: chair.hub.connection_changes(device), *readings]
    for read in readings:
        try:
            read()
        except OperatorError as error:  # its reply, where there was one, is evidence as well
            missing.append(error.what)
    missing += _workspace(chair, observe)
    text = f"the device's newest {counted(min(len(chair.heard), _MESSAGES), 'message')} without bodies, $edgeHub, identities"
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
