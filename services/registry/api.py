"""A container registry over its HTTP API (version 2): does it let us in, has it the image, for which processor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from services.contexts.hosts import check_leads
from services.contexts.model import Context
from services.diagnosis import explain
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.records import Evidence, Exchange, Observer, RegistryCredentials
from services.registry.reference import Reference
from services.replies.bounds import Bounds
from services.replies.content import content_of
from services.replies.faults import reply_fault
from services.replies.session import Service, open_session
from services.text import one_line
from services.times import moment

_CONNECT_SECONDS = 5.0
_BOUNDS = Bounds(bytes=4_000_000, read_seconds=10.0)
_CODE = "registry.strange"
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PAGE = 100  # names a page; registries give fewer where they like
_TOKEN = re.compile(r"[!-~]{1,65536}")  # what a header takes
_PARAMETER = re.compile(r'\b(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a registry knows of an image: its digest, and its platforms as OS/ARCHITECTURE, for example linux/amd64.

    ``created`` and ``labels`` stand in the configuration of an image, of an index's first one where they were asked for.
    """

    digest: str
    platforms: tuple[str, ...]
    created: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def fits(self, platform: str) -> bool:
        """Return whether it runs on ``platform``; an image that does not say is given the benefit of the doubt."""
        return not self.platforms or not platform or platform in self.platforms


class RegistryApi:
    """One registry; every method raises OperatorError, a refusal has a code of ``registry``.

    ``context`` tells which private authority is trusted, and which hosts beside the registry's own may be given its password;
    ``observe`` is given every raw reply, of tokens only that they came.
    """

    def __init__(
        self,
        server: str,
        credentials: RegistryCredentials | None = None,
        ca_file: str = "",
        observe: Observer | None = None,
        *,
        context: Context | None = None,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        # Docker Hub's API lives beside its name.
        self._base = f"https://{'registry-1.docker.io' if server == 'docker.io' else server}"
        self._server = server
        self._credentials = credentials
        self._context = context
        self._observe = observe
        self._timeout = (_CONNECT_SECONDS, bounds.read_seconds)
        self._origins = [self._base]
        self._session = open_session(Service(server, _CODE, self._origins, bounds, redirects=True))
        self._verify: str | bool = ca_file or True
        self._authorization: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def check(self) -> None:
        """Sign in; returns where the registry lets us in."""
        response = self._get("/v2/")
        # The specification asks for nothing but the status; registries send nothing, or an object. A sign-in page is neither.
        if response is not None and response.content.strip():
            self._json(response)

    def repositories(self, most: int) -> list[str]:
        """Return the names of the registry's catalogue, ``most`` of them and one more where there are more."""
        return self._names("/v2/_catalog", "repositories", most, "registry:catalog:*")

    def tags(self, repository: str, most: int) -> list[str]:
        """Return the tags of a repository, ``most`` of them and one more where there are more."""
        return self._names(f"/v2/{repository}/tags/list", "tags", most, f"repository:{repository}:pull,metadata_read")

    def _names(self, path: str, key: str, most: int, scope: str) -> list[str]:
        """Return the texts of a list that goes on where the header Link says (distribution's api.md, Pagination)."""
        names: list[str] = []
        following = f"{path}?n={_PAGE}"
        while following and len(names) <= most:
            response = self._get(following, scope=scope, missing=True)
            if response is None:
                break
            listed = self._json(response).get(key) or []
            if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
                raise self._strange(f"It was asked for a list of {key}, and the reply holds none.")
            names += [name for name in listed if one_line(name) == name]
            following = self._following(response, path)
        return names[: most + 1]

    def _following(self, response: requests.Response, path: str) -> str:
        """Return the path of the next page; only the same list is followed, for it is given our sign-in."""
        link = response.links.get("next", {}).get("url", "")
        try:
            parts = urlsplit(urljoin(self._base + path, link))
        except ValueError:
            return ""
        return f"{path}?{parts.query}" if link and parts.path == path else ""

    def describe(
        self, image: Reference, *, whole: bool = False, known: Mapping[str, ImageFacts] | None = None
    ) -> ImageFacts | None:
        """Return the digest and platforms of an image; None where the registry has none of that name and tag.

        ``whole`` asks an index's first image for date and labels, too. ``known`` are facts by digest, which never change.
        """
        path = f"/v2/{image.repository}/manifests/{image.manifest}"
        scope = f"repository:{image.repository}:pull"
        response = self._get(path, accept=(*_INDEXES, *_MANIFESTS), scope=scope, missing=True)
        if response is None:
            return None
        manifest = self._json(response)
        digest = one_line(response.headers.get("Docker-Content-Digest", ""), 100)
        if known and digest in known:
            return known[digest]
        if "manifests" in manifest:
            platforms = self._platforms(manifest["manifests"])
            first = next((entry.get("digest") for entry in manifest["manifests"] if _runs(entry)), None) if whole else None
            if not isinstance(first, str) or not _DIGEST.fullmatch(first):
                return ImageFacts(digest, platforms)
            inner = self.describe(replace(image, digest=first))
            return replace(inner, digest=digest, platforms=platforms) if inner is not None else ImageFacts(digest, platforms)
        config = manifest.get("config")
        if not isinstance(config, dict):
            if isinstance(manifest.get("fsLayers"), list):
                return ImageFacts(digest, ())  # of the first schema, which names no platform
            raise self._strange("It was asked for an image's manifest, and the reply is none.")
        name = config.get("digest")
        if not isinstance(name, str) or not _DIGEST.fullmatch(name):
            return ImageFacts(digest, ())
        blob = self._get(f"/v2/{image.repository}/blobs/{name}", scope=scope, missing=True)
        settings = self._json(blob) if blob is not None else {}
        platforms = (_platform(settings),) if settings.get("architecture") else ()
        return ImageFacts(digest, platforms, moment(str(settings.get("created", ""))), _labels(settings.get("config")))

    def _platforms(self, entries: object) -> tuple[str, ...]:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._strange("The index of an image's platforms is no list of objects.")
        platforms = [entry["platform"] if isinstance(entry.get("platform"), dict) else {} for entry in entries]
        # Attestations are entries of an unknown platform.
        return tuple(dict.fromkeys(_platform(platform) for platform in platforms if platform.get("os") != "unknown"))

    def _get(self, path: str, accept: tuple[str, ...] = (), scope: str = "", missing: bool = False) -> requests.Response | None:
        headers = {"Accept": ", ".join(accept)} if accept else {}
        response = self._read(self._base + path, {**headers, **self._authorization})
        if response.status_code == 401 and self._sign_in(response.headers.get("WWW-Authenticate", ""), scope):
            response = self._read(self._base + path, {**headers, **self._authorization})
        if response.status_code == 404 and missing:
            return None
        if response.status_code >= 400:
            raise self._refusal(response)
        if response.status_code != 200:
            raise reply_fault("status", self._server, _CODE, f"The status is {response.status_code}.")
        return response

    def _read(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Read what may lie in a storage beside the registry: redirects are followed by https, without our Authorization."""
        response = self._send(url, headers)
        for _ in range(_MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS:
                return response
            try:
                url = urljoin(url, response.headers.get("Location", ""))
                scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
            except ValueError:
                scheme, host = "", None
            if scheme != "https" or not host:
                raise reply_fault("redirect", self._server, _CODE, "The address that it names is none of https.")
            response = self._send(url, {name: value for name, value in headers.items() if name == "Accept"})
        if response.status_code in _REDIRECTS:
            raise reply_fault("redirect", self._server, _CODE, f"It did so {_MAX_REDIRECTS + 1} times.")
        return response

    def _sign_in(self, challenge: str, scope: str) -> bool:
        scheme, _, rest = challenge.partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        login = (self._credentials.username, self._credentials.password.reveal()) if self._credentials else None
        if scheme.lower() == "basic" and login:
            self._authorization = {"Authorization": requests.auth._basic_auth_str(*(part.encode() for part in login))}
            return True
        realm = parameters.get("realm", "")
        try:
            secure, host = urlsplit(realm).scheme == "https", urlsplit(realm).hostname
        except ValueError:
            return False
        if scheme.lower() != "bearer" or not secure or not host:
            return False  # user and password go nowhere in the clear
        if login:
            # Whatever realm the registry names would be given the password.
            check_leads(self._context, "registry", self._server, host)
            self._origins.append(realm)
        query = {"service": parameters.get("service", ""), "scope": parameters.get("scope") or scope}
        response = self._send(realm, {}, {name: value for name, value in query.items() if value}, login)
        if response.status_code in _REDIRECTS:
            raise reply_fault("redirect", self._server, _CODE, f"It was asked for a token and answered {response.status_code}.")
        if response.status_code >= 400:
            raise self._refusal(response)
        answer = self._json(response)
        value = answer.get("token") or answer.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise self._strange("It was asked for a token, and the reply holds none.")
        self._authorization = {"Authorization": f"Bearer {value}"}
        return True

    def _send(
        self,
        url: str,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> requests.Response:
        try:
            response = self._session.get(
                url,
                headers=headers,
                params=parameters,
                auth=auth,
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
            )
        except ValueError as error:  # requests prepares what a redirect leads to, also where nobody follows it
            raise reply_fault("redirect", self._server, _CODE, "The address that it names is none.") from error
        except (requests.RequestException, OSError) as error:
            silent = isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error)
            text = one_line(f"{self._server}: {error}", 1000)
            raise explain(Evidence("registry", code="silent", text=text) if silent else Evidence("network", text=text)) from error
        if self._observe is not None:
            self._observe(Exchange.of_response("registry", response, body=parameters is None or response.status_code >= 400))
        return response

    def _json(self, response: requests.Response) -> dict[str, Any]:
        return dict(content_of(response.status_code, response.content, "object", self._server, _CODE))

    def _refusal(self, response: requests.Response) -> OperatorError:
        try:
            first = read_json(response.content)["errors"][0]
            code, text = str(first.get("code", "")), str(first.get("message", ""))
        except (JsonError, LookupError, TypeError, AttributeError):
            code, text = "", response.text[:8_000]
        return explain(Evidence("registry", response.status_code, one_line(code, 80), one_line(f"{self._server}: {text}", 1000)))

    def _strange(self, cause: str) -> OperatorError:
        return OperatorError(
            f"{self._server} does not answer like a container registry.",
            cause=cause,
            remedy="Check the registry's name (HOST or HOST:PORT, without https://).",
            code=_CODE,
        )


def _runs(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of an index is an image: attestations are of an unknown platform."""
    platform = entry.get("platform")
    return not isinstance(platform, dict) or platform.get("os") != "unknown"


def _labels(config: object) -> dict[str, str]:
    """Return the labels of an image's configuration, cleaned; what is none is left out."""
    labels = config.get("Labels") if isinstance(config, dict) else None
    texts = labels.items() if isinstance(labels, dict) else ()
    return {one_line(name, 200): one_line(value, 500) for name, value in texts if isinstance(value, str)}


def _platform(entry: Mapping[str, Any]) -> str:
    names = (entry.get("os", "linux"), entry.get("architecture", ""))
    return one_line("/".join(name if isinstance(name, str) else "" for name in names), 60)


def check_image(
    image: Reference,
    credentials: RegistryCredentials | None,
    platform: str = "",
    ca_file: str = "",
    observe: Observer | None = None,
    *,
    context: Context | None = None,
) -> ImageFacts:
    """Check ``image`` at its registry before a deployment: we are let in, it exists, and it fits ``platform`` (os/architecture)."""
    api = RegistryApi(image.server, credentials, ca_file, observe, context=context)
    try:
        facts = api.describe(image)
    finally:
        api.close()
    if facts is None:
        raise explain(Evidence("registry", 404, "MANIFEST_UNKNOWN", f"{image}: manifest unknown"))
    if not facts.fits(platform):
        has, device_platform = ", ".join(facts.platforms), one_line(platform, 60)
        error = explain(
            Evidence("registry", None, "architecture", f"{image}: the image is for {has}, the device is {device_platform}")
        )
        error.cause, error.remedy = (
            f"It is for {has}, the device is {device_platform}.",
            f"Build or choose one for {device_platform}.",
        )
        raise error
    return facts
