"""What a connection finds at which address, and with which tokens it may."""

from __future__ import annotations

import asyncio
import hmac
import re
from typing import TYPE_CHECKING, Any

from services.lab.hub import Hub, HubError, sas

from .cbs import CbsLink
from .cloud_to_device import CloudToDeviceLink
from .links import Link, Refusal, ReplyLink
from .management import ManagementLink
from .readers import LIMIT, Readers
from .receiver import EventLink
from .types import UShort

if TYPE_CHECKING:
    from .session import Session

_READER = re.compile(r"(?P<entity>[^/]+)/consumergroups/(?P<group>[^/]+)/partitions/(?P<partition>[^/]+)", re.IGNORECASE)
# A group that five readers of someone else always hold.
FULL_GROUP = "full"


class Nodes:
    """The addresses as one connection sees them; its tokens are its own."""

    def __init__(self, hub: Hub, readers: Readers, leave: Any) -> None:
        self._hub = hub
        self._readers = readers
        self._leave = leave
        self._tokens: dict[str, str] = {}
        self._policy = ""
        self._claims: dict[Link, str] = {}
        self._alarms: dict[str, asyncio.TimerHandle] = {}

    # Who

    def sign_in(self, user: str, password: str) -> bool:
        """SASL PLAIN: ``policy@sas.root.hub`` with a SAS token (IoT Hub) or a policy with its key (Event Hubs)."""
        policy, at, _ = user.partition("@sas.root.")
        if at:
            try:
                grant = self._hub.authorize(password, self._hub.host)
            except HubError:
                return False
            self._tokens[""] = password
            return grant.policy == policy
        known = self._hub.policies.get(user)
        if known is None or not any(
            hmac.compare_digest(key.encode(), password.encode()) for key in (known.primary, known.secondary)
        ):
            return False
        self._policy = user
        return True

    def put_token(self, audience: str, token: str) -> bool:
        """Keep a token for its audience; whether that is the event hub's, not IoT Hub's own.

        Raises HubError when it is not good, Refusal when there is no such audience.
        """
        grant = self._hub.authorize(token, audience)
        entity = sas.path_of(audience).partition("/")[2].split("/")[0]  # azure-iothub names the host alone, without a scheme
        of_event_hub = entity.lower() == self._hub.event_hub.lower()
        if not of_event_hub and entity.lower() not in ("", "messages", "devices"):
            raise _unknown(audience)
        self._tokens[audience] = token
        self._watch(audience, grant.expires)
        return of_event_hub

    def drop_token(self, audience: str) -> None:
        """Forget an audience's token."""
        self._tokens.pop(audience, None)

    def _watch(self, audience: str, expires: float) -> None:
        """Look again when the token's time is up: links that nothing else allows end then."""
        if alarm := self._alarms.pop(audience, None):
            alarm.cancel()
        if expires:
            # Half a second later: the hub counts a token's last second as good.
            wait = max(0.0, expires - self._hub.clock.now()) + 0.5
            self._alarms[audience] = asyncio.get_running_loop().call_later(wait, self.recheck)

    def recheck(self) -> None:
        """End the links that the connection's tokens do not allow any more."""
        for link, path in list(self._claims.items()):
            if link.session.links.get(link.handle) is not link:
                del self._claims[link]
                continue
            try:
                self.check(path)
            except HubError as error:
                del self._claims[link]
                self._readers.part(link, Refusal("amqp:unauthorized-access", f"{error.message} Resource: '{link.address}'."))

    def check(self, path: str, token: Any = None) -> None:
        """Raises HubError unless a token (or the one given with the request) grants ServiceConnect for ``path`` of this hub."""
        resource = f"{self._hub.host}/{path}".rstrip("/")
        if self._policy:
            if "ServiceConnect" in self._hub.policies[self._policy].rights and self._hub.faults.active("unauthorized") is None:
                return
            raise HubError(401002, "The policy does not grant ServiceConnect.")
        last = HubError(401003, "Unauthorized access. 'Listen' claim(s) are required to perform this operation.")
        # A bearer token in a management request comes bare; the one put before counts.
        for held in [*self._tokens.values(), *([token] if isinstance(token, str) else [])]:
            try:
                self._hub.authorize(held, resource, "ServiceConnect")
                return
            except HubError as error:
                last = error
        raise last

    def left(self) -> None:
        """The connection is gone."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._leave(self)

    # What

    def open(self, session: Session, attach: dict[str, Any], source: str, target: str) -> Link:
        """The link that answers an attach. Raises Refusal."""
        reads = bool(attach["role"])
        address = source if reads else target
        path = _path(address)
        low = path.lower()
        if low == "$cbs":
            return ReplyLink(session, attach, low, target) if reads else CbsLink(session, attach, low)
        if low.startswith("messages/events") and reads:
            self._allow(path, address)
            raise self._redirect(session)
        if low == "$management" or low == f"{self._hub.event_hub.lower()}/$management":
            return ReplyLink(session, attach, low, target) if reads else ManagementLink(session, attach, low, self._hub)
        link: Link
        if low == "messages/devicebound" and not reads:
            self._allow(path, address)
            link = CloudToDeviceLink(session, attach, address, self._hub)
        elif reads and (match := _READER.fullmatch(path)):
            # A token is for the entity, its group (azure-eventhub) or the very partition (@azure/event-hubs).
            self._allow(path, address)
            link = self._reader(session, attach, address, match)
        else:
            raise _unknown(address)
        self._claims[link] = path
        return link

    def _allow(self, path: str, address: str) -> None:
        try:
            self.check(path)
        except HubError as error:
            claim = "'Listen' claim(s) are required to perform this operation."
            text = f"Unauthorized access. {claim} Resource: '{address}'. {error.message}"
            raise Refusal("amqp:unauthorized-access", text) from error

    def _reader(self, session: Session, attach: dict[str, Any], address: str, match: re.Match[str]) -> EventLink:
        hub, group, partition = self._hub, match["group"], match["partition"]
        known = {name.lower() for name in hub.consumer_groups}
        if match["entity"].lower() != hub.event_hub.lower() or group.lower() not in known:
            raise _unknown(address)
        if not partition.isdigit() or int(partition) >= hub.events.partition_count:
            raise Refusal(
                "com.microsoft:argument-out-of-range",
                f"The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 and "
                f"{hub.events.partition_count - 1}.",
            )
        link = EventLink(session, attach, address, hub, self._readers, group, int(partition))
        full = group.lower() == FULL_GROUP or hub.faults.active("too-many-readers") is not None
        self._readers.join(link, LIMIT if full else 0, hub.faults.active("link-stolen") is not None)
        return link

    def _redirect(self, session: Session) -> Refusal:
        host = self._hub.host.split(":")[0]
        return Refusal(
            "amqp:link:redirect",
            "Use the Event Hub-compatible endpoint.",
            {
                "hostname": host,
                "network-host": host,
                "port": UShort(5671),
                "address": f"amqps://{host}:5671/{self._hub.event_hub}/$management",
            },
        )


def _unknown(address: str) -> Refusal:
    return Refusal("amqp:not-found", f"The messaging entity '{address}' could not be found.")


def _path(address: str) -> str:
    """The path of an address that may be a URL: ``amqps://host:5671/entity/x`` and ``/entity/x`` and ``entity/x`` alike."""
    _, scheme, rest = address.partition("://")
    path = rest.partition("/")[2] if scheme else address
    return path.strip("/")
