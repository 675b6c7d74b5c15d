"""Images built and pushed through the Docker Engine API (Docker, or podman's service)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from services.diagnosis import explain
from services.errors import OperatorError
from services.records import Evidence, Progress, RegistryCredentials
from services.registry.reference import Reference
from services.text import clean, one_line

Tell = Callable[[Progress], None]

_SECONDS = 600


class Engine:
    """A container engine: ``DOCKER_HOST``'s, or ``base_url`` (``unix://SOCKET``, ``tcp://HOST:PORT``)."""

    def __init__(self, base_url: str = "") -> None:
        import docker
        import docker.errors

        try:
            self._client = (
                docker.DockerClient(base_url=base_url, timeout=_SECONDS) if base_url else docker.from_env(timeout=_SECONDS)
            )
            self.version = one_line(self._client.version().get("Version", ""), 60)
        except docker.errors.DockerException as error:
            raise explain(
                Evidence("registry", None, "", f"Error while fetching server API version: {one_line(error, 500)}")
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def build(self, image: Reference, context: bytes, dockerfile: str, progress: Tell, arguments: dict[str, str]) -> str:
        """Build ``context`` (a tar) as ``image``; its id. Raises OperatorError with the end of the engine's words in ``raw``."""
        output: list[str] = []
        built = ""
        stream = self._client.api.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            dockerfile=dockerfile,
            tag=str(image),
            buildargs=arguments,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for message in self._messages(stream):
            for line in clean(message.get("stream", "")).splitlines():
                if line.strip():
                    output.append(line)
                    progress(Progress(line))
            built = one_line((message.get("aux") or {}).get("ID", built), 100)
            if "error" in message:
                raise _failed(f"Building {image} failed.", message["error"], output)
        if not built:
            raise _failed(f"Building {image} failed.", "The engine ended without an image.", output)
        return built

    def push(self, image: Reference, credentials: RegistryCredentials | None, progress: Tell) -> str:
        """Push ``image``; its digest where the engine tells it. ``fraction`` of the progress counts bytes of all layers."""
        auth = {"username": credentials.username, "password": credentials.password.reveal()} if credentials else None
        stream = self._client.api.push(
            f"{image.server}/{image.repository}", tag=image.tag, auth_config=auth, stream=True, decode=True
        )
        layers: dict[str, tuple[int, int]] = {}
        output: list[str] = []
        digest = ""
        for message in self._messages(stream):
            if "error" in message:
                raise _failed(f"Pushing {image} failed.", message["error"], output)
            digest = one_line((message.get("aux") or {}).get("Digest", digest), 100)
            status = one_line(message.get("status", ""), 200)
            detail = message.get("progressDetail") or {}
            if detail.get("total"):
                layers[str(message.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
            done, total = (sum(pair[index] for pair in layers.values()) for index in (0, 1))
            if status:
                output.append(status)
                name = one_line(message.get("id", ""), 20)
                progress(Progress(f"{name}: {status}" if name else status, min(done / total, 1.0) if total else None))
        return digest

    def _messages(self, stream: Any) -> Iterator[dict[str, Any]]:
        import docker.errors
        import requests

        try:
            yield from (message for message in stream if isinstance(message, dict))
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise explain(Evidence("registry", None, "", one_line(error, 1000))) from error


def _failed(what: str, error: object, output: list[str]) -> OperatorError:
    explained = explain(Evidence("registry", None, "", one_line(error, 1000)))
    raw = "\n".join([*output[-20:], one_line(error, 1000)])
    return OperatorError(what, cause=f"{explained.what} {explained.cause}", remedy=explained.remedy, code=explained.code, raw=raw)
