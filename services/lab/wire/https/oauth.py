"""Azure AD as far as azure-identity and msal need it: openid metadata, client credentials, device code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection

from aiohttp import web

from services.lab.authority import signed_by
from services.lab.wire.https.replies import CloudError, Json, part, world_of
from services.lab.world import World

# Whom tokens are for. The resource manager and Azure ML also take the lab's own base URL, as a custom cloud's is taken.
MANAGEMENT = ("https://management.azure.com", "https://management.core.windows.net", "https://ml.azure.com")
HUB = ("https://iothubs.azure.net",)
EVENTS = ("https://eventhubs.azure.net",)
REGISTRY = ("https://containerregistry.azure.net",)
# Whom a federated token is for that stands in for a client's secret.
FEDERATION = "api://AzureADTokenExchange"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECONDS = 3600
_WORDS = {
    7000222: "The provided client secret keys are expired.",
    50076: "Due to a configuration change made by your administrator you must use multi-factor authentication to access the resource.",
    53003: "Access has been blocked by Conditional Access policies.",
}


def _encode(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signature(world: World, text: str) -> str:
    return (
        base64.urlsafe_b64encode(hmac.new(world.client_secret.encode(), text.encode(), hashlib.sha256).digest())
        .rstrip(b"=")
        .decode()
    )


def _life(world: World) -> int:
    """Return for how many seconds a token is issued now."""
    short = world.faults.active("short-tokens")
    return int(short["seconds"]) if short is not None else _SECONDS


def issue(world: World, audience: str) -> str:
    """Return a bearer token of this lab: JWT-shaped, signed with the lab's own secret."""
    now = int(world.clock.now())
    claims = {
        "aud": audience,
        "iss": f"https://{world.host}/{world.tenant}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + _life(world),
        "tid": world.tenant,
        "appid": world.client_id,
        "oid": world.client_id,
        "name": "Lab operator",
        "upn": "operator@lab.invalid",
    }
    text = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
    return f"{text}.{_signature(world, text)}"


def _same(one: str, other: str) -> bool:
    """Compare in constant time; what came from outside may hold any letters."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def valid(world: World, token: str, audiences: Collection[str]) -> bool:
    """Return whether this lab issued the token for one of the ``audiences`` and it has not expired."""
    return bool(expiry(world, token, audiences))


def expiry(world: World, token: str, audiences: Collection[str]) -> float:
    """Return when a token of this lab for one of the ``audiences`` expires, in Unix seconds; 0 for one that is not good (now)."""
    text, _, signature = token.rpartition(".")
    if not text or not _same(_signature(world, text), signature):
        return 0.0
    payload = text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    fresh = world.faults.active("expire") is None and int(claims["exp"]) > world.clock.now()
    return float(claims["exp"]) if fresh and str(claims["aud"]).rstrip("/") in audiences else 0.0


def require(request: web.Request) -> None:
    """Raise CloudError 401 unless the request carries a token of this lab."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    world = world_of(request)
    if scheme.lower() != "bearer" or not valid(world, token, (*MANAGEMENT, f"https://{world.host}")):
        raise CloudError(401, "InvalidAuthenticationToken", "The access token is invalid, expired or for another audience.")


async def _metadata(request: web.Request) -> web.Response:
    world = world_of(request)
    base = f"https://{request.host}/{part(request, 'tenant')}"
    return web.json_response(
        {
            "issuer": f"https://{request.host}/{world.tenant}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token", "token"],
            "tenant_region_scope": "NA",
        }
    )


async def _discovery(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "tenant_discovery_endpoint": f"https://{request.host}/{world_of(request).tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": request.host, "preferred_cache": request.host, "aliases": [request.host]}],
        }
    )


def _refuse(code: str, number: str, text: str) -> web.Response:
    return web.json_response(
        {"error": code, "error_description": f"{number}: {text}", "error_codes": [int(number.removeprefix("AADSTS"))]}, status=400
    )


def _audience(scope: str) -> str:
    """Return whom a token is for, by the scopes that were asked for; msal puts its own among them, in any order."""
    return next((one.removesuffix("/.default") for one in scope.split() if one.endswith("/.default")), "")


async def _token(request: web.Request) -> web.Response:
    world, form = world_of(request), await request.post()
    tenant, grant = part(request, "tenant"), str(form.get("grant_type"))
    if (refused := world.faults.active("sign-in")) is not None:
        number = int(refused["number"])
        error = "invalid_client" if number == 7000222 else "invalid_grant"
        return _refuse(error, f"AADSTS{number}", _WORDS.get(number, "The sign-in is refused."))
    if tenant not in (world.tenant, "organizations", "common"):
        return _refuse("invalid_request", "AADSTS90002", f"Tenant '{tenant}' not found.")
    client = str(form.get("client_id"))
    audience = _audience(str(form.get("scope") or ""))
    if grant == "client_credentials":
        if client != world.client_id:
            return _refuse("unauthorized_client", "AADSTS700016", f"Application with identifier '{client}' was not found.")
        if form.get("client_assertion_type") == _ASSERTION:
            if trouble := _assertion_fault(world, str(form.get("client_assertion"))):
                return _refuse("invalid_client", *trouble)
        elif not _same(str(form.get("client_secret")), world.client_secret):
            return _refuse("invalid_client", "AADSTS7000215", "Invalid client secret provided.")
        return web.json_response({"token_type": "Bearer", "expires_in": _life(world), "access_token": issue(world, audience)})
    if grant in ("urn:ietf:params:oauth:grant-type:device_code", "device_code"):
        code = str(form.get("device_code") or form.get("code"))
        if code not in world.device_codes:
            return _refuse("bad_verification_code", "AADSTS70019", "The device code is unknown or expired.")
        if not world.device_codes[code]["done"]:
            return _refuse("authorization_pending", "AADSTS70016", "The user has not yet entered the code.")
        return web.json_response(_user_tokens(world, world.device_codes[code]["audience"], client))
    if grant == "refresh_token" and form.get("refresh_token") == world.refresh_token:
        return web.json_response(_user_tokens(world, audience, client))
    return _refuse("unsupported_grant_type", "AADSTS70003", f"The grant type '{grant}' is not supported.")


def _assertion_fault(world: World, assertion: str) -> tuple[str, str] | None:
    """Return what is wrong with a client's assertion: a federated token of the lab, or one signed with the client's certificate."""
    if valid(world, assertion, (FEDERATION,)):
        return None
    if world.client_certificate is None:
        return "AADSTS70021", "No matching federated identity record found for presented assertion."
    text, _, signature = assertion.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    if not signed_by(world.client_certificate, raw, text.encode()):
        return (
            "AADSTS700027",
            "The certificate with identifier used to sign the client assertion is not registered on application.",
        )
    return None


async def _managed_identity(request: web.Request) -> web.Response:
    """Return a token to the machine that the lab runs on, as App Service's endpoint does (azure-identity, app_service.py)."""
    world = world_of(request)
    if not _same(request.headers.get("X-IDENTITY-HEADER", ""), world.control_key):
        return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
    client, resource = request.query.get("client_id", ""), request.query.get("resource", "")
    if client not in ("", world.client_id):
        return web.json_response(
            {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found."}, status=400
        )
    expires = int(world.clock.now()) + _life(world)
    token = {"access_token": issue(world, resource), "expires_on": str(expires), "resource": resource, "token_type": "Bearer"}
    return web.json_response(token)


def _user_tokens(world: World, audience: str, client: str) -> Json:
    person = {"uid": world.client_id, "utid": world.tenant}
    identity = {
        "aud": client,
        "iss": f"https://{world.host}/{world.tenant}/v2.0",
        "exp": int(world.clock.now()) + 3600,
        "iat": int(world.clock.now()),
        "oid": world.client_id,
        "sub": world.client_id,
        "tid": world.tenant,
        "preferred_username": "operator@lab.invalid",
        "ver": "2.0",
    }
    return {
        "token_type": "Bearer",
        "scope": f"{audience}/.default",
        "expires_in": _life(world),
        "access_token": issue(world, audience),
        "refresh_token": world.refresh_token,
        "id_token": f"{_encode({'typ': 'JWT', 'alg': 'none'})}.{_encode(identity)}.",
        "client_info": _encode(person),
    }


async def _device_code(request: web.Request) -> web.Response:
    world = world_of(request)
    code, short = secrets.token_urlsafe(32), secrets.token_hex(4).upper()
    audience = _audience(str((await request.post()).get("scope") or ""))
    world.device_codes[code] = {"user": short, "done": False, "audience": audience}
    address = f"https://{request.host}/devicelogin"
    return web.json_response(
        {
            "device_code": code,
            "user_code": short,
            "verification_uri": address,
            "expires_in": 900,
            "interval": 1,
            "message": f"To sign in, open the page {address} and enter the code {short} to authenticate.",
        }
    )


async def _device_login(request: web.Request) -> web.Response:
    """Return the page where a person enters the code: ``/devicelogin?code=XXXXXXXX`` does it at once."""
    entered = request.query.get("code", "")
    for record in world_of(request).device_codes.values():
        if entered and record["user"] == entered.upper():
            record["done"] = True
            return web.Response(text="Signed in to the lab. Go back to the console.\n")
    return web.Response(text="Open this page with ?code=YOUR-CODE\n", status=404 if entered else 200)


def routes() -> list[web.RouteDef]:
    guid = "{tenant:[0-9a-f]{8}-[0-9a-f-]{27}|organizations|common}"
    return [
        web.get("/common/discovery/instance", _discovery),
        web.get(f"/{guid}/v2.0/.well-known/openid-configuration", _metadata),
        web.post(f"/{guid}/oauth2/v2.0/token", _token),
        web.post(f"/{guid}/oauth2/v2.0/devicecode", _device_code),
        web.get("/devicelogin", _device_login),
        web.get("/lab/msi/token", _managed_identity),
    ]
