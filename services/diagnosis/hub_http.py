"""Rules: what IoT Hub's HTTPS API answers (facts/iot-hub.md, field states; codes as the hub's error bodies carry them)."""

from __future__ import annotations

from services.diagnosis.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "desired-too-big",
        "error",
        "too-big",
        "desired properties over 32 KB",
        "The module's desired properties would exceed the hub's limit of 32 KB.",
        "Trim create options, environment or modules; see the room left in the create-options pane.",
        codes=("403100", "DeviceModelMaxPropertiesExceeded"),
    ),
    Rule(
        "string-too-big",
        "error",
        "too-big",
        "a value over 4,096 bytes",
        (
            "One string of the twin is longer than the hub's 4,096 bytes; create options are written in chunks of "
            "512 characters to avoid it."
        ),
        "Shorten the value, or deploy through this console, which chunks create options.",
        pattern=r"Property or Tag value should be maximum 4096|maximum 4096 bytes",
    ),
    Rule(
        "device-offline",
        "error",
        "offline",
        "device is not connected to the hub",
        "The device has no connection to the hub, so that a direct method cannot reach it.",
        "Check power, network and ports 5671, 8883 and 443 outwards at the device; after a restart wait a few minutes.",
        codes=("404103", "404102", "404104", "DeviceNotOnline", "DeviceConnectionClosedRemotely", "DeviceUnavailable"),
    ),
    Rule(
        "module-missing",
        "error",
        "missing",
        "the hub knows no such module",
        "No module identity of that name is registered under the device.",
        "Check the module's name; it is made by the deployment that holds the module.",
        codes=("404010", "ModuleNotFound"),
    ),
    Rule(
        "device-missing",
        "error",
        "missing",
        "the hub knows no such device",
        "No device identity of that name is registered in this hub.",
        "Check the device id and that the context names the right hub: `dbe-console devices` lists those there are.",
        codes=("404001", "DeviceNotFound"),
    ),
    Rule(
        "concurrent-apply",
        "warning",
        "conflict",
        "another deployment is being applied",
        "Somebody else, or a deployment at scale, applies a configuration to the same device at this moment.",
        "Read the device again, look at what changed, and try once more.",
        codes=("409402", "ApplyConfigurationAlreadyInProgressOnDevice"),
    ),
    Rule(
        "one-identity-two-clients",
        "error",
        "contested",
        "two clients share one identity",
        "Two clients connect with the same device or module identity and throw each other out.",
        "Give each client an identity of its own, or stop one of them.",
        codes=("400027", "409002", "ConnectionForcefullyClosedOnNewConnection", "LinkCreationConflict"),
    ),
    Rule(
        "changed-meanwhile",
        "warning",
        "changed",
        "changed by somebody else in between",
        "The etag that was sent is not the current one: somebody changed it since it was read.",
        "Read it again and look at the new difference before applying.",
        codes=("412001", "412002", "PreconditionFailed", "DeviceMessageLockLost"),
        statuses=(412,),
    ),
    Rule(
        "changed-meanwhile",
        "warning",
        "changed",
        "changed by somebody else in between",
        "The etag that was sent is not the current one: somebody changed it since it was read.",
        "Read it again and look at the new difference before applying.",
        statuses=(412,),
        general=True,
    ),
    Rule(
        "quota-exceeded",
        "error",
        "quota",
        "the hub's daily message quota is used up",
        "The hub has counted all messages of its tier and day; nothing more goes through.",
        (
            "It starts again at 00:00 UTC. Raise the hub's units, or let the client send less: `--wait` (longer) and "
            "`-s` (suppress)."
        ),
        codes=("403002", "IotHubQuotaExceeded"),
    ),
    Rule(
        "throttled",
        "warning",
        "throttled",
        "the hub throttles these calls",
        "More calls a second or a minute than the hub's tier and units allow.",
        "Wait a little and try again; longer refresh intervals in the context, fewer consoles at once.",
        codes=("429001", "429002", "429003", "ThrottlingException", "ThrottleBacklogLimitExceeded", "ThrottlingBacklogTimeout"),
    ),
    Rule(
        "throttled",
        "warning",
        "throttled",
        "the hub throttles these calls",
        "More calls a second or a minute than the hub's tier and units allow.",
        "Wait a little and try again; longer refresh intervals in the context, fewer consoles at once.",
        statuses=(429,),
        general=True,
    ),
    Rule(
        "basic-tier",
        "error",
        "tier",
        "the hub's tier is too low",
        "The hub is of the basic tier, which has no twins, methods and IoT Edge deployments.",
        "Move the hub to a standard tier (S1 or higher, or F1 for trying out).",
        codes=("403010", "OperationNotAllowedInCurrentTier"),
    ),
    Rule(
        "token-expired",
        "error",
        "expired",
        "the token has expired",
        (
            "The hub says that the SAS token has expired: the clock of the machine that signed it is behind, or a "
            "pasted token is old."
        ),
        (
            "Compare this machine's clock with the hub's Date (`dbe-console doctor` does) and switch on NTP; make a "
            "new token where one was pasted."
        ),
        pattern=r"SAS token is expired|token (?:is|has) expired|ExpiredSecurityToken|expired[^.]{0,40}token",
    ),
    Rule(
        "agent-desired-locked",
        "error",
        "locked",
        "$edgeAgent's desired properties cannot be patched",
        "The hub lets nobody but a deployment change the desired properties of $edgeAgent and $edgeHub.",
        "Make the change as a deployment (`dbe-console deploy`, or edit the module's options in the console).",
        codes=("401100",),
        pattern=r"Unauthorized to write 'desiredProperties'",
    ),
    Rule(
        "hub-trouble",
        "warning",
        "trouble",
        "the hub has trouble of its own ({status})",
        "The hub answered with a server error; it is mostly gone in a minute.",
        "Try again; if it stays, look at Azure's status page.",
        statuses=(500, 502, 503, 504),
        general=True,
    ),
    Rule(
        "not-a-hub",
        "error",
        "wrong-host",
        "this host is no IoT Hub",
        "The host answers, but not as an IoT Hub does.",
        "Check the HostName in the hub's connection string, and the proxy.",
        pattern=r"^\s*<(?:!doctype|html)",
        likely=True,
        general=True,
        settle="Open https://HOST/ in a browser from this machine: a proxy's page shows itself.",
    ),
    Rule(
        "unauthorized",
        "error",
        "refused",
        "the hub refuses this key",
        (
            "The key or its policy is wrong for this call, it was renewed, this machine's clock is off, or the hub's network "
            "rules keep this machine out."
        ),
        (
            "Check the policy's name, key and rights in the context (registry read/write and service connect are "
            "needed); `dbe-console doctor` compares the clock with the hub's and tries each right by itself."
        ),
        codes=("401003", "401002", "401001", "IotHubUnauthorizedAccess", "UnauthorizedAccess", "InvalidToken"),
        general=True,
    ),
    Rule(
        "unauthorized",
        "error",
        "refused",
        "the hub refuses this key",
        (
            "The key or its policy is wrong for this call, it was renewed, this machine's clock is off, or the hub's network "
            "rules keep this machine out."
        ),
        (
            "Check the policy's name, key and rights in the context (registry read/write and service connect are "
            "needed); `dbe-console doctor` compares the clock with the hub's and tries each right by itself."
        ),
        statuses=(401,),
        general=True,
    ),
    Rule(
        "hub-suspended",
        "error",
        "suspended",
        "the hub or its subscription is suspended",
        "The hub is disabled, mostly because its subscription is.",
        "Have the subscription enabled again.",
        codes=("IotHubSuspended", "400020", "SubscriptionDisabled"),
    ),
    Rule(
        "forbidden",
        "error",
        "refused",
        "the hub forbids this call",
        "The hub's network rules (IP filter, private endpoint) or the sign-in's role forbid it.",
        "Ask the hub's owner for this machine's address in the IP filter, or the role IoT Hub Data Contributor.",
        statuses=(403,),
        likely=True,
        general=True,
        settle="The raw reply below names the rule; `dbe-console doctor` tries each right.",
    ),
    Rule(
        "device-disabled",
        "error",
        "disabled",
        "the device identity is disabled",
        "The hub refuses the device because its identity is switched off.",
        "Enable the device identity in the hub.",
        codes=("DeviceDisabled", "401004"),
    ),
    Rule(
        "method-timeout",
        "warning",
        "timeout",
        "the device did not answer in time",
        "The method reached the device, or waited for it, and no answer came back within the time given.",
        "Try again with a longer time; if it stays so, the module that should answer hangs: restart it.",
        codes=("504101", "GatewayTimeout"),
        statuses=(408, 504),
    ),
    Rule(
        "invalid-argument",
        "error",
        "invalid",
        "the hub finds the request invalid",
        "Something in the request breaks the hub's rules for names, sizes, depth or schema.",
        "The raw reply names the field; correct it and send again.",
        codes=(
            "400004",
            "ArgumentInvalid",
            "ArgumentNull",
            "InvalidConfigurationContent",
            "InvalidSchemaVersion",
            "BulkRegistryOperationFailure",
        ),
        statuses=(400,),
    ),
    Rule(
        "proxy-auth",
        "error",
        "proxy",
        "the proxy wants a sign-in",
        "The proxy on the way to the hub refuses this machine without user and password.",
        "Put user and password into the proxy's address (HTTPS_PROXY).",
        statuses=(407,),
    ),
    Rule(
        "hub-missing",
        "error",
        "missing",
        "there is no such hub",
        "The hub was deleted, or has another name.",
        "Check the HostName in the context.",
        codes=("IotHubNotFound",),
    ),
    Rule(
        "already-there",
        "warning",
        "exists",
        "it is there already",
        "An identity or configuration of that name exists.",
        "Choose another name or change the one that is there.",
        codes=("409001", "DeviceAlreadyExists", "ModuleAlreadyExistsOnDevice", "ConfigurationAlreadyExists"),
        statuses=(409,),
    ),
    Rule(
        "too-large",
        "error",
        "too-big",
        "the request is larger than the hub takes",
        "A message is limited to 256 KB, a method's payload to 128 KB, a twin section to 32 KB.",
        "Send less.",
        statuses=(413,),
    ),
)
