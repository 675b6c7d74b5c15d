"""Schema versions of $edgeAgent and $edgeHub, compared as the runtime compares them (docs/facts/hub-codes-and-routes.md, 3a).

Sources in Azure/iotedge: EdgeAgentConnection.cs (the agent takes 1.0 up to 1.1.0), EdgeHubConfigParser.cs (edgeHub takes 1.0 to 1.3,
whatever follows the minor number). Both read the text with .NET's ``Version``.
"""

from __future__ import annotations

import re
from typing import Any

NEW_SCHEMA = "1.1"  # of a manifest that begins here; an agent before 1.0.10 takes it, too, by its major number
AGENT_AT_MOST = (1, 1, 0)
EDGE_HUB_AT_MOST = (1, 3)
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}\Z")


def schema_version(value: Any) -> tuple[int, ...]:
    """Return the numbers of a schema version; () for what .NET's Version does not read, such as "1" and "v1.1"."""
    return tuple(map(int, value.strip().split("."))) if isinstance(value, str) and _VERSION.match(value.strip()) else ()


def is_schema_1_0(value: Any) -> bool:
    """Return whether a schema version is 1.0: edgeHub reads routes as texts only, the agent no startupOrder."""
    return schema_version(value)[:2] == (1, 0)
