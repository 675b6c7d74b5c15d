"""Rules: what a hub's record in Azure Resource Manager says of who is let in (docs/facts/azure-today.md, Entra ID on the hub).

The hub itself answers a plain Unauthorized to a key that is switched off and to an address that is kept out: its record tells.
"""

from __future__ import annotations

from services.diagnosis.rule import Rule

_MODELS = "azure-mgmt-iothub 4.0.0, IotHubProperties"
_FROM_INSIDE = (
    "connect from the network of its private endpoint (privateEndpointConnections of the hub; the names there are private ones)"
)

RULES: tuple[Rule, ...] = (
    Rule(
        "local-auth-off",
        "error",
        "keys-off",
        "the hub takes no keys: local authentication is switched off",
        "The hub's record has disableLocalAuth: every shared access policy is refused, however right its key, and a new key does not help.",
        (
            "Reach it with a sign-in's token: `dbe-console context add NAME --replace --hub-host HOST`, with the role IoT Hub Data "
            "Contributor on the hub; messages by `dbe-console context route-messages`."
        ),
        kinds=("local-auth-off",),
        source=_MODELS,
    ),
    Rule(
        "public-access-off",
        "error",
        "firewall",
        "the hub lets nobody in by the public network",
        "The hub's record has publicNetworkAccess Disabled: it refuses this machine before it looks at key, token or role.",
        f"Ask the hub's owner to switch public access on, or {_FROM_INSIDE}. A new key does not help.",
        kinds=("public-access-off",),
        source=_MODELS,
    ),
    Rule(
        "ip-rule",
        "error",
        "firewall",
        "the hub refuses this machine, and lets in only some addresses",
        "The hub's record lets in {text}. Which address this machine has outside cannot be seen from here.",
        f"Ask the hub's owner to add this machine's public address to the IP rules, or {_FROM_INSIDE}.",
        kinds=("ip-rule",),
        likely=True,
        settle="The address that this machine has outside, compared with the rules.",
        source=_MODELS,
    ),
    Rule(
        "routed-away",
        "warning",
        "routed",
        "device messages are routed elsewhere, and none of the routes leads to the built-in endpoint",
        "The routes {text} take device messages; what a route takes no longer reaches the built-in endpoint, which this context reads.",
        (
            "Ask the hub's owner for a route to the endpoint `events`, or read the Event Hub that the routes lead to: `dbe-console "
            "context route-messages`. Both concern every consumer of the hub."
        ),
        kinds=("routed-away",),
        source="learn.microsoft.com iot-hub-devguide-messages-read-custom; azure-docs#25179",
    ),
    Rule(
        "route-missing",
        "error",
        "no-route",
        "no route of the hub leads every device message to the Event Hub of this context",
        "The context reads {text}, and the hub sends nothing there, or only what a route's condition lets through.",
        "Make the route: `dbe-console context route-messages` shows what the hub lacks before it writes anything.",
        kinds=("route-missing",),
        source=_MODELS + ".routing",
    ),
    Rule(
        "private-endpoint",
        "warning",
        "private",
        "the hub has a private endpoint, and its name leads to a public address here",
        "From a network with the private endpoint the hub's name leads to a private address; here it leads to {text}.",
        (
            "Where this machine is in that network, have its DNS use the private zone privatelink.azure-devices.net (and "
            "privatelink.servicebus.windows.net for messages); elsewhere nothing, as long as the hub answers."
        ),
        kinds=("private-endpoint",),
        likely=True,
        settle="Whether this machine is in the private endpoint's network.",
        source="docs/facts/azure-today.md, Entra ID on the hub: the zones' names from public templates, the rest inferred; "
        + _MODELS,
    ),
)
