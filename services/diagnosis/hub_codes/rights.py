"""The hub's codes for a caller that it does not let in, or not to this: 401 and 403."""

from __future__ import annotations

from services.diagnosis.hub_codes.row import (
    C1,
    DISABLED,
    FORBIDDEN,
    HUB_SETTING,
    LIMIT,
    REFUSED,
    THROTTLED,
    TOO_BIG,
    TS,
    HubCode,
    Kind,
)

_401 = (
    "The hub gives one and the same answer for a token that has expired, a wrong or renewed key, a policy without the right for this "
    "call, a clock that is off, and network rules that keep this machine out."
)
_HUB_MISSING = Kind("hub-missing", "error", "missing", "there is no such hub", "Check the HostName in the context.")
_SUSPENDED = Kind(
    "hub-suspended",
    "error",
    "suspended",
    "the hub or its subscription is suspended",
    "Have the subscription enabled again.",
)
_QUOTA = Kind(
    "quota-exceeded",
    "error",
    "quota",
    "the hub's daily message quota is used up",
    "It starts again at 00:00 UTC. Raise the hub's units, or let the client send less: `--wait` (longer) and `-s` (suppress).",
)
_LOCKED = Kind(
    "agent-desired-locked",
    "error",
    "locked",
    "desired properties of $edgeAgent and $edgeHub cannot be patched",
    "Make the change as a deployment (`dbe-console deploy`, or edit the module's options in the console).",
)
_BASIC = Kind(
    "basic-tier",
    "error",
    "tier",
    "the hub's tier is too low",
    "Move the hub to a standard tier (S1 or higher, or F1 for trying out).",
)
_DESIRED = Kind(
    "desired-too-big",
    "error",
    "too-big",
    "desired properties over 32 KB",
    "Trim create options, environment or modules; see the room left in the create-options pane.",
)
_QUEUE = "Let the device fetch its messages, or purge its queue in the portal."

CODES: tuple[HubCode, ...] = (
    HubCode("401000", "GenericUnauthorized", REFUSED, _401),
    HubCode(
        "401001",
        "IotHubNotFound",
        _HUB_MISSING,
        "The hub was deleted, or has another name; just after it was made it passes.",
        source=C1,
    ),
    HubCode(
        "401002",
        "IotHubUnauthorizedAccess",
        REFUSED,
        _401,
        source=f"{C1}; {TS}",
        also=("401003", "IotHubUnauthorized", "UnauthorizedAccess", "InvalidToken"),
    ),
    HubCode("401004", "ElasticPoolNotFound", HUB_SETTING, "The pool that the hub belongs to is not there."),
    HubCode(
        "401100",
        "SystemModuleModifyUnauthorizedAccess",
        _LOCKED,
        "The hub lets nobody but a deployment change the desired properties of $edgeAgent and $edgeHub.",
    ),
    HubCode("403000", "GenericForbidden", FORBIDDEN, "The hub says no more than that."),
    # 403001 is JobQuotaExceeded in C2, IotHubSuspended in C1, J and TS; C2 numbers IotHubSuspended 400020: the name decides.
    HubCode(
        "403001",
        "IotHubSuspended",
        _SUSPENDED,
        "The hub is disabled, mostly because its subscription is.",
        also=("SubscriptionDisabled",),
    ),
    HubCode(
        "403002",
        "IotHubQuotaExceeded",
        _QUOTA,
        "The hub has counted all messages of its tier and day; nothing more goes through. An import of devices near their limit says so too.",
    ),
    HubCode(
        "403003",
        "JobQuotaExceeded",
        LIMIT,
        "A job runs already: F1 and S1 run one at a time, and any tier one import or export.",
        "Wait until it has ended.",
        source=f"{TS}; azure-iot-sdk-csharp#608",
    ),
    HubCode("403004", "DeviceMaximumQueueDepthExceeded", LIMIT, "Fifty messages wait for the device already.", _QUEUE),
    HubCode(
        "403005",
        "IotHubMaxCbsTokenExceeded",
        LIMIT,
        "One connection carries too many tokens.",
        "Close other programs on this key.",
    ),
    HubCode(
        "403006", "DeviceMaximumActiveFileUploadLimitExceeded", LIMIT, "The device has ten uploads open.", "Let it end them."
    ),
    HubCode(
        "403007", "DeviceMaximumQueueSizeExceeded", LIMIT, "The messages that wait for the device are too large together.", _QUEUE
    ),
    HubCode("403008", "RoutingEndpointResponseForbidden", HUB_SETTING, "An endpoint that the hub routes to refuses it."),
    HubCode(
        "403009",
        "InvalidMessageExpiryTime",
        TOO_BIG,
        "A message's expiry lies in the past or too far ahead.",
        reason="the message's expiry time is not valid",
        remedy="Give it another expiry time.",
    ),
    HubCode(
        "403010",
        "OperationNotAvailableInCurrentTier",
        _BASIC,
        "The hub is of the basic tier, which has no twins, methods and IoT Edge deployments.",
        also=("OperationNotAllowedInCurrentTier",),
    ),
    HubCode("403011", "KeyEncryptionKeyRevoked", HUB_SETTING, "The key that the hub's data are encrypted with was taken back."),
    HubCode(
        "403012",
        "DeviceDisabled",
        DISABLED,
        "The hub refuses the device because its identity, or that of a parent that it connects through, is switched off.",
        "Enable the identity of the device in the hub, and of its parent where it has one.",
    ),
    HubCode(
        "403100",
        "DeviceModelMaxPropertiesExceeded",
        _DESIRED,
        "The module's desired properties would exceed the hub's limit of 32 KB.",
    ),
    HubCode(
        "403101",
        "DeviceModelMaxIndexablePropertiesExceeded",
        _DESIRED,
        "The twin has more properties than the hub indexes.",
        reason="more properties than the hub indexes",
    ),
    HubCode(
        "403800",
        "DeviceMaximumInflightMethodExceeded",
        THROTTLED,
        "Too many direct methods to this device are on their way at once.",
        "Wait for the answers of those that run, then try again; one at a time is best.",
        reason="too many calls of this device at once",
    ),
)
