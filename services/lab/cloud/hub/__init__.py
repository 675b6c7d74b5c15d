"""The model of an IoT Hub: identities, twins, configurations, quota, events. No sockets here: listeners call it."""

from services.lab.cloud.hub.errors import HubError
from services.lab.cloud.hub.events import Event, EventStore
from services.lab.cloud.hub.model import Hub
from services.lab.cloud.hub.sas import Grant

__all__ = ["Event", "EventStore", "Grant", "Hub", "HubError"]
