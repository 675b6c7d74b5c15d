"""Rules: what the host module answers over gRPC (tensorflow.serving.PredictionService; docs/facts/azure-ml.md, docs/facts/iot-hub.md)."""

from __future__ import annotations

from services.diagnosis.rule import Rule

FLASHING_LIMIT = 300.0  # seconds: "a few minutes"; over five is a fault

RULES: tuple[Rule, ...] = (
    Rule(
        "fpga-flashing-too-long",
        "error",
        "flashing",
        "flashing for {minutes}: a fault",
        (
            "Flashing the FPGA takes a few minutes; over five it has failed or hangs: another module holds the FPGA, "
            "the driver is missing, or the image is not for it."
        ),
        "Read the host's logs, restart the host module, and see that no second module takes /dev/catapult0 and /dev/catapult1.",
        codes=("UNAVAILABLE", "14"),
        pattern=r"not done flashing|flashing the FPGA|FPGA[^.]{0,40}(?:flash|program)",
        over=FLASHING_LIMIT,
    ),
    Rule(
        "host-gone",
        "error",
        "gone",
        "nothing listens at the host's port",
        "The host module does not run, or listens on another port than the one asked.",
        "See that the host module runs and that HostPort and the client's -p agree (50051 by default).",
        pattern=r"Connection refused|ECONNREFUSED",
    ),
    Rule(
        "name-unresolved",
        "error",
        "unresolved",
        "the host's name cannot be resolved",
        "The name is a module's, known only on the device's own network, or is misspelt.",
        (
            "From outside use the address of the device's compute network (`device_address` in the context); on the "
            "device the host module's name."
        ),
        pattern=r"DNS resolution failed|name resolution|Could not resolve|Name or service not known|Domain name not found",
    ),
    Rule(
        "wrong-port",
        "error",
        "wrong-port",
        "what answers there is no gRPC host",
        "Something else listens on this port: an HTTP server or TLS, not a PredictionService in plain gRPC.",
        "Check HostPort in the host's create options and the client's -p; a CPU host is asked over HTTP, not gRPC.",
        pattern=(
            r"Trying to connect an http1\.x server|Received http2 header with status: (?:[345]\d\d)|"
            r"invalid http2|Unexpected (?:HTTP|content)|"
            r"WRONG_VERSION_NUMBER|First received frame was not SETTINGS|Ssl handshake failed|Endpoint read failed|Stream removed"
        ),
    ),
    Rule(
        "wrong-service",
        "error",
        "wrong-service",
        "the host has no PredictionService",
        "A gRPC server answers that knows no tensorflow.serving.PredictionService: another module's port.",
        "Check which module holds this HostPort.",
        codes=("UNIMPLEMENTED", "12"),
        general=True,
    ),
    Rule(
        "host-gone",
        "error",
        "gone",
        "the host does not answer at all",
        "The address is not reachable: the device is off, or its compute network cannot be reached from here.",
        "Try from the device's own network; check `device_address` in the context.",
        pattern=r"No route to host|Network is unreachable|EHOSTUNREACH|ENETUNREACH|connect(?:ion)? timed out|Timeout occurred",
    ),
    Rule(
        "host-gone",
        "error",
        "gone",
        "the host's port closes every connection",
        (
            "The device publishes the port, and nothing serves behind it: the server in the container has not begun, has ended, or "
            "listens on another port than the one that PortBindings leads to."
        ),
        "Read the host's logs and restart it; see that PortBindings names the port inside (50051/tcp by default).",
        pattern=r"Connection reset by peer|Socket closed",
    ),
    Rule(
        "fpga-flashing",
        "warning",
        "flashing",
        "the host is flashing the FPGA",
        "The host is up and programs the FPGA, which takes a few minutes.",
        "Wait; over five minutes it is a fault.",
        pattern=r"not done flashing|flashing the FPGA|FPGA[^.]{0,40}(?:flash|program)",
        under=FLASHING_LIMIT,
    ),
    Rule(
        "tensor-names",
        "error",
        "tensors",
        "the tensor names are wrong",
        "The host's model has no input or output tensor of the names that were asked for.",
        (
            "Take the names of the preset for this model (ResNet-50: `Placeholder:0` and "
            "`classifier/resnet_v1_50/predictions/Softmax:0`); -i and -o of the client."
        ),
        pattern=(
            r"input(?:s)? and output tensor|tensor (?:name|alias)|not found in (?:the )?(?:graph|signature)|"
            r"Tensor .{1,160} not found|input[_ ]?name|"
            # The FPGA host's own words, by the sample's client, which knows them for this (docs/facts/sample-client.md).
            r"Object reference not set to an instance of an object"
        ),
    ),
    Rule(
        "picture-refused",
        "error",
        "input",
        "the host does not take this picture",
        "The model wants another form of picture than the one that was sent.",
        "Send a JPEG or PNG that opens elsewhere; the raw text says what the host expects.",
        pattern=r"Expected image|unknown (?:image )?format|Invalid (?:JPEG|PNG)|(?:JPEG|PNG|image)[^.\n]{0,40}(?:decod|corrupt|truncated)",
    ),
    Rule(
        "tensor-names",
        "error",
        "tensors",
        "the host refuses the request: mostly wrong tensor names",
        "INVALID_ARGUMENT: the model has no input or output of the names that were asked for, or wants another shape.",
        (
            "Take the names of the preset for this model (ResNet-50: `Placeholder:0` and "
            "`classifier/resnet_v1_50/predictions/Softmax:0`); -i and -o of the client."
        ),
        codes=("INVALID_ARGUMENT", "3"),
        likely=True,
        general=True,
        settle="The host's logs name what it looked for.",
    ),
    Rule(
        "model-missing",
        "error",
        "model",
        "the host serves no such model",
        "What answers is a TensorFlow server that has no model of the name or version that was asked for.",
        "See which image runs in the host module, and its logs: whether the model was loaded.",
        codes=("NOT_FOUND", "5"),
    ),
    Rule(
        "proxy-failed",
        "error",
        "proxy",
        "a proxy stands between, and does not let gRPC through",
        "The connection went to an HTTP proxy (http_proxy, grpc_proxy), which refused to lead on to the host.",
        "Name the host's address in no_proxy.",
        pattern=r"HTTP proxy returned response code",
    ),
    Rule(
        "host-unauthorized",
        "error",
        "refused",
        "the host wants a token",
        "The host was deployed with authentication and refuses this token.",
        "Give the service's key as the access token.",
        codes=("UNAUTHENTICATED", "16", "PERMISSION_DENIED", "7"),
        general=True,
    ),
    Rule(
        "deadline",
        "warning",
        "slow",
        "no answer before the deadline",
        (
            "The host took longer than the deadline (10 s in the SDK's client): overloaded, hung, or a network that "
            "swallows packets."
        ),
        "Try a single picture; if it stays, read the host's logs and restart it.",
        codes=("DEADLINE_EXCEEDED", "4"),
        pattern=r"deadline exceeded",
        likely=True,
        settle="A second score by itself: when it is quick, the host was only busy.",
    ),
    Rule(
        "picture-too-large",
        "error",
        "too-big",
        "the picture is larger than the host takes",
        "A gRPC message is limited to 4 MB unless the host says otherwise.",
        "Send a smaller picture.",
        pattern=r"larger than max|message too large",
    ),
    Rule(
        "host-exhausted",
        "error",
        "memory",
        "the host has used up its memory or its places",
        "RESOURCE_EXHAUSTED: {text}",
        "Ask with fewer pictures at once; restart the host where it stays so.",
        codes=("RESOURCE_EXHAUSTED", "8"),
        likely=True,
        general=True,
        settle="The host's logs.",
    ),
    Rule(
        "host-error",
        "error",
        "error",
        "the host failed on this picture",
        "The host answered with an error of its own.",
        "Read the host's logs; try another picture.",
        codes=("INTERNAL", "13", "UNKNOWN", "2", "DATA_LOSS", "15", "ABORTED", "10", "FAILED_PRECONDITION", "9"),
        general=True,
    ),
    Rule(
        "host-gone",
        "error",
        "gone",
        "the host cannot be reached",
        "No connection to the host's address and port comes about.",
        "See that the host module runs and that address, HostPort and the client's -p agree.",
        pattern=r"failed to connect to all addresses|^Connect Failed|: Connect Failed",
        likely=True,
        settle="`dbe-console doctor` asks the host and each port by itself.",
        general=True,
    ),
    Rule(
        "fpga-flashing",
        "warning",
        "flashing",
        "the host says UNAVAILABLE: probably flashing",
        (
            "The host is not ready; after a start it is mostly the FPGA being flashed, for a few minutes. The client "
            "reports any UNAVAILABLE so, a host that is gone too."
        ),
        "Wait up to five minutes; then read the host's logs.",
        codes=("UNAVAILABLE", "14"),
        likely=True,
        general=True,
        settle="The host's logs say when flashing is done; a refused connection means that the host is gone.",
    ),
)
