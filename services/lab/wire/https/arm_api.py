"""Azure Resource Manager: subscriptions, resource lists, IoT Hubs with their keys, registries, the workspace."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.lab.wire.https import oauth
from services.lab.wire.https.arm_hub import forbidden, hub_record, update_hub
from services.lab.wire.https.arm_models import v2_models
from services.lab.wire.https.replies import CloudError, Json, part, world_of
from services.lab.world import World

Handler = Callable[[web.Request, World], Awaitable[web.Response]]

_RIGHTS = {
    "iothubowner": "RegistryWrite, ServiceConnect, DeviceConnect",
    "service": "ServiceConnect",
    "device": "DeviceConnect",
    "registryRead": "RegistryRead",
    "registryReadWrite": "RegistryWrite",
    "reader": "RegistryRead, ServiceConnect",
}


def signed_in(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return ``handler`` for requests with a token of this lab, in its subscription and resource group."""

    async def checked(request: web.Request) -> web.Response:
        oauth.require(request)
        world = world_of(request)
        subscription = request.match_info.get("subscription")
        if subscription is not None and subscription.lower() != world.subscription:
            raise CloudError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        group = request.match_info.get("group")
        if group is not None and group.lower() != world.resource_group.lower():
            raise CloudError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        return await handler(request, world)

    return checked


def _missing(kind: str, name: str) -> CloudError:
    return CloudError(404, "ResourceNotFound", f"The Resource '{kind}/{name}' was not found.")


def _registry(world: World) -> Json:
    return {
        "id": world.registry_id,
        "name": world.registry.name,
        "type": "Microsoft.ContainerRegistry/registries",
        "location": "eastus",
        "tags": {},
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {
            "loginServer": world.registry.server,
            "creationDate": world.created,
            "provisioningState": "Succeeded",
            "adminUserEnabled": True,
        },
    }


def _workspace(world: World, base: str) -> Json:
    return {
        "id": world.workspace_id,
        "name": world.workspace.name,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": "eastus",
        "tags": {},
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned", "principalId": world.client_id, "tenantId": world.tenant},
        "properties": {
            "friendlyName": world.workspace.name,
            "workspaceId": world.nonce,
            "discoveryUrl": f"{base}/discovery/{world.nonce}",
            "containerRegistry": world.registry_id,
            "provisioningState": "Succeeded",
            "creationTime": world.created,
        },
    }


async def _subscriptions(request: web.Request, world: World) -> web.Response:
    return web.json_response({"value": [_subscription(world)], "count": {"type": "Total", "value": 1}})


async def _one_subscription(request: web.Request, world: World) -> web.Response:
    return web.json_response(_subscription(world))


def _subscription(world: World) -> Json:
    return {
        "id": f"/subscriptions/{world.subscription}",
        "subscriptionId": world.subscription,
        "tenantId": world.tenant,
        "displayName": "Lab subscription",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
    }


async def _cloud(request: web.Request) -> web.Response:
    """Return what a cloud is made of, without a token: ``az cloud register`` asks first. Older versions of the API give a list, or less.

    Source: azure-cli core/cloud.py (_arm_to_cli_mapper), command_modules/cloud/custom.py; msrestazure azure_cloud.py.
    """
    base = f"https://{request.host}"
    sign_in = {
        "loginEndpoint": base,
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": world_of(request).tenant,
        "identityProvider": "AAD",
    }
    version = request.query.get("api-version", "")
    if version < "2018":
        return web.json_response(
            {"galleryEndpoint": base, "graphEndpoint": base, "portalEndpoint": base, "authentication": sign_in}
        )
    resources = ("graph", "graphAudience", "microsoftGraphResourceId", "gallery", "portal", "batch", "media", "sqlManagement")
    cloud = {
        "name": f"lab-{world_of(request).nonce}",
        "resourceManager": base,
        "authentication": sign_in,
        **dict.fromkeys((*resources, "vmImageAliasDoc", "activeDirectoryDataLake", "logAnalyticsResourceId"), base),
        "suffixes": {
            "storage": "storage.lab.invalid",
            "keyVaultDns": "vault.lab.invalid",
            "sqlServerHostname": "sql.lab.invalid",
            "acrLoginServer": "registry.lab.invalid",
        },
    }
    return web.json_response(cloud if version >= "2022" else [cloud])


async def _tenants(request: web.Request, world: World) -> web.Response:
    return web.json_response({"value": [{"id": f"/tenants/{world.tenant}", "tenantId": world.tenant, "displayName": "Lab"}]})


async def _groups(request: web.Request, world: World) -> web.Response:
    group = {
        "id": f"/subscriptions/{world.subscription}/resourceGroups/{world.resource_group}",
        "name": world.resource_group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": "eastus",
        "properties": {"provisioningState": "Succeeded"},
    }
    return web.json_response({"value": [group]})


async def _resources(request: web.Request, world: World) -> web.Response:
    things = [hub_record(world), _registry(world), _workspace(world, f"https://{request.host}")]
    type_filter = request.query.get("$filter", "")
    picked = [one for one in things if "resourceType" not in type_filter or one["type"].lower() in type_filter.lower()]
    return web.json_response({"value": [{key: one[key] for key in ("id", "name", "type", "location", "tags")} for one in picked]})


async def _hubs(request: web.Request, world: World) -> web.Response:
    return web.json_response({"value": [hub_record(world)]})


def _named(request: web.Request, kind: str, name: str) -> None:
    if part(request, "name").lower() != name.lower():
        raise _missing(kind, part(request, "name"))


async def _one_hub(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.Devices/IotHubs", world.hub.name)
    return web.json_response(hub_record(world))


async def _put_hub(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.Devices/IotHubs", world.hub.name)
    return web.json_response(await update_hub(request, world))


async def _hub_keys(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.Devices/IotHubs", world.hub.name)
    if world.faults.active("no-listkeys") is not None:
        raise forbidden(world, "Microsoft.Devices/IotHubs/listkeys/action", world.hub_id)
    keys = [
        {"keyName": one.name, "primaryKey": one.primary, "secondaryKey": one.secondary, "rights": _RIGHTS[one.name]}
        for one in world.hub.policies.values()
    ]
    key = request.match_info.get("key")
    if key is None:
        return web.json_response({"value": keys})
    matching_keys = [one for one in keys if one["keyName"] == key]
    if not matching_keys:
        raise _missing("Microsoft.Devices/IotHubs/IotHubKeys", key)
    return web.json_response(matching_keys[0])


_GROUP_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?|\$Default")
_MOST_GROUPS = 20  # of the built-in endpoint, $Default among them


def _consumer_group(world: World, name: str) -> Json:
    return {
        "id": f"{world.hub_id}/eventHubEndpoints/events/ConsumerGroups/{name}",
        "name": name,
        "type": "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups",
        "etag": None,
        "properties": {"name": name},
    }


async def _consumer_groups(request: web.Request, world: World) -> web.Response:
    """List, read, add and delete consumer groups: those that the AMQP listener takes, and no others."""
    _named(request, "Microsoft.Devices/IotHubs", world.hub.name)
    groups, name = world.hub.consumer_groups, request.match_info.get("consumers")
    if name is None:
        return web.json_response({"value": [_consumer_group(world, one) for one in groups]})
    present = next((one for one in groups if one.lower() == name.lower()), None)
    if request.method == "PUT":
        if not _GROUP_NAME.fullmatch(name):
            raise CloudError(400, "BadRequest", f"The consumer group name '{name}' is not valid.")
        if present is None:
            if len(groups) >= _MOST_GROUPS:
                raise CloudError(400, "BadRequest", f"An endpoint has {_MOST_GROUPS} consumer groups at most.")
            groups.append(name)
        return web.json_response(_consumer_group(world, present or name))
    if present is None:
        raise CloudError(404, "NotFound", f"The consumer group '{name}' was not found.")
    if request.method == "DELETE":
        if present == "$Default":
            raise CloudError(400, "BadRequest", "The consumer group '$Default' cannot be deleted.")
        groups.remove(present)
        return web.Response(status=200)
    return web.json_response(_consumer_group(world, present))


async def _quota(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.Devices/IotHubs", world.hub.name)
    quota = world.hub.quota
    return web.json_response(
        {
            "value": [
                {"name": "TotalMessages", "currentValue": quota.spent, "maxValue": quota.daily},
                {"name": "TotalDeviceCount", "currentValue": len(world.hub.devices()), "maxValue": 1_000_000},
            ]
        }
    )


async def _registries(request: web.Request, world: World) -> web.Response:
    return web.json_response({"value": [_registry(world)]})


async def _one_registry(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.ContainerRegistry/registries", world.registry.name)
    return web.json_response(_registry(world))


async def _registry_credentials(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.ContainerRegistry/registries", world.registry.name)
    passwords = [
        {"name": name, "value": value} for name, value in zip(("password", "password2"), world.registry.passwords, strict=True)
    ]
    return web.json_response({"username": world.registry.username, "passwords": passwords})


async def _workspaces(request: web.Request, world: World) -> web.Response:
    return web.json_response({"value": [_workspace(world, f"https://{request.host}")]})


async def _one_workspace(request: web.Request, world: World) -> web.Response:
    _named(request, "Microsoft.MachineLearningServices/workspaces", world.workspace.name)
    if world.faults.active("workspace-forbidden") is not None:
        raise forbidden(world, "Microsoft.MachineLearningServices/workspaces/read", world.workspace_id)
    return web.json_response(_workspace(world, f"https://{request.host}"))


def routes() -> list[web.RouteDef]:
    """Return the routes of ARM; names of providers come in whatever case the SDKs write."""
    top = "/subscriptions/{subscription}"
    group = top + "/{_groups:(?i:resourceGroups)}/{group}"
    devices = "/providers/Microsoft.Devices/{_hubs:(?i:IotHubs)}"
    consumers = group + devices + "/{name}/{_endpoints:(?i:eventHubEndpoints)}/events/{_groups_of:(?i:ConsumerGroups)}"
    registries = "/providers/Microsoft.ContainerRegistry/registries"
    workspaces = "/providers/Microsoft.MachineLearningServices/workspaces"
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/subscriptions", _subscriptions),
        ("GET", top, _one_subscription),
        ("GET", "/tenants", _tenants),
        ("GET", f"{top}/{{_groups:(?i:resourceGroups)}}", _groups),
        ("GET", f"{top}/resources", _resources),
        ("GET", f"{group}/resources", _resources),
        ("GET", top + devices, _hubs),
        ("GET", group + devices, _hubs),
        ("GET", group + devices + "/{name}", _one_hub),
        ("PUT", group + devices + "/{name}", _put_hub),
        ("POST", group + devices + "/{name}/listkeys", _hub_keys),
        ("POST", group + devices + "/{name}/{_keys:(?i:IotHubKeys)}/{key}/listkeys", _hub_keys),
        ("GET", group + devices + "/{name}/quotaMetrics", _quota),
        ("GET", consumers, _consumer_groups),
        *((method, f"{consumers}/{{consumers}}", _consumer_groups) for method in ("GET", "PUT", "DELETE")),
        ("GET", top + registries, _registries),
        ("GET", group + registries, _registries),
        ("GET", group + registries + "/{name}", _one_registry),
        ("POST", group + registries + "/{name}/listCredentials", _registry_credentials),
        ("GET", top + workspaces, _workspaces),
        ("GET", group + workspaces, _workspaces),
        ("GET", group + workspaces + "/{name}", _one_workspace),
        ("GET", group + workspaces + "/{name}/models", v2_models),
        ("GET", group + workspaces + "/{name}/models/{model}/versions", v2_models),
    ]
    return [
        web.get("/metadata/endpoints", _cloud),
        *(web.route(method, path, signed_in(handler)) for method, path, handler in table),
    ]
