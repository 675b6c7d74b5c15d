"""Rules: the container engine or the IoT Edge daemon stands in a deployment's way.

The words are Docker's, containerd's, runc's and both generations of the daemon's (docs/facts/hub-codes-and-routes.md, section
4).
"""

from __future__ import annotations

from services.diagnosis.rule import Rule

_EDGELET = "iotedge edgelet-docker/src/error.rs, tags 1.0.5 to 1.6.1"

RULES: tuple[Rule, ...] = (
    Rule(
        "name-taken",
        "error",
        "name",
        "a container of that name exists already",
        "A container that IoT Edge did not make holds the module's name.",
        "Remove it on the device, or name the module differently.",
        pattern=r"container name [\"']?/?(?P<container>[\w.-]+)[\"']? is already in use",
        source="moby daemon/errors.go",
    ),
    Rule(
        "name-taken",
        "error",
        "name",
        "the engine finds something in the way of the container",
        (
            "The engine answered 409 and the daemon keeps its words to itself: mostly a container of the module's name exists that IoT Edge "
            "did not make, else the old one is still being removed."
        ),
        "Wait for the next try; if it stays, remove the container of that name on the device (`docker rm -f`).",
        pattern=r"Conflict with current operation",
        likely=True,
        settle="`docker ps -a` on the device.",
        source=_EDGELET,
    ),
    Rule(
        "container-gone",
        "info",
        "stopped",
        "it was stopped or removed already",
        "The agent wanted to stop or remove what is stopped or removed, which does no harm.",
        "Wait for the agent's next pass.",
        pattern=(
            r"Target of operation already in this state|"
            r"Error calling (?:stop|delete|remove) module[\s\S]{1,600}?(?:container \S{1,80} is not running|Module not found)"
        ),
        source=f"{_EDGELET}; edgelet-http/src/error.rs",
    ),
    Rule(
        "engine-leftover",
        "error",
        "engine",
        "the container engine has not cleared away the last run",
        "What is left of the container's last run stands in the way of the new one; the engine was ended or cut off while it ran.",
        "Restart the container engine on the device (`systemctl restart docker`), or the device.",
        pattern=(
            r"container with (?:given )?id(?: already)? exists|removal of container \S+ is already in progress|"
            r"endpoint with name \S{1,80} already exists in network|device or resource busy[^\n]{0,60}(?:overlay|rootfs|merged)|"
            r"(?:driver \S{1,20} failed to remove root filesystem|unable to remove filesystem)|is marked for removal|"
            r"did not receive an exit event|cannot (?:stop|kill) container[^\n]{0,160}permission denied|"
            r"error creating overlay mount|could not get initial namespace|Key not found in store|"
            r"Are you sure\? container is running|cannot remove (?:a running )?container"
        ),
        source="containerd; moby daemon/delete.go, libnetwork/network.go; iotedge#5435, #3170",
    ),
    Rule(
        "engine-network",
        "error",
        "network",
        "the engine's network on the device is broken",
        "The engine cannot connect the container: its network is gone, or its firewall rules were removed under it.",
        "Restart the container engine and then IoT Edge on the device, which makes both anew.",
        pattern=(
            r"ip6?tables(?:-\w+)? failed|ip6?tables: No chain|nftables? [^\n]{0,60}fail|network (?:azure-iot-edge|id|[0-9a-f]{12,64}) not found|"
            r"could not find a network matching network mode azure-iot-edge|hnsCall\w* failed|failed during hnsCall|"
            r"userland proxy: (?!listen|Bind|bind|[^\n]{0,80}privileged port)[^\n]{1,200}|bridge \S{1,40} (?:not found|does not exist)"
        ),
        source="moby daemon/libnetwork; iotedge#856, #5005, #705",
    ),
    Rule(
        "network-addresses",
        "error",
        "network",
        "the engine's network has no address left",
        "The pool of addresses of the engine's network is used up, or overlaps with the device's own networks.",
        "Remove containers and networks that are no longer needed (`docker network prune`), or give the engine another address pool.",
        pattern=r"no available (?:IPv4 )?addresses|non-overlapping IPv4 address pool|address pools? [^\n]{0,30}(?:exhausted|fully subnetted)",
        source="moby daemon/libnetwork/ipam",
    ),
    Rule(
        "engine-gone",
        "error",
        "engine",
        "no container engine answers on the device",
        "Docker does not run on the device, or its socket is not the one that IoT Edge is told of.",
        "Start it on the device (`systemctl start docker`), then restart IoT Edge.",
        pattern=(
            r"Cannot connect to the Docker daemon|(?:docker|containerd|podman)\.sock[\"']?: (?:connect|timeout)|"
            r"containerd[^\n]{0,80}(?:transport is closing|ttrpc: closed)|(?:ttrpc: closed|transport is closing)|"
            r"failed to start shim|docker_engine[^\n]{0,60}cannot find the file"
        ),
        source="moby client/errors.go; containerd",
    ),
    Rule(
        "edge-daemon-gone",
        "error",
        "daemon",
        "the IoT Edge daemon does not answer its agent",
        (
            "The agent runs and cannot reach the daemon that makes its containers: it was stopped, is being updated, or its socket may "
            "not be opened by the agent."
        ),
        "Restart IoT Edge on the device (`systemctl restart iotedge` or `iotedge system restart`).",
        pattern=(
            r"(?:refused|no such file|permission denied)[^\n]{0,80}(?:iotedge|aziot)[\w/.-]{0,80}\.sock|"
            r"(?:iotedge|aziot)[\w/.-]{0,80}\.sock[^\n]{0,40}(?:refused|no such file|permission denied)|"
            r"refused[^\n]{0,60}:1558[01]\b"
        ),
        source="iotedge#4011, #2395",
    ),
    Rule(
        "edge-daemon-busy",
        "warning",
        "busy",
        "the IoT Edge daemon has too much to do",
        "The agent asked the daemon more at once than it takes ({limit}). It passes by itself.",
        "Wait for the agent's next pass; if it stays, restart IoT Edge on the device.",
        pattern=r"Could not acquire permit to call ModuleManager, hit limit of (?P<limit>\d{1,6} concurrent requests)",
        source="iotedge edge-agent ModuleManagementHttpClient, 1.3.0 and later",
    ),
    Rule(
        "identity-failed",
        "error",
        "identity",
        "the device cannot get the module's identity from the hub",
        (
            "The daemon asks the hub for each module's identity and got none: the device has no way to the hub, its own key was refused, "
            "its clock is off, or the hub holds as many modules of the device as it may (50)."
        ),
        "Check the device's line, clock and its identity in the hub; `iotedge check` on the device tells which.",
        pattern=r"Error calling (?:Create|Update|Delete|Get) identity|Error calling List identities|A request to Azure IoT Hub failed",
        likely=True,
        settle="`iotedge check`, and the daemon's log on the device.",
        source="iotedge edgelet-http-mgmt/src/error.rs; ModuleManagementHttpClient.cs",
    ),
    Rule(
        "agent-network",
        "warning",
        "network",
        "the agent did not reach a server that it needs",
        "The connection from the device failed in the words of .NET: {text} Mostly a name server, a proxy, a firewall or TLS on the way.",
        "Wait for the agent's next pass; if it stays so, check the device's DNS, proxy and clock (`iotedge check` there).",
        pattern=(
            r"(?:Name or service not known|Resource temporarily unavailable|No such host is known\.?|Connection timed out|"
            r"Network is unreachable|No route to host) \([^\s()]{1,200}:\d{1,5}\)|SSL connection could not be established|"
            r"IotHubCommunicationException|Transient network error"
        ),
        likely=True,
        settle="`iotedge check` on the device.",
        source="dotnet System.Net.Http ConnectHelper; azure-iot-sdk-csharp",
    ),
    Rule(
        "device-exhausted",
        "error",
        "memory",
        "the device has run out of memory or processes",
        "The engine could not start the container for want of memory, processes or open files on the device.",
        "Stop what is not needed on the device, or restart it.",
        pattern=r"cannot allocate memory|resource temporarily unavailable(?! \()|too many open files|\(os error (?:11|12|24)\)|out of memory",
        source="ENOMEM, EAGAIN and EMFILE of the kernel, as Go and Rust write them",
    ),
    Rule(
        "start-refused",
        "error",
        "start",
        "the engine cannot start the container",
        "The engine made the container and its start failed: {whole}",
        "The engine's words name what it stumbled over; see the create options, then the agent's logs.",
        pattern=(
            r"OCI runtime (?:create )?(?:failed|error)|unable to start container process|starting container process caused|"
            r"failed to (?:create|start) (?:shim|task|containerd task)|encountered an error during \w+|crun: |"
            r"AppArmor enabled on system|seccomp: |error setting (?:seccomp|capabilities)|"
            r"driver failed programming external connectivity|failed to set up container networking"
        ),
        likely=True,
        general=True,
        settle="`docker start` of the container on the device says the same at once.",
        source="runc; containerd; crun; moby daemon/start.go; iot-edge-v1#613",
    ),
    Rule(
        "step-hidden",
        "error",
        "engine",
        "the engine cannot {step} the container",
        (
            "The engine refuses, and the daemon on this device does not say why: a port that is taken, a device or folder that is not "
            "there, or create options that the engine does not take."
        ),
        "Check ports, devices and mounts in the create options; the doctor (`d`) checks ports and FPGA.",
        pattern=(
            r"runtime operation error:? (?P<step>create|start|update|restart|stop|remove) module [\"']?[\w-]+|"
            r"Could not (?P<step2>create|start|update|restart|stop|remove) module [\"']?[\w-]{1,128}[\"']?(?=\)|\s*\Z)|"
            r"Error calling (?P<step3>create|start|update|restart|stop) module [\"']?[\w-]{1,128}[\"']?: Container runtime error(?! -)"
        ),
        likely=True,
        general=True,
        settle="`journalctl -u aziot-edged` on the device has the engine's words; `docker start` of the container says them again.",
        source=_EDGELET,
    ),
)
