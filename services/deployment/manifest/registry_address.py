"""The address under which the edge agent finds a registry's credentials (docs/facts/create-options.md)."""

from __future__ import annotations

import re

DOCKER_HUB = "https://index.docker.io/v1/"
_DOCKER_HUBS = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def agent_address(server: str) -> str:
    """Return the address to write for a registry: its name and port alone, Docker Hub's in the one form that the agent knows."""
    host = _SCHEME.sub("", server.strip(), count=1).partition("/")[0]
    return DOCKER_HUB if host.lower() in _DOCKER_HUBS else host
