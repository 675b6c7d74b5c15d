"""Shared access signatures: made and checked. String to sign: ``{sr, url-encoded}\\n{se}``, HMAC-SHA256.

IoT Hub's keys are base64 and decoded first; Event Hubs clients sign with the key's text itself, so both are tried.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from urllib.parse import quote, quote_plus, unquote

from services.lab.cloud.hub.errors import HubError

RIGHTS = ("RegistryRead", "RegistryWrite", "ServiceConnect", "DeviceConnect")


def new_key() -> str:
    """Return a random 256-bit key in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Policy:
    """A shared access policy of the hub."""

    name: str
    rights: tuple[str, ...]
    primary: str = field(default_factory=new_key, repr=False)
    secondary: str = field(default_factory=new_key, repr=False)


@dataclass(frozen=True)
class Grant:
    """Who a token speaks for: a policy (``policy``), a device or module identity, or an Azure AD principal; and what it may."""

    rights: frozenset[str]
    policy: str = ""
    device: str = ""
    module: str = ""
    expires: float = 0.0


@dataclass(frozen=True)
class Token:
    """The parts of a token; ``resource`` is url-decoded, ``signed`` the text as it was signed."""

    resource: str
    signature: str
    expires: float
    key_name: str
    signed: str


def sign(key: str, signed: str) -> str:
    """Return Base64 HMAC-SHA256 of ``signed`` with an IoT Hub key."""
    return base64.b64encode(hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()).decode()


def make(resource: str, key: str, expires: float, key_name: str = "") -> str:
    """Return a token for ``resource`` (``host/devices/d``)."""
    encoded = quote(resource, safe="")
    token = (
        f"SharedAccessSignature sr={encoded}&sig={quote_plus(sign(key, f'{encoded}{chr(10)}{int(expires)}'))}&se={int(expires)}"
    )
    return f"{token}&skn={key_name}" if key_name else token


def parse(token: str) -> Token:
    """Return the token's parts; HubError 401003 when it is no token."""
    scheme, _, rest = token.partition(" ")
    if scheme != "SharedAccessSignature":
        raise HubError(401003, "The authorization header is not a SharedAccessSignature.")
    fields: dict[str, str] = {}
    for part in rest.strip().split("&"):
        key, _, value = part.partition("=")
        fields[key] = value
    try:
        expires = float(fields["se"])
        if not isfinite(expires):
            raise ValueError(expires)
        return Token(
            resource=unquote(fields["sr"]),
            signature=unquote(fields["sig"]),
            expires=expires,
            key_name=unquote(fields.get("skn", "")),
            signed=f"{fields['sr']}\n{fields['se']}",
        )
    except (KeyError, ValueError) as error:
        raise HubError(401003, "The SAS token is malformed.") from error


def matches(token: Token, keys: tuple[str, ...]) -> bool:
    """Return whether one of the keys made the signature."""
    for key in keys:
        candidates = [key.encode()]
        with suppress(binascii.Error):
            candidates.insert(0, base64.b64decode(key, validate=True))
        for raw in candidates:
            digest = base64.b64encode(hmac.new(raw, token.signed.encode("utf-8", "replace"), hashlib.sha256).digest())
            if hmac.compare_digest(digest, token.signature.encode("utf-8", "replace")):
                return True
    return False


def path_of(resource: str) -> str:
    """Return the host and path of a resource without scheme and port, lower-case host: ``hub.host/devices/d``."""
    text = resource.split("://", 1)[-1]
    host, slash, path = text.partition("/")
    return host.split(":")[0].lower() + (slash + path).rstrip("/")


def covers(granted: str, asked: str) -> bool:
    """Return whether a token for ``granted`` reaches ``asked``.

    It must name the resource itself or one above it: the hub's host, a device.
    """
    outer, inner = path_of(granted).lower(), path_of(asked).lower()
    return inner == outer or inner.startswith(outer + "/")
