"""Rules: what the edge hub reports of its own configuration in the twin of $edgeHub (docs/facts/hub-codes-and-routes.md, 3a).

The evidence's code is ``edge-hub``, its status lastDesiredStatus' code. Every module may run while nothing leaves the device.
"""

from __future__ import annotations

from services.diagnosis.rule import Rule

_WHOLE_SET = (
    "It refuses the whole configuration for that: it keeps the routes it had while it runs, and may have none after its next start. "
    "Then no message leaves the device, although every module runs."
)

RULES: tuple[Rule, ...] = (
    Rule(
        "edge-hub-refuses",
        "error",
        "routes",
        "the edge hub refuses the route {route}",
        f"{_WHOLE_SET} It says: {{text}}",
        "Correct the route {route} and deploy again: FROM /messages/modules/MODULE/* INTO $upstream is the usual one.",
        pattern=r"Error parsing route (?P<route>\S{1,128})",
        kinds=("edge-hub",),
    ),
    Rule(
        "edge-hub-refuses",
        "error",
        "routes",
        "the edge hub refuses a route: {fault}",
        f"{_WHOLE_SET} It says: {{text}}",
        "Correct it and deploy again: a route has a name, and is a text or an object of route, priority (0 to 9) and timeToLiveSecs.",
        pattern=r"(?P<fault>Invalid priority for route|Malformed route specification|Empty route name)",
        kinds=("edge-hub",),
    ),
    Rule(
        "edge-hub-schema",
        "error",
        "schema",
        "the edge hub refuses the schema version",
        f"schemaVersion of $edgeHub is missing, or none that this edge hub knows. {_WHOLE_SET} It says: {{text}}",
        "Set schemaVersion of $edgeHub to 1.0, or to 1.1 for routes with priority and time to live, and deploy again.",
        pattern=r"missing SchemaVersion|unsupported SchemaVersion|parsing schema version|schema version",
        kinds=("edge-hub",),
    ),
    Rule(
        "edge-hub-refuses",
        "error",
        "broker",
        "the edge hub refuses its MQTT broker's settings",
        f"{_WHOLE_SET} It says: {{text}}",
        "Correct mqttBroker in the desired properties of $edgeHub, or leave it out: the broker was removed with 1.3.",
        pattern=r"validating (?:authorization policy|bridge configuration)",
        kinds=("edge-hub",),
    ),
    Rule(
        "edge-hub-empty",
        "error",
        "empty",
        "the edge hub has no configuration",
        "The desired properties of $edgeHub are empty: it has no route, so no message leaves the device.",
        "Deploy a manifest with the section $edgeHub: schemaVersion, routes and storeAndForwardConfiguration.",
        codes=("edge-hub-empty",),
    ),
    Rule(
        "edge-hub-empty",
        "error",
        "empty",
        "the edge hub has no configuration",
        "The edge hub says that what it got is empty: it has no route, so no message leaves the device.",
        "Deploy a manifest with the section $edgeHub: schemaVersion, routes and storeAndForwardConfiguration.",
        kinds=("edge-hub",),
        statuses=(417,),
    ),
    Rule(
        "edge-hub-refuses",
        "error",
        "refused",
        "the edge hub refuses its configuration ({status})",
        f"{_WHOLE_SET} It says: {{text}}",
        "Check the section $edgeHub of the deployment: routes, schemaVersion, storeAndForwardConfiguration; then deploy again.",
        kinds=("edge-hub",),
        general=True,
    ),
    Rule(
        "edge-hub-behind",
        "info",
        "waiting",
        "the edge hub has not taken its configuration yet",
        "{detail}",
        "Wait a moment.",
        pattern=r"^edge hub behind: (?P<detail>.*)$",
        under=120.0,
    ),
    Rule(
        "edge-hub-behind",
        "warning",
        "routes",
        "the edge hub has not taken its configuration for {minutes}",
        "{detail} Until then it goes by the routes before: it is not running, not connected, or an old report of it stands.",
        "Look at its log (`dbe-console logs edgeHub`); restart edgeHub if it runs.",
        pattern=r"^edge hub behind: (?P<detail>.*)$",
        over=120.0,
        likely=True,
        settle="edgeHub's log: it says when it obtains its configuration.",
    ),
)
