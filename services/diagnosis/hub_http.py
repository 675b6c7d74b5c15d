"""Rules: what IoT Hub's HTTPS API answers (docs/facts/hub-codes-and-routes.md, section 1).

Its words come first, then its codes (``hub_codes``), then the bare status; so a number that two lists give two names to decides
nothing.
"""

from __future__ import annotations

from dataclasses import replace

from services.diagnosis.hub_codes import CODES
from services.diagnosis.hub_codes.row import BUSY, CC, CHANGED, EXISTS, FORBIDDEN, INVALID, MISSING, REFUSED, TS, HubCode
from services.diagnosis.rule import Rule

# Words by which hub and built-in endpoint say that it is the caller's address that they refuse.
NETWORK_RULES = (
    r"\bIP\b[^.;\n]{0,80}(?:prevented|not allowed|denied|blocked|rejected|not authori[sz]ed)|IP ?filter|ipfilter|"
    r"public (?:network )?access[^.;\n]{0,60}(?:disabled|denied|not (?:allowed|permitted|enabled))|"
    r"(?:disabled|denied|blocked)[^.;\n]{0,40}public (?:network )?access|"
    r"network (?:security )?(?:rule|polic)|private (?:endpoint|link)|virtual network|\bvnet\b|firewall"
)
ASK_FOR_ADDRESS = (
    "Ask the hub's owner to let this machine's address in (the hub's networking: IP filter, public access), or connect from the "
    "network of its private endpoint. A new key does not help."
)

_WORDS: tuple[Rule, ...] = (
    Rule(
        "string-too-big",
        "error",
        "too-big",
        "a value over {limit} bytes",
        (
            "One string of the twin is longer than the {limit} bytes that the hub takes; create options are written in chunks of "
            "512 characters to avoid it."
        ),
        "Shorten the value, or deploy through this console, which chunks create options.",
        pattern=r"\bmaximum (?:size |length )?(?:of )?(?P<limit>[\d,]+) bytes",
        statuses=(400,),
        source="iotedge#171, #207; azure-iot-cli-extension#62",
    ),
    Rule(
        "network-rules",
        "error",
        "firewall",
        "the hub's network rules keep this machine out",
        "The hub lets only some addresses in, or none of the public network, and says that this machine's is none of them.",
        ASK_FOR_ADDRESS,
        pattern=NETWORK_RULES,
        statuses=(401, 403),
        source="MicrosoftDocs/azure-docs#86107; vscode-azure-iot-toolkit#575",
    ),
    Rule(
        "role-missing",
        "error",
        "rights",
        "the sign-in lacks a role on this hub to look",
        "The account is known, and no role of it on this hub allows it to read.",
        (
            "Ask the hub's owner for the role IoT Hub Data Reader on this hub (IoT Hub Data Contributor also deploys, restarts and "
            "fetches logs); it takes some minutes to hold."
        ),
        pattern=r"\bPrincipal\b[^;\n]{0,200}not authori[sz]ed for (?:GET\b|POST on /devices/query)",
        statuses=(401, 403),
        source=TS,
    ),
    Rule(
        "role-missing",
        "error",
        "rights",
        "the sign-in lacks a role on this hub to change or call",
        "The account is known, and none of its roles on this hub allows {action}: IoT Hub Data Reader looks only.",
        "Ask the hub's owner for the role IoT Hub Data Contributor on this hub; it takes some minutes to hold.",
        pattern=r"\bPrincipal\b[^;\n]{0,200}not authori[sz]ed for (?P<action>(?:POST|PATCH|PUT|DELETE) on /[^\s;]{1,120})",
        statuses=(401, 403),
        source=TS,
    ),
    Rule(
        "role-missing",
        "error",
        "rights",
        "the sign-in lacks a role on this hub",
        "The account may not do this on the hub: it is known, and has no role that allows it.",
        "Ask the hub's owner for the role IoT Hub Data Contributor (IoT Hub Data Reader for looking only); it takes some minutes to hold.",
        pattern=r"\bPrincipal\b[^;\n]{0,200}not authori[sz]ed|no assigned permissions|does not have (?:authori[sz]ation|permission)",
        statuses=(401, 403),
        source=TS,
    ),
    Rule(
        "right-missing",
        "error",
        "rights",
        "the policy {policy} lacks the right for this call",
        "The key is right, and its shared access policy has not the right that this call needs.",
        "Take a policy with registry read and write and service connect (iothubowner has all), or have the right added to this one.",
        pattern=r"Authori[sz]ation rule '?(?P<policy>[^'\s;]{0,80})'? does not allow|\bclaim(?:\(s\))?s? (?:are|is) required",
        statuses=(401, 403),
        source=TS,
    ),
    Rule(
        "device-missing",
        "error",
        "missing",
        "the hub knows no such device",
        "The hub holds no identity of the device that the token is for.",
        "Check the device id and that the context names the right hub: `dbe-console devices` lists those there are.",
        pattern=r"does not contain the specified (?:device|module)",
        statuses=(401, 404),
        source=TS,
    ),
    Rule(
        "device-credentials",
        "error",
        "refused",
        "the hub refuses the device's key or certificate",
        "The key or certificate of the device has expired, was renewed, or is not the one registered with its identity.",
        "Compare it with the identity in the hub; renew it at the device.",
        pattern=r"Authentication failed for this device|Thumbprint does not match",
        statuses=(401,),
        source=TS,
    ),
    Rule(
        "no-token",
        "error",
        "proxy",
        "the request reached the hub without its token",
        "The hub misses the header with the token, which this console sends: a proxy on the way took it out.",
        "Let the proxy pass the hub's address untouched (no_proxy).",
        pattern=r"Authori[sz]ation header (?:is )?missing",
        statuses=(401,),
        source=TS,
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
        pattern=r"(?:token|lifetime|credential)s? (?:is|has|have) expired|ExpiredSecurityToken|expired[^.;]{0,40}token",
        statuses=(401,),
        source="no live reply over HTTPS says so (csharp#1070, node#365); kept for gateways and other API versions",
    ),
    Rule(
        "agent-desired-locked",
        "error",
        "locked",
        "desired properties of $edgeAgent and $edgeHub cannot be patched",
        "The hub lets nobody but a deployment change the desired properties of $edgeAgent and $edgeHub.",
        "Make the change as a deployment (`dbe-console deploy`, or edit the module's options in the console).",
        pattern=r"Unauthori[sz]ed to (?:write 'desiredProperties'|modify reserved module)",
        statuses=(401, 403),
        source="Azure/iotedge#1162; Azure/azure-iot-explorer#574",
    ),
)

_TOKEN_REFUSED = Rule(
    REFUSED.state,
    REFUSED.severity,
    REFUSED.word,
    "the hub refuses the sign-in's token",
    "The token is of another tenant or cloud, the account has no role on the hub, or network rules keep this machine out: one answer for all.",
    (
        "Check tenant and cloud of the context's sign_in, then the account's role on this hub (IoT Hub Data Reader or Contributor), then "
        "the hub's networking (IP filter, public access): `dbe-console doctor` reads these where it may."
    ),
    token=True,
    general=True,
    source="azure-docs#86107; docs/facts/azure-today.md, Entra ID on the hub",
)
_REFUSED_CODES = tuple(code for row in CODES if row.kind is REFUSED for code in row.codes)
_CLOCK_OFF = Rule(
    "clock-off",
    "error",
    "clock",
    "the hub refuses the token, and this machine's clock is {clock}",
    (
        "A token carries a time, and over five minutes of difference are known to make the hub refuse it. It gives the same answer "
        "for a wrong key or a missing right."
    ),
    "Set this machine's clock (`timedatectl set-ntp true`), then try again.",
    likely=True,
    settle="The same call with the clock set: if it is refused still, look at the key, then at the policy's rights.",
    skewed=True,
    general=True,
    source=TS,
)
_CLOCK_AGREES = Rule(
    REFUSED.state,
    REFUSED.severity,
    REFUSED.word,
    REFUSED.reason,
    (
        "This machine's clock agrees with the hub's, so it is not that: the key is wrong or was renewed, its policy has not the right "
        "for this call, a pasted token has expired, or network rules keep this machine out. The hub gives one answer for all of them."
    ),
    (
        "Compare the key with the hub's shared access policies first, then its rights (registry read and write and service connect "
        "are needed; `dbe-console doctor` tries each by itself), then ask for the hub's IP filter and public access."
    ),
    skewed=False,
    general=True,
    source="azure-iot-sdk-csharp#1070; azure-docs#86107",
)
_CLOCK_BY_CODE = tuple(replace(rule, codes=_REFUSED_CODES) for rule in (_CLOCK_OFF, _TOKEN_REFUSED, _CLOCK_AGREES))
_CLOCK_BY_STATUS = tuple(replace(rule, statuses=(401,)) for rule in (_CLOCK_OFF, _TOKEN_REFUSED, _CLOCK_AGREES))


# Codes that name no cause: words beside them do, or the clock.
_GENERIC = (REFUSED, FORBIDDEN, INVALID, MISSING, BUSY, CHANGED, EXISTS)


def _rule(row: HubCode) -> Rule:
    kind = row.kind
    cause, remedy = row.cause, row.remedy or kind.remedy
    if kind.passes:
        cause = f"{cause} It passes by itself."
    if kind.may_have_run:
        remedy = f"{remedy} A change that was asked for may have been made all the same: look before you ask for it again."
    return Rule(
        kind.state,
        kind.severity,
        kind.word,
        row.reason or kind.reason,
        cause,
        remedy,
        codes=row.codes,
        general=kind in _GENERIC,
        source=row.source,
    )


_ASK_THE_HUB = "The hub's own words, below; `dbe-console doctor` tries each right by itself."


def _by_status(state: str, word: str, reason: str, cause: str, remedy: str, *statuses: int, passes: bool = False) -> Rule:
    return Rule(
        state,
        "warning" if passes else "error",
        word,
        reason,
        f"{cause} That is a guess from the status alone: no list has a code that the reply gives. It says: {{whole}}",
        remedy,
        statuses=statuses,
        likely=not passes,
        settle=_ASK_THE_HUB,
        general=True,
        source=CC,
    )


# What is guessed from the status alone, where the reply has no code that any list knows.
_BY_STATUS: tuple[Rule, ...] = (
    Rule(
        "not-a-hub",
        "error",
        "wrong-host",
        "this host is no IoT Hub",
        "The host answers, but not as an IoT Hub does.",
        "Check the HostName in the hub's connection string, and the proxy.",
        pattern=r"\A\s*<(?:!doctype|html)",
        statuses=(200, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 418),
        likely=True,
        general=True,
        settle="Open https://HOST/ in a browser from this machine: a proxy's page shows itself.",
        source="a page in HTML is no reply of a hub's API",
    ),
    Rule(
        "proxy-auth",
        "error",
        "proxy",
        "the proxy wants a sign-in",
        "The proxy on the way to the hub refuses this machine without user and password.",
        "Put user and password into the proxy's address (HTTPS_PROXY).",
        statuses=(407,),
        general=True,
        source="RFC 9110, 15.5.8",
    ),
    Rule(
        REFUSED.state,
        REFUSED.severity,
        REFUSED.word,
        REFUSED.reason,
        "The key or its policy is wrong for this call, it was renewed, this machine's clock is off, or network rules keep this machine out.",
        REFUSED.remedy,
        statuses=(401,),
        general=True,
        source=CC,
    ),
    Rule(
        "forbidden",
        "error",
        "refused",
        "the hub forbids this call",
        "The hub's network rules (IP filter, private endpoint) or the sign-in's role forbid it: a guess from the status. It says: {whole}",
        "Ask the hub's owner for this machine's address in the IP filter, or the role IoT Hub Data Contributor.",
        statuses=(403,),
        likely=True,
        general=True,
        settle=_ASK_THE_HUB,
        source=CC,
    ),
    _by_status("not-there", "missing", "the hub has nothing of that name", "Device, module, job or deployment is not there.",
               "Check the name, and that the context names the right hub.", 404, 410),
    _by_status("already-there", "exists", "it is there already", "An identity or deployment of that name exists, or is being changed.",
               "Look at the one that is there; try again in a moment.", 409),
    _by_status("changed-meanwhile", "changed", "changed by somebody else in between", "A condition of the call no longer holds.",
               "Read it again and look at the new difference before applying.", 412),
    _by_status("too-large", "too-big", "the request is larger than the hub takes",
               "A message is limited to 256 KB, a method's payload to 128 KB, a twin section to 32 KB.", "Send less.", 413),
    _by_status("throttled", "throttled", "the hub throttles these calls", "More calls than the hub's tier and units allow; it passes by itself.",
               "Wait a little and try again; longer refresh intervals in the context, fewer consoles at once.", 429, passes=True),
    _by_status("method-timeout", "timeout", "no answer in time", "Hub or device took too long; it may have been carried out.",
               "See whether it was carried out, then try again with a longer time.", 408, passes=True),
    _by_status("hub-trouble", "trouble", "the hub has trouble of its own ({status})", "It answered with a server error; it passes by itself.",
               "Try again; if it stays, look at Azure's status page.", 500, 502, 503, 504, passes=True),
    _by_status("invalid-argument", "invalid", "the hub finds the request invalid", "Something in the request breaks the hub's rules.",
               "Correct what it names and send again.", 400, 405, 406, 415, 422),
)  # fmt: skip

_BY_CODE = tuple(map(_rule, CODES))
RULES: tuple[Rule, ...] = (
    *(rule for rule in _BY_CODE if not rule.general),
    *_WORDS,
    *_CLOCK_BY_CODE,
    *(rule for rule in _BY_CODE if rule.general),
    *_CLOCK_BY_STATUS,
    *_BY_STATUS,
)
