"""Image references: ``SERVER/REPOSITORY:TAG`` or ``…@DIGEST``, as Docker reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.errors import OperatorError
from services.text import one_line

_SERVER = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image; ``digest`` is empty where a tag names it."""

    server: str
    repository: str
    tag: str = "latest"
    digest: str = ""

    @property
    def manifest(self) -> str:
        """What the registry's API calls it: its digest, else its tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.server}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def is_repository(name: str) -> bool:
    """Return whether a registry may have a repository of that name."""
    return bool(_REPOSITORY.fullmatch(name))


def parse_reference(text: str) -> Reference:
    """Return the reference that ``text`` is; without a server it is Docker Hub's. Raises OperatorError that names what is wrong."""
    rest, at, digest = text.strip().partition("@")
    head, slash, path = rest.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, path = "docker.io", rest if slash else f"library/{rest}"
    name, colon, tag = path.partition(":")
    wrong = (
        "the server"
        if not _SERVER.fullmatch(head)
        else "the repository (lower case letters, digits, and . _ - / between them)"
        if not _REPOSITORY.fullmatch(name)
        else "the tag"
        if colon and not _TAG.fullmatch(tag)
        else "the digest (sha256: and 64 hexadecimal digits)"
        if at and not _DIGEST.fullmatch(digest)
        else ""
    )
    if wrong:
        raise OperatorError(
            f"{one_line(text, 200)!r} is not an image reference.",
            cause=f"What does not fit is {wrong}.",
            remedy="Write SERVER/REPOSITORY:TAG, for example myregistry.azurecr.io/sample-client:1.",
            code="registry.reference",
        )
    return Reference(head, name, tag or "latest", digest)
