"""Checks of what the hub says: key and rights, tier and quota, the device's identity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from services.contexts.connection_string import fields_of
from services.contexts.secrets import reveal
from services.diagnosis import diagnose
from services.diagnosis.liveness import judge
from services.errors import OperatorError
from services.hub.endpoint import find_endpoint
from services.operations.device_reading import read_whole
from services.operations.doctor.checks.check import Outcome, SharedFacts, failed, neutral, ok, outcome_of
from services.operations.doctor.checks.network import cut_again
from services.records import Evidence
from services.text import counted, one_line


def key(facts: SharedFacts) -> Outcome:
    """Check whether the hub accepts the key, and lets us read identities."""
    devices = facts.hub.devices()
    facts.let_in_by_hub = True
    return ok(f"{_policy(facts)}: reads {len(devices)} device {'identity' if len(devices) == 1 else 'identities'}")


def endpoint(facts: SharedFacts) -> Sequence[Outcome]:
    """Find where messages are received, which takes the right ServiceConnect; where it is refused, the line to it is looked at."""
    try:
        facts.endpoint = find_endpoint(facts.context)
    except OperatorError as error:
        is_refused = facts.context.hub is not None and error.code.startswith("amqp.")
        return [failed(error), *(cut_again(facts) if is_refused else ())]
    group = facts.endpoint.consumer_group
    text = f"{one_line(facts.endpoint.entity, 120)} at {one_line(facts.endpoint.namespace, 120)}, consumer group {group}"
    return [ok(text)]


def device(facts: SharedFacts) -> Outcome:
    """Check whether the device is registered, enabled and an edge device, and what the identities say of whether it is alive."""
    if not facts.device:
        return Outcome("error", "no device is named", "Set one in the context, or give --device.")
    identity = facts.hub.device(facts.device)
    if not identity.edge:
        return Outcome("error", "is no IoT Edge device", "Register it with the IoT Edge capability, or choose another.")
    if not identity.enabled:
        return outcome_of(diagnose(Evidence("agent", code="disabled", text=identity.status_reason))[0])
    facts.liveness = liveness = judge(facts.hub.life_signs(identity), datetime.now(timezone.utc))
    parents = f", by way of {', '.join(identity.parents)}" if identity.parents else ""
    text = f"registered, enabled{parents}; {liveness.text}"
    # No word against it counts here: the check of the edge agent pings, which settles it, or takes it up.
    return ok(text) if liveness.word == "alive" else neutral(text)


def state(facts: SharedFacts) -> Outcome:
    """Read the edge agent's and the edge hub's twins: metered, so that tier, quota and ServiceConnect show here."""
    if not facts.device:
        return Outcome("error", "no device is named", "Set one in the context, or give --device.")
    facts.state = read_whole(facts.hub, facts.device)
    note = facts.hub.meter.note
    return ok(f"twins are read; {note}")


def plan(facts: SharedFacts) -> Outcome:
    """Read tier, units and today's quota from Azure Resource Manager, where the sign-in may look; nothing is metered."""
    context = facts.context
    if context.hub is None or not context.hub.resource_id:
        return neutral("not to be seen: the context does not name the hub's ARM id")
    from services.contexts.discovery import ResourceManager

    try:
        paid = ResourceManager(context).hub_plan(context.hub.resource_id)
    except OperatorError as error:
        return neutral(f"not to be seen by this sign-in: {error.what}")
    text = f"tier {paid.tier}, {counted(paid.units, 'unit')}"
    if paid.tier.upper().startswith("B"):
        return outcome_of(diagnose(Evidence("hub", status=403, code="403010", text=text))[0])
    if paid.spent is None or not paid.daily:
        return ok(text)
    text = f"{text}; {paid.spent:,} of {paid.daily:,} messages of today are spent"
    if paid.spent >= paid.daily:
        return outcome_of(diagnose(Evidence("hub", status=403, code="403002", text=text))[0])
    if paid.spent > 0.9 * paid.daily:
        return Outcome("warning", text, "Let clients send less (`--wait`, `-s`), or wait for 00:00 UTC.")
    return ok(text)


def _policy(facts: SharedFacts) -> str:
    """Return the policy's name; the key stays where it is."""
    settings = facts.context.hub
    if settings is None or settings.connection is None:
        return "sign-in's token"
    try:
        name = fields_of(reveal(settings.connection)).get("SharedAccessKeyName", "")
    except OperatorError:
        return "policy unknown"
    return f"policy {one_line(name, 60)}"
