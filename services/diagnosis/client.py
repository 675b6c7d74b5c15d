"""Rules: what the sample client says in its messages and logs, and how they arrive (docs/facts/iot-hub.md, its messages)."""

from __future__ import annotations

from services.diagnosis.grpc import FLASHING_LIMIT
from services.diagnosis.rule import Rule

_FLASHING = r"not done flashing the FPGA"

RULES: tuple[Rule, ...] = (
    Rule(
        "fpga-flashing-too-long",
        "error",
        "flashing",
        "the client has waited {minutes} for the host",
        "The client sends this for every UNAVAILABLE: over five minutes flashing has failed, or the host is gone.",
        "See whether the host module runs, read its logs, restart it.",
        pattern=_FLASHING,
        over=FLASHING_LIMIT,
    ),
    Rule(
        "fpga-flashing",
        "warning",
        "flashing",
        "the client waits for the host to be ready",
        (
            "The host answers UNAVAILABLE, after a start mostly because it flashes the FPGA; a host that is gone "
            "gives the same text."
        ),
        "Wait up to five minutes; then look at the host.",
        pattern=_FLASHING,
        under=FLASHING_LIMIT,
        likely=True,
        settle="Whether the host module runs, and its logs.",
    ),
    Rule(
        "tensor-names",
        "error",
        "tensors",
        "the client's tensor names are wrong",
        "The input (-i) or output (-o) tensor that the client asks for is not in the host's model.",
        "Take the preset of the model that the host serves, or correct -i and -o in the client's create options.",
        pattern=r"names of the input and output tensors[^.]{0,60}incorrect|INVALID_ARGUMENT",
    ),
    Rule(
        "deadline",
        "warning",
        "slow",
        "the host does not answer the client in time",
        "The host took longer than ten seconds.",
        "Read the host's logs; see whether several clients share it.",
        pattern=r"DEADLINE_EXCEEDED|Deadline Exceeded",
    ),
    Rule(
        "host-gone",
        "error",
        "gone",
        "the client cannot reach the host",
        "The client's -a and -p lead to nothing: the host does not run, or has another name or port.",
        "-a is the host module's name, -p its port inside the network (50051).",
        pattern=(
            r"failed to connect to all addresses|Connection refused|DNS resolution failed|Name or service not known|"
            r"StatusCode\.UNAVAILABLE"
        ),
    ),
    Rule(
        "module-network",
        "error",
        "network",
        "the client does not get through to its host, which answers from here",
        (
            "The host works: asked from this machine it answers. What the client sends it on the device's own network gets lost: "
            "that network or the proxy between modules is broken, or the client's -p is not the host's port inside (50051)."
        ),
        "Look at -p of the client, and at IoT Edge's network on the device (azure-iot-edge); restart IoT Edge there.",
        codes=("not-through",),
        likely=True,
        settle="The client's next messages, where the host was started a moment ago; else `docker network inspect` on the device.",
    ),
    Rule(
        "retries-included",
        "info",
        "retries",
        "a time of {ms} ms may include retries",
        "The client's time includes up to five attempts with 1, 2, 4 and 8 seconds between them.",
        "Score once by yourself to see the host's own time.",
        pattern=r"^\((?P<ms>\d{4,}(?:\.\d+)?) ms\)",
        likely=True,
        settle="`dbe-console score` measures single attempts.",
    ),
    Rule(
        "no-class-names",
        "error",
        "start",
        "the client dies for want of its class names",
        "The original client fetches its class names from the web at its start and ends without them.",
        "Use this console's client image, which ships them, or let the device reach the web.",
        pattern=(
            r"imagenet_class_index|class[_ ]names?[^.\n]{0,80}(?:not|fail|error)|URLError|urlopen error|"
            r"ConnectionError[^\n]{0,200}raw\.github"
        ),
    ),
    Rule(
        "client-usage",
        "error",
        "options",
        "the client does not know its options",
        "The client was started with an option it does not have; it prints its usage and ends.",
        "Correct Cmd in the client's create options: -d -i -o -a -p -w -s.",
        pattern=r"unrecognized arguments|error: argument |the following arguments are required",
    ),
    Rule(
        "client-identity",
        "error",
        "identity",
        "the client cannot sign in to the hub",
        "DEVICE_CONNECTION_STRING is wrong or missing, or its key was renewed.",
        "Give the *device's* connection string, never the hub's own; or none, so that the module's identity is used.",
        pattern=(
            r"CredentialError|Invalid connection string|DEVICE_CONNECTION_STRING|"
            r"Connection Refused: not authori[sz]ed|rc[= ]5\b"
        ),
    ),
    Rule(
        "client-unknown",
        "error",
        "error",
        "the client failed for a reason of its own",
        "The client sent a stack trace.",
        "The last line of it names the error.",
        pattern=r"Unable to inference for unknown reason|Traceback \(most recent call last\)",
        general=True,
    ),
    Rule(
        "client-quiet",
        "warning",
        "quiet",
        "its messages have stopped: {detail}",
        "The client waits for its host or tries it again (up to 15 seconds a picture), cannot send, or hangs.",
        "Look at the host, and at the client's logs.",
        codes=("quiet",),
        pattern=r"^(?P<detail>quiet for .*)$",
        likely=True,
        settle="Its next message says what it waited for.",
    ),
    Rule(
        "client-silent",
        "warning",
        "silent",
        "no message for {minutes}",
        "The client sends nothing: it is stopped, suppresses its results (-s), has a long --wait, or cannot send.",
        "Look at the client module's state and logs, its -s and -w, and the hub's quota.",
        codes=("silent",),
        likely=True,
        settle="The client's logs.",
    ),
)
