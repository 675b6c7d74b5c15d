"""What an edge agent, its daemon and edgeHub of a version can do and say; the version is that of the image's tag.

Source: the tags of Azure/iotedge (docs/facts/hub-codes-and-routes.md, section 4). That the daemon has the agent's version is the
lab's own assumption: a device in the field may mix them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Rolling tags, and what they stood for when they ended or on 2026-12-01 (tags of Azure/iotedge).
_ROLLING = {
    "1.0": "1.0.10.4",
    "1.1": "1.1.19",
    "1.2": "1.2.10",
    "1.3": "1.3.0",
    "1.4": "1.4.43",
    "1.5": "1.5.44",
    "1.6": "1.6.1",
}
_OLDEST_UNKNOWN = "1.4.43"
# Since which version the agent has which method. RequestManager came with 1.0.8; before it there was the handler of ping alone.
# The last column is the switch that it wants in the agent's environment, beside experimentalFeatures__enabled.
_METHODS = (
    ("ping", (1, 0, 0), None, ""),
    ("GetTaskStatus", (1, 0, 8), (1, 0, 9), "enableuploadlogs"),
    ("GetTaskStatus", (1, 0, 9), None, ""),
    ("UploadLogs", (1, 0, 8), (1, 0, 10), "enableuploadlogs"),
    ("RestartModule", (1, 0, 9), None, ""),
    ("GetLogs", (1, 0, 9), (1, 0, 10), "enablegetlogs"),
    ("GetModuleLogs", (1, 0, 10), None, ""),
    ("UploadModuleLogs", (1, 0, 10), None, ""),
    ("UploadSupportBundle", (1, 0, 10), None, ""),
)
Version = tuple[int, ...]


def version_text(image: str) -> str:
    """Return the version that the runtime of an image reports: its tag without a platform, a rolling tag's newest."""
    tag = image.rpartition(":")[2] if ":" in image.rpartition("/")[2] else ""
    tag = tag.partition("-")[0]
    return _ROLLING.get(tag, tag if tag[:1].isdigit() else _OLDEST_UNKNOWN)


def daemon_text(version: str) -> str:
    """Return the version that the daemon beside an agent reports, as ``platform.version``.

    Images of 1.6.1 came with the daemon 1.6.0, those of 1.5.40 and later with 1.5.21 (CHANGELOG of Azure/iotedge).
    """
    return {"1.6": "1.6.0", "1.5": "1.5.21"}.get(".".join(version.split(".")[:2]), version)


def numbers(version: str) -> Version:
    """Return ``1.0.10.4`` as numbers that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4]) or (1, 4)


def methods(version: Version, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the agent's methods; ``environment`` is edgeAgent's own."""
    values = {name.lower(): value.lower() for name, value in environment.items()}

    def enabled(switch: str) -> bool:
        names = ("experimentalfeatures__enabled", f"experimentalfeatures__{switch}")
        return not switch or all(values.get(name) == "true" for name in names)

    return [
        name
        for name, since, until, switch in _METHODS
        if since <= version and (until is None or version < until) and enabled(switch)
    ]


def has_request_manager(version: Version) -> bool:
    """Return whether the agent itself refuses an unknown method; the SDK beneath an older one does."""
    return version >= (1, 0, 8)


def schema_refusal(version: Version, schema: str) -> str:
    """Return the words of 412 for a schema version that the agent refuses, "" for one that it takes.

    An agent before 1.0.10 looks at the major version alone; later ones refuse what is above 1.1.0, too.
    """
    if not re.fullmatch(r"\d+(\.\d+){1,3}", schema):  # System.Version
        return f"Invalid desired properties schema version {schema}"
    parts = tuple(int(part) for part in schema.split("."))
    newer = version >= (1, 0, 10)
    if parts[0] == 1 and (not newer or parts <= (1, 1, 0)):
        return ""
    subject = "Desired properties" if version < (1, 0, 8) else "The desired properties"
    return f"{subject} schema version {schema} is not compatible with the expected version {'1.1.0' if newer else '1.0'}"


def waits_without_words(version: Version) -> bool:
    """Return whether the agent reports 406 and no description while a step waits for its next try (iotedge PR 3244)."""
    return version < (1, 0, 10)


def pull_patience(version: Version) -> int:
    """Return the seconds that the agent waits for the daemon, so for a pull (ManagementApiTimeoutSecs since 1.4.3)."""
    return 300 if version >= (1, 4, 3) else 100


def timeout_names_seconds(version: Version) -> bool:
    """Return whether .NET says how long it waited: .NET 6, which came with 1.3.0."""
    return version >= (1, 3)


def error_words(version: Version) -> str:
    """Return how the daemon words a failed step: generic, old (with the engine's cause), brief (without it), new."""
    if version < (1, 0, 5):
        return "generic"
    if version < (1, 3):
        return "old"
    return "brief" if version < (1, 4) else "new"
