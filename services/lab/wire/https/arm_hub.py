"""The IoT Hub as Azure Resource Manager has it: its record, and the change of its routing."""

from __future__ import annotations

import hashlib
import json

from aiohttp import web

from services.lab.cloud.hub import HubError
from services.lab.wire.https.replies import CloudError, Json, body_of
from services.lab.world import World

_RULE = {"filterName": "office", "action": "Allow", "ipMask": "203.0.113.0/24"}


def forbidden(world: World, action: str, scope: str) -> CloudError:
    """Return ARM's refusal of an action that no role of the sign-in holds."""
    return CloudError(
        403,
        "AuthorizationFailed",
        f"The client 'operator@lab.invalid' with object id '{world.client_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid.",
    )


def hub_record(world: World) -> Json:
    """Return the hub's record; what switches off keys and networks is in it, as the faults that are on have it."""
    hub, faults = world.hub, world.faults
    rules = [_RULE] if faults.active("ip-rule") is not None else []
    record: Json = {
        "id": world.hub_id,
        "name": hub.name,
        "type": "Microsoft.Devices/IotHubs",
        "location": "eastus",
        "tags": {},
        "subscriptionid": world.subscription,
        "resourcegroup": world.resource_group,
        "sku": {"name": hub.quota.tier, "tier": "Standard", "capacity": hub.quota.units},
        "identity": {"type": "SystemAssigned", "principalId": world.client_id, "tenantId": world.tenant},
        "properties": {
            "state": "Active",
            "provisioningState": "Succeeded",
            "hostName": hub.host,
            "eventHubEndpoints": {
                "events": {
                    "retentionTimeInDays": 1,
                    "partitionCount": hub.events.partition_count,
                    "partitionIds": [str(number) for number in range(hub.events.partition_count)],
                    "path": hub.event_hub,
                    "endpoint": f"sb://{world.address}/",
                }
            },
            "routing": hub.routing.view(),
            "disableLocalAuth": faults.active("local-auth-off") is not None,
            "publicNetworkAccess": "Disabled" if faults.active("public-access-off") is not None else "Enabled",
            "networkRuleSets": {
                "defaultAction": "Deny" if rules else "Allow",
                "applyToBuiltInEventHubEndpoint": True,
                "ipRules": rules,
            },
            "privateEndpointConnections": [],
            "locations": [{"location": "East US", "role": "primary"}],
            "features": "None",
        },
    }
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    return {**record, "etag": digest[:12]}


async def update_hub(request: web.Request, world: World) -> Json:
    """Take another routing for the hub; If-Match is needed to change one that exists (azure-mgmt-iothub, create_or_update)."""
    if world.faults.active("hub-read-only") is not None:
        raise forbidden(world, "Microsoft.Devices/IotHubs/write", world.hub_id)
    current, body = hub_record(world), await body_of(request)
    if request.headers.get("If-Match", "").strip('"') != current["etag"]:
        raise CloudError(412, "PreconditionFailed", "The hub was changed meanwhile; If-Match must name its etag.")
    properties = body.get("properties")
    routing = properties.get("routing") if isinstance(properties, dict) else None
    if not isinstance(routing, dict):
        raise CloudError(400, "BadRequest", "A hub without routing was sent.")
    try:
        world.hub.routing.replace(routing)
    except HubError as error:
        raise CloudError(400, "400004", error.message) from error
    return hub_record(world)
