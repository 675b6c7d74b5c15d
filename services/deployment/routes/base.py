"""What a route is: a way to bring host and client onto a device. A new one is a file here and a line in ``ROUTES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from services.contexts.model import Context
from services.deployment.history import History
from services.deployment.manifest.changes import Change
from services.deployment.plan import Applied, Plan
from services.hub.client import Hub
from services.records import Progress
from services.workspace.client import Workspace
from services.workspace.service_plan import ServiceModule

OnProgress = Callable[[Progress], None]


class Services(Protocol):
    """What a route works with; each part is opened when it is first asked for."""

    @property
    def context(self) -> Context:
        """Return the context."""

    @property
    def hub(self) -> Hub:
        """Return its hub."""

    @property
    def workspace(self) -> Workspace:
        """Return its workspace."""

    @property
    def history(self) -> History:
        """Return the history of deployments."""


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What is to be brought onto a device, with every name and option decided.

    ``changes`` is the whole of it as changes of a manifest; ``host`` and ``clients`` the same as modules of a service, which is
    called ``service`` and made from the workspace's image ``image_id`` (name:version; empty where it is of no workspace).
    """

    device: str
    changes: tuple[Change, ...]
    host: ServiceModule
    clients: tuple[ServiceModule, ...] = ()
    image_id: str = ""
    service: str = ""
    redeploy: bool | None = field(default=None)  # None: ask, in the plan, where a service of that name is there


class Route(Protocol):
    """A way to deploy. Calls block; they raise OperatorError."""

    name: str
    title: str  # for a list to choose from

    def unavailable(self, context: Context) -> str:
        """Return why the route cannot be taken in a context; empty where it can."""

    def plan(self, services: Services, request: RouteRequest) -> Plan:
        """Return what would be sent; nothing is sent."""

    def apply(self, services: Services, plan: Plan, progress: OnProgress | None = None, stopped: Event | None = None) -> Applied:
        """Send a plan of this route, once, and keep it in the history."""
