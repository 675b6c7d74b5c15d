"""What the HTTPS handlers share: the world, JSON bodies, the two ways of refusing."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from services.lab import strict_json
from services.lab.hub import HubError
from services.lab.world import World

WORLD: web.AppKey[World] = web.AppKey("world", World)
Json = dict[str, Any]


class CloudError(Exception):
    """A refusal of ARM or Azure AD: ``{"error": {"code", "message"}}``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def world_of(request: web.Request) -> World:
    """The world behind the request."""
    return request.app[WORLD]


async def body_of(request: web.Request) -> Json:
    """The request's JSON object; HubError 400004 when it is none."""
    try:
        value = strict_json.loads(await request.text() or "{}")
    except (ValueError, LookupError, RecursionError) as error:  # LookupError: a charset that nobody knows
        raise HubError(400004, "The request body is not JSON.") from error
    if not isinstance(value, dict):
        raise HubError(400004, "The request body must be a JSON object.")
    return value


def part(request: web.Request, name: str) -> str:
    """A part of the path, decoded."""
    return request.match_info[name]
