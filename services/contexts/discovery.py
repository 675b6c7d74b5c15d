"""What a sign-in can see through Azure Resource Manager: subscriptions, workspaces, hubs and their keys, registries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from services.contexts.hosts import check_leads
from services.contexts.model import Context, WorkspaceSettings
from services.contexts.sign_in import connection_options, token
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.records import Exchange, Observer, Secret
from services.replies.bounds import DEFAULT_BOUNDS, Bounds
from services.replies.content import content_of
from services.replies.faults import reply_fault
from services.replies.network import unreachable
from services.text import clean, one_line

_PAGES = 50
_SUBJECT, _REPLY_CODE = "Azure Resource Manager", "arm.reply"
_HUBS, _HUBS_VERSION = "providers/Microsoft.Devices/IotHubs", "2023-06-30"
_REGISTRIES, _REGISTRIES_VERSION = "providers/Microsoft.ContainerRegistry/registries", "2023-07-01"
_WORKSPACES, _WORKSPACES_VERSION = "providers/Microsoft.MachineLearningServices/workspaces", "2022-05-01"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class FoundWorkspace:
    """An Azure ML workspace; ``registry`` is its registry's ARM name, empty until its first image."""

    subscription: str
    resource_group: str
    name: str
    location: str = ""
    registry: str = ""


@dataclass(frozen=True, slots=True)
class FoundHub:
    """An IoT Hub; ``events_namespace`` and ``events_entity`` are its Event Hub-compatible endpoint."""

    resource_id: str
    name: str
    host: str
    location: str = ""
    events_namespace: str = ""
    events_entity: str = ""
    partitions: int = 0

    @property
    def subscription(self) -> str:
        """The subscription's id."""
        return self.resource_id.strip("/").split("/")[1]

    @property
    def resource_group(self) -> str:
        """The resource group's name."""
        return self.resource_id.strip("/").split("/")[3]


@dataclass(frozen=True, slots=True)
class HubPlan:
    """What a hub is paid for: ``tier`` such as F1, B1, S1 (of ``units``), and its messages of today; None where ARM does not say."""

    tier: str
    units: int
    spent: int | None = None
    daily: int | None = None


class ResourceManager:
    """Azure Resource Manager with the sign-in of ``context``. Blocking; every method raises OperatorError.

    ``observe`` is given the raw replies.
    """

    def __init__(self, context: Context, observe: Observer | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._context = context
        self._observe = observe
        self._bounds = bounds
        self._base = context.cloud.resource_manager.rstrip("/")

    def subscriptions(self) -> list[Subscription]:
        """Return every subscription the sign-in can see."""
        return [
            Subscription(_text(fields, "subscriptionId", 60), _optional(fields, "displayName", 120))
            for fields in self._list("subscriptions", "2022-12-01")
        ]

    def workspaces(self, subscription: str) -> list[FoundWorkspace]:
        """Return every Azure ML workspace of a subscription."""
        return [_workspace(fields) for fields in self._list(f"subscriptions/{subscription}/{_WORKSPACES}", _WORKSPACES_VERSION)]

    def workspace(self, subscription: str, resource_group: str, name: str) -> FoundWorkspace:
        place = f"subscriptions/{subscription}/resourceGroups/{resource_group}/{_WORKSPACES}/{name}"
        return _workspace(self._ask(self._url(place, _WORKSPACES_VERSION)))

    def hubs(self, subscription: str) -> list[FoundHub]:
        """Return every IoT Hub of a subscription."""
        return [_hub(fields) for fields in self._list(f"subscriptions/{subscription}/{_HUBS}", _HUBS_VERSION)]

    def hub(self, resource_id: str) -> FoundHub:
        """Read one hub by its ARM id."""
        return _hub(self.hub_record(resource_id))

    def hub_plan(self, resource_id: str) -> HubPlan:
        """Return the tier, units and today's quota of a hub."""
        sku = _fields(self.hub_record(resource_id), "sku")
        metrics = self._list(f"{_place(resource_id)}/quotaMetrics", _HUBS_VERSION)
        total = next((metric for metric in metrics if metric.get("name") == "TotalMessages"), {})
        spent, daily = (_number(total, name) for name in ("currentValue", "maxValue"))
        return HubPlan(_text(sku, "name", 20), _number(sku, "capacity") or 1, spent, daily)

    def hub_record(self, resource_id: str) -> dict[str, Any]:
        """Return a hub as ARM describes it: tier, endpoints, routes, whether keys are let in. It may hold secrets of endpoints."""
        return self._ask(self._url(_place(resource_id), _HUBS_VERSION))

    def replace_hub(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Send a hub's whole record changed; refused (412) where somebody changed it since ``hub_record`` read it."""
        return self._ask(self._url(_place(_text(record, "id", 400)), _HUBS_VERSION), "PUT", record)

    def hub_connection_string(self, hub: FoundHub, *, write: bool = True) -> Secret:
        """Return the connection string of the weakest policy that suffices: to look, or (``write``) to deploy too."""
        policy, key = self._policy(hub, {"registryread", "serviceconnect", *(["registrywrite"] if write else [])})
        return Secret(f"HostName={hub.host};SharedAccessKeyName={policy};SharedAccessKey={key}")

    def events_connection_string(self, hub: FoundHub) -> Secret:
        """Return the Event Hub-compatible connection string, of the weakest policy with service connect."""
        host = hub.events_namespace.removeprefix("sb://").rstrip("/")
        check_leads(self._context, "hub", hub.host, host)
        policy, key = self._policy(hub, {"serviceconnect"})
        return Secret(f"Endpoint=sb://{host}/;SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={hub.events_entity}")

    def rows(self, place: str, version: str) -> list[dict[str, Any]]:
        """Return every row of a list under ``place``, a path below ARM's root, as ARM gives them."""
        return self._list(place, version)

    def workspace_registry(self, place: WorkspaceSettings) -> tuple[str, str]:
        """Return the ARM id and the login server of a workspace's registry; without one both are empty."""
        group = f"subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"
        workspace = self._ask(self._url(f"{group}/{_WORKSPACES}/{place.name}", _WORKSPACES_VERSION))
        named = f"{group}/{_REGISTRIES}/{place.registry}" if place.registry else ""
        resource_id = _optional(_fields(workspace, "properties"), "containerRegistry", 400).strip("/") or named
        if not resource_id:
            return "", ""
        subscription, resource_group, name = _parts(resource_id)
        resource_id = f"subscriptions/{subscription}/resourceGroups/{resource_group}/{_REGISTRIES}/{name}"
        record = self._ask(self._url(resource_id, _REGISTRIES_VERSION))
        return resource_id, _text(_fields(record, "properties"), "loginServer", 200)

    def registry_password(self, resource_id: str) -> tuple[str, Secret]:
        """Return user and password of a registry's admin user; refused where it is off, as it should be."""
        answer = self._ask(self._url(f"{resource_id}/listCredentials", _REGISTRIES_VERSION), "POST")
        passwords = answer.get("passwords")
        first = passwords[0] if isinstance(passwords, list) and passwords and isinstance(passwords[0], dict) else {}
        return _text(answer, "username", 200), Secret(_text(first, "value", 1000))

    def registries(self, subscription: str) -> list[tuple[str, str]]:
        """Return the container registries of a subscription: ARM name and login server."""
        rows = self._list(f"subscriptions/{subscription}/{_REGISTRIES}", _REGISTRIES_VERSION)
        return [(_text(fields, "name", 80), _text(_fields(fields, "properties"), "loginServer", 200)) for fields in rows]

    def _policy(self, hub: FoundHub, needed: set[str]) -> tuple[str, str]:
        policies = self._list(f"{_place(hub.resource_id)}/listkeys", _HUBS_VERSION, method="POST")
        fitting = []
        for policy in policies:
            rights = {part.strip().lower() for part in _text(policy, "rights", 200).split(",")}
            if "registrywrite" in rights:
                rights.add("registryread")  # the owner's policy lists only the write right, which implies it
            if needed <= rights:
                fitting.append((len(rights), _text(policy, "keyName", 200), _text(policy, "primaryKey", 400)))
        if not fitting:
            raise OperatorError(
                f"No policy of {hub.name} has the rights {', '.join(sorted(needed))}.",
                cause=f"It has the policies {', '.join(_text(policy, 'keyName', 60) for policy in policies) or 'none'}.",
                remedy="Add a shared access policy with those rights to the hub.",
                code="arm.no-policy",
            )
        _, name, key = min(fitting)
        return name, key

    def _url(self, place: str, version: str) -> str:
        return f"{self._base}/{quote(place)}?api-version={version}"

    def _list(self, place: str, version: str, method: str = "GET") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        url = self._url(place, version)
        for _ in range(_PAGES):
            page = self._ask(url, method)
            items, url = page.get("value"), page.get("nextLink") or ""
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or not isinstance(url, str):
                raise _strange("It was asked for a list, and the reply holds none.")
            rows += items
            if not url:
                break
            method = "GET"  # pages go on by GET, whatever the first one was (azure-core's paging)
        return rows

    def _ask(self, url: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        import requests

        from services.replies.session import Service, open_session

        verify = connection_options(self._context.cloud.ca_file).get("connection_verify", True)
        headers = {"Authorization": f"Bearer {token(self._context)[0]}"}
        if body is not None:
            headers["If-Match"] = f'"{_optional(body, "etag", 200)}"'
        timeout = (10, self._bounds.read_seconds)
        # A link of a page elsewhere is refused below: it would be given the token.
        with open_session(Service(_SUBJECT, _REPLY_CODE, (self._base,), self._bounds)) as session:
            try:
                response = session.request(method, url, headers=headers, json=body, timeout=timeout, verify=verify)
            except requests.RequestException as error:
                raise _unreachable(self._base, error) from error
        if self._observe is not None:
            self._observe(Exchange.of_response("workspace", response))
        if response.status_code >= 400:
            raise _refusal(response.status_code, *_words_of(response.content))
        return dict(content_of(response.status_code, response.content, "object", _SUBJECT, _REPLY_CODE))


def _words_of(body: bytes) -> tuple[str, str]:
    """Return the code and message of an error's reply; its text where it is none of ARM's."""
    try:
        fields = read_json(body)
    except JsonError:
        return "", body[:8_000].decode("utf-8", "replace")
    inner = fields.get("error") if isinstance(fields, dict) else None
    return (str(inner.get("code", "")), str(inner.get("message", ""))) if isinstance(inner, dict) else ("", "")


def _strange(detail: str) -> OperatorError:
    return reply_fault("content", _SUBJECT, _REPLY_CODE, detail)


def _optional(fields: Mapping[str, Any], name: str, limit: int) -> str:
    value = fields.get(name)
    return one_line(value, limit) if isinstance(value, str) else ""


def _text(fields: Mapping[str, Any], name: str, limit: int) -> str:
    text = _optional(fields, name, limit)
    if not text:
        raise _strange(f"A resource in the reply has no {name}.")
    return text


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return value if type(value) is int and abs(value) < 2**63 else None


def _fields(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _workspace(fields: Mapping[str, Any]) -> FoundWorkspace:
    subscription, group, name = _parts(_text(fields, "id", 400))
    registry = _optional(_fields(fields, "properties"), "containerRegistry", 400)
    return FoundWorkspace(subscription, group, name, _optional(fields, "location", 60), one_line(registry.rpartition("/")[2], 80))


def _hub(fields: Mapping[str, Any]) -> FoundHub:
    properties = _fields(fields, "properties")
    events = _fields(_fields(properties, "eventHubEndpoints"), "events")
    return FoundHub(
        _text(fields, "id", 400),
        _text(fields, "name", 80),
        _text(properties, "hostName", 200),
        _optional(fields, "location", 60),
        _optional(events, "endpoint", 300),
        _optional(events, "path", 200),
        _number(events, "partitionCount") or 0,
    )


def _place(resource_id: str) -> str:
    subscription, group, name = _parts(resource_id)
    return f"subscriptions/{subscription}/resourceGroups/{group}/{_HUBS}/{name}"


def _parts(resource_id: str) -> tuple[str, str, str]:
    parts = resource_id.strip("/").split("/")
    if len(parts) != 8:
        raise OperatorError(
            f"{one_line(resource_id, 200)!r} is not the ARM id of a resource.",
            cause="It has the form /subscriptions/…/resourceGroups/…/providers/TYPE/…/NAME.",
            remedy="Copy the resource id from the portal (Properties), or choose it from the list.",
            code="arm.resource-id",
        )
    return one_line(parts[1], 60), one_line(parts[3], 90), one_line(parts[7], 80)


def _refusal(status: int | None, code: str, text: str) -> OperatorError:
    causes = {
        401: ("The sign-in's token is not accepted.", "Sign in again; check tenant and cloud of the context."),
        403: ("The sign-in lacks the right.", "Give it Reader (and for a hub's keys: IoT Hub Contributor) on the resource."),
        412: ("Somebody changed it meanwhile.", "Look at it again, then try once more."),
        404: ("It does not exist, or the sign-in cannot see it.", "Check subscription, resource group and name."),
        429: ("Azure throttles these requests.", "Wait a minute and try again."),
    }
    cause, remedy = causes.get(status or 0, ("Azure Resource Manager has trouble of its own.", "Try again in a minute."))
    words = one_line(text, 300)
    return OperatorError(
        f"Azure Resource Manager refused ({status}{f', {one_line(code, 60)}' if code else ''}).",
        cause=f"{cause} It says: {words}" if words else cause,
        remedy=remedy,
        code=f"arm.{status}",
        raw=clean(text, 2000),
    )


def _unreachable(base: str, error: Exception) -> OperatorError:
    return unreachable(_SUBJECT, urlsplit(base).hostname or base, error, "arm.unreachable")
