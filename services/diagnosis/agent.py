"""Rules: what the edge agent reports: of a deployment (lastDesiredStatus) and of each module (facts/iot-hub.md, field states).

Evidence of a deployment has the code ``deployment`` and lastDesiredStatus' code as its status; modules are in agent_modules.
"""

from __future__ import annotations

from services.diagnosis.rule import Rule


def _image(number: str = "") -> str:
    return rf"[\"'`]?(?P<image{number}>[a-z0-9][\w./:@-]*\w)[\"'`]?"


_CREDENTIALS = (
    "Give the registry's current user and password in the deployment (`dbe-console deploy` takes them from the workspace) "
    "and deploy again."
)

RULES: tuple[Rule, ...] = (
    # the deployment as a whole
    Rule(
        "agent-stopped",
        "error",
        "stopped",
        "the edge agent is not running",
        "The agent said goodbye: IoT Edge was stopped on the device, and nothing is carried out until it starts.",
        (
            "Restart IoT Edge on the device (`systemctl restart iotedge` or `iotedge system restart`; on Data Box "
            "Edge restart the compute role)."
        ),
        pattern=r"Agent is not running",
    ),
    Rule(
        "agent-stopped",
        "error",
        "stopped",
        "the edge agent is not running",
        "The agent said goodbye: IoT Edge was stopped on the device, and nothing is carried out until it starts.",
        (
            "Restart IoT Edge on the device (`systemctl restart iotedge` or `iotedge system restart`; on Data Box "
            "Edge restart the compute role)."
        ),
        codes=("deployment",),
        statuses=(406,),
        general=True,
    ),
    Rule(
        "no-deployment",
        "warning",
        "empty",
        "the device has no deployment",
        "The agent's desired properties are empty: nothing has ever been deployed, or the deployment was removed.",
        "Deploy a manifest.",
        pattern=r"empty configuration",
    ),
    Rule(
        "no-deployment",
        "warning",
        "empty",
        "the device has no deployment",
        "The agent's desired properties are empty: nothing has ever been deployed, or the deployment was removed.",
        "Deploy a manifest.",
        codes=("deployment",),
        statuses=(417,),
        general=True,
    ),
    Rule(
        "bad-configuration",
        "error",
        "format",
        "the agent cannot read the deployment",
        (
            "Create options that are no JSON, an unknown status or restart policy, or an image name that is none, in "
            "some module: the agent does not say in which, and carries out nothing."
        ),
        (
            "Roll back to the previous deployment; check each module's create options (`dbe-console options check`), "
            "then deploy again."
        ),
        pattern=(
            r"configuration format is invalid|Error (?:parsing|deserializing)|JsonReaderException|"
            r"Unexpected character encountered"
        ),
    ),
    Rule(
        "bad-configuration",
        "error",
        "format",
        "the agent cannot read the deployment",
        "Create options that are no JSON, an unknown status or restart policy, or an image name that is none, in some module.",
        "Roll back to the previous deployment; check each module's create options, then deploy again.",
        codes=("deployment",),
        statuses=(400,),
        general=True,
    ),
    Rule(
        "schema-refused",
        "error",
        "schema",
        "the agent refuses the schema version",
        "schemaVersion is newer than the agent knows.",
        "Use 1.0, or 1.1 with an agent of 1.0.10 and later.",
        pattern=r"not compatible with the expected version|schema version",
    ),
    Rule(
        "schema-refused",
        "error",
        "schema",
        "the agent refuses the schema version",
        "schemaVersion is newer than the agent knows.",
        "Use 1.0, or 1.1 with an agent of 1.0.10 and later.",
        codes=("deployment",),
        statuses=(412,),
        general=True,
    ),
    # steps of a plan that failed
    Rule(
        "pull-unauthorized",
        "error",
        "pull",
        "the registry refuses the pull",
        "The registry wants other credentials for {image} than the deployment gives: wrong, renewed, or missing.",
        _CREDENTIALS,
        pattern=(
            rf"(?:pull(?:ing)? image|"
            rf"image)\s+{_image()}(?:(?!pull image)[\s\S]){{0,600}}?unauthorized(?:: authentication required)?|"
            r"failed to authorize|failed to fetch oauth token|401 Unauthorized|no basic auth credentials"
        ),
    ),
    Rule(
        "pull-denied",
        "error",
        "pull",
        "the image may not be pulled, or is not there",
        "The registry denies {image}: the name is wrong, the repository does not exist, or the user has no right on it.",
        "Check the image's name and the user's rights; a private registry needs its credentials in the deployment.",
        pattern=rf"pull access denied for {_image()}|pull access denied|may require 'docker login'",
    ),
    Rule(
        "image-missing",
        "error",
        "pull",
        "the registry has no such image or tag",
        "The registry answers and has no {image}.",
        "Check name and tag (`dbe-console images`), and deploy again.",
        pattern=(
            rf"manifest for {_image()} not found|manifest unknown|(?:pull(?:ing)? image|"
            rf"image)\s+{_image('2')}(?:(?!pull image)[\s\S]){{0,300}}?not found"
        ),
    ),
    Rule(
        "registry-unreachable",
        "error",
        "pull",
        "the device cannot reach the registry",
        "The device's name server, proxy or firewall keeps it from the registry.",
        "Check the device's DNS and proxy, and that the registry's server name is right.",
        pattern=(
            r"(?:registry|https?://)\S*[^\n]{0,200}(?:no such host|dial tcp|i/o timeout|connection refused|"
            r"TLS handshake timeout)|lookup \S+[^\n]{0,60}no such host"
        ),
    ),
    Rule(
        "registry-throttled",
        "warning",
        "throttled",
        "the registry throttles pulls",
        "Too many pulls in a short time from this address or user; the agent asks again.",
        "Wait, or sign in with an account that may pull more.",
        pattern=r"toomanyrequests|pull rate limit|429 Too Many Requests",
    ),
    Rule(
        "registry-untrusted",
        "error",
        "tls",
        "the device does not trust the registry's certificate",
        "The registry's certificate is signed by nobody whom the device trusts, or by a proxy that inspects TLS; or a clock is off.",
        "Install the authority's certificate on the device; check its clock and its proxy.",
        pattern=r"x509: |certificate signed by unknown authority|certificate has expired or is not yet valid",
    ),
    Rule(
        "disk-full",
        "error",
        "disk",
        "the device's disk is full",
        "There is no room left for the image's layers.",
        "Remove unused images on the device, or restart with a larger share.",
        pattern=r"no space left on device",
    ),
    Rule(
        "wrong-architecture",
        "error",
        "architecture",
        "the image is for another processor",
        "The image's architecture is not the device's.",
        "Build or choose the image for the device's platform (linux/amd64).",
        pattern=r"exec format error|no matching manifest for|image operating system|does not match the specified platform",
    ),
    Rule(
        "slow-pull",
        "warning",
        "pulling",
        "the image is still being pulled",
        "The agent stopped waiting after 100 seconds; the engine goes on pulling and the agent asks again.",
        "Wait: a large image over a slow line takes long. Nothing needs to be done.",
        pattern=r"The operation was canceled|HttpClient\.Timeout of 100 seconds|A task was canceled",
    ),
    Rule(
        "port-taken",
        "error",
        "port",
        "HostPort {port} is taken",
        "Another container or program on the device holds port {port}.",
        (
            "Change HostPort in this module's create options, or stop the module that holds it (443, 5671 and 8883 "
            "belong to the edge hub)."
        ),
        pattern=(
            r"Bind for (?:\[?[\w.:*]*\]?):(?P<port>\d{1,5}) failed|"
            r"listen tcp\d? (?:\[?[\w.:*]*\]?):(?P<port2>\d{1,5}): bind: address already in use|"
            r"port is already allocated|address already in use"
        ),
    ),
    Rule(
        "no-fpga",
        "error",
        "no-fpga",
        "the device has no such FPGA device",
        "The engine finds no {path}: no FPGA in this device, its driver is not loaded, or it is another kind of device.",
        "Deploy accelerated images to a Data Box Edge with an FPGA; restart the device if it has one.",
        pattern=(
            r"error gathering device information while adding custom device [\"']?(?P<path>[\w/.-]+)|"
            r"error gathering device information|/dev/catapult\d[^\n]{0,80}no such file"
        ),
    ),
    Rule(
        "name-taken",
        "error",
        "name",
        "a container of that name exists already",
        "A container that IoT Edge did not make holds the module's name.",
        "Remove it on the device, or name the module differently.",
        pattern=r"container name [\"']?/?(?P<container>[\w.-]+)[\"']? is already in use",
    ),
    Rule(
        "command-missing",
        "error",
        "command",
        "the image has no such command",
        "Cmd or Entrypoint of the create options names a program that is not in the image.",
        "Correct Cmd and Entrypoint in the create options.",
        pattern=(
            r"executable file not found|OCI runtime create failed|starting container process caused|"
            r"no such file or directory: unknown"
        ),
    ),
    Rule(
        "bad-create-options",
        "error",
        "options",
        "the engine refuses the create options",
        "A value in the create options is not what the container engine takes.",
        "Check them in the create-options pane; the raw text names the field.",
        pattern=(
            r"invalid (?:port|mount|volume|reference format|containerPort|IP address)|json: cannot unmarshal|"
            r"bad parameter|invalid mode"
        ),
    ),
    Rule(
        "pull-failed",
        "error",
        "pull",
        "the image cannot be pulled",
        (
            "The registry refuses {image}: mostly wrong or missing registry credentials, else a wrong name. This "
            "agent (1.2 and later) does not say which."
        ),
        "Check the registry credentials of the deployment first (`dbe-console doctor`), then the image's name.",
        pattern=(
            rf"registry operation error:? pull image {_image()}|(?:Could not pull|Failed to pull|"
            rf"Error pulling) image {_image('2')}"
        ),
        likely=True,
        general=True,
        settle="`dbe-console doctor` signs in to the registry with the deployment's credentials and asks for the image.",
    ),
    Rule(
        "plan-failed",
        "error",
        "failed",
        "the deployment failed on the device: {text}",
        "A step of the deployment failed; the agent tries it again, at growing intervals, up to twenty times.",
        "The raw text is all that the agent says; the agent's logs say more (`dbe-console logs edgeAgent`).",
        codes=("deployment",),
        statuses=(500,),
        likely=True,
        general=True,
        settle="The agent's logs.",
    ),
)
