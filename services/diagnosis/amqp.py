"""Rules: what the hub's built-in endpoint says over AMQP (docs/facts/hub-codes-and-routes.md, section 2).

Words decide before conditions: one condition stands for several causes. What azure-eventhub makes of both is in its
``_pyamqp/error.py``.
"""

from __future__ import annotations

from services.diagnosis import amqp_conditions
from services.diagnosis.amqp_conditions import OWN_GROUP, PYAMQP
from services.diagnosis.hub_http import ASK_FOR_ADDRESS, NETWORK_RULES
from services.diagnosis.rule import Rule

_OWN = "what this console itself writes"
_TOKEN_TIME = "Compare this machine's clock with the hub's Date (`dbe-console doctor` does) and switch on NTP."

_WORDS: tuple[Rule, ...] = (
    Rule(
        "too-many-readers",
        "error",
        "crowded",
        "five readers hold this consumer group already",
        "A partition takes at most five readers of one consumer group; ones that died count until the hub notices.",
        OWN_GROUP,
        pattern=r"Exceeded the maximum number of allowed receivers|receivers?[^.\n]{0,80}which is \d|\bwhich is 5\b",
        source="azure-sdk-for-java#38117",
    ),
    Rule(
        "link-stolen",
        "error",
        "stolen",
        "another reader took the partition over",
        "A reader with an owner level (an epoch) reads the same consumer group and keeps this one out.",
        OWN_GROUP,
        codes=("amqp:link:stolen", "link:stolen", "ConnectionLostError: link:stolen", "com.microsoft:producer-epoch-stolen"),
        pattern=r"epoch of '?\d+|higher epoch|disconnected due to[^.]{0,40}epoch",
        source="event-hubs-python#77; azure-sdk-for-python#31084; azure-sdk-for-java#12483, #26583",
    ),
    Rule(
        "network-rules",
        "error",
        "firewall",
        "the endpoint's network rules keep this machine out",
        "The endpoint lets only some addresses in, or none of the public network, and says that this machine's is none of them.",
        ASK_FOR_ADDRESS,
        pattern=NETWORK_RULES,
        source="vscode-azure-iot-toolkit#575; learn.microsoft.com Event Hubs, IP filtering",
    ),
    Rule(
        "receiver-role-missing",
        "error",
        "rights",
        "the sign-in lacks the role to receive from this Event Hub",
        "Its token is accepted, and no role allows it to receive from {resource}.",
        (
            "Ask for the role Azure Event Hubs Data Receiver on that Event Hub or its namespace (on a consumer group alone it does "
            "not count); it takes some minutes to hold, and receiving goes on by itself."
        ),
        pattern=(
            r"'Listen' claim(?:\(s\)|s)? (?:are|is) required(?:[^']{0,80}Resource: '(?:\w+://)?(?P<resource>[^']{1,200})')?|"
            r"(?P<resource2>[\w.-]{1,200}): AuthenticationError: Management authentication failed\. Status code: 401"
        ),
        token=True,
        source="azure-sdk-for-python#35337; functions-python-worker#1778; azure-eventhub 5.15.1, _transport/_pyamqp_transport.py",
    ),
    Rule(
        "sign-in-refused",
        "error",
        "refused",
        "the Event Hub does not take the sign-in's token",
        "The token is for another tenant or another cloud, or it has expired: the clock of this machine may be off.",
        "Check tenant and cloud (authority) of the context's sign_in, then this machine's clock.",
        codes=("AuthenticationError", "InvalidSignature", "ExpiredToken"),
        pattern=r"CBS Token authentication failed|InvalidSignature|ExpiredToken|Authentication (?:timeout|Expired)",
        token=True,
        source="azure-eventhub 5.15.1, _pyamqp/aio/_cbs_async.py",
    ),
    Rule(
        "events-unauthorized",
        "error",
        "rights",
        "the policy lacks the right {right}",
        "The key is right, and its shared access policy has not the right {right}, which this takes.",
        "Take a policy with ServiceConnect (service has it, iothubowner too), or have the right added to this one.",
        pattern=r"'(?P<right>\w{1,40})' claim(?:\(s\)|s)? (?:are|is) required",
        source="azure-event-hubs-python#43; home-assistant/core#81084",
    ),
    Rule(
        "token-expired",
        "error",
        "expired",
        "the token has expired",
        "The endpoint says that the token has expired: this machine's clock is off, or a pasted token is old.",
        _TOKEN_TIME,
        codes=("ExpiredToken", "ExpiredSecurityToken", "com.microsoft:auth:expired"),
        pattern=r"token (?:is|has) expired|SAS token is expired|ExpiredToken|token[^.\n]{0,60}\bexpired\b",
        source="learn.microsoft.com Event Hubs, messaging exceptions",
    ),
    Rule(
        "hub-remade",
        "warning",
        "anew",
        "the hub is another one than the journal knows",
        (
            "The position to resume from lies beyond the end of the hub's messages: the hub was deleted and made anew, or failed over, "
            "and counts from the beginning again."
        ),
        "Nothing: reading begins at the oldest message of the hub as it is now, and what the journal has stays.",
        pattern=r"supplied (?:sequence number|offset)[^.\n]{0,80}is invalid|last (?:sequence number|offset)[^.\n]{0,60}in the system",
        source="event-hubs-python#13; azure-firewall-mon#21; azure-event-hubs-spark#315",
    ),
    Rule(
        "endpoint-limit",
        "error",
        "limit",
        "a limit of the endpoint is reached",
        "It says: {whole}",
        "Close other readers and consoles; more units raise most limits.",
        pattern=(
            r"maximum number of (?:[\w-]{1,20} ){0,2}(?:connections|links|sessions|entities|handles)|connections? ?quota|"
            r"\blimit of \d+ (?:\w{1,20} )?connections|message queue (?:is full|depth)"
        ),
        source="learn.microsoft.com Event Hubs, quotas",
    ),
    Rule(
        "hub-missing",
        "error",
        "missing",
        "there is no such hub at this endpoint",
        "The endpoint does not have the Event Hub-compatible name {entity}: it is misspelt, or the hub was deleted, made anew or failed over.",
        "Leave the events' connection string out, so that the endpoint is found anew, or copy it again from the hub's Built-in endpoints.",
        pattern=r"messaging entity '?(?:sb://)?[^'\s/]{0,200}/(?P<entity>[^'/\s]{1,100})(?:/\$management)?'?[^.\n/]{0,40}could not be found",
        source="azure-docs#52223; the remedy is inferred",
    ),
    Rule(
        "consumer-group-missing",
        "error",
        "missing",
        "the hub has no consumer group {group}",
        "The hub is there, and its built-in endpoint has no consumer group of that name.",
        "Check the consumer group in the context ($Default is always there), or make it in the hub's Built-in endpoints.",
        pattern=r"messaging entity[^\n]{0,300}/consumergroups/(?P<group>[^'/\s]{1,100})[^\n]{0,80}could not be found",
        source="AzureMonitorAddonForSplunk#8",
    ),
    Rule(
        "consumer-group-missing",
        "error",
        "missing",
        "no such consumer group or event hub",
        "The consumer group, or the Event Hub-compatible name, does not exist at this endpoint.",
        "Check the consumer group in the context ($Default is always there) and the EntityPath.",
        codes=("amqp:not-found", "MessagingEntityNotFound", "com.microsoft:message-not-found", "com.microsoft:session-not-found"),
        pattern=r"messaging entity[^\n]{0,300}could not be found",
        general=True,
        source=PYAMQP,
    ),
    Rule(
        "one-identity-two-clients",
        "error",
        "contested",
        "two clients share one identity",
        "Two clients connect with the same device or module identity and throw each other out; gaps alternate between them.",
        "Give each client an identity of its own, or stop one of them.",
        codes=("400027", "409002"),
        source="TS: troubleshoot-error-codes.md, 400027 and 409002",
    ),
    Rule(
        "one-identity-two-clients",
        "error",
        "contested",
        "two clients share its identity: its connection comes and goes",
        (
            "The connection of this identity changed {count}. A hub ends the connection of a client when another one "
            "connects as the same device or module (400027): each pushes the other out, and results come late or in part."
        ),
        "Give each client an identity of its own, or stop one of them: look for the same connection string on another machine.",
        pattern=r"^changed: (?P<count>.*)$",
        likely=True,
        settle="The hub's own log (Connections) says 400027; a line of the device's own that breaks looks alike.",
        source=_OWN,
    ),
)

_OURS: tuple[Rule, ...] = (
    Rule(
        "messages-lost",
        "warning",
        "gap",
        "{count} lost in the last day",
        "The hub had forgotten them before they were read: nobody read for longer than it keeps messages, or it keeps few.",
        "They are gone. Raise the retention of the hub's built-in endpoint; `dbe-console record` goes on reading without a console.",
        pattern=r"^lost: (?P<count>[\d,]+ messages?)$",
        source=_OWN,
    ),
    Rule(
        "retention-short",
        "warning",
        "retention",
        "the hub keeps messages for a short time only",
        (
            "Gone from the hub, though in the journal here: {count}, the newest only {minutes} old. A hub keeps each for a day at "
            "least: who does not read at once loses them."
        ),
        "Keep a reader running (`dbe-console record`); raise the retention of the hub's built-in endpoint, or ask Azure's support.",
        pattern=r"^forgotten: (?P<count>[\d,]+ messages?)$",
        source=_OWN,
    ),
    Rule(
        "endpoint-silent",
        "error",
        "silent",
        "port 5671 opens and nothing is said on it",
        "The connection stands and AMQP gets no word: a firewall that lets the port open and swallows the rest, or the hub hangs.",
        'Set `transport = "websocket"` (port 443) in the context\'s events; else try again in a minute.',
        codes=("silent",),
        source=_OWN,
    ),
    Rule(
        "slow",
        "warning",
        "slow",
        "the endpoint answers late",
        (
            "{detail}, where parts of a second are usual: a thin or busy line, a proxy, or a hub that is throttled or has trouble. "
            "Messages come late."
        ),
        "Have patience; if it stays, look at the line, try websockets over 443, and see Azure's status page.",
        codes=("slow",),
        pattern=r"^(?P<detail>(?:a|no) reader was let in .*)$",
        source=_OWN,
    ),
    Rule(
        "events-frozen",
        "warning",
        "silent",
        "connected, yet nothing has come for {minutes}",
        "The connection stands and says nothing: the clients send nothing, or a firewall keeps a dead connection open.",
        "Look at the client modules; if they run, reconnect, and use websockets (443) where a firewall sits in between.",
        codes=("stale", "frozen"),
        likely=True,
        settle="The hub's own metric, or `dbe-console doctor`, tells whether messages arrive at the hub.",
        source=_OWN,
    ),
)

RULES: tuple[Rule, ...] = (*_WORDS, *_OURS, *amqp_conditions.RULES)
