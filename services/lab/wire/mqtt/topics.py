"""IoT Hub's MQTT topics: what a device publishes and subscribes to, and the properties inside a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote

METHODS = "$iothub/methods/POST/#"
TWIN_ANSWERS = "$iothub/twin/res/#"
DESIRED = "$iothub/twin/PATCH/properties/desired/#"

# A message's system properties in a topic (azure-iot-device's encode_message_properties_in_topic) and as the event has them.
_SYSTEM = {
    "$.mid": "message-id",
    "$.cid": "correlation-id",
    "$.uid": "user-id",
    "$.ct": "content-type",
    "$.ce": "content-encoding",
    "$.ifid": "iothub-interface-id",
    "$.sub": "dt-subject",
    "iothub-creation-time-utc": "iothub-creation-time-utc",
}


@dataclass(frozen=True)
class Who:
    """A device, or a module of it."""

    device: str
    module: str = ""

    @property
    def base(self) -> str:
        """How its topics begin."""
        return f"devices/{self.device}" + (f"/modules/{self.module}" if self.module else "")

    def subscriptions(self) -> tuple[str, ...]:
        """Return the filters that the hub grants a client."""
        own = (inputs(self),) if self.module else (self.to_device,)
        return (METHODS, TWIN_ANSWERS, DESIRED, *own)

    @property
    def to_device(self) -> str:
        """The filter for cloud-to-device messages."""
        return f"{self.base}/messages/devicebound/#"


def client(client_id: str) -> Who | None:
    """Return whom a client identifier ``device`` or ``device/module`` names."""
    parts = client_id.split("/")
    if len(parts) > 2 or not all(parts):
        return None
    return Who(*parts)


def message_properties(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return (application, system) properties in a telemetry topic, ``a=b&%24.mid=1``; others with ``$.`` are the edge hub's."""
    application, system = {}, {}
    for pair in text.split("&"):
        key, _, value = pair.partition("=")
        # Not parse_qsl: a plus sign is a plus sign here.
        key, value = unquote(key), unquote(value)
        if key in _SYSTEM:
            system[_SYSTEM[key]] = value
        elif key and not key.startswith("$."):
            application[key] = value
    return application, system


def output(text: str) -> str:
    """Return the output that a module names in a telemetry topic, "" where it names none."""
    pairs = (pair.partition("=") for pair in text.rstrip("/").split("&"))
    return next((unquote(value) for key, _, value in pairs if unquote(key) == "$.on"), "")


def inputs(who: Who) -> str:
    """Return the filter for messages to a module's inputs."""
    return f"{who.base}/inputs/#"


def to_input(who: Who, name: str, application: Mapping[str, object]) -> str:
    """Return the topic of a message to a module's input."""
    pairs = (f"{quote(key, safe='')}={quote(str(value), safe='')}" for key, value in application.items())
    return f"{who.base}/inputs/{quote(name, safe='')}/" + "&".join(pairs)


def to_device(who: Who, application: Mapping[str, object], system: Mapping[str, object], expires: float) -> str:
    """Return the topic of a cloud-to-device message; ``system`` as AMQP names them (message_id…), ``expires`` since the epoch."""
    names = {
        "message_id": "$.mid",
        "correlation_id": "$.cid",
        "user_id": "$.uid",
        "content_type": "$.ct",
        "content_encoding": "$.ce",
    }
    pairs = [("$.to", f"/devices/{who.device}/messages/devicebound")]
    pairs += [(names[key], str(value)) for key, value in system.items() if key in names]
    moment = datetime.fromtimestamp(expires, timezone.utc)
    pairs.append(("$.exp", moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"))
    pairs += [(key, str(value)) for key, value in application.items()]
    # azure-iot-device parts a topic at its slashes, so that none may be left.
    return f"{who.base}/messages/devicebound/" + "&".join(
        f"{quote(key, safe='$.')}={quote(value, safe='')}" for key, value in pairs
    )


def request_id(topic: str) -> str:
    """Return ``$rid`` of a twin or method topic; empty where there is none."""
    return dict(parse_qsl(topic.partition("?")[2])).get("$rid", "")


def method_number(topic: str) -> int:
    """Return the number of the method that a client replies to; 0, which no method has, where the topic names none."""
    try:
        return int(request_id(topic), 16)
    except ValueError:
        return 0


def method_status(topic: str) -> str:
    """Return the status of a reply, ``$iothub/methods/res/{status}/?$rid=…``; empty where there is none."""
    parts = topic.split("/")
    return parts[3] if len(parts) > 3 else ""
