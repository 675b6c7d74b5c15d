"""Rules: a container that the engine refuses to create or start for its create options.

Ports, devices, folders, networks, limits, commands. The words are Docker's, containerd's, runc's and podman's, old and new
(docs/facts/hub-codes-and-routes.md, section 4; agents from 1.2 on keep them to the daemon's log).
"""

from __future__ import annotations

from services.diagnosis.rule import Rule

_FPGA = r"/dev/catapult\d"
_ADDING = r"error gathering device information while adding custom device"
_REFUSED = r"(?:permission denied|operation not permitted)"
_FAILING = (
    r"(?:/var/lib|/data|overlay|/dev/(?:sd|mmc|nvme|dm)|ext4|xfs)[^\n]{0,200}input/output error|\(os error 5\)|"
    r"structure needs cleaning|\(os error 117\)"
)
_READ_ONLY = r"read-only file ?system|\(os error 30\)|\bEROFS\b"

PORTS: tuple[Rule, ...] = (
    Rule(
        "port-taken",
        "error",
        "port",
        "HostPort {port} is taken",
        "Another container or program on the device holds port {port}.",
        (
            "Change HostPort in this module's create options, or stop the module or program that holds it (443, 5671 and 8883 "
            "belong to the edge hub; a web server on the device mostly has 80 or 443)."
        ),
        pattern=(
            r"Bind for (?:\[?[\w.:*]*\]?):(?P<port>\d{1,5})(?: failed(?:: port is already allocated)?|: unexpected error)|"
            r"listen (?:tcp|udp|sctp)\d? (?:\[?[\w.:*]*\]?):(?P<port2>\d{1,5}): bind: (?:address already in use|Only one usage)|"
            r"(?:bind|expos)\w* (?:host )?port (?:for )?(?:(?:TCP|UDP) )?(?:\[?[\w.:*]*\]?):(?P<port3>\d{1,5})[^\n]{0,120}?"
            r"(?:already in use|already allocated)|"
            r"port (?P<port4>\d{1,5})(?:/\w+)? is already (?:allocated|in use)|"
            r"port is already allocated|(?<!bind: )address already in use|all ports are allocated"
        ),
        source="moby daemon/libnetwork/portallocator; iotedge#744; iot-edge-v1#653; rootlesskit",
    ),
    Rule(
        "port-refused",
        "error",
        "port",
        "the engine may not open HostPort {port}",
        "Nobody holds port {port}, and the engine has not the right to open it: a port under 1024 without root, or one that Windows keeps back.",
        "Give the module a HostPort of 1024 or higher that is not kept back (`netsh int ipv4 show excludedportrange` on Windows).",
        pattern=(
            r":(?P<port>\d{1,5}): bind: (?:permission denied|An attempt was made to access a socket)|"
            r"cannot expose privileged port (?P<port2>\d{1,5})"
        ),
        source="golang net; rootlesskit; docker/for-win reports of excluded port ranges",
    ),
    Rule(
        "bad-host-address",
        "error",
        "port",
        "the device has no address {address}",
        "PortBindings ask for a HostIp that none of the device's networks has.",
        "Leave HostIp out of the create options, or give the address of the device's compute network.",
        pattern=r"(?:listen (?:tcp|udp)\d? |host port (?:for )?)\[?(?P<address>[\w.:]*?)\]?:\d{1,5}[^\n]{0,80}?cannot assign requested address",
        source="golang net; moby daemon/libnetwork/portmapper",
    ),
)

DEVICES: tuple[Rule, ...] = (
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
        source="moby daemon/oci_linux.go, daemon/pkg/oci",
    ),
    Rule(
        "no-device",
        "error",
        "device",
        "the device has no {path}",
        "The create options hand {path} to the container, and the engine finds no such device there.",
        "Take it out of HostConfig.Devices, or see that what it stands for is plugged in and its driver loaded.",
        pattern=rf"{_ADDING} [\"']?(?!{_FPGA})(?P<path>[\w/.:-]+)(?![^\n]{{0,40}}{_REFUSED})",
        source="moby daemon/oci_linux.go",
    ),
    Rule(
        "device-refused",
        "error",
        "device",
        "{path} may not be opened",
        "{path} is there, and the container has not the right to open it.",
        "Set HostConfig.Privileged to true, or name it under HostConfig.Devices with CgroupPermissions rwm; see its owner on the device.",
        pattern=rf"(?P<path>(?!{_FPGA})/dev/(?!null|pts|shm|mqueue|termination)[\w/.:-]{{1,80}})[^\n]{{0,60}}?{_REFUSED}",
        source="moby daemon/oci_linux.go; iotedge reports of serial ports and cameras",
    ),
    Rule(
        "fpga-refused",
        "error",
        "fpga",
        "the FPGA may not be opened",
        "{path} is there, and the container has not the right to open it.",
        "Set HostConfig.Privileged to true and name the device under HostConfig.Devices in the create options.",
        pattern=rf"(?P<path>{_FPGA})[^\n]{{0,80}}{_REFUSED}",
        source="moby daemon/oci_linux.go",
    ),
    Rule(
        "fpga-busy",
        "error",
        "fpga",
        "the FPGA is taken",
        "{path} is open already: another module, or one that was not ended properly, holds the FPGA.",
        "Stop every other module that takes /dev/catapult0, then restart this one.",
        pattern=rf"(?P<path>{_FPGA})[^\n]{{0,80}}(?:resource busy|in use)",
        source="EBUSY of open(2); no public text of the catapult driver is known",
    ),
    Rule(
        "runtime-missing",
        "error",
        "runtime",
        "the device has not the runtime that is asked for",
        "The create options ask for a container runtime or driver (nvidia, mostly) that is not installed on the device, or does not work there.",
        "Take Runtime and DeviceRequests out of the create options, or install what they name (driver and container toolkit of one age).",
        pattern=(
            r"unknown or invalid runtime name|unknown runtime specified|could not select device driver|unable to retrieve OCI runtime error|"
            r"nvidia-container-(?:cli|runtime)|failed to initialize NVML|\bnvml error\b|unresolvable CDI devices|"
            r"CDI device injection failed|runtime [\"']?[\w.-]{1,60}[\"']? (?:is )?not (?:found|installed|registered)"
        ),
        source="moby daemon/errors.go, daemon/runtime_unix.go; NVIDIA/nvidia-docker#1780, #1505",
    ),
)

FOLDERS: tuple[Rule, ...] = (
    Rule(
        "read-only-disk",
        "error",
        "disk",
        "the device's disk can only be read there",
        (
            "The engine may not write where it has to: the folder lies on a part of the system that is read-only, or the disk has failed "
            "and was set read-only."
        ),
        "Take a folder on the data disk in Binds and Mounts; if the engine's own folder is meant, look at the disk (`dmesg`), then restart.",
        pattern=_READ_ONLY,
        source="EROFS of the kernel, as Go and Rust write it",
    ),
    Rule(
        "disk-failing",
        "error",
        "disk",
        "the device's disk fails",
        "Reading or writing on the device's disk ends with an error of the disk itself, or of a file system that is damaged.",
        "Look at the disk (`dmesg`, SMART) and have it checked; what lies on it may be lost.",
        pattern=_FAILING,
        source="EIO and EUCLEAN of the kernel, as Go and Rust write them",
    ),
    Rule(
        "mount-failed",
        "error",
        "mount",
        "a folder of the create options cannot be mounted",
        "What Binds or Mounts name is not on the device, may not be made there, or is a file where the container has a folder.",
        "Make it on the device, or correct Binds and Mounts in the create options; the raw text names the path.",
        pattern=(
            rf"(?:error mounting(?![^\n]{{0,40}}{_FPGA})|invalid mount config|"
            rf"bind source path does not exist|creating mount source path|invalid volume spec|"
            rf"mounting [\"'](?!{_FPGA})[^\"'\n]{{1,200}}[\"'] to rootfs|mount through procfd|Are you trying to mount a directory|"
            rf"failed to mount local (?:volume|storage)|is not a shared (?:or slave )?mount|no such volume|volume \S{{1,80}} not found|"
            rf"statfs \S{{1,200}}: no such file)(?![^\n]{{0,200}}(?:{_READ_ONLY}))"
        ),
        source="moby daemon/volumes_*.go; runc libcontainer/rootfs_linux.go; iotedge#5967; azure-iot-sdk-csharp#3341",
    ),
)

NETWORKS: tuple[Rule, ...] = (
    Rule(
        "host-network",
        "error",
        "network",
        "the module asks for a network that does not go with the agent's own",
        (
            "The create options name a network mode (host, none, another container's) and the agent adds its network azure-iot-edge, or "
            "ports and host name are given beside it: the engine takes only one of them."
        ),
        (
            'For the host\'s network write both: "HostConfig":{{"NetworkMode":"host"}} and '
            '"NetworkingConfig":{{"EndpointsConfig":{{"host":{{}}}}}}, without PortBindings; else leave the mode out.'
        ),
        pattern=(
            r"conflicts with existing route|cannot attach both user-defined and non-user-defined|"
            r"cannot be connected to (?:network endpoints|multiple networks|any other network)|"
            r"cannot (?:connect|disconnect) container (?:to|from) host network|"
            r"conflicting options: [^\n]{0,60}(?:network mode|host type networking)|"
            r"network-scoped alias(?:es)? (?:is|are) (?:only )?supported"
        ),
        source="azure-docs#34461; iot-edge-v1#517; iotedge#1840; moby daemon/container_operations.go, libnetwork/osl/interface_linux.go",
    ),
    Rule(
        "network-missing",
        "error",
        "network",
        "the device has no network {network}",
        "The create options name the network {network}, and the engine on the device has none of that name (Windows has no host).",
        "Make it on the device (`docker network create {network}`), or take it out of NetworkMode and NetworkingConfig.",
        pattern=r"network (?:mode )?[\"']?(?P<network>(?!azure-iot-edge|id\b|[0-9a-f]{12,64}\b|matching\b|mode\b)[\w.-]{1,64})[\"']? not found",
        source="moby daemon/network.go; iotedge#63",
    ),
    Rule(
        "network-missing",
        "error",
        "network",
        "the container whose network it shares does not run",
        "NetworkMode of the create options names another container ({container}), which is not there or does not run.",
        "Start that module first (startupOrder), or take its network out of NetworkMode.",
        pattern=(
            r"network (?:namespace )?of (?:a non[ -]running )?container: (?:No such container: )?(?:container )?"
            r"(?P<container>[\w.-]{1,128})"
        ),
        source="moby daemon/container_operations.go",
    ),
    Rule(
        "bad-add-host",
        "error",
        "options",
        "the create options name a host without its address",
        "HostConfig.ExtraHosts holds an entry that is not NAME:ADDRESS: {entry}.",
        "Write it as NAME:ADDRESS (plc1:192.168.1.20) in HostConfig.ExtraHosts.",
        pattern=r"(?:bad format for add-host|invalid IP address in add-host|invalid add-host)[^\"\n]{0,10}\"?(?P<entry>[^\"\n)]{0,100})",
        source="moby daemon/pkg/opts/hosts.go; iotedge#744",
    ),
)

LIMITS: tuple[Rule, ...] = (
    Rule(
        "limits-refused",
        "error",
        "limits",
        "the kernel does not take the container's limits",
        "Control groups are missing on the device or refuse what memory, processor or device limits the create options set.",
        "Take the limits out of the create options; else restart the device.",
        pattern=r"cgroup|memory\.(?:max|limit_in_bytes)|error setting rlimit|kernel does not support (?:memory|swap|cpu)",
        likely=True,
        settle="The same module without limits in its create options.",
        source="runc libcontainer/cgroups; iotedge#5812",
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
            r"(?<!\": )executable file not found|exec [^\n]{1,120}no such file or directory|no command specified|"
            r"crun: (?:open executable|executable file)[^\n]{0,80}no(?:t| such)"
        ),
        source="runc libcontainer/init_linux.go; moby daemon/create.go",
    ),
    Rule(
        "command-missing",
        "error",
        "command",
        "the image has no folder {folder} to work in",
        "WorkingDir, of the create options or of the image, names a folder that the container has not.",
        "Correct WorkingDir in the create options, or make the folder in the image.",
        pattern=r"chdir to cwd \(\\?\"(?P<folder>[^\"\\\n]{1,120})\\?\"\)[^\n]{0,60}no such file",
        source="runc libcontainer/init_linux.go",
    ),
    Rule(
        "command-refused",
        "error",
        "command",
        "its command may not be executed",
        "Cmd or Entrypoint names a file that is in the image and has not the right to be executed: {command}.",
        "Give it that right in the image (chmod +x), or start it by its interpreter in Cmd.",
        pattern=r"exec:? \\?\"(?P<command>[^\"\\\n]{1,120})\\?\":? permission denied|exec (?P<command2>/[^:\n]{1,120}): permission denied",
        source="runc libcontainer/init_linux.go",
    ),
    Rule(
        "user-missing",
        "error",
        "user",
        "the image has no user or group {user}",
        "User in the create options names {user}, which the image does not know.",
        "Give a number, or a name that is in the image's /etc/passwd; or leave User out.",
        pattern=r"unable to find (?:user|group) (?P<user>[\w.-]{1,64})(?:: no matching entries[^\n]{0,40})?|no matching entries in \w+ file",
        source="moby/sys user; moby daemon/oci_linux.go",
    ),
    Rule(
        "bad-create-options",
        "error",
        "options",
        "its log driver cannot be started",
        "LogConfig of the create options, or the engine's own default, hands the log to a driver that does not start: {whole}",
        "Set HostConfig.LogConfig to json-file or local, or see that the place which the driver sends to answers.",
        pattern=r"failed to initialize logging driver",
        source="moby daemon/container/container.go",
    ),
    Rule(
        "bad-create-options",
        "error",
        "options",
        "the engine refuses the create options",
        "A value in the create options is not what the container engine takes.",
        "Check them in the create-options pane; the raw text names the field.",
        pattern=(
            r"invalid (?:port|containerPort|hostPort|IP address(?! in add-host)|restart policy|JSON|environment|characters|CPU|isolation|"
            r"reserved|ulimit|log(?:ging)? opt|publish|userns|device cgroup)|json: cannot unmarshal|"
            r"Error calling create module(?:(?!pull)[\s\S]){1,400}?invalid character [^\n]{1,40}(?:looking|after|in )|bad parameter|invalid mode|"
            r"conflicting options(?!: [^\n]{0,60}(?:network mode|host type networking))|"
            r"Minimum memory limit|Range of CPUs|Invalid container name|Duplicate mount point|"
            r"invalid Cap(?:Add|Drop)|invalid endpoint settings|IP address is supported on|maximum retry count|unknown capability|unknown log opt|"
            r"logger: no log driver named|sysctl [^\n]{1,80}(?:not allowed|is not)|write sysctl key|"
            r"SHM size|Could not clone create options|Invalid module type|Request body is malformed|"
            r"runtime operation error: create module[^\n]{1,140}StatusCode: ?400"
        ),
        source="moby daemon/container.go, daemon/daemon_unix.go; edgelet-docker and edgelet-http-mgmt error.rs; iotedge#7124",
    ),
)

RULES = PORTS + DEVICES + FOLDERS + NETWORKS + LIMITS
