"""The registry's HTTP API v2: sign-in, catalogue, tags, manifests, blobs, and pushing."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from aiohttp import web

from services.lab.cloud.registry import ImageKind, Registry, RegistryImage, digest_of
from services.lab.wire.https import oauth
from services.lab.wire.https.replies import part, world_of

Handler = Callable[[web.Request, Registry], Awaitable[web.Response]]
_PAGE = 3  # names at most, so that a client has to follow Link; real registries give up to 100 or 1,000
_TOKEN_USER, _REFRESH = "00000000-0000-0000-0000-000000000000", "registry-refresh"
_UPLOADS: web.AppKey[dict[str, bytearray]] = web.AppKey("uploads", dict)
_BLOBS: web.AppKey[dict[str, bytes]] = web.AppKey("blobs", dict)


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message, "detail": None}]}, status=status, headers=headers)


def _signed_in(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def checked(request: web.Request) -> web.Response:
        registry = world_of(request).registry
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        allowed = False
        if scheme.lower() == "basic":
            try:
                username, _, password = base64.b64decode(value).decode().partition(":")
                allowed = registry.authorized(username, password)
                # A refresh token is a password, too (docs/facts/azure-today.md, 3).
                allowed = allowed or (username == _TOKEN_USER and oauth.valid(world_of(request), password, (_REFRESH,)))
            except (binascii.Error, UnicodeDecodeError):
                allowed = False
        if not allowed:
            challenge = {
                "WWW-Authenticate": f'Basic realm="https://{request.host}/v2/"',
                "Docker-Distribution-Api-Version": "registry/2.0",
            }
            return _error(401, "UNAUTHORIZED", "authentication required", challenge)
        response = await handler(request, registry)
        response.headers.setdefault("Docker-Distribution-Api-Version", "registry/2.0")
        return response

    return checked


async def _ping(request: web.Request, registry: Registry) -> web.Response:
    return web.json_response({})


async def _exchange(request: web.Request) -> web.Response:
    """Give a refresh token of the registry for a token of the sign-in (Azure/acr AAD-OAuth.md)."""
    world, form = world_of(request), await request.post()
    access = str(form.get("access_token") or "")
    if form.get("grant_type") != "access_token" or form.get("service") != world.registry.server:
        return _error(400, "UNSUPPORTED", "grant_type and service are required")
    if world.faults.active("registry-unauthorized") is not None or not oauth.valid(world, access, oauth.REGISTRY):
        return _error(401, "UNAUTHORIZED", "authentication required")
    return web.json_response({"refresh_token": oauth.issue(world, _REFRESH)})


async def _catalogue(request: web.Request, registry: Registry) -> web.Response:
    names = sorted({repository for repository, _ in registry.images})
    return _page_of(request, {}, "repositories", names)


def _page_of(request: web.Request, answer: dict[str, str], key: str, names: list[str]) -> web.Response:
    """Return a page of names: ``n`` of them after ``last``, and the header Link where there are more (distribution api.md)."""
    size, last = request.query.get("n", ""), request.query.get("last", "")
    most = min(int(size), _PAGE) if size.isdecimal() and int(size) else _PAGE
    rest = [name for name in names if name > last]
    headers = {}
    if len(rest) > most:
        query = urlencode({"last": rest[most - 1], "n": most})
        headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return web.json_response({**answer, key: rest[:most]}, headers=headers)


async def _tags(request: web.Request, registry: Registry) -> web.Response:
    name = part(request, "name")
    tags = sorted(tag for repository, tag in registry.images if repository == name)
    if not tags:
        return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
    return _page_of(request, {"name": name}, "tags", tags)


def _find(request: web.Request, registry: Registry) -> RegistryImage | None:
    name, reference = part(request, "name"), part(request, "reference")
    if reference.startswith("sha256:"):
        tags = (tag for (repository, tag), one in registry.images.items() if repository == name and one.digest == reference)
        reference = next(tags, reference)
    return registry.find(name, reference)


async def _manifest(request: web.Request, registry: Registry) -> web.Response:
    image = _find(request, registry)
    if image is None:
        return _error(404, "MANIFEST_UNKNOWN", f'manifest tagged by "{part(request, "reference")}" is not found')
    headers = {
        "Docker-Content-Digest": image.digest,
        "Content-Type": image.media_type,
        "Content-Length": str(len(image.manifest)),
    }
    return web.Response(body=None if request.method == "HEAD" else image.manifest, headers=headers)


def _stored_blob(request: web.Request, registry: Registry, digest: str) -> bytes | None:
    """Return a blob that was uploaded, or that an image of the registry has: clients upload no layer that is here already."""
    if (blob := request.app[_BLOBS].get(digest)) is not None:
        return blob
    return next((image.blobs[digest] for image in registry.images.values() if digest in image.blobs), None)


async def _blob(request: web.Request, registry: Registry) -> web.Response:
    digest = part(request, "digest")
    blob = _stored_blob(request, registry, digest)
    if blob is None:
        return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
    fault = registry.faults.active("image-architecture", subject=part(request, "name"), sign=digest)
    if fault is not None and b'"architecture"' in blob:
        blob = json.dumps({**json.loads(blob), "architecture": fault["architecture"]}).encode()
    headers = {"Docker-Content-Digest": digest, "Content-Type": "application/octet-stream", "Content-Length": str(len(blob))}
    return web.Response(body=None if request.method == "HEAD" else blob, headers=headers)


# Pushing


async def _start_upload(request: web.Request, registry: Registry) -> web.Response:
    name, mount = part(request, "name"), request.query.get("mount", "")
    if mount and _stored_blob(request, registry, mount) is not None:  # a layer of another repository
        return web.Response(status=201, headers={"Location": f"/v2/{name}/blobs/{mount}", "Docker-Content-Digest": mount})
    upload = secrets.token_hex(16)
    request.app[_UPLOADS][upload] = bytearray()
    headers = {"Location": f"/v2/{name}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload, "Range": "0-0"}
    return web.Response(status=202, headers=headers)


async def _upload(request: web.Request, registry: Registry) -> web.Response:
    name, upload = part(request, "name"), part(request, "upload")
    content = request.app[_UPLOADS].get(upload)
    if content is None:
        return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
    content += await request.read()
    if request.method == "PATCH":
        headers = {
            "Location": f"/v2/{name}/blobs/uploads/{upload}",
            "Docker-Upload-UUID": upload,
            "Range": f"0-{max(0, len(content) - 1)}",
        }
        return web.Response(status=202, headers=headers)
    digest = request.query.get("digest", "")
    if digest_of(bytes(content)) != digest:
        return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
    request.app[_BLOBS][digest] = bytes(request.app[_UPLOADS].pop(upload))
    return web.Response(status=201, headers={"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})


async def _put_manifest(request: web.Request, registry: Registry) -> web.Response:
    name, reference, body = part(request, "name"), part(request, "reference"), await request.read()
    try:
        manifest = json.loads(body)
        digests = [str(manifest["config"]["digest"]), *(str(layer["digest"]) for layer in manifest.get("layers", []))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _error(400, "MANIFEST_INVALID", "manifest invalid: an image manifest of schema 2 is needed")
    blobs = {digest: _stored_blob(request, registry, digest) for digest in digests}
    stored = {digest: blob for digest, blob in blobs.items() if blob is not None}
    if missing := [digest for digest in digests if digest not in stored]:
        return _error(404, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {missing[0]}")
    try:
        config = json.loads(stored[digests[0]])
        architecture = str(config.get("architecture", "amd64"))
    except (ValueError, AttributeError, RecursionError):
        return _error(400, "MANIFEST_INVALID", "manifest invalid: the image's configuration is no JSON object")
    same_image = next((image for image in registry.images.values() if image.manifest == body), None)
    # What the Dockerfile of services.client starts; the device knows how to run that, and nothing of other people's images.
    kind: ImageKind = "client" if "services.client.run" in json.dumps(config.get("config")) else "foreign"
    registry.images[name, reference] = RegistryImage(
        name,
        reference,
        same_image.kind if same_image else kind,  # the same image by another name
        architecture=architecture,
        settings=dict(same_image.settings) if same_image else {},
        blobs=stored,
        manifest=body,
        media_type=request.content_type,
    )
    return web.Response(
        status=201, headers={"Docker-Content-Digest": digest_of(body), "Location": f"/v2/{name}/manifests/{reference}"}
    )


def routes() -> list[web.RouteDef]:
    name = "{name:[a-z0-9][a-z0-9._/-]*?}"
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/v2/", _ping),
        ("GET", "/v2/_catalog", _catalogue),
        ("GET", f"/v2/{name}/tags/list", _tags),
        ("GET", f"/v2/{name}/manifests/{{reference}}", _manifest),
        ("PUT", f"/v2/{name}/manifests/{{reference}}", _put_manifest),
        ("POST", f"/v2/{name}/blobs/uploads/", _start_upload),
        ("PATCH", f"/v2/{name}/blobs/uploads/{{upload}}", _upload),
        ("PUT", f"/v2/{name}/blobs/uploads/{{upload}}", _upload),
        ("GET", f"/v2/{name}/blobs/{{digest}}", _blob),
    ]
    return [
        web.post("/oauth2/exchange", _exchange),
        *(web.route(method, path, _signed_in(handler)) for method, path, handler in table),
    ]


def prepare(app: web.Application) -> None:
    """Create the folder where pushed blobs are kept."""
    app[_UPLOADS], app[_BLOBS] = {}, {}
