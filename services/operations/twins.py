"""Twins and direct methods for the expert: a twin as a masked tree, any method invoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.deployment.history import History
from services.deployment.manifest.diff import az_method
from services.deployment.manifest.masking import masked
from services.errors import OperatorError, UsageError
from services.hub.client import AGENT, LOOKING, Hub, MethodReply
from services.hub.field_readers import mapping
from services.hub.methods import ping_reply
from services.json_reader import JsonError, read_json
from services.records import states
from services.text import clean

_PAYLOAD_BYTES = 128 * 1024  # of a direct method (docs/facts/iot-hub.md)


def displayable(twin: Mapping[str, Any], part: str = "") -> dict[str, Any]:
    """Return a twin (or only its ``desired``, ``reported`` or ``tags``) as it may be shown.

    Create options written out, secrets masked, nothing that a terminal would obey.
    """
    properties = mapping(twin.get("properties"))
    tree = {**twin, "properties": {name: _readable(mapping(properties.get(name))) for name in ("desired", "reported")}}
    if part == "tags":
        tree = dict(mapping(twin.get("tags")))
    elif part:
        tree = dict(mapping(mapping(tree["properties"]).get(part)))
    return masked(_cleaned(tree))


def _readable(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section without its metadata of every field: only when it was last changed stays."""
    metadata = mapping(section.get("$metadata"))
    fields = {key: value for key, value in section.items() if key != "$metadata"}
    if "$lastUpdated" in metadata:
        fields["$lastUpdated"] = metadata["$lastUpdated"]
    return fields


def _cleaned(value: Any) -> Any:
    """Return ``value`` without what a terminal would obey; first, since an invisible character within a name would hide a secret's."""
    if isinstance(value, dict):
        return {clean(str(key), 256): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return clean(value) if isinstance(value, str) else value


def changes_nothing(module: str | None, method: str) -> bool:
    """Return whether a method is known to only look."""
    return module == AGENT and method in LOOKING


def payload_of(text: str) -> Any:
    """Return what was typed as a method's payload; UsageError where it is no JSON."""
    try:
        return read_json(text.strip() or "{}", max_bytes=_PAYLOAD_BYTES)
    except JsonError as error:
        raise UsageError(
            "The payload is no JSON that a method takes.",
            cause=str(error),
            remedy='Write an object such as {"id": "x"}.',
            code="usage.payload",
        ) from None


def invoke(
    hub: Hub, device: str, module: str | None, method: str, payload: Any, seconds: int = 30, context: str = ""
) -> MethodReply:
    """Invoke any direct method; the reply as it may be shown. The history keeps those that may change something.

    Raises OperatorError where no reply came; a reply with the method's own error status is a reply.
    """
    if (module, method) == (AGENT, "ping"):
        reply = ping_reply(hub, device, payload, seconds)
    elif changes_nothing(module, method):
        reply = hub.invoke(device, module, method, payload, response_timeout=seconds)
    else:
        audit = History()
        summary = f"method {method} of {module or 'the device'}"
        entry = audit.begin(context=context, host=hub.host, device=device, route="method", summary=summary)
        try:
            reply = hub.invoke(device, module, method, payload, response_timeout=seconds)
        except OperatorError as error:
            audit.end(entry, "failed", error.what)
            if module and module != AGENT and error.state == states.DEVICE_OFFLINE:
                raise _no_methods(module, error) from None
            raise
        audit.end(entry, "applied", f"status {reply.status}")
    return MethodReply(reply.status, masked(_cleaned({"payload": reply.payload}))["payload"])


def _no_methods(module: str, error: OperatorError) -> OperatorError:
    """Explain that the hub says of a module without methods that its device is not online."""
    return OperatorError(
        f"{module} takes no direct methods at the moment: it is not connected to the hub as a module.",
        cause="Its program does not use the module client of the IoT SDK, or does not run; or the device itself is offline.",
        remedy="See whether the edge agent answers: dbe-console method ping.",
        code="hub.module-not-connected",
        raw=error.raw,
    )


def method_command(host: str, device: str, method: str, payload: Any, module: str | None = AGENT) -> str:
    """Return what invokes a method with the Azure CLI; ``module`` None is the device itself."""
    return az_method(host, device, method, payload, module)


def restart_command(host: str, device: str, module: str) -> str:
    """Return what restarts a module with the Azure CLI."""
    return az_method(host, device, "RestartModule", {"schemaVersion": "1.0", "id": module})
