"""What the HTTPS handlers share: the world, JSON bodies, the two ways of refusing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from services.lab import strict_json
from services.lab.cloud.hub import Hub, HubError
from services.lab.world import World

WORLD: web.AppKey[World] = web.AppKey("world", World)
Json = dict[str, Any]
# An operation of the hub's service API.
Handler = Callable[[web.Request, Hub], Awaitable[web.Response]]


class CloudError(Exception):
    """A refusal of ARM or Azure AD: ``{"error": {"code", "message"}}``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def world_of(request: web.Request) -> World:
    """Return the world behind the request."""
    return request.app[WORLD]


async def value_of(request: web.Request) -> Any:
    """Return the request's JSON; HubError 400004 when it is none."""
    try:
        return strict_json.loads(await request.text() or "{}")
    except (ValueError, LookupError, RecursionError) as error:  # LookupError: a charset that nobody knows
        raise HubError(400004, "The request body is not JSON.") from error


async def body_of(request: web.Request) -> Json:
    """Return the request's JSON object; HubError 400004 when it is none."""
    value = await value_of(request)
    if not isinstance(value, dict):
        raise HubError(400004, "The request body must be a JSON object.")
    return value


def part(request: web.Request, name: str) -> str:
    """Return a part of the path, decoded."""
    return request.match_info[name]


def json_reply(value: object, etag: str = "", status: int = 200) -> web.Response:
    """Return a JSON answer with its etag, where it has one."""
    return web.json_response(value, status=status, headers={"ETag": f'"{etag}"'} if etag else None)


def number(text: str | None, default: int) -> int:
    """Return a count in a query or header; HubError 400004 when it is none."""
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise HubError(400004, f"'{text}' is not a number.")
    return int(text)
