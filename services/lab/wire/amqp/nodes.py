"""What a connection finds at which address, and with which tokens it may."""

from __future__ import annotations

import asyncio
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from services.lab.cloud.hub import EventStore, Hub, HubError, sas

from .cbs import CbsLink
from .cloud_to_device import CloudToDeviceLink
from .device_channels import ChannelLink, ChannelRequestLink, MethodChannelLink
from .device_links import TelemetryLink, refusal_of
from .links import Link, Refusal, ReplyLink
from .management import ManagementLink
from .queue_link import QueueLink
from .readers import LIMIT, Readers
from .receiver import EventLink
from .types import UShort

if TYPE_CHECKING:
    from .session import Session

_READER = re.compile(r"(?P<entity>[^/]+)/consumergroups/(?P<group>[^/]+)/partitions/(?P<partition>[^/]+)", re.IGNORECASE)
_DEVICE = re.compile(r"devices/(?P<device>[^/]+)(?:/modules/(?P<module>[^/]+))?/(?P<node>.+)", re.IGNORECASE)
# The audience of an Azure AD token for the hub's service API: the scope of azure-iothub's and azure-iot-hub's credentials.
_SERVICE_SCOPE = "https://iothubs.azure.net/.default"
# The right to receive from the routed Event Hub: role Azure Event Hubs Data Receiver.
LISTEN = "Listen"
# A group that five readers of someone else always hold.
FULL_GROUP = "full"


@dataclass(frozen=True)
class Claim:
    """What a link needs: a right for a path of the hub, for a device's links of an identity that may connect."""

    path: str
    right: str
    device: str = ""
    module: str = ""
    bearer: bool = True  # whether an Azure AD token will do


class Nodes:
    """The addresses as one connection sees them; its tokens are its own."""

    def __init__(self, hub: Hub, readers: Readers, leave: Any) -> None:
        self._hub = hub
        self._readers = readers
        self._leave = leave
        self._tokens: dict[str, str] = {}
        self._policy = ""
        self._claims: dict[Link, Claim] = {}
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        self._present: set[tuple[str, str]] = set()  # devices and modules that have a link here

    # Who

    def sign_in(self, user: str, password: str) -> bool:
        """Sign in by SASL PLAIN: ``policy@sas.root.hub`` or ``device@sas.hub`` with a SAS token, or an Event Hubs policy with its key."""
        name, at, rest = user.partition("@sas.")
        if at:
            try:
                # What the token opens is looked at when a link is attached.
                grant = self._hub.authorize(password, sas.parse(password).resource)
            except HubError:
                return False
            self._tokens[""] = password
            own = grant.policy if rest.startswith("root.") else f"{grant.device}/{grant.module}".rstrip("/")
            return bool(own) and name == own
        policy = self._hub.policies.get(user)
        if policy is None or not any(
            hmac.compare_digest(key.encode(), password.encode()) for key in (policy.primary, policy.secondary)
        ):
            return False
        self._policy = user
        return True

    def put_token(self, audience: str, token: str, kind: str = "") -> bool:
        """Keep a token for its audience; whether that is the event hub's, not IoT Hub's own.

        Raises HubError when it is not good, Refusal when there is no such audience.
        """
        if audience == _SERVICE_SCOPE and token.startswith("Bearer "):
            audience = self._hub.host
        # Devices' clients percent-encode theirs, as the token's own ``sr`` is.
        audience = unquote(audience)
        entity = sas.path_of(audience).partition("/")[2].split("/")[0]  # azure-iothub names the host alone, without a scheme
        if entity.lower() == self._hub.routing.event_hub.lower():
            self._watch(audience, self._routed(token, kind))
            self._tokens[audience] = token
            return True
        grant = self._hub.authorize(token, audience)
        of_event_hub = entity.lower() == self._hub.event_hub.lower()
        if not of_event_hub and entity.lower() not in ("", "messages", "devices"):
            raise _unknown(audience)
        self._tokens[audience] = token
        self._watch(audience, grant.expires)
        return of_event_hub

    def _routed(self, token: str, kind: str = "jwt") -> float:
        """Return when a token for the routed Event Hub expires; its namespace takes Azure AD's alone, of type jwt."""
        expires = self._hub.event_bearer(token.removeprefix("Bearer ")) if kind == "jwt" and token.startswith("Bearer ") else 0.0
        if not expires:
            raise HubError(401003, "Local authentication is off here, or the token is expired or for another audience.")
        return expires

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

    def recheck(self, device: str = "") -> None:
        """End the links that the connection's tokens do not allow any more; those of a device alone where one is named."""
        for link, claim in list(self._claims.items()):
            if link.session.links.get(link.handle) is not link:
                del self._claims[link]
                continue
            if device and claim.device != device:
                continue
            try:
                self.check(claim)
            except HubError as error:
                del self._claims[link]
                self._readers.part(link, Refusal("amqp:unauthorized-access", f"{error.message} Resource: '{link.address}'."))

    def check(self, claim: Claim, token: Any = None) -> sas.Grant:
        """Return the grant by which a token (or the one given with the request) allows a claim. Raises HubError where none does."""
        if claim.right == LISTEN:
            return self._listens(claim.path)
        resource = f"{self._hub.host}/{claim.path}".rstrip("/")
        if claim.device:
            self._hub.admit(claim.device, claim.module)
        if self._policy:
            rights = self._hub.policies[self._policy].rights
            if claim.right in rights and self._hub.faults.active("unauthorized") is None:
                return sas.Grant(frozenset(rights), policy=self._policy)
            raise HubError(401002, f"The policy does not grant {claim.right}.")
        last = HubError(401003, "Unauthorized access. 'Listen' claim(s) are required to perform this operation.")
        # A bearer token in a management request comes bare; the one put before counts.
        for candidate in [*self._tokens.values(), *([token] if isinstance(token, str) else [])]:
            try:
                grant = self._hub.authorize(candidate, resource, claim.right)
                if candidate.startswith("Bearer ") and not claim.bearer:
                    raise HubError(401003, "Azure AD tokens are not taken here: use a shared access key.")
                return grant
            except HubError as error:
                last = error
        raise last

    def _listens(self, path: str) -> sas.Grant:
        """Return the grant to receive from the routed Event Hub. A role missing shows here, and not when the token is put."""
        for audience, token in self._tokens.items():
            covered = sas.covers(audience, f"{self._hub.host}/{path}")
            if covered and self._hub.faults.active("receiver-role-missing") is None:
                return sas.Grant(frozenset({LISTEN}), expires=self._routed(token))
        raise HubError(401003, "Unauthorized access. 'Listen' claim(s) are required to perform this operation.")

    def check_events(self, path: str, token: Any = None) -> None:
        """Raise HubError unless a token grants reading the events; Entra's do not at the built-in endpoint."""
        self.check(self._events_claim(path), token)

    def _events_claim(self, path: str) -> Claim:
        """Return what reading events takes: a key's right at the built-in endpoint (docs/facts/lab-answers.md, Entra), a role elsewhere."""
        routed = path.split("/")[0].lower() == self._hub.routing.event_hub.lower()
        return Claim(path, LISTEN) if routed else Claim(path, "ServiceConnect", bearer=False)

    def store_of(self, entity: str) -> EventStore | None:
        """Return the events of the built-in or the routed Event Hub; None for another name."""
        hub = self._hub
        return {hub.event_hub.lower(): hub.events, hub.routing.event_hub.lower(): hub.routing.store}.get(entity.lower())

    def left(self) -> None:
        """Let go of what a closed connection held."""
        for alarm in self._alarms.values():
            alarm.cancel()
        for device, module in self._present:
            self._hub.set_connected(device, module, False)
        self._leave(self)

    # What

    def open(self, session: Session, attach: dict[str, Any], source: str, target: str) -> Link:
        """Return the link that answers an attach. Raises Refusal."""
        reads = bool(attach["role"])
        address = source if reads else target
        path = _path(address)
        low = path.lower()
        if low == "$cbs":
            return ReplyLink(session, attach, low, target) if reads else CbsLink(session, attach, low)
        if low == "$management" or (low.endswith("/$management") and self.store_of(low.removesuffix("/$management"))):
            return ReplyLink(session, attach, low, target) if reads else ManagementLink(session, attach, low)
        service = Claim(path, "ServiceConnect")
        link: Link
        if match := _DEVICE.fullmatch(unquote(path)):
            claim = Claim(unquote(path), "DeviceConnect", match["device"], match["module"] or "", bearer=False)
            link = self._device(session, attach, address, claim, match["node"].lower(), reads)
        elif low.startswith("messages/events") and reads:
            self._allow(Claim(path, "ServiceConnect", bearer=False), address)
            raise self._redirect(session)
        elif low == "messages/devicebound" and not reads:
            claim = service
            self._allow(claim, address)
            link = CloudToDeviceLink(session, attach, address, self._hub)
        elif low in ("messages/servicebound/feedback", "messages/servicebound/filenotifications") and reads:
            claim = service
            self._allow(claim, address)
            queue = self._hub.feedback.queue if low.endswith("feedback") else self._hub.file_notifications
            link = QueueLink(session, attach, address, queue)
        elif reads and (match := _READER.fullmatch(path)):
            # A token is for the entity, its group (azure-eventhub) or the very partition (@azure/event-hubs).
            claim = self._events_claim(path)
            self._allow(claim, address)
            link = self._reader(session, attach, address, match)
        else:
            raise _unknown(address)
        self._claims[link] = claim
        if claim.device and (claim.device, claim.module) not in self._present:
            self._present.add((claim.device, claim.module))
            self._hub.set_connected(claim.device, claim.module, True)
        return link

    def _allow(self, claim: Claim, address: str) -> None:
        try:
            self.check(claim)
        except HubError as error:
            needs = "'Listen' claim(s) are required to perform this operation."
            text = f"Unauthorized access. {needs} Resource: '{address}'. {error.message}"
            raise Refusal("amqp:unauthorized-access", text) from error

    def _device(self, session: Session, attach: dict[str, Any], address: str, claim: Claim, node: str, reads: bool) -> Link:
        try:
            grant = self.check(claim)
            if not grant.policy and (grant.device, grant.module) != (claim.device, claim.module):
                raise HubError(401003)
            if node == "messages/events" and not reads:
                return TelemetryLink(session, attach, address, self._hub, claim.device, claim.module, grant)
            if node == "messages/devicebound" and reads and not claim.module:
                mailbox = self._hub.identity(claim.device).mailbox
                return QueueLink(session, attach, address, mailbox, f"/devices/{claim.device}/messages/deviceBound")
        except HubError as error:
            raise refusal_of(error) from error
        identity = (claim.device, claim.module)
        if node in ("twin", "methods/devicebound"):
            if not reads:
                return ChannelRequestLink(session, attach, address, self._hub, *identity)
            channel = ChannelLink if node == "twin" else MethodChannelLink
            return channel(session, attach, address, self._hub, *identity)
        if node == "messages/events" and claim.module and reads:
            # A module's inputs: edgeHub fills them, a hub never does.
            return ChannelLink(session, attach, address, self._hub, *identity)
        raise refusal_of(HubError(404006, f"The link address '{address}' did not match any of the expected formats."))

    def _reader(self, session: Session, attach: dict[str, Any], address: str, match: re.Match[str]) -> EventLink:
        hub, group, partition = self._hub, match["group"], match["partition"]
        store = self.store_of(match["entity"])
        groups = hub.routing.consumer_groups if store is hub.routing.store else hub.consumer_groups
        if store is None or group.lower() not in {name.lower() for name in groups}:
            raise _unknown(address)
        if not partition.isdigit() or int(partition) >= store.partition_count:
            raise Refusal(
                "com.microsoft:argument-out-of-range",
                f"The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 and "
                f"{store.partition_count - 1}.",
            )
        link = EventLink(session, attach, address, store, self._readers, group, int(partition))
        full = group.lower() == FULL_GROUP or hub.faults.active("too-many-readers", sign=group.lower()) is not None
        self._readers.join(link, LIMIT if full else 0, hub.faults.active("link-stolen", sign=group.lower()) is not None)
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
    """Return the path of an address that may be a URL: ``amqps://host:5671/entity/x`` and ``/entity/x`` and ``entity/x`` alike."""
    _, scheme, rest = address.partition("://")
    path = rest.partition("/")[2] if scheme else address
    return path.strip("/")
