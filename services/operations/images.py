"""Images and models from every source that a context has: Azure ML's v1 service, the registry's catalogue, the workspace's v2 API.

SDK v1 is out of support since 2026-06-30 and its service may go (docs/facts/azure-today.md, 4): one source among others, whose
refusal is said and hides nothing of the rest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from services.contexts.model import WorkspaceSettings
from services.contexts.secrets import resolve_path, reveal
from services.diagnosis.lifecycle import AZUREML_V1
from services.errors import OperatorError, UsageError
from services.names import did_you_mean
from services.operations.parallel_calls import side_by_side
from services.records import RegistryCredentials, WorkspaceImage, WorkspaceModel
from services.registry.reference import is_repository
from services.text import one_line

if TYPE_CHECKING:
    from services.operations.session import Session
    from services.registry.catalogue import CatalogueReader

Item = TypeVar("Item")
_SIGNED_IN = 3600.0  # seconds for which a registry's sign-in is kept
_OF_AZURE = re.compile(r"\.azurecr\.(?:io|us|cn)\Z", re.IGNORECASE)  # whom a token for registries may be given
_V1_REFUSALS = ("workspace-missing", "role-missing", "v1-gone")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """What the sources hold together; ``errors`` are of those that gave nothing, ``remarks`` say what else is not shown."""

    items: tuple[Item, ...]
    errors: tuple[OperatorError, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def headlines(self) -> tuple[str, ...]:
        """What an operator should know beside the rows, in short."""
        return (*(error.what for error in self.errors), *self.remarks)

    @property
    def notes(self) -> tuple[str, ...]:
        """The same with the causes."""
        return (*(f"{error.what} {error.cause}".strip() for error in self.errors), *self.remarks)


class ImageSources:
    """The sources of a session. Thread-safe; blocking."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader: CatalogueReader | None = None
        self._signed_in_at = 0.0

    def images(self) -> Listing[WorkspaceImage]:
        """Return every image, those of the workspace first. Raises OperatorError where no source gives any."""
        from services.registry.catalogue import MOST_REPOSITORIES, merged

        errors: list[OperatorError] = []
        images = _read(self._v1_images, errors) if self._session.context.workspace is not None else None
        remarks: list[str] = []
        others: list[WorkspaceImage] = []
        reader = _read(self._catalogue, errors)
        names = _read(reader.repositories, errors) if reader is not None else None
        if names is None:
            self._reader = None  # a sign-in that was refused is had anew
        if reader is not None and names is not None:
            if len(names) > MOST_REPOSITORIES:
                remarks.append(f"{reader.server} has more repositories than the {MOST_REPOSITORIES} shown")
            for part in side_by_side(reader.repository, names[:MOST_REPOSITORIES]):
                others += part.images
                remarks += part.remarks
        if images is None and names is None:
            raise errors[0] if errors else _no_source()
        return Listing(tuple(merged(images or [], others)), tuple(errors), tuple(remarks))

    def find(self, text: str) -> WorkspaceImage:
        """Return the image NAME, NAME:VERSION or NAME:TAG, the newest where none is said: the workspace's before the registry's.

        Raises OperatorError where there is none, or its build did not succeed.
        """
        name, _, version = text.partition(":")
        errors: list[OperatorError] = []
        images = _read(self._v1_images, errors) if self._session.context.workspace is not None else None
        matching = [item for item in images or () if item.name == name and version in ("", str(item.version))]
        if not matching:
            reader = _read(self._catalogue, errors)
            part = reader.repository(name) if reader is not None and is_repository(name) else None
            matching = [item for item in (part.images if part else ()) if version in ("", item.tag)]
        if not matching:
            raise self._unknown(text)
        newest = max(matching, key=lambda item: (item.deployable, item.version, item.created.timestamp() if item.created else 0))
        check_deployable(newest)
        return newest

    def _unknown(self, text: str) -> OperatorError:
        listing = self.images()
        names = [item.key for item in listing.items]
        return OperatorError(
            f"Neither workspace nor registry has an image {one_line(text, 200)}."
            if self._session.context.workspace is not None
            else f"The registry has no image {one_line(text, 200)}.",
            cause=" ".join((f"There are {', '.join(names[:12]) or 'none'}.", *(error.what for error in listing.errors))),
            remedy=did_you_mean(text, names) + "Choose one, or give another registry's or a client's image as REGISTRY/NAME:TAG.",
            code="image.unknown",
        )

    def models(self) -> Listing[WorkspaceModel]:
        """Return every model: v1's, which know their conversions, then those that only v2 has. Raises OperatorError."""
        workspace = self._session.workspace
        errors: list[OperatorError] = []
        models = _read(lambda: _v1(workspace.models), errors)
        others = _read(self._v2_models, errors)
        if models is None and others is None:
            raise errors[0]
        present = {model.id for model in models or ()}
        return Listing((*(models or ()), *(model for model in others or () if model.id not in present)), tuple(errors))

    def _v1_images(self) -> list[WorkspaceImage]:
        workspace = self._session.workspace
        return _v1(workspace.images)

    def _v2_models(self) -> list[WorkspaceModel]:
        from services.workspace.models_v2 import list_models

        return list_models(self._session.context)

    def _catalogue(self) -> CatalogueReader | None:
        """Return the reader of the context's registry, else of the workspace's; None where it has neither.

        It is made anew where its sign-in may have ended: a token of the exchange lives about three hours.
        """
        if self._reader is not None and time.monotonic() - self._signed_in_at < _SIGNED_IN:
            return self._reader
        from services.registry.catalogue import CatalogueReader
        from services.registry.exchange import exchange

        context = self._session.context
        credentials: RegistryCredentials | None
        if context.registry is not None:
            server, ca_file, credentials = context.registry.server, context.registry.ca_file, context_registry(self._session)
            if credentials is None and _OF_AZURE.search(server):
                credentials = exchange(server, context, _path(ca_file))
        elif context.workspace is not None:
            ca_file = context.workspace.ca_file
            credentials = self._workspace_registry(context.workspace)
            server = credentials.server if credentials is not None else ""
        else:
            return None
        if not server:
            return None
        self._reader = CatalogueReader(server, credentials, _path(ca_file), context)
        self._signed_in_at = time.monotonic()
        return self._reader

    def _workspace_registry(self, place: WorkspaceSettings) -> RegistryCredentials | None:
        """Return a sign-in for the workspace's registry: the context's own where the registry takes it, else the admin user's.

        By Azure Resource Manager, without an SDK; None where the workspace has no registry yet.
        """
        from services.contexts.discovery import ResourceManager
        from services.registry.exchange import exchange

        resources = ResourceManager(self._session.context)
        resource_id, server = resources.workspace_registry(place)
        if not server:
            return None
        try:
            return exchange(server, self._session.context, _path(place.ca_file))
        except OperatorError as refusal:
            try:
                return RegistryCredentials(server, *resources.registry_password(resource_id))
            except OperatorError:
                raise refusal from None  # nobody should switch the admin user on for this


def _path(ca_file: str) -> str:
    return str(resolve_path(ca_file)) if ca_file else ""


def context_registry(session: Session) -> RegistryCredentials | None:
    """Return the sign-in of the context's own registry; None where it names none. Raises OperatorError for a secret that is gone."""
    settings = session.context.registry
    if settings is None or settings.password is None:
        return None
    return RegistryCredentials(settings.server, settings.username, reveal(settings.password))


def _v1(call: Callable[[], list[Item]]) -> list[Item]:
    """Make a call of SDK v1; where its service refuses or is gone, that is the state's name."""
    try:
        return call()
    except OperatorError as error:
        if error.state not in _V1_REFUSALS:
            raise
        raise OperatorError(
            f"Azure ML's v1 service gives nothing (support ended {AZUREML_V1.end}).",
            cause=f"{error.what} {error.cause}".strip(),
            remedy=f"What registry and v2 API give is shown. {error.remedy}",
            code="workspace.v1-refused",
            raw=error.raw,
        ) from error


def _read(call: Callable[[], Item], errors: list[OperatorError]) -> Item | None:
    """Return what a source gives; None, and its error among ``errors``, where it gives nothing."""
    try:
        return call()
    except OperatorError as error:
        errors.append(error)
        return None


def _no_source() -> OperatorError:
    return OperatorError(
        "The context names neither a workspace nor a registry.",
        cause="Images come from one of them.",
        remedy="Name a registry: dbe-console context add --registry; or deploy an image by REGISTRY/NAME:TAG.",
        code="context.no-images",
    )


def find_image(session: Session, text: str) -> WorkspaceImage:
    """Return the image asked for: SERVER/NAME:TAG is a location already, else it is looked up in the context's sources.

    Raises as ``ImageSources.find``; UsageError where the context has no source.
    """
    head, slash, _ = text.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost" or session.context.registry is None):
        name = text.rpartition("/")[2].partition(":")[0]
        return WorkspaceImage("", name, 0, "", "Succeeded", text)
    if session.context.workspace is None and session.context.registry is None:
        raise UsageError(
            "The context names neither an Azure ML workspace nor a registry.",
            remedy="Give the image as REGISTRY/NAME:TAG.",
            code="usage.workspace",
        )
    return session.sources.find(text)


def check_deployable(image: WorkspaceImage) -> None:
    """Raise OperatorError for an image whose build has not succeeded."""
    if image.deployable:
        return
    failed = image.state == "Failed"
    raise OperatorError(
        f"{image.name}:{image.version} cannot be deployed: its build is {image.state}.",
        cause=image.error or "Only an image whose build has succeeded is in the registry.",
        remedy=f"Read why: dbe-console images --log {image.id}" if failed else "Wait until it is built: dbe-console images.",
        code="image.state",
    )
