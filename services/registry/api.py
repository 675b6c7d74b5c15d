"""A container registry over its HTTP API (version 2): does it let us in, has it the image, for which processor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from services.diagnosis import explain
from services.errors import OperatorError
from services.records import Evidence, Exchange, Observer, RegistryCredentials
from services.registry.reference import Reference
from services.text import one_line

_TIMEOUT = (5, 10)
_MAX_BYTES = 4_000_000
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a registry knows of an image: its digest, and its platforms as OS/ARCHITECTURE, for example linux/amd64."""

    digest: str
    platforms: tuple[str, ...]

    def fits(self, platform: str) -> bool:
        """Whether it runs on ``platform``; an image that does not say is given the benefit of the doubt."""
        return not self.platforms or not platform or platform in self.platforms


class RegistryApi:
    """One registry. ``ca_file`` names a private authority; ``observe`` is given every raw reply, of tokens only that they came.

    Every method raises OperatorError; refusals have code registry.…
    """

    def __init__(
        self,
        server: str,
        credentials: RegistryCredentials | None = None,
        ca_file: str = "",
        observe: Observer | None = None,
    ) -> None:
        # Docker Hub's API lives beside its name.
        self._base = f"https://{'registry-1.docker.io' if server == 'docker.io' else server}"
        self._server = server
        self._credentials = credentials
        self._observe = observe
        self._session = requests.Session()
        self._session.trust_env = True  # proxies; trust is named here
        self._verify: str | bool = ca_file or True
        self._authorization: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def check(self) -> None:
        """Sign in; returns where the registry lets us in."""
        self._get("/v2/")

    def describe(self, image: Reference) -> ImageFacts | None:
        """Digest and platforms of an image; None where the registry has none of that name and tag."""
        path = f"/v2/{image.repository}/manifests/{image.manifest}"
        response = self._get(path, accept=(*_INDEXES, *_MANIFESTS), scope=f"repository:{image.repository}:pull", missing=True)
        if response is None:
            return None
        manifest = self._json(response)
        digest = one_line(response.headers.get("Docker-Content-Digest", ""), 100)
        if "manifests" in manifest:
            entries = [entry.get("platform") or {} for entry in manifest["manifests"]]
            # Attestations are entries of an unknown platform.
            return ImageFacts(digest, tuple(dict.fromkeys(_platform(entry) for entry in entries if entry.get("os") != "unknown")))
        config = (manifest.get("config") or {}).get("digest", "")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", str(config)):
            return ImageFacts(digest, ())
        found = self._get(f"/v2/{image.repository}/blobs/{config}", scope=f"repository:{image.repository}:pull", missing=True)
        settings = self._json(found) if found is not None else {}
        return ImageFacts(digest, (_platform(settings),) if settings.get("architecture") else ())

    def _get(self, path: str, accept: tuple[str, ...] = (), scope: str = "", missing: bool = False) -> requests.Response | None:
        headers = {"Accept": ", ".join(accept)} if accept else {}
        response = self._send(self._base + path, {**headers, **self._authorization})
        if response.status_code == 401 and self._sign_in(response.headers.get("WWW-Authenticate", ""), scope):
            response = self._send(self._base + path, {**headers, **self._authorization})
        if response.status_code == 404 and missing:
            return None
        if response.status_code >= 400:
            raise self._refused(response)
        return response

    def _sign_in(self, challenge: str, scope: str) -> bool:
        scheme, _, rest = challenge.partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        given = (self._credentials.username, self._credentials.password.reveal()) if self._credentials else None
        if scheme.lower() == "basic" and given:
            self._authorization = {"Authorization": requests.auth._basic_auth_str(*(part.encode() for part in given))}
            return True
        if scheme.lower() != "bearer" or urlsplit(parameters.get("realm", "")).scheme != "https":
            return False  # user and password go nowhere in the clear
        asked = {"service": parameters.get("service", ""), "scope": parameters.get("scope") or scope}
        response = self._send(parameters["realm"], {}, {name: value for name, value in asked.items() if value}, given)
        if response.status_code >= 400:
            raise self._refused(response)
        answer = self._json(response)
        self._authorization = {"Authorization": f"Bearer {answer.get('token') or answer.get('access_token') or ''}"}
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
                url, headers=headers, params=parameters, auth=auth, timeout=_TIMEOUT, verify=self._verify, stream=True
            )
            content = response.raw.read(_MAX_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            silent = isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error)
            text = one_line(f"{self._server}: {error}", 1000)
            raise explain(Evidence("registry", code="silent", text=text) if silent else Evidence("network", text=text)) from error
        if len(content) > _MAX_BYTES:
            raise self._strange(f"It answered with more than {_MAX_BYTES} bytes.")
        response._content = content
        response.close()
        if self._observe is not None:
            self._observe(Exchange.of_response("registry", response, body=parameters is None or response.status_code >= 400))
        return response

    def _json(self, response: requests.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError as error:
            raise self._strange("Its answer is no JSON.") from error
        if not isinstance(answer, dict):
            raise self._strange("Its answer is no JSON object.")
        return answer

    def _refused(self, response: requests.Response) -> OperatorError:
        try:
            first = response.json()["errors"][0]
            code, text = str(first.get("code", "")), str(first.get("message", ""))
        except (ValueError, LookupError, TypeError, AttributeError):
            code, text = "", response.text[:500]
        return explain(Evidence("registry", response.status_code, one_line(code, 80), one_line(f"{self._server}: {text}", 1000)))

    def _strange(self, cause: str) -> OperatorError:
        return OperatorError(
            f"{self._server} does not answer like a container registry.",
            cause=cause,
            remedy="Check the registry's name (HOST or HOST:PORT, without https://).",
            code="registry.strange",
        )


def _platform(entry: Mapping[str, Any]) -> str:
    return one_line(f"{entry.get('os', 'linux')}/{entry.get('architecture', '')}", 60)


def check_image(
    image: Reference,
    credentials: RegistryCredentials | None,
    platform: str = "",
    ca_file: str = "",
    observe: Observer | None = None,
) -> ImageFacts:
    """The facts of ``image`` before a deployment: we are let in, it exists, and it fits ``platform`` (os/architecture)."""
    api = RegistryApi(image.server, credentials, ca_file, observe)
    try:
        facts = api.describe(image)
    finally:
        api.close()
    if facts is None:
        raise explain(Evidence("registry", 404, "MANIFEST_UNKNOWN", f"{image}: manifest unknown"))
    if not facts.fits(platform):
        has, wanted = ", ".join(facts.platforms), one_line(platform, 60)
        error = explain(Evidence("registry", None, "architecture", f"{image}: the image is for {has}, the device is {wanted}"))
        error.cause, error.remedy = f"It is for {has}, the device is {wanted}.", f"Build or choose one for {wanted}."
        raise error
    return facts
