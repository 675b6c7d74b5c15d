"""What stands in a row of the catalogue of the hub's error codes, and the kinds of trouble that many codes share."""

from __future__ import annotations

from dataclasses import dataclass

from services.records import Severity

# Sources, as docs/facts/hub-codes-and-routes.md names them.
TS = "TS: MicrosoftDocs/azure-docs articles/iot-hub/troubleshoot-error-codes.md, 2026-01-06"
CC = "CC: learn.microsoft.com/rest/api/iothub/common-error-codes"
C1 = "C1: azure-iot-sdk-csharp main, iothub/service/src/Common/Exceptions/ErrorCode.cs"
C2 = "C2: azure-iot-sdk-csharp previews/v2, src/Exceptions/IotHubServiceErrorCode.cs"
J = "J: azure-iot-sdk-java 2020-06-12, serializer/ErrorCodeDescription.java"


@dataclass(frozen=True, slots=True)
class Kind:
    """A named state and what is said of it where a code says nothing of its own.

    ``passes`` is true for trouble that goes away by itself, ``may_have_run`` for a call whose outcome the reply leaves open.
    """

    state: str
    severity: Severity
    word: str
    reason: str
    remedy: str
    passes: bool = False
    may_have_run: bool = False


@dataclass(frozen=True, slots=True)
class HubCode:
    """One error code of the hub: its numbers and names, what it means and where that is written.

    ``reason`` and ``remedy`` are those of the kind unless the row has its own.
    """

    number: str
    name: str
    kind: Kind
    cause: str
    remedy: str = ""
    reason: str = ""
    source: str = TS
    also: tuple[str, ...] = ()  # further numbers and names of the same thing

    @property
    def codes(self) -> tuple[str, ...]:
        """Every number and name that stands for this row."""
        return tuple(code for code in (self.number, self.name, *self.also) if code)


INVALID = Kind(
    "invalid-argument",
    "error",
    "invalid",
    "the hub finds the request invalid",
    "The raw reply names the field; correct it and send again.",
)
TOO_BIG = Kind("too-large", "error", "too-big", "the request is larger than the hub takes", "Send less.")
MISSING = Kind(
    "not-there",
    "error",
    "missing",
    "the hub has nothing of that name",
    "Check the name, and that the context names the right hub.",
)
EXISTS = Kind(
    "already-there",
    "warning",
    "exists",
    "it is there already",
    "Choose another name or change the one that is there.",
)
CHANGED = Kind(
    "changed-meanwhile",
    "warning",
    "changed",
    "changed by somebody else in between",
    "Read it again and look at the new difference before applying.",
)
BUSY = Kind("busy", "warning", "busy", "something else is at work there", "Wait a moment and try again.", passes=True)
LIMIT = Kind(
    "limit-reached", "error", "limit", "a limit of the hub is reached", "Remove what is no longer needed, then try again."
)
THROTTLED = Kind(
    "throttled",
    "warning",
    "throttled",
    "the hub throttles these calls",
    "Wait a little and try again; longer refresh intervals in the context, fewer consoles at once.",
    passes=True,
)
TROUBLE = Kind(
    "hub-trouble",
    "warning",
    "trouble",
    "the hub has trouble of its own ({status})",
    "Try again; if it stays, look at Azure's status page.",
    passes=True,
    may_have_run=True,
)
OFFLINE = Kind(
    "device-offline",
    "error",
    "offline",
    "device is not connected to the hub",
    (
        "Check power, network and ports 5671, 8883 and 443 outwards at the device; after a restart wait a few minutes. Where a ping "
        "of the device is answered, its module is what does not answer."
    ),
)
TIMEOUT = Kind(
    "method-timeout",
    "warning",
    "timeout",
    "the device did not answer in time",
    (
        "See whether it was carried out before you try again, with a longer time; if it stays so, the module that should answer "
        "hangs: restart it."
    ),
    may_have_run=True,
)
REFUSED = Kind(
    "unauthorized",
    "error",
    "refused",
    "the hub refuses this key or sign-in",
    (
        "Check the policy's name, key and rights in the context (registry read/write and service connect are needed); "
        "`dbe-console doctor` compares the clock with the hub's and tries each right by itself."
    ),
)
FORBIDDEN = Kind(
    "forbidden",
    "error",
    "refused",
    "the hub forbids this call",
    "The raw reply says why; `dbe-console doctor` tries each right by itself.",
)
DISABLED = Kind(
    "device-disabled", "error", "disabled", "the device identity is disabled", "Enable the device identity in the hub."
)
CONTESTED = Kind(
    "one-identity-two-clients",
    "error",
    "contested",
    "two clients share one identity",
    "Give each client an identity of its own, or stop one of them.",
)
UNAVAILABLE = Kind(
    "not-supported",
    "error",
    "missing",
    "the hub does not offer this",
    "Do without it, or use a hub that offers it.",
)
HUB_SETTING = Kind(
    "hub-setting",
    "error",
    "setting",
    "a setting of the hub itself stands in the way",
    "Have the hub's owner look at it in the portal; this console changes no settings of the hub.",
)
TWIN_MODEL = Kind(
    "digital-twin",
    "error",
    "model",
    "the hub refuses it as part of a digital twin's model",
    "This console uses no digital twin models: see which other program does.",
)
