"""Rules: what the hub's built-in endpoint says over AMQP (docs/facts/iot-hub.md and docs/facts/sdk-clients.md)."""

from __future__ import annotations

from services.diagnosis.rule import Rule

_OWN_GROUP = "Make a consumer group for this console in the hub's built-in endpoint and name it in the context."

RULES: tuple[Rule, ...] = (
    Rule(
        "too-many-readers",
        "error",
        "crowded",
        "five readers hold this consumer group already",
        "A partition takes at most five readers of one consumer group.",
        _OWN_GROUP,
        pattern=r"Exceeded the maximum number of allowed receivers|which is 5",
    ),
    Rule(
        "link-stolen",
        "error",
        "stolen",
        "another reader took the partition over",
        "A reader with an owner level (an epoch) attached to the same consumer group and threw this one out.",
        _OWN_GROUP,
        codes=("amqp:link:stolen", "link:stolen", "ConnectionLostError: link:stolen"),
        pattern=r"epoch of '?\d+|higher epoch|disconnected due to[^.]{0,40}epoch",
    ),
    Rule(
        "one-identity-two-clients",
        "error",
        "contested",
        "two clients share one identity",
        "Two clients connect with the same device or module identity and throw each other out; gaps alternate between them.",
        "Give each client an identity of its own, or stop one of them.",
        codes=("400027", "409002"),
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
    ),
    Rule(
        "token-expired",
        "error",
        "expired",
        "the token has expired",
        "The endpoint says that the token has expired: this machine's clock is off, or a pasted token is old.",
        "Compare this machine's clock with the hub's Date (`dbe-console doctor` does) and switch on NTP.",
        codes=("ExpiredToken", "ExpiredSecurityToken"),
        pattern=r"token (?:is|has) expired|SAS token is expired|ExpiredToken",
    ),
    Rule(
        "events-unauthorized",
        "error",
        "refused",
        "the endpoint refuses this key",
        "The policy's name or key is wrong, or the policy has not the right ServiceConnect.",
        (
            "Check the policy (ServiceConnect is needed) and key in the context, or paste the Event Hub-compatible "
            "connection string anew."
        ),
        codes=("amqp:unauthorized-access", "InvalidSignature", "UnauthorizedAccess"),
        pattern=(
            r"CBS Token authentication failed(?!\.?\s*Status code: None)|InvalidSignature|put-token[^.]{0,60}401|status code:? 401"
        ),
    ),
    Rule(
        "events-unauthorized",
        "error",
        "refused",
        "signing in at the endpoint failed",
        "The endpoint did not take the token, or the line broke while it was shown: it gave no status.",
        "Check policy and key in the context; where they are right, the line: try websockets over 443.",
        codes=("AuthenticationError",),
        pattern=r"CBS Token authentication failed",
        likely=True,
        general=True,
        settle="`dbe-console doctor` tries the right to receive and the port by themselves.",
    ),
    Rule(
        "endpoint-limit",
        "error",
        "limit",
        "a limit of the endpoint is reached",
        "It says: {text}",
        "Close other readers and consoles; more units raise most limits.",
        pattern=r"maximum number of (?:connections|links|sessions|entities)",
    ),
    Rule(
        "too-many-readers",
        "error",
        "crowded",
        "five readers hold this consumer group already",
        "A limit of the endpoint is reached, mostly that of five readers of one consumer group in a partition.",
        _OWN_GROUP,
        codes=("amqp:resource-limit-exceeded",),
        likely=True,
        general=True,
        settle="`dbe-console doctor` takes a reader's place for a moment, and the endpoint says what it has against it.",
    ),
    Rule(
        "consumer-group-missing",
        "error",
        "missing",
        "no such consumer group or event hub",
        "The consumer group, or the Event Hub-compatible name, does not exist at this endpoint.",
        "Check the consumer group in the context ($Default is always there) and the EntityPath.",
        codes=("amqp:not-found", "MessagingEntityNotFound"),
        pattern=r"messaging entity[^.]{0,200}could not be found",
    ),
    Rule(
        "throttled",
        "warning",
        "throttled",
        "the endpoint throttles",
        "More is read or managed than the hub's units allow.",
        "It goes on by itself; fewer readers help.",
        codes=("server-busy", "com.microsoft:server-busy"),
    ),
    Rule(
        "offset-gone",
        "warning",
        "gap",
        "the hub no longer keeps this position",
        "The position to resume from lies before what the hub retains (1 to 7 days).",
        "Nothing: reading goes on at the oldest message kept and the gap is shown. Raise the retention to have more next time.",
        codes=("com.microsoft:argument-out-of-range",),
        pattern=r"offset[^.]{0,120}(?:is invalid|out of range|not available)",
    ),
    Rule(
        "messages-lost",
        "warning",
        "gap",
        "{count} lost in the last day",
        "The hub had forgotten them before they were read: nobody read for longer than it keeps messages, or it keeps few.",
        "They are gone. Raise the retention of the hub's built-in endpoint; `dbe-console record` goes on reading without a console.",
        pattern=r"^lost: (?P<count>[\d,]+ messages?)$",
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
    ),
    Rule(
        "quota-exceeded",
        "error",
        "quota",
        "the hub's daily message quota is used up",
        "The hub has counted all messages of its tier and day.",
        "It starts again at 00:00 UTC; `--wait` and `-s` let the client send less.",
        codes=("403002", "IotHubQuotaExceeded", "com.microsoft:device-quota-exceeded"),
    ),
    Rule(
        "endpoint-silent",
        "error",
        "silent",
        "port 5671 opens and nothing is said on it",
        "The connection stands and AMQP gets no word: a firewall that lets the port open and swallows the rest, or the hub hangs.",
        'Set `transport = "websocket"` (port 443) in the context\'s events; else try again in a minute.',
        codes=("silent",),
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
    ),
    Rule(
        "connection-cut",
        "warning",
        "reconnect",
        "the connection was cut",
        "The endpoint or the network closed the connection; reading resumes where the journal stands.",
        "Nothing has to be done, unless it happens often: then look at the network, or use websockets over 443.",
        codes=(
            "amqp:connection:forced",
            "amqp:link:detach-forced",
            "amqp:internal-error",
            "ConnectionLostError",
            "ConnectionClose",
            "amqp:socket-error",
            "amqp:unknown-error",
        ),
        pattern=(
            r"connection (?:was |has been )?(?:closed|lost|reset|aborted)|socket (?:closed|error)|Can not read frame|"
            r"idle timeout|inactive for more than"
        ),
    ),
    Rule(
        "endpoint-unreachable",
        "error",
        "unreachable",
        "the endpoint cannot be reached",
        "Port 5671 is closed on the way out, or the endpoint's name is wrong.",
        'Set `transport = "websocket"` (port 443) in the context\'s events, with `proxy` where there is one.',
        codes=("ConnectError", "amqp:client-error", "OperationTimeoutError"),
        likely=True,
        general=True,
        settle="`dbe-console doctor` tries the ports 5671, 443 and 8883 one by one.",
    ),
)
