"""The container registry: images with the kind of process that each one stands for, and who may pull them."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.lab.faults import Fault, Faults

# What the simulated device starts for an image: the gRPC host on the FPGA, the HTTP host, the sample client, a module that only
# idles, one that dies, the edge runtime's own; "foreign" are pushed ones that the device knows nothing of.
ImageKind = Literal["accel-host", "cpu-host", "client", "idle", "crasher", "edge-agent", "edge-hub", "foreign"]

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class PullError(Exception):
    """A pull that failed; ``reason`` is unauthorized, denied, missing or unreachable."""

    def __init__(self, reason: str, reference: str) -> None:
        super().__init__(f"{reason}: {reference}")
        self.reason = reason
        self.reference = reference


@dataclass
class RegistryImage:
    """An image under ``repository:tag``.

    ``settings`` are for the process: model name, output tensors, exit code…
    """

    repository: str
    tag: str
    kind: ImageKind
    architecture: str = "amd64"
    settings: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    created: str = "2024-05-01T10:00:00Z"
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    media_type: str = _MANIFEST

    def __post_init__(self) -> None:
        if not self.manifest:
            self._write()

    @property
    def digest(self) -> str:
        """The manifest's digest: what a device reports as imageHash's base."""
        return digest_of(self.manifest)

    def _write(self) -> None:
        layer = f"{self.repository}:{self.tag}\n".encode()
        config = json.dumps(
            {
                "architecture": self.architecture,
                "os": "linux",
                "created": self.created,
                "config": {"Labels": {"dbe-console.lab.kind": self.kind, **self.labels}},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
            }
        ).encode()
        self.blobs = {digest_of(config): config, digest_of(layer): layer}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": len(config),
                    "digest": digest_of(config),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(layer),
                        "digest": digest_of(layer),
                    }
                ],
            }
        ).encode()


def digest_of(data: bytes) -> str:
    """Return ``sha256:…`` of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def split(reference: str) -> tuple[str, str, str]:
    """Return (server, repository, tag) of an image reference; docker.io where no server is named."""
    head, _, rest = reference.partition("/")
    server, path = (head, rest) if rest and ("." in head or ":" in head or head == "localhost") else ("docker.io", reference)
    repository, colon, tag = path.rpartition(":")
    return (server, repository, tag) if colon else (server, path, "latest")


class Registry:
    """``server`` (HOST[:PORT]) is the workspace's registry; ``mcr.microsoft.com`` is known as far as the devices need it."""

    def __init__(self, name: str, server: str, faults: Faults) -> None:
        self.name = name
        self.server = server
        self.faults = faults
        self.username = name
        self.passwords = [secrets.token_urlsafe(24), secrets.token_urlsafe(24)]
        self.replaced: list[str] = []  # passwords that were renewed
        faults.watch(self._renew)
        self.images: dict[tuple[str, str], RegistryImage] = {}
        self.public: dict[str, RegistryImage] = {}
        kinds: dict[str, ImageKind] = {
            "azureiotedge-agent": "edge-agent",
            "azureiotedge-hub": "edge-hub",
            "azureiotedge-simulated-temperature-sensor": "idle",
            "azureiotedge-diagnostics": "idle",
        }
        for repository, kind in kinds.items():
            self.public[repository] = RegistryImage(repository, "1.4", kind)

    def add(
        self, repository: str, tag: str, kind: ImageKind, labels: Mapping[str, str] | None = None, **settings: Any
    ) -> RegistryImage:
        """Put an image in."""
        image = self.images[repository, tag] = RegistryImage(repository, tag, kind, settings=settings, labels=dict(labels or {}))
        return image

    def location(self, repository: str, tag: str) -> str:
        """Return the image's reference."""
        return f"{self.server}/{repository}:{tag}"

    def _renew(self, fault: Fault, on: bool) -> None:
        if on and fault.kind.name in ("registry-unauthorized", "pull-unauthorized"):
            self.replaced.append(self.passwords[0])
            self.passwords[0] = secrets.token_urlsafe(24)

    def is_current(self, credentials: Iterable[Mapping[str, str]]) -> bool:
        """Return whether credentials of a deployment are those that the registry has now."""
        mine = (one for one in credentials if one.get("address", "").lower() == self.server.lower())
        return any(one.get("password") in self.passwords for one in mine)

    def authorized(self, username: str, password: str) -> bool:
        """Return whether user name and password open the registry."""
        refused = self.faults.active("registry-unauthorized") is not None
        passwords = [*self.passwords, *(() if refused else self.replaced)]
        password_bytes = password.encode("utf-8", "replace")
        return username == self.username and any(secrets.compare_digest(password_bytes, one.encode()) for one in passwords)

    def pull(self, reference: str, credentials: Iterable[Mapping[str, str]]) -> RegistryImage:
        """Pull the image with the deployment's credentials (username, password, address), as a device does. Raises PullError."""
        server, repository, tag = split(reference)
        if server == "mcr.microsoft.com":
            image = self.public.get(repository)
            if image is None:
                raise PullError("missing", reference)
            return image
        if server != self.server:
            raise PullError("denied", reference)
        # Compared as it stands: with a scheme or a slash there are no credentials (docs/facts/hub-codes-and-routes.md, section 4).
        mine = [one for one in credentials if one.get("address", "").lower() == server.lower()]
        if not any(self.authorized(one.get("username", ""), one.get("password", "")) for one in mine):
            raise PullError("unauthorized", reference)
        image = self.find(repository, tag)
        if image is None:
            raise PullError("missing", reference)
        return image

    def find(self, repository: str, tag: str) -> RegistryImage | None:
        """Return an image; None where there is none of that name, or a fault has lost it: until it is pushed again."""
        image = self.images.get((repository, tag))
        if image is None or self.faults.active("image-missing", subject=repository, sign=(tag, id(image))) is not None:
            return None
        return image
