"""Rules: a step of a deployment that failed as the engine made or started a container, in the words of Docker, containerd, runc and
both generations of the agent (from 1.2 on it keeps the engine's words to its own log)."""

from __future__ import annotations

from services.diagnosis.rule import Rule

_FPGA = r"/dev/catapult\d"
_ADDING = r"error gathering device information while adding custom device"

RULES: tuple[Rule, ...] = (
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
            r"Bind for (?:\[?[\w.:*]*\]?):(?P<port>\d{1,5}) failed(?:: port is already allocated)?|"
            r"listen tcp\d? (?:\[?[\w.:*]*\]?):(?P<port2>\d{1,5}): bind: address already in use|"
            r"port is already allocated|address already in use"
        ),
    ),
    Rule(
        "bad-host-address",
        "error",
        "port",
        "the device has no address {address}",
        "PortBindings ask for a HostIp that none of the device's networks has.",
        "Leave HostIp out of the create options, or give the address of the device's compute network.",
        pattern=r"listen tcp\d? \[?(?P<address>[\w.:]*?)\]?:\d{1,5}: bind: cannot assign requested address",
    ),
    Rule(
        "no-fpga",
        "error",
        "no-fpga",
        "the device has no such FPGA device",
        "The engine finds no {path}: no FPGA in this device, its driver is not loaded, or it is another kind of device.",
        "Deploy accelerated images to a Data Box Edge with an FPGA; restart the device if it has one.",
        pattern=(
            rf"{_ADDING} [\"']?(?P<path>{_FPGA})(?![^\n]{{0,80}}(?:not permitted|permission denied))|"
            rf"(?P<path2>{_FPGA})[^\n]{{0,80}}no such (?:file|device)|"
            r"error gathering device information(?! while adding custom device)"
        ),
    ),
    Rule(
        "no-device",
        "error",
        "device",
        "the device has no {path}",
        "The create options hand {path} to the container, and the engine finds no such device there.",
        "Take it out of HostConfig.Devices, or see that what it stands for is plugged in and its driver loaded.",
        pattern=rf"{_ADDING} [\"']?(?!{_FPGA})(?P<path>[\w/.-]+)",
    ),
    Rule(
        "fpga-refused",
        "error",
        "fpga",
        "the FPGA may not be opened",
        "{path} is there, and the container has not the right to open it.",
        "Set HostConfig.Privileged to true and name the device under HostConfig.Devices in the create options.",
        pattern=rf"(?P<path>{_FPGA})[^\n]{{0,80}}(?:permission denied|operation not permitted)",
    ),
    Rule(
        "fpga-busy",
        "error",
        "fpga",
        "the FPGA is taken",
        "{path} is open already: another module, or one that was not ended properly, holds the FPGA.",
        "Stop every other module that takes /dev/catapult0, then restart this one.",
        pattern=rf"(?P<path>{_FPGA})[^\n]{{0,80}}(?:resource busy|in use)",
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
        "engine-leftover",
        "error",
        "engine",
        "the container engine has not cleared away the last run",
        "What is left of the container's last run stands in the way of the new one; the engine was ended or cut off while it ran.",
        "Restart the container engine on the device (`systemctl restart docker`), or the device.",
        pattern=r"container with (?:given )?id(?: already)? exists|removal of container \S+ is already in progress",
    ),
    Rule(
        "engine-network",
        "error",
        "network",
        "the engine's network on the device is broken",
        "The engine cannot connect the container: its network is gone, or its firewall rules were removed under it.",
        "Restart the container engine and then IoT Edge on the device, which makes both anew.",
        pattern=r"iptables failed|iptables: No chain|network \S{1,80} not found",
    ),
    Rule(
        "engine-gone",
        "error",
        "engine",
        "no container engine answers on the device",
        "Docker does not run on the device, or its socket is not the one that IoT Edge is told of.",
        "Start it on the device (`systemctl start docker`), then restart IoT Edge.",
        pattern=r"Cannot connect to the Docker daemon|(?:docker|containerd)\.sock: connect",
    ),
    Rule(
        "edge-daemon-gone",
        "error",
        "daemon",
        "the IoT Edge daemon does not answer its agent",
        "The agent runs and cannot reach the daemon that makes its containers: it was stopped, or is being updated.",
        "Restart IoT Edge on the device (`systemctl restart iotedge` or `iotedge system restart`).",
        pattern=(
            r"(?:refused|no such file)[^\n]{0,80}(?:iotedge|aziot)[\w/.-]{0,80}\.sock|"
            r"(?:iotedge|aziot)[\w/.-]{0,80}\.sock[^\n]{0,40}(?:refused|no such file)"
        ),
    ),
    Rule(
        "mount-failed",
        "error",
        "mount",
        "a folder of the create options cannot be mounted",
        "What Binds or Mounts name is not on the device, may not be made there, or is a file where the container has a folder.",
        "Make it on the device, or correct Binds and Mounts in the create options; the raw text names the path.",
        pattern=r"error mounting|invalid mount config|bind source path does not exist|creating mount source path|invalid volume spec",
    ),
    Rule(
        "runtime-missing",
        "error",
        "runtime",
        "the device has not the runtime that is asked for",
        "The create options ask for a container runtime or driver (nvidia, mostly) that is not installed on the device.",
        "Take Runtime and DeviceRequests out of the create options, or install what they name.",
        pattern=(
            r"unknown or invalid runtime name|could not select device driver|unable to retrieve OCI runtime error|"
            r"nvidia-container-(?:cli|runtime)"
        ),
    ),
    Rule(
        "limits-refused",
        "error",
        "limits",
        "the kernel does not take the container's limits",
        "Control groups are missing on the device or refuse what memory, processor or device limits the create options set.",
        "Take the limits out of the create options; else restart the device.",
        pattern=r"cgroup|memory\.(?:max|limit_in_bytes)",
        likely=True,
        settle="The same module without limits in its create options.",
    ),
    Rule(
        "command-missing",
        "error",
        "command",
        "the image has no such command",
        "Cmd or Entrypoint names a program that is not in the image: {command}.",
        "Correct Cmd and Entrypoint in the create options.",
        pattern=(
            r"exec:? \\?\"(?P<command>(?!nvidia)[^\"\\\n]{1,120})\\?\":? (?:executable file not found|stat [^\n]{1,120}no such file)|"
            r"(?<!\": )executable file not found|exec [^\n]{1,120}no such file or directory|No command specified"
        ),
    ),
    Rule(
        "command-refused",
        "error",
        "command",
        "its command may not be executed",
        "Cmd or Entrypoint names a file that is in the image and has not the right to be executed: {command}.",
        "Give it that right in the image (chmod +x), or start it by its interpreter in Cmd.",
        pattern=r"exec:? \\?\"(?P<command>[^\"\\\n]{1,120})\\?\":? permission denied",
    ),
    Rule(
        "bad-create-options",
        "error",
        "options",
        "the engine refuses the create options",
        "A value in the create options is not what the container engine takes.",
        "Check them in the create-options pane; the raw text names the field.",
        pattern=(
            r"invalid (?:port|containerPort|IP address|restart policy|JSON|environment|characters|CPU)|json: cannot unmarshal|"
            r"bad parameter|invalid mode|conflicting options|Minimum memory limit|Range of CPUs|Invalid container name|"
            r"runtime operation error: create module[^\n]{1,140}StatusCode: ?400"
        ),
    ),
    Rule(
        "start-refused",
        "error",
        "start",
        "the engine cannot start the container",
        "The engine made the container and its start failed: {text}",
        "The engine's words name what it stumbled over; see the create options, then the agent's logs.",
        pattern=r"OCI runtime create failed|unable to start container process|starting container process caused",
        likely=True,
        general=True,
        settle="`docker start` of the container on the device says the same at once.",
    ),
    Rule(
        "step-hidden",
        "error",
        "engine",
        "the engine cannot {step} the container",
        (
            "The engine refuses, and an agent of 1.2 and later does not say why: a port that is taken, a device or folder that is not "
            "there, or create options that the engine does not take."
        ),
        "Check ports, devices and mounts in the create options; the doctor (`d`) checks ports and FPGA.",
        pattern=r"runtime operation error:? (?P<step>create|start|update|restart|stop|remove) module [\"']?[\w-]+",
        likely=True,
        general=True,
        settle="`journalctl -u aziot-edged` on the device has the engine's words; `docker start` of the container says them again.",
    ),
)
