"""List the body of the Docker Engine API's POST /containers/create, key by key.

Version 1.47: ContainerConfig with HostConfig and NetworkingConfig.

Types: ``str``, ``int``, ``num``, ``bool``, ``[T]`` a list, ``{T}`` an object with free keys, ``{}`` a set written as keys with
empty objects, ``any``, or the name of another object of SCHEMA. Null is allowed everywhere, as Go allows it.

Docker itself takes Cmd and Entrypoint as one text, too; the daemon of IoT Edge between reads them as lists only (Azure/iotedge,
edgelet/docker-rs/src/models/container_create_body.rs).
"""

from __future__ import annotations

_ROOT = """
Hostname str; Domainname str; User str; AttachStdin bool; AttachStdout bool; AttachStderr bool; ExposedPorts {}; Tty bool;
OpenStdin bool;
StdinOnce bool; Env [str]; Cmd [str]; Healthcheck Healthcheck; ArgsEscaped bool; Image str; Volumes {}; WorkingDir str;
Entrypoint [str]; NetworkDisabled bool; MacAddress str; OnBuild [str]; Labels {str}; StopSignal str; StopTimeout int;
Shell [str];
HostConfig HostConfig; NetworkingConfig NetworkingConfig; Platform str; Name str
"""
_HOST = """
CpuShares int; Memory int; CgroupParent str; BlkioWeight int; BlkioWeightDevice [WeightDevice]; BlkioDeviceReadBps
[ThrottleDevice];
BlkioDeviceWriteBps [ThrottleDevice]; BlkioDeviceReadIOps [ThrottleDevice]; BlkioDeviceWriteIOps [ThrottleDevice]; CpuPeriod int;
CpuQuota int; CpuRealtimePeriod int; CpuRealtimeRuntime int; CpusetCpus str; CpusetMems str; Devices [Device];
DeviceCgroupRules [str];
DeviceRequests [DeviceRequest]; KernelMemory int; KernelMemoryTCP int; MemoryReservation int; MemorySwap int;
MemorySwappiness int;
NanoCpus int; NanoCPUs int; OomKillDisable bool; Init bool; PidsLimit int; Ulimits [Ulimit]; CpuCount int; CpuPercent int;
IOMaximumIOps int; IOMaximumBandwidth int; MaximumIOps int; MaximumIOBps int; Binds [str]; ContainerIDFile str; LogConfig LogConfig; NetworkMode str;
PortBindings {[Port]};
RestartPolicy RestartPolicy; AutoRemove bool; VolumeDriver str; VolumesFrom [str]; Mounts [Mount]; ConsoleSize [int];
Annotations {str};
CapAdd [str]; CapDrop [str]; CgroupnsMode str; Dns [str]; DnsOptions [str]; DnsSearch [str]; ExtraHosts [str]; GroupAdd
[str]; IpcMode str;
Cgroup str; Links [str]; OomScoreAdj int; PidMode str; Privileged bool; PublishAllPorts bool; ReadonlyRootfs bool;
SecurityOpt [str];
StorageOpt {str}; Tmpfs {str}; UTSMode str; UsernsMode str; ShmSize int; Sysctls {str}; Runtime str; Isolation str;
MaskedPaths [str];
ReadonlyPaths [str]; Capabilities [str]; DiskQuota int; InitPath str
"""
_OTHERS = {
    "Healthcheck": "Test [str]; Interval int; Timeout int; Retries int; StartPeriod int; StartInterval int",
    "WeightDevice": "Path str; Weight int",
    "ThrottleDevice": "Path str; Rate int",
    "Device": "PathOnHost str; PathInContainer str; CgroupPermissions str",
    "DeviceRequest": "Driver str; Count int; DeviceIDs [str]; Capabilities [[str]]; Options {str}",
    "Ulimit": "Name str; Soft int; Hard int",
    "LogConfig": "Type str; Config {str}",
    "Port": "HostIP str; HostIp str; HostPort str",
    "RestartPolicy": "Name str; MaximumRetryCount int",
    "Mount": "Target str; Source str; Type str; ReadOnly bool; Consistency str; BindOptions BindOptions; "
    "VolumeOptions VolumeOptions; ImageOptions ImageOptions; TmpfsOptions TmpfsOptions",
    "BindOptions": "Propagation str; NonRecursive bool; CreateMountpoint bool; ReadOnlyNonRecursive bool; "
    "ReadOnlyForceRecursive bool",
    "VolumeOptions": "NoCopy bool; Labels {str}; DriverConfig Driver; Subpath str",
    "ImageOptions": "Subpath str",
    "Driver": "Name str; Options {str}",
    "TmpfsOptions": "SizeBytes int; Mode int; Options [[str]]",
    "NetworkingConfig": "EndpointsConfig {Endpoint}",
    "Endpoint": "IPAMConfig IPAMConfig; Links [str]; MacAddress str; Aliases [str]; DriverOpts {str}; NetworkID str; "
    "EndpointID str; Gateway str; IPAddress str; IPPrefixLen int; IPv6Gateway str; GlobalIPv6Address str; "
    "GlobalIPv6PrefixLen int; GwPriority int; DNSNames [str]",
    "IPAMConfig": "IPv4Address str; IPv6Address str; LinkLocalIPs [str]",
}


def _parsed(text: str) -> dict[str, str]:
    entries = (entry.split() for entry in text.replace("\n", " ").split(";") if entry.strip())
    return dict((name, kind) for name, kind in entries)


SCHEMA: dict[str, dict[str, str]] = {
    "": _parsed(_ROOT),
    "HostConfig": _parsed(_HOST),
    **{name: _parsed(text) for name, text in _OTHERS.items()},
}
# Keys beside Docker's that the edge agent reads itself; what is in them is not checked.
EXTENSIONS = ("k8s-experimental", "k8s-extensions")

# What the edge agent reads into a class of its own: there Newtonsoft makes a number of a text, a text of a number and so on. All else
# goes to Docker as it stands (Azure/iotedge, Edge.Agent.Docker/models; agents before 1.0.10 had a class for every key).
_UNREAD = "DeviceCgroupRules DeviceRequests KernelMemoryTCP CgroupnsMode Annotations MaskedPaths ReadonlyPaths Capabilities"
READ_BY_THE_AGENT: dict[str, frozenset[str]] = {
    "": frozenset(("Env", "ExposedPorts", "HostConfig", "Image", "Labels", "NetworkingConfig")),
    "HostConfig": frozenset(SCHEMA["HostConfig"]) - frozenset(_UNREAD.split()),
    "Mount": frozenset(("ReadOnly", "Source", "Target", "Type")),
    "Endpoint": frozenset(("Aliases",)),
    **{
        name: frozenset(SCHEMA[name])
        for name in (
            "Device",
            "LogConfig",
            "NetworkingConfig",
            "Port",
            "RestartPolicy",
            "ThrottleDevice",
            "Ulimit",
            "WeightDevice",
        )
    },
}
