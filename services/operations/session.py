"""The services of one context, each made when it is first needed. Its calls block: they belong into threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.errors import OperatorError
from services.messages.feed import MessageFeed
from services.records import states

if TYPE_CHECKING:
    from services.contexts.model import Context
    from services.deployment.history import History
    from services.hub.client import Hub
    from services.operations.deployer import Deployer
    from services.operations.device_list import ListedDevice
    from services.operations.device_reading import DeviceReading
    from services.operations.images import ImageSources
    from services.operations.overview import DeviceRow
    from services.operations.score import Score
    from services.records import DeviceState, EventEndpoint, Finding, RegistryCredentials
    from services.workspace.client import Workspace


class Session:
    """A context and what serves it. Nothing here imports an SDK before the call that needs it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lock = threading.RLock()
        self._hub: Hub | None = None
        self._reading: DeviceReading | None = None
        self._workspace: Workspace | None = None
        self._history: History | None = None
        self._deployer: Deployer | None = None
        self._sources: ImageSources | None = None
        self.messages = MessageFeed(context, _find_endpoint)

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed."""
        return self.context.read_only

    @property
    def hub(self) -> Hub:
        """The hub; raises OperatorError where the context names none."""
        with self._lock:
            if self._hub is None:
                if self.context.hub is None:
                    raise OperatorError(
                        f"Context {self.context.name} names no IoT Hub.",
                        remedy="Add one: dbe-console context add --help",
                        code="context.no-hub",
                    )
                from services.hub.client import Hub

                self._hub = Hub.open(self.context)
            return self._hub

    @property
    def workspace(self) -> Workspace:
        """The workspace; raises OperatorError where the context names none."""
        with self._lock:
            if self._workspace is None:
                if self.context.workspace is None:
                    raise OperatorError(
                        f"Context {self.context.name} names no Azure ML workspace.",
                        remedy="Add one: dbe-console context add --help",
                        code="context.no-workspace",
                    )
                from services.workspace.client import Workspace

                self._workspace = Workspace(self.context)
            return self._workspace

    @property
    def sources(self) -> ImageSources:
        """Where images and models come from."""
        with self._lock:
            if self._sources is None:
                from services.operations.images import ImageSources

                self._sources = ImageSources(self)
            return self._sources

    def devices(self) -> list[ListedDevice]:
        """Return the hub's IoT Edge devices, each with whether it is alive."""
        from services.operations.device_list import list_devices

        return [listed for listed in list_devices(self.hub, self._newest) if listed.device.edge]

    def _newest(self) -> Mapping[str, datetime]:
        """Return when the newest message of each device came, as far as the journal tells."""
        from services.operations.last_messages import last_messages

        return last_messages(Path(self.messages.path)) if self.messages.path else {}

    def first_device(self) -> str:
        """Return the context's device, else the first that the hub knows."""
        if self.context.device:
            return self.context.device
        devices = [device for device in self.hub.devices() if device.edge]
        if not devices:
            raise OperatorError(
                "The hub knows no IoT Edge device.",
                remedy="Register the Data Box Edge's compute role first.",
                code="hub.no-device",
            )
        return devices[0].id

    def state(
        self, device: str, complaints: Sequence[Finding] = (), on_request: bool = False
    ) -> tuple[DeviceState, Mapping[str, Finding]]:
        """Return a device as its twins say, and what follows for each module from that and from what its clients say.

        ``complaints`` is what is known of the clients. ``on_request``: the operator wants to know now, so the edge hub's twin is read,
        too.
        """
        from services.diagnosis import diagnose_state
        from services.diagnosis.liveness import judge_again
        from services.operations.device_reading import DeviceReading

        with self._lock:
            if self._reading is None or self._reading.device_id != device:
                self._reading = DeviceReading(self.hub, device)
            reading = self._reading
        state = reading.read(on_request)
        newest = self.messages.newest(device, 1)
        state = judge_again(state, message=newest[-1].enqueued if newest else None)
        return state, diagnose_state(state, complaints)

    @property
    def waits_for(self) -> OperatorError | None:
        """Why a call of the hub waits; None where none does, or where the hub has not answered."""
        return self._hub.waits_for if self._hub is not None else None

    def probe(self, device: str) -> None:
        """Ask the hub for a device's identity, free of quota: raises OperatorError where the hub gives none."""
        self.hub.device(device)

    def ping(self, device: str, seconds: int = 10) -> None:
        """Ask the device's edge agent for a sign of life; raises OperatorError where it gives none."""
        from services.hub.methods import ping

        ping(self.hub, device, seconds)

    def judged(self, state: DeviceState, complaints: Sequence[Finding] = ()) -> tuple[DeviceState, Mapping[str, Finding]]:
        """Return a state that was read, judged again by the last ping; and what follows from it."""
        from services.diagnosis import diagnose_state
        from services.diagnosis.liveness import judge_again

        state = judge_again(state, ping=self.hub.pings.get(state.device.id))
        return state, diagnose_state(state, complaints)

    def spent(self) -> int | None:
        """Return what this machine's consoles cost the hub today, in messages of its quota; None where the hub was not asked yet."""
        return self._hub.meter.spent_today() if self._hub is not None else None

    def name_to_type(self, device: str) -> str:
        """Return what has to be typed before something dangerous: the device's name in production, else nothing."""
        return device if self.context.production else ""

    def overview(self) -> list[DeviceRow]:
        """Return all devices, the one in most trouble first."""
        from services.operations.overview import overview

        return overview(self.hub, self._newest())

    @property
    def history(self) -> History:
        """What was deployed from here."""
        with self._lock:
            if self._history is None:
                from services.deployment.history import History

                self._history = History()
            return self._history

    def registry(self) -> RegistryCredentials | None:
        """Return the credentials of the context's registry, else of the workspace's own; None where neither gives any now."""
        from services.operations.images import context_registry
        from services.workspace.client import own_registry

        own = context_registry(self)
        if own is not None:
            return own
        return own_registry(self.workspace) if self.context.workspace is not None else None

    def endpoint(self) -> EventEndpoint:
        """Return where the hub's messages are received; a call to the hub where the context does not say it."""
        return _find_endpoint(self.context)

    def add_nearest_names(self, error: OperatorError, device: str, module: str) -> None:
        """Have an error of a device or module that is not there say which ones have a similar name."""
        if error.state in states.OF_NAMES and self._hub is not None:
            from services.operations.missing_names import add_nearest

            add_nearest(error, self._hub, device or self.context.device, module)

    def score(self, device: str, module: str, file: str, repeat: int) -> Score:
        """Score a picture on a host module (the only one, where none is named)."""
        from services.operations.score import Scorer, find_host

        with Scorer(find_host(self.context, self.hub, device, module)) as scorer:
            return scorer.score(file, repeat)

    def manifest(self, device: str) -> dict[str, Any]:
        """Return a device's whole manifest, secrets included."""
        from services.deployment.routes.hub import export

        return export(self.hub, device)

    def masked_manifest(self, device: str) -> dict[str, Any]:
        """Return a device's whole manifest with its secrets masked."""
        from services.deployment.manifest.masking import masked

        return masked(self.manifest(device))

    @property
    def deployer(self) -> Deployer:
        """Return what plans and applies deployments here."""
        with self._lock:
            if self._deployer is None:
                from services.operations.deployer import Deployer

                self._deployer = Deployer(self)
            return self._deployer

    def close(self) -> None:
        """End what was started: children, connections."""
        with self._lock:
            parts: list[Any] = [self._workspace]
            self._workspace = self._hub = None
        for part in parts:
            if part is not None:
                part.close()
        self.messages.close()


def _find_endpoint(context: Context) -> EventEndpoint:
    from services.hub.endpoint import find_endpoint

    return find_endpoint(context)
