"""Connection strings of an IoT Hub and of its Event Hub-compatible endpoint, as people paste them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.errors import OperatorError
from services.records import Secret
from services.text import one_line

_KEY = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")  # base64
# azure-iot-hub takes names in this spelling alone; other tools of Azure write and read them in any.
_NAMES = ("HostName", "DeviceId", "ModuleId", "SharedAccessKeyName", "SharedAccessKey", "Endpoint", "EntityPath")
_SPELLINGS = {name.lower(): name for name in _NAMES}
# Devices alone are served there; the name without it serves everybody (docs/facts/azure-today.md, section 6).
_DEVICE_HOST = re.compile(r"\.device(?=\.azure-devices\.)", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class HubString:
    """A hub's connection string; ``text`` is the whole of it, tidied. ``corrected``: it named the host that serves devices."""

    host: str
    policy: str
    text: Secret
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class EventString:
    """An Event Hub-compatible connection string; ``namespace`` is its host, ``entity`` its EntityPath."""

    namespace: str
    entity: str
    policy: str
    text: Secret


def parse_connection_string(pasted: str) -> HubString | EventString:
    """Return what ``pasted`` is. Line breaks and blanks of a wrapped paste are taken out. No error repeats any value but names."""
    fields: dict[str, str] = {}
    parts = _parts(pasted)
    for key, _, value in parts:
        if key in fields:
            raise _wrong(f"{one_line(key, 40)} stands in it twice: two strings may have been pasted.")
        fields[key] = value
    text = _join(parts)
    if "DeviceId" in fields:
        raise _wrong("It is a device's own; the console needs a policy's of the hub.")
    if "HostName" in fields:
        host, policy = fields["HostName"], _needed(fields, "SharedAccessKeyName")
        if not _KEY.fullmatch(_needed(fields, "SharedAccessKey")):
            raise _wrong("SharedAccessKey is cut short, or something else stands behind it.")
        if not _HOST.fullmatch(host):
            raise _wrong("HostName is no host name.")
        return HubString(host, one_line(policy, 80), Secret(text), corrected=bool(_DEVICE_HOST.search(pasted)))
    if "Endpoint" in fields:
        scheme, _, namespace = fields["Endpoint"].rstrip("/").rpartition("//")
        if not fields.get("EntityPath"):
            raise _wrong("EntityPath is missing: the hub's Event Hub-compatible name; add ;EntityPath=NAME.")
        entity, policy = fields["EntityPath"], _needed(fields, "SharedAccessKeyName")
        _needed(fields, "SharedAccessKey")
        if scheme.lower() != "sb:" or not _HOST.fullmatch(namespace):
            raise _wrong("Endpoint is not sb://HOST/.")
        return EventString(namespace, one_line(entity, 200), one_line(policy, 80), Secret(text))
    raise _wrong("It has neither HostName= (a hub) nor Endpoint= (its Event Hub-compatible endpoint).")


def fields_of(connection: Secret) -> dict[str, str]:
    """Return the values of a connection string by their names, in the SDKs' spelling; whatever it is, and whatever it lacks."""
    return {key: value for key, _, value in _parts(connection.reveal())}


def tidied(connection: Secret) -> Secret:
    """Return the same connection string as the SDKs take it: without blanks, its names in their spelling."""
    return Secret(_join(_parts(connection.reveal())))


def _parts(text: str) -> list[tuple[str, str, str]]:
    """Name, ``=`` and value of each part; a value may hold ``=``."""
    parts = (part.partition("=") for part in re.sub(r"\s+", "", text).strip("\"'").split(";") if part)
    named = [(_SPELLINGS.get(key.lower(), key), equals, value) for key, equals, value in parts]
    return [(key, equals, _DEVICE_HOST.sub("", value) if key == "HostName" else value) for key, equals, value in named]


def _join(parts: Iterable[tuple[str, str, str]]) -> str:
    return ";".join("".join(part) for part in parts)


def _needed(fields: dict[str, str], key: str) -> str:
    if not fields.get(key):
        raise _wrong(f"{key} is missing.")
    return fields[key]


def _wrong(cause: str) -> OperatorError:
    return OperatorError(
        "That is not a connection string the console can use.",
        cause=cause,
        remedy="Copy the whole string: the hub's Shared access policies → Primary connection string, or Built-in endpoints.",
        code="context.connection-string",
    )
