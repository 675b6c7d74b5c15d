"""The hub's codes for what passes by itself: 408, 429, 499 and 5xx."""

from __future__ import annotations

from services.diagnosis.hub_codes.row import (
    BUSY,
    C1,
    C2,
    HUB_SETTING,
    INVALID,
    LIMIT,
    THROTTLED,
    TIMEOUT,
    TROUBLE,
    TS,
    TWIN_MODEL,
    HubCode,
    J,
)

_TOO_FAST = "More calls a second or a minute than the hub's tier and units allow."
_NODE = "A part of the hub failed at this moment; it is mostly gone in a minute."
_IDENTITY = "The hub cannot use its own managed identity."

CODES: tuple[HubCode, ...] = (
    HubCode(
        "408000",
        "RequestTimeout",
        TIMEOUT,
        "Hub or device took too long.",
        reason="the hub or the device took too long",
        source=C2,
    ),
    HubCode("429000", "GenericTooManyRequests", THROTTLED, _TOO_FAST),
    HubCode(
        "429001",
        "ThrottlingException",
        THROTTLED,
        f"{_TOO_FAST} Short bursts are only slowed down; this one lasted.",
        also=("ThrottleException",),
    ),
    HubCode("429002", "ThrottleBacklogLimitExceeded", THROTTLED, f"{_TOO_FAST} The queue in which bursts wait is full."),
    # InvalidThrottleParameter in J, which C1 numbers 500009: the name decides.
    HubCode(
        "429003",
        "ThrottlingBacklogTimeout",
        THROTTLED,
        f"{_TOO_FAST} The request waited in the hub's queue until its time was over.",
    ),
    HubCode(
        "429004",
        "ThrottlingMaxActiveJobCountExceeded",
        LIMIT,
        "As many jobs run as the hub's tier allows.",
        "Wait until one has ended.",
    ),
    HubCode("429005", "DeviceThrottlingLimitExceeded", THROTTLED, "This one device is called more often than the hub allows."),
    HubCode(
        "499000",
        "ClientClosedRequest",
        TROUBLE,
        "The connection ended before the hub had answered.",
        reason="the connection ended before the hub answered",
    ),
    HubCode("500001", "ServerError", TROUBLE, _NODE, also=("InternalServerError",)),
    HubCode(
        "500002",
        "JobCancelled",
        BUSY,
        "The job was ended before it was done.",
        "Start it again.",
        reason="the job was ended",
        source=C1,
    ),
    HubCode("500008", "GenericTimeout", TROUBLE, "A part of the hub did not answer in time."),
    HubCode(
        "500009",
        "InvalidThrottleParameter",
        INVALID,
        "The limit that was asked for is none that the hub takes.",
        source=f"{C1}; {J}",
    ),
    HubCode("500301", "ModelRepoEndpointError", TWIN_MODEL, "The store of models does not answer."),
    HubCode("500302", "ResolutionError", TWIN_MODEL, "A model cannot be looked up."),
    HubCode("500401", "UnableToFetchCredentials", HUB_SETTING, _IDENTITY),
    HubCode("500402", "UnableToFetchTenantInfo", HUB_SETTING, _IDENTITY),
    HubCode("500403", "UnableToShareIdentity", HUB_SETTING, _IDENTITY),
    HubCode("500501", "UnableToExpandDiscoveryInfo", TWIN_MODEL, "What a device says of its model cannot be read."),
    HubCode("500502", "UnableToExpandComponentInfo", TWIN_MODEL, "What a device says of a component cannot be read."),
    HubCode("500503", "UnableToCompressComponentInfo", TWIN_MODEL, "What a device says of a component cannot be kept."),
    HubCode("500504", "UnableToCompressDiscoveryInfo", TWIN_MODEL, "What a device says of its model cannot be kept."),
    HubCode("500505", "OrphanDiscoveryDocument", TWIN_MODEL, "A device's account of its model belongs to no device."),
    HubCode("502000", "GenericBadGateway", TROUBLE, _NODE),
    HubCode("503000", "GenericServiceUnavailable", TROUBLE, _NODE),
    HubCode("503001", "ServiceUnavailable", TROUBLE, _NODE, source=f"{C1}; {TS}"),
    HubCode("503004", "IotHubActivationFailed", TROUBLE, "The hub does not wake up."),
    HubCode("503005", "ServerBusy", TROUBLE, "The part of the hub that was asked has too much to do."),
    HubCode("503006", "IotHubRestoring", TROUBLE, "The hub is being restored; it answers when that is done."),
    HubCode("503008", "ReceiveLinkOpensThrottled", THROTTLED, "Links for receiving are opened too often.", "Keep one link open."),
    HubCode("503101", "ConnectionUnavailable", TROUBLE, "The hub has no connection to the part that was asked."),
    HubCode("503102", "DeviceUnavailable", TROUBLE, "The part of the hub that holds this device does not answer."),
    HubCode("503201", "ConfigurationNotAvailable", TROUBLE, "The part of the hub that holds deployments does not answer."),
    HubCode("503202", "GroupNotAvailable", TROUBLE, "The part of the hub that holds groups does not answer."),
    HubCode("503301", "HostingServiceNotAvailable", TROUBLE, "The service behind the hub does not answer."),
    HubCode("504000", "GenericGatewayTimeout", TIMEOUT, "The hub got no answer in time from what it asked."),
    HubCode(
        "504101",
        "GatewayTimeout",
        TIMEOUT,
        "The method was sent to the device, or waited for it, and no answer came back within the time given.",
    ),
)
