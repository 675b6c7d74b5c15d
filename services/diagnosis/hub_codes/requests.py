"""The hub's codes for a request that it does not understand or take: 400, 405, 413 and 415."""

from __future__ import annotations

from services.diagnosis.hub_codes.row import (
    C1,
    C2,
    CHANGED,
    CONTESTED,
    HUB_SETTING,
    INVALID,
    LIMIT,
    TIMEOUT,
    TOO_BIG,
    TROUBLE,
    TWIN_MODEL,
    UNAVAILABLE,
    HubCode,
    Kind,
)

_VALIDATE = "Check the manifest (`dbe-console manifest check`), then send it again."
_QUERY = "Correct the condition or query; the hub names the place where it stumbles."
_TARGET = Kind("bad-condition", "error", "query", "the hub cannot read the condition", _QUERY)
_FIXED = Kind(
    "deployment-fixed",
    "error",
    "fixed",
    "the content of a deployment at scale cannot be changed",
    "Make a deployment with a new id and a higher priority, then remove the old one.",
)
_UPLOAD = "File uploads are a matter of the device's program; this console makes none."
_STORAGE = "Have the hub's owner look at the storage account of its file uploads and exports."
_SERVICE_UPGRADE = "Azure upgrades the hub at this moment and closes its connections."

CODES: tuple[HubCode, ...] = (
    HubCode("400000", "GenericBadRequest", INVALID, "The hub says no more than that."),
    HubCode(
        "400001",
        "InvalidProtocolVersion",
        UNAVAILABLE,
        "The hub's region does not know the API version that is asked with.",
        "Use a hub in another region, or an older release of this console.",
        source=C1,
    ),
    HubCode(
        "400002", "DeviceInvalidResultCount", INVALID, "The number of results that was asked for is none that the hub takes."
    ),
    HubCode(
        "400003", "InvalidOperation", INVALID, "The hub does not carry out this operation here; its text says which.", source=C1
    ),
    HubCode(
        "400004",
        "ArgumentInvalid",
        INVALID,
        "Something in the request breaks the hub's rules for names, sizes, depth or schema.",
        source=C1,
    ),
    HubCode("400005", "ArgumentNull", INVALID, "Something in the request is empty that may not be.", source=C1),
    HubCode("400006", "IotHubFormatError", INVALID, "The request's body is not the JSON that the hub expects.", source=C1),
    HubCode("400007", "DeviceStorageEntitySerializationError", TROUBLE, "The hub cannot write or read its own record."),
    HubCode(
        "400008", "BlobContainerValidationError", HUB_SETTING, "The storage container is not one that the hub can use.", _STORAGE
    ),
    HubCode(
        "400009", "ImportWarningExistsError", INVALID, "An import of devices left warnings behind.", "Read the import's log."
    ),
    HubCode("400010", "InvalidSchemaVersion", INVALID, "The schema version of the request is not one that the hub takes."),
    HubCode(
        "400011", "DeviceDefinedMultipleTimes", INVALID, "One request names the same device twice.", "Name each device once."
    ),
    HubCode("400012", "DeserializationError", INVALID, "The hub cannot read the request's body."),
    HubCode("400013", "BulkRegistryOperationFailure", INVALID, "Some of the identities of one request were refused."),
    HubCode("400014", "DefaultStorageEndpointNotConfigured", HUB_SETTING, "The hub has no storage account for files.", _STORAGE),
    HubCode("400015", "InvalidFileUploadCorrelationId", INVALID, "The upload that a device speaks of is not known.", _UPLOAD),
    HubCode("400016", "ExpiredFileUploadCorrelationId", INVALID, "The upload that a device speaks of has expired.", _UPLOAD),
    HubCode("400017", "InvalidStorageEndpoint", HUB_SETTING, "The hub cannot use its storage endpoint.", _STORAGE),
    HubCode("400018", "InvalidMessagingEndpoint", HUB_SETTING, "A messaging endpoint of the hub is not valid."),
    HubCode(
        "400019", "InvalidFileUploadCompletionStatus", INVALID, "A device ended an upload with a status that is none.", _UPLOAD
    ),
    # IotHubSuspended in C2, InvalidStorageEndpointOrBlob in TS: the name that came decides.
    HubCode("400020", "InvalidStorageEndpointOrBlob", HUB_SETTING, "The storage account refuses the hub, or is gone.", _STORAGE),
    HubCode("400021", "RequestCanceled", TROUBLE, "The hub gave the request up.", reason="the hub gave the request up"),
    HubCode("400022", "InvalidStorageEndpointProperty", HUB_SETTING, "A setting of the storage endpoint is not valid.", _STORAGE),
    HubCode("400023", "EtagDoesNotMatch", CHANGED, "The etag that was sent is not the current one."),
    HubCode("400024", "RequestTimedOut", TIMEOUT, "Hub or device took too long.", reason="the hub or the device took too long"),
    HubCode("400025", "UnsupportedOperationOnReplica", TROUBLE, "A copy of the hub answered that may not do this."),
    HubCode("400026", "NullMessage", INVALID, "The message has no content."),
    HubCode(
        "400027",
        "ConnectionForcefullyClosedOnNewConnection",
        CONTESTED,
        "Two clients connect with the same device or module identity and throw each other out.",
    ),
    HubCode("400028", "InvalidDeviceScope", INVALID, "The parent that the device is to have is none that the hub knows."),
    HubCode("400029", "ConnectionForcefullyClosedOnFaultInjection", TROUBLE, _SERVICE_UPGRADE, "Try again: it works at once."),
    HubCode("400030", "ConnectionRejectedOnFaultInjection", TROUBLE, _SERVICE_UPGRADE, "Wait a minute, then try again."),
    HubCode(
        "400031", "InvalidEndpointAuthenticationType", HUB_SETTING, "An endpoint of the hub signs in by a method that it cannot."
    ),
    HubCode("400032", "ManagedIdentityNotEnabled", HUB_SETTING, "The hub has no managed identity and is asked to use one."),
    HubCode("400035", "InvalidPolicyKey", HUB_SETTING, "The key of a shared access policy is none that the hub takes."),
    HubCode("400036", "BulkRegenerateDeviceKeyOperationFailure", INVALID, "Some of the devices' keys could not be made anew."),
    HubCode("400100", "InvalidRouteTestInput", INVALID, "The message that a route of the hub is tried with is not valid."),
    HubCode("400101", "InvalidSourceOnRoute", INVALID, "A route of the hub names a source that there is not."),
    HubCode("400102", "RoutingNotEnabled", UNAVAILABLE, "The hub routes no messages to other endpoints."),
    HubCode(
        "400103",
        "InvalidContentEncodingOrType",
        INVALID,
        "A query into the body wants messages with a content type and encoding of JSON; this one has not.",
        "Let the client set content type application/json and content encoding utf-8.",
    ),
    HubCode("400301", "CannotRegisterModuleToModule", INVALID, "A module cannot have modules of its own."),
    HubCode("400302", "TenantHubRoutingNotEnabled", UNAVAILABLE, "The hub does not route for its tenants."),
    HubCode(
        "400401", "InvalidConfigurationTargetCondition", _TARGET, "The target condition of a deployment cannot be read.", _QUERY
    ),
    HubCode("400402", "InvalidConfigurationContent", INVALID, "The hub does not take the content of the deployment.", _VALIDATE),
    HubCode(
        "400403",
        "CannotModifyImmutableConfigurationContent",
        _FIXED,
        "A deployment at scale under this id exists, and its content stays as it was made.",
    ),
    HubCode("400404", "InvalidConfigurationCustomMetricsQuery", _TARGET, "The query of a metric cannot be read.", _QUERY),
    HubCode("400501", "InvalidPnPInterfaceDefinition", TWIN_MODEL, "The definition of an interface is not valid."),
    HubCode("400502", "InvalidPnPDesiredProperties", TWIN_MODEL, "The desired properties do not fit the model."),
    HubCode("400503", "InvalidPnPReportedProperties", TWIN_MODEL, "The reported properties do not fit the model."),
    HubCode("400504", "InvalidPnPWritableReportedProperties", TWIN_MODEL, "The writable properties do not fit the model."),
    HubCode("400505", "InvalidDigitalTwinJsonPatch", TWIN_MODEL, "The change is no JSON patch."),
    HubCode("400506", "InvalidDigitalTwinPayload", TWIN_MODEL, "The content does not fit the model."),
    HubCode("400507", "InvalidDigitalTwinPatch", TWIN_MODEL, "The change does not fit the model."),
    HubCode("400508", "InvalidDigitalTwinPatchPath", TWIN_MODEL, "The change names a place that the model has not."),
    HubCode("405000", "GenericMethodNotAllowed", INVALID, "The hub does not offer this kind of request at this address."),
    HubCode(
        "405102", "OperationNotAllowedInCurrentState", INVALID, "What was asked cannot be done in the state that it is in now."
    ),
    HubCode("405103", "ImportDevicesNotSupported", UNAVAILABLE, "The hub imports no devices."),
    HubCode("405104", "BulkAddDevicesNotSupported", UNAVAILABLE, "The hub does not add devices in bulk."),
    HubCode("413000", "GenericRequestEntityTooLarge", TOO_BIG, "The request is over a limit of the hub."),
    HubCode("413001", "MessageTooLarge", TOO_BIG, "A message to the hub may have 256 KB, one to a device 64 KB.", source=C1),
    HubCode(
        "413002", "TooManyDevices", LIMIT, "One request names more devices than the hub takes, or it holds no more.", source=C1
    ),
    HubCode("413003", "TooManyModulesOnDevice", LIMIT, "A device takes 50 modules at most.", "Remove modules first.", source=C2),
    HubCode(
        "413101",
        "ConfigurationCountLimitExceeded",
        LIMIT,
        "A hub takes 100 deployments at scale, a free one 10.",
        "Remove deployments that no device needs.",
    ),
    HubCode("413201", "DigitalTwinModelCountLimitExceeded", TWIN_MODEL, "The hub takes no more models."),
    HubCode(
        "413202", "InterfaceNameCompressionModelCountLimitExceeded", TWIN_MODEL, "The hub takes no more models of interfaces."
    ),
    HubCode("415000", "GenericUnsupportedMediaType", INVALID, "The request's content type is not one that the hub takes."),
    HubCode("415101", "IncompatibleDataType", INVALID, "The request's data are of a type that the hub does not take here."),
)
