"""What a sign-in can see through Azure Resource Manager: subscriptions, workspaces, hubs and their keys, registries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from services.contexts.model import Context
from services.contexts.sign_in import arm_scope, connection_options, credential, sign_in_error, token
from services.errors import OperatorError
from services.records import Exchange, Observer, Secret
from services.text import clean, one_line

_PAGES = 50
_Result = TypeVar("_Result")


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

    ``observe`` is given the raw replies of what is asked without an SDK.
    """

    def __init__(self, context: Context, observe: Observer | None = None) -> None:
        self._context = context
        self._observe = observe
        self._base = context.cloud.resource_manager.rstrip("/")

    def subscriptions(self) -> list[Subscription]:
        """Every subscription the sign-in can see."""
        raws = self._list("/subscriptions", "2022-12-01")
        return [Subscription(one_line(raw["subscriptionId"], 60), one_line(raw.get("displayName", ""), 120)) for raw in raws]

    def workspaces(self, subscription: str) -> list[FoundWorkspace]:
        """Every Azure ML workspace of a subscription."""
        raws = self._list(f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/workspaces", "2022-05-01")
        return [_workspace(raw) for raw in raws]

    def workspace(self, subscription: str, resource_group: str, name: str) -> FoundWorkspace:
        """One workspace."""
        place = f"/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.MachineLearningServices"
        return _workspace(self._get(f"{self._base}{place}/workspaces/{name}?api-version=2022-05-01"))

    def hubs(self, subscription: str) -> list[FoundHub]:
        """Every IoT Hub of a subscription."""
        hubs = self._client(subscription)
        return self._ask(lambda: [_hub(raw) for raw in hubs.iot_hub_resource.list_by_subscription()])

    def hub(self, resource_id: str) -> FoundHub:
        """One hub by its ARM id."""
        subscription, group, name = _parts(resource_id)
        return self._ask(lambda: _hub(self._client(subscription).iot_hub_resource.get(group, name)))

    def hub_plan(self, resource_id: str) -> HubPlan:
        """Tier, units and today's quota of a hub."""
        subscription, group, name = _parts(resource_id)

        def ask() -> HubPlan:
            hubs = self._client(subscription).iot_hub_resource
            sku = hubs.get(group, name).sku
            totals = [metric for metric in hubs.get_quota_metrics(group, name) if metric.name == "TotalMessages"]
            spent, daily = (totals[0].current_value, totals[0].max_value) if totals else (None, None)
            return HubPlan(one_line(sku.name, 20), int(sku.capacity or 1), spent, daily)

        return self._ask(ask)

    def hub_record(self, resource_id: str) -> dict[str, Any]:
        """A hub as ARM describes it: tier, endpoints, routes, whether keys are let in. It may hold secrets of endpoints."""
        subscription, group, name = _parts(resource_id)
        place = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
        return self._get(f"{self._base}{place}?api-version=2023-06-30")

    def hub_connection_string(self, hub: FoundHub, *, write: bool = True) -> Secret:
        """The connection string of the weakest policy that suffices: to look, or (``write``) to deploy too."""
        policy, key = self._policy(hub, {"registryread", "serviceconnect", *(["registrywrite"] if write else [])})
        return Secret(f"HostName={hub.host};SharedAccessKeyName={policy};SharedAccessKey={key}")

    def events_connection_string(self, hub: FoundHub) -> Secret:
        """The Event Hub-compatible connection string, of the weakest policy with service connect."""
        policy, key = self._policy(hub, {"serviceconnect"})
        endpoint = hub.events_namespace if hub.events_namespace.startswith("sb://") else f"sb://{hub.events_namespace}/"
        return Secret(f"Endpoint={endpoint};SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={hub.events_entity}")

    def registries(self, subscription: str) -> list[tuple[str, str]]:
        """Container registries of a subscription: ARM name and login server."""
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient

        options = {"base_url": self._base, "credential_scopes": [arm_scope(self._context.cloud)]}
        options |= connection_options(self._context.cloud.ca_file)
        client = ContainerRegistryManagementClient(credential(self._context), subscription, **options)
        return self._ask(lambda: [(one_line(raw.name, 80), one_line(raw.login_server, 200)) for raw in client.registries.list()])

    def _client(self, subscription: str) -> Any:
        from azure.mgmt.iothub import IotHubClient

        options = {"base_url": self._base, "credential_scopes": [arm_scope(self._context.cloud)]}
        return IotHubClient(credential(self._context), subscription, **options, **connection_options(self._context.cloud.ca_file))

    def _policy(self, hub: FoundHub, needed: set[str]) -> tuple[str, str]:
        client = self._client(hub.subscription)
        raws = self._ask(lambda: list(client.iot_hub_resource.list_keys(hub.resource_group, hub.name)))
        fitting = []
        for raw in raws:
            rights = {part.strip().lower() for part in str(getattr(raw.rights, "value", raw.rights)).split(",")}
            if "registrywrite" in rights:
                rights.add("registryread")  # the owner's policy lists only the write right, which implies it
            if needed <= rights:
                fitting.append((len(rights), str(raw.key_name), str(raw.primary_key)))
        if not fitting:
            raise OperatorError(
                f"No policy of {hub.name} has the rights {', '.join(sorted(needed))}.",
                cause=f"It has the policies {', '.join(one_line(raw.key_name, 60) for raw in raws) or 'none'}.",
                remedy="Add a shared access policy with those rights to the hub.",
                code="arm.no-policy",
            )
        _, policy, key = min(fitting)
        return policy, key

    def _list(self, path: str, version: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        url = f"{self._base}{path}?api-version={version}"
        for _ in range(_PAGES):
            page = self._get(url)
            found += page.get("value") or []
            url = page.get("nextLink") or ""
            # A link elsewhere would be given the token.
            if not url or urlsplit(url).netloc != urlsplit(self._base).netloc:
                break
        return found

    def _get(self, url: str) -> dict[str, Any]:
        import requests

        verify = connection_options(self._context.cloud.ca_file).get("connection_verify", True)
        headers = {"Authorization": f"Bearer {token(self._context)[0]}"}
        try:
            response = requests.get(url, headers=headers, timeout=(10, 30), verify=verify)
            if self._observe is not None:
                self._observe(Exchange.of_response("workspace", response))
            answer = response.json()
        except requests.JSONDecodeError as error:
            raise _refused(response.status_code, "", response.text) from error
        except requests.RequestException as error:
            raise _unreachable(self._base, error) from error
        if response.status_code >= 400:
            inner = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise _refused(response.status_code, str(inner.get("code", "")), str(inner.get("message", "")))
        return dict(answer)

    def _ask(self, call: Callable[[], _Result]) -> _Result:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

        try:
            return call()
        except ClientAuthenticationError as error:
            if error.response is None:
                raise sign_in_error(self._context, error) from error
            raise _refused(error.status_code, "", error.message) from error
        except HttpResponseError as error:
            code = error.error.code if error.error is not None else ""
            raise _refused(error.status_code, str(code), error.message) from error
        except AzureError as error:
            raise _unreachable(self._base, error) from error


def _workspace(raw: dict[str, Any]) -> FoundWorkspace:
    subscription, group, name = _parts(str(raw["id"]))
    registry = str((raw.get("properties") or {}).get("containerRegistry") or "")
    return FoundWorkspace(
        subscription, group, name, one_line(raw.get("location", ""), 60), one_line(registry.rpartition("/")[2], 80)
    )


def _hub(raw: Any) -> FoundHub:
    properties = raw.properties
    events = (getattr(properties, "event_hub_endpoints", None) or {}).get("events")
    return FoundHub(
        one_line(raw.id, 400),
        one_line(raw.name, 80),
        one_line(properties.host_name, 200),
        one_line(raw.location or "", 60),
        one_line(getattr(events, "endpoint", None) or "", 300),
        one_line(getattr(events, "path", None) or "", 200),
        int(getattr(events, "partition_count", None) or 0),
    )


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


def _refused(status: int | None, code: str, text: str) -> OperatorError:
    causes = {
        401: ("The sign-in's token is not accepted.", "Sign in again; check tenant and cloud of the context."),
        403: ("The sign-in lacks the right.", "Give it Reader (and for a hub's keys: IoT Hub Contributor) on the resource."),
        404: ("It does not exist, or the sign-in cannot see it.", "Check subscription, resource group and name."),
        429: ("Azure throttles these requests.", "Wait a minute and try again."),
    }
    cause, remedy = causes.get(status or 0, ("Azure Resource Manager has trouble of its own.", "Try again in a minute."))
    said = one_line(text, 300)
    return OperatorError(
        f"Azure Resource Manager refused ({status}{f', {one_line(code, 60)}' if code else ''}).",
        cause=f"{cause} It says: {said}" if said else cause,
        remedy=remedy,
        code=f"arm.{status}",
        raw=clean(text, 2000),
    )


def _unreachable(base: str, error: Exception) -> OperatorError:
    return OperatorError(
        f"{base} cannot be reached.",
        cause=one_line(error, 300),
        remedy="Check network and proxy, and cloud.resource_manager and cloud.ca_file of the context.",
        code="arm.unreachable",
        raw=clean(error, 2000),
    )
