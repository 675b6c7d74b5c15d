"""The model of an IoT Hub: identities, twins, configurations, quota, events. No sockets here: listeners call it."""

from services.lab.hub.errors import HubError
from services.lab.hub.events import Event, EventStore
from services.lab.hub.model import Hub
from services.lab.hub.sas import Grant

__all__ = ["Event", "EventStore", "Grant", "Hub", "HubError"]
