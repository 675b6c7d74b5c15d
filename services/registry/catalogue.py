"""What a registry holds: every repository's tags, each with digest, age, processor, and the model that its labels name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.contexts.model import Context
from services.errors import OperatorError
from services.records import RegistryCredentials, WorkspaceImage
from services.registry.api import ImageFacts, RegistryApi
from services.registry.reference import Reference
from services.text import counted

MOST_REPOSITORIES = 200
MOST_TAGS = 20  # of a repository: the last ones, as numbers are counted
_MODEL = re.compile(r"(?:\A|[._/-])models?(?:[._-]?(?:id|name))?\Z", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The images of a registry; ``remarks`` say what was left out or refused."""

    images: tuple[WorkspaceImage, ...]
    remarks: tuple[str, ...] = ()


class CatalogueReader:
    """Reads a registry's catalogue again and again; what it knows of a digest is not asked for twice. Blocking."""

    def __init__(self, server: str, credentials: RegistryCredentials | None, ca_file: str, context: Context) -> None:
        self.server = server
        self.credentials = credentials
        self._ca_file = ca_file
        self._context = context
        self._facts: dict[str, ImageFacts] = {}

    def repositories(self) -> list[str]:
        """Return the names of the catalogue, and one more than ``MOST_REPOSITORIES`` where it is longer. Raises OperatorError."""
        api = self._open()
        try:
            return api.repositories(MOST_REPOSITORIES)
        except OperatorError as error:
            if error.state in ("registry-unauthorized", "registry-denied") and self.credentials is not None:
                error.cause = f"{error.cause} A token of single repositories pulls their images and lists none.".strip()
                error.remedy = f"{error.remedy} Or deploy by name: REGISTRY/NAME:TAG.".strip()
            raise
        finally:
            api.close()

    def repository(self, name: str) -> Catalogue:
        """Return the images of a repository; a refusal is a remark, for the others may be open."""
        api = self._open()
        try:
            tags = sorted(api.tags(name, 10_000), key=_order)
            images = [self._image(api, name, tag) for tag in tags[-MOST_TAGS:]]
        except OperatorError as error:
            return Catalogue((), (f"{self.server}/{name}: {error.what}",))
        finally:
            api.close()
        left_out = len(tags) - MOST_TAGS
        remarks = (f"{self.server}/{name}: {counted(left_out, 'older tag')} not shown",) if left_out > 0 else ()
        return Catalogue(tuple(image for image in images if image is not None), remarks)

    def _image(self, api: RegistryApi, name: str, tag: str) -> WorkspaceImage | None:
        facts = api.describe(Reference(self.server, name, tag), whole=True, known=self._facts)
        if facts is None:
            return None  # deleted meanwhile
        if facts.digest:
            self._facts[facts.digest] = facts
        return WorkspaceImage(
            "", name, 0, "", "Succeeded", f"{self.server}/{name}:{tag}", facts.created, models_of(facts.labels),
            tags=facts.labels, tag=tag, digest=facts.digest, platforms=facts.platforms,
        )  # fmt: skip

    def _open(self) -> RegistryApi:
        return RegistryApi(self.server, self.credentials, self._ca_file, context=self._context)


def _order(tag: str) -> tuple[list[int], str]:
    return [int(number[:18]) for number in _NUMBERS.findall(tag)], tag


def models_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the models that an image's labels name: labels that are called model, or end so (``com.example.model.id``)."""
    return tuple(dict.fromkeys(value for name, value in labels.items() if value and _MODEL.search(name)))


def merged(images: Sequence[WorkspaceImage], others: Sequence[WorkspaceImage]) -> list[WorkspaceImage]:
    """Return the workspace's images with what the registry says of them, then those that only the registry knows, newest first."""
    by_location = {other.location.lower(): other for other in others}
    results = []
    for image in images:
        other = by_location.pop(image.location.lower(), None)
        results.append(replace(image, digest=other.digest, platforms=other.platforms) if other is not None else image)
    rest = sorted(by_location.values(), key=lambda image: image.created.timestamp() if image.created else 0.0, reverse=True)
    return [*results, *rest]
