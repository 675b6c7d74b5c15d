"""The hub's refusals with the codes of docs/facts/iot-hub.md; the names are those of azure-iot-sdk's ErrorCode."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

# code → (HTTP status, name, default message)
CODES: dict[int, tuple[int, str, str]] = {
    400001: (400, "InvalidProtocolVersion", "BadRequest"),
    400004: (400, "ArgumentInvalid", "The argument is invalid."),
    400003: (400, "InvalidOperation", "The operation is not valid for this resource."),
    400006: (400, "IotHubFormatError", "The request is not of the expected form."),
    400027: (400, "ConnectionForcefullyClosedOnNewConnection", "Connection was closed because the device connected again."),
    400028: (400, "InvalidDeviceScope", "The device scope is not valid."),
    400401: (400, "InvalidConfigurationTargetCondition", "The target condition is not valid."),
    400402: (400, "InvalidConfigurationContent", "The content provided for configuration is invalid."),
    400403: (400, "CannotModifyImmutableConfigurationContent", "The content of a configuration cannot be changed."),
    400404: (400, "InvalidConfigurationCustomMetricsQuery", "A custom metric's query is not valid."),
    401002: (401, "IotHubUnauthorizedAccess", "Unauthorized"),
    401003: (401, "IotHubUnauthorized", "Unauthorized"),
    401100: (401, "SystemModuleModifyUnauthorizedAccess", "Unauthorized to modify reserved module."),
    403002: (403, "IotHubQuotaExceeded", "Total number of messages on IotHub exceeded the allocated quota."),
    403004: (403, "DeviceMaximumQueueDepthExceeded", "The device's queue is full."),
    403012: (403, "DeviceDisabled", "The device is disabled."),
    403010: (
        403,
        "OperationNotAvailableInCurrentTier",
        "The operation is not supported in the hub's tier; it needs a standard tier.",
    ),
    403100: (403, "DeviceModelMaxPropertiesExceeded", "The maximum size of the properties was exceeded: 32768 bytes."),
    404001: (404, "DeviceNotFound", "Device is not registered"),
    404006: (404, "AmqpAddressNotFound", "The link address did not match any of the expected formats."),
    404010: (404, "ModuleNotFound", "Module is not registered"),
    404301: (404, "ConfigurationNotFound", "Configuration is not found"),
    404102: (404, "DeviceNotOnline", "The operation failed because the requested device isn't online."),
    404103: (404, "DeviceNotOnline", "Timed out waiting for device to connect."),
    404104: (404, "DeviceConnectionClosedRemotely", "The device closed the connection."),
    409001: (409, "DeviceAlreadyExists", "Device already registered"),
    409301: (409, "ModuleAlreadyExistsOnDevice", "Module already registered on the device"),
    409401: (409, "ConfigurationAlreadyExists", "Configuration already exists"),
    409402: (
        409,
        "ApplyConfigurationAlreadyInProgressOnDevice",
        "A configuration is already being applied on the device; read again and retry.",
    ),
    409002: (409, "LinkCreationConflict", "A link of the same name exists already."),
    412001: (412, "PreconditionFailed", "Precondition failed: version did not match."),
    412002: (412, "DeviceMessageLockLost", "The message's lock is lost."),
    413001: (413, "MessageTooLarge", "The message is too large."),
    413003: (413, "TooManyModulesOnDevice", "The device has too many modules."),
    429001: (429, "ThrottlingException", "The operation was throttled; retry later."),
    429002: (429, "ThrottleBacklogLimitExceeded", "The number of requests in the backlog exceeds the limit."),
    429003: (429, "ThrottlingBacklogTimeout", "The request timed out in the throttling backlog."),
    500001: (500, "ServerError", "The hub met an internal error; retry."),
    503001: (503, "ServiceUnavailable", "The service is unavailable."),
    504101: (504, "GatewayTimeout", "Timed out waiting for the response from device."),
}


def section(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object under ``name``, empty where it is missing or null; HubError 400004 where it is something else."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HubError(400004, f"'{name}' must be an object.")
    return value


class HubError(Exception):
    """A refusal: ``code`` is one of CODES (404103…), from which HTTP status and name follow.

    ``nested`` writes the Message as direct methods do: a JSON object with errorCode inside.
    """

    def __init__(self, code: int, message: str = "", *, nested: bool = False) -> None:
        self.code = code
        self.status, self.name, default = CODES.get(code, (code // 1000, f"Code{code}", "The request was refused."))
        self.message = message or default
        self.nested = nested
        super().__init__(f"{code} {self.name}: {self.message}")

    def body(self, now: datetime | None = None) -> dict[str, str]:
        """Return the HTTP body: ``{"Message": "ErrorCode:NAME;…", "ExceptionMessage": "Tracking ID:…"}``."""
        moment = now or datetime.now(timezone.utc)
        if self.nested:
            return {"Message": json.dumps({**self.device_body(moment), "info": {}}), "ExceptionMessage": ""}
        return {"Message": f"ErrorCode:{self.name};{self.message}", "ExceptionMessage": f"Tracking ID:{_tracking(moment)}"}

    def device_body(self, now: datetime | None = None) -> dict[str, object]:
        """Return what a device is sent over MQTT and AMQP: ``{"errorCode": 400004, "trackingId", "message", "timestampUtc"}``.

        Source: docs/facts/lab-answers.md (devices).
        """
        moment = now or datetime.now(timezone.utc)
        return {
            "errorCode": self.code,
            "trackingId": _tracking(moment),
            "message": self.message,
            "timestampUtc": moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z",
        }

    def device_text(self) -> str:
        """Return ``device_body`` as JSON."""
        return json.dumps(self.device_body())


def _tracking(moment: datetime) -> str:
    return f"{uuid.uuid4().hex}-G:10-TimeStamp:{moment:%m/%d/%Y %H:%M:%S}"
