"""The hub's codes for what is not there, is there already, or has changed: 404, 409 and 412."""

from __future__ import annotations

from services.diagnosis.hub_codes.row import (
    BUSY,
    C1,
    CC,
    CHANGED,
    CONTESTED,
    EXISTS,
    HUB_SETTING,
    MISSING,
    OFFLINE,
    TROUBLE,
    TS,
    TWIN_MODEL,
    UNAVAILABLE,
    HubCode,
    J,
    Kind,
)

_DEVICE = Kind(
    "device-missing",
    "error",
    "missing",
    "the hub knows no such device",
    "Check the device id and that the context names the right hub: `dbe-console devices` lists those there are, and which are disabled.",
)
_MODULE = Kind(
    "module-missing",
    "error",
    "missing",
    "the hub knows no such module",
    "Check the module's name; it is made by the deployment that holds the module.",
)
_APPLYING = Kind(
    "concurrent-apply",
    "warning",
    "conflict",
    "another deployment is being applied",
    "Read the device again, look at what changed, and try once more.",
    passes=True,
)
_CUT = Kind(
    "device-offline",
    "error",
    "offline",
    "device lost its connection to the hub during the call",
    "See whether it was carried out, then try once more; if it stays so, look at the device's line.",
    passes=True,
    may_have_run=True,
)

CODES: tuple[HubCode, ...] = (
    HubCode("404000", "GenericNotFound", MISSING, "The hub says no more than that."),
    HubCode(
        "404001",
        "DeviceNotFound",
        _DEVICE,
        "No device identity of that name is registered in this hub, or it is disabled.",
        source=f"{C1}; {TS}",
    ),
    HubCode("404002", "JobNotFound", MISSING, "The hub knows no job of that id, or has forgotten it (after 30 days)."),
    HubCode("404003", "PartitionNotFound", MISSING, "The endpoint has no such partition.", source=f"{J}; {C1}", also=("503003",)),
    HubCode("404004", "QuotaMetricNotFound", MISSING, "The hub knows no such figure of its quota."),
    HubCode("404005", "SystemPropertyNotFound", MISSING, "The hub knows no such system property."),
    HubCode("404006", "AmqpAddressNotFound", MISSING, "The hub has no such AMQP address."),
    HubCode("404007", "RoutingEndpointResponseNotFound", HUB_SETTING, "An endpoint that the hub routes to is not there."),
    HubCode("404008", "CertificateNotFound", MISSING, "The hub has no certificate of that name."),
    HubCode("404009", "ElasticPoolTenantHubNotFound", HUB_SETTING, "The hub is not in the pool that it is looked for in."),
    HubCode(
        "404010",
        "ModuleNotFound",
        _MODULE,
        "No module identity of that name is registered under the device: it was never deployed, or is disabled.",
        source=f"{C1}; {TS}",
    ),
    HubCode("404011", "AzureTableStoreNotFound", TROUBLE, "The hub does not find its own store."),
    HubCode(
        "404012",
        "IotHubFailingOver",
        TROUBLE,
        "The hub moves to its paired region, for a test or after an outage, and answers nothing meanwhile.",
        "Wait: it takes minutes, up to a few hours after an outage. Messages begin anew afterwards.",
        reason="the hub fails over to its paired region",
    ),
    HubCode("404013", "FeatureNotSupported", UNAVAILABLE, "The hub does not offer what was asked."),
    HubCode("404014", "DigitalTwinInterfaceNotFound", TWIN_MODEL, "The device has no such interface."),
    HubCode("404101", "QueryStoreClusterNotFound", TROUBLE, "The hub does not find the store that it queries."),
    HubCode(
        "404103",
        "DeviceNotOnline",
        OFFLINE,
        "The device has no connection to the hub, or the module that was asked has no handler for direct methods.",
        source=f"{TS}; {C1}; {CC}",
        also=("404102",),
    ),
    HubCode(
        "404104",
        "DeviceConnectionClosedRemotely",
        _CUT,
        "The connection of the device ended while it was asked; at a token's renewal, about once an hour, that is usual.",
    ),
    HubCode("404301", "ConfigurationNotFound", MISSING, "The hub knows no deployment at scale of that id."),
    HubCode("404302", "GroupNotFound", MISSING, "The hub knows no group of that name."),
    HubCode("404401", "DigitalTwinModelNotFound", TWIN_MODEL, "The hub knows no such model."),
    HubCode("404402", "InterfaceNameModelNotFound", TWIN_MODEL, "The hub knows no such model of an interface."),
    HubCode("409000", "GenericConflict", BUSY, "The hub says no more than that."),
    HubCode("409001", "DeviceAlreadyExists", EXISTS, "A device identity of that name exists.", source=f"{C1}; {TS}"),
    HubCode(
        "409002",
        "LinkCreationConflict",
        CONTESTED,
        "A new connection pushed out one that the hub still held open: mostly after a line broke, else two clients use one identity.",
        "Look for another error beside it first; where there is none, give each client an identity of its own.",
    ),
    HubCode("409003", "CallbackSubscriptionConflict", CONTESTED, "Two clients ask for the same answers of one identity."),
    HubCode("409101", "ModelAlreadyExists", TWIN_MODEL, "The hub has a model of that name."),
    HubCode("409102", "DeviceLocked", BUSY, "Another operation holds the device at this moment."),
    HubCode(
        "409103", "DeviceJobAlreadyExists", EXISTS, "A job of that id exists; ids are kept for 30 days.", "Choose another id."
    ),
    HubCode("409104", "JobAlreadyExists", EXISTS, "A job of that id exists; ids are kept for 30 days.", "Choose another id."),
    HubCode(
        "409301", "ModuleAlreadyExistsOnDevice", EXISTS, "The device has a module identity of that name.", source=f"{C1}; {TS}"
    ),
    HubCode(
        "409401",
        "ConfigurationAlreadyExists",
        EXISTS,
        "A deployment at scale of that id exists.",
        source=f"{TS}; azure-cli-extensions#1988",
    ),
    HubCode(
        "409402",
        "ApplyConfigurationAlreadyInProgressOnDevice",
        _APPLYING,
        "Somebody else, or a deployment at scale, applies a configuration to the same device at this moment.",
    ),
    HubCode("409501", "DigitalTwinModelAlreadyExists", TWIN_MODEL, "The hub has that model."),
    HubCode(
        "409502", "DigitalTwinModelExistsWithOtherModelType", TWIN_MODEL, "The hub has a model of that name and another type."
    ),
    HubCode("409503", "InterfaceNameModelAlreadyExists", TWIN_MODEL, "The hub has that model of an interface."),
    HubCode("412000", "GenericPreconditionFailed", CHANGED, "The hub says no more than that."),
    HubCode(
        "412001",
        "PreconditionFailed",
        CHANGED,
        "The etag that was sent is not the current one: somebody changed it since it was read.",
        source=f"{C1}; {TS}; azure-iot-sdk-csharp#1680",
    ),
    HubCode(
        "412002",
        "DeviceMessageLockLost",
        CHANGED,
        "A device took longer than a minute over a message, and the hub gives it out again.",
        "Nothing here: the device's program must complete its messages within a minute.",
        reason="a device lost its hold on a message",
        source=C1,
    ),
    HubCode("412003", "JobRunPreconditionFailed", BUSY, "The job is not in a state in which it can run."),
    HubCode("412004", "InflightMessagesInLink", BUSY, "Messages are on their way on this link."),
)
