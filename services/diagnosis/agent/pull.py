"""Rules: a step of a deployment failed as the engine pulled an image.

The words are those of Docker, containerd, registries and both generations of the agent; from 1.2 on the agent keeps the
engine's words to its own log.
"""

from __future__ import annotations

from services.diagnosis.rule import Rule


def _image(number: str = "") -> str:
    return rf"[\"'`]?(?P<image{number}>[a-z0-9][\w./:@-]*\w)[\"'`]?"


_CREDENTIALS = (
    "Give the registry's current user and password in the deployment (`dbe-console deploy` takes them from the workspace) "
    "and deploy again."
)


def _slow_pull(limit: str, pattern: str) -> Rule:
    """Return the rule for an agent that gave up waiting for its engine: 100 s, from 1.4.3 on 300 s, and settable (docs/facts/iot-hub.md)."""
    return Rule(
        "slow-pull",
        "warning",
        "pulling",
        "the image is still being pulled",
        f"The agent stopped waiting {limit}; the engine goes on pulling and the agent asks again.",
        "Wait: a large image over a slow line takes long. Nothing needs to be done.",
        pattern=pattern,
        kinds=("deployment",),
        likely=True,
        settle="The agent's logs name the image that is pulled; where every module has its image, the engine hangs: restart it.",
        source="iotedge#6804, #7259; edge-agent ModuleManagementHttpClientVersioned.cs",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "pull-unauthorized",
        "error",
        "pull",
        "the registry refuses the pull",
        "The registry wants other credentials for {image} than the deployment gives: wrong, renewed, or missing.",
        _CREDENTIALS,
        pattern=(
            rf"image\s+{_image()}(?:(?!pull image)[\s\S]){{0,600}}?unauthorized(?:: authentication required)?|"
            r"unauthorized: (?:authentication required|incorrect username)|failed to authorize|failed to fetch oauth token|"
            r"401 Unauthorized|error parsing HTTP 401 response|no basic auth credentials|"
            r"Response code 401|invalid username/password|bad username or password"
        ),
        source="moby distribution; iotedge#4024, #7466; azure-iot-starter-kits#38",
    ),
    Rule(
        "registry-firewall",
        "error",
        "pull",
        "the registry's firewall keeps the device out",
        "The registry gives {image} only to some addresses, and the device's ({client}) is none of them.",
        "Add the device's address to the registry's network rules, or let it go by the private endpoint.",
        pattern=(
            r"client with IP (?P<client>\S{1,60}) is not allowed access|blocked by (?:network access rules|the registry's firewall)|"
            r"aka\.ms/acr/firewall"
        ),
        source="Azure Container Registry, aka.ms/acr/firewall",
    ),
    Rule(
        "pull-denied",
        "error",
        "pull",
        "the image may not be pulled, or is not there",
        "The registry denies {image}: the name is wrong, the repository does not exist, or the user has no right on it.",
        "Check the image's name and the user's rights; a private registry needs its credentials in the deployment.",
        pattern=(
            rf"pull access denied for {_image()}[^\n]{{0,120}}(?:docker login'?(?:: denied: requested access)?)?|pull access denied|"
            r"may require 'docker login'|denied: requested access to the resource|403 Forbidden|insufficient_scope|"
            r"(?<!permission )(?<!access )denied: (?!client with IP|requested access)|operation is disallowed on this registry"
        ),
        source="iotedge#1730; moby distribution",
    ),
    Rule(
        "image-missing",
        "error",
        "pull",
        "the registry has no such image or tag",
        "The registry answers and has no {image}.",
        "Check name and tag (`dbe-console images`), and deploy again.",
        pattern=(
            rf"manifest for {_image()} not found(?:: manifest unknown)?|manifest unknown|name unknown|NAME_UNKNOWN|"
            r"repository name not known|(?:docker\.io|azurecr\.io|https?:/)/\S{1,200}: not found|error parsing HTTP 404 response|"
            r"unknown blob|blob unknown|"
            rf"pull(?:ing)? image (?!configuration){_image('2')}(?:(?!pull image)[\s\S]){{0,300}}?"
            r"(?:repository|name|manifest|reference|tag)\b[^\n]{0,200}not found"
        ),
        source="Azure/acr#124, #742; distribution api/errcode",
    ),
    Rule(
        "image-not-here",
        "error",
        "image",
        "the image is not on the device",
        "The engine has no such image and did not pull it: imagePullPolicy is never, or somebody removed it in between.",
        "Set imagePullPolicy to on-create and deploy again; on a device that can pull nothing, load the image there.",
        pattern=rf"No such image:? {_image()}|^Image {_image('2')} not found",
        likely=True,
        settle="The module's imagePullPolicy (details of the module).",
        source="moby client; iotedge edgelet-docker",
    ),
    Rule(
        "bad-image-name",
        "error",
        "image",
        "the image's name is not valid",
        "The engine cannot read {image} as the name of an image: a blank, a capital letter, or a sign that none may hold.",
        "Correct the image in the deployment: SERVER/REPOSITORY:TAG.",
        pattern=(
            r"invalid reference format|is not in the right format|repository name must be lowercase|Invalid docker image|"
            r"invalid repository name|could not parse reference|invalid checksum digest"
        ),
        source="moby/distribution reference; edgelet-docker error.rs",
    ),
    Rule(
        "proxy-auth",
        "error",
        "proxy",
        "the device's proxy wants a sign-in",
        "The proxy on the device's way out refuses the engine, which asks for {image} without user and password.",
        "Put user and password into the proxy's address in the engine's settings on the device, or let the registry pass without.",
        pattern=r"Proxy Authentication Required|\b407\b[^\n]{0,40}proxy",
        source="golang net/http transport.go",
    ),
    Rule(
        "proxy-failed",
        "error",
        "proxy",
        "the device's proxy does not let the pull through",
        "The engine goes to the registry of {image} by a proxy that cannot be reached, or does not lead on to it.",
        "Check the proxy in the engine's settings on the device (HTTPS_PROXY, NO_PROXY), and have the registry's addresses allowed there.",
        pattern=(
            r"proxyconnect tcp|https?://[^\s\"']{1,300}[\"']?: (?:Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout|Bad Request)\b|"
            r"error parsing HTTP 4(?!01|04|29)\d\d response|malformed HTTP response|proxy[^\n]{0,60}(?:refused|unreachable|not resolve)"
        ),
        source="golang net/http transport.go: a CONNECT that is refused gives the bare text of its status; containerd#7218",
    ),
    Rule(
        "registry-unreachable",
        "error",
        "pull",
        "the device cannot reach the registry",
        (
            "The device's name server, proxy or firewall keeps it from the registry of {image}, or from where the layers lie "
            "(*.blob.core.windows.net of an Azure registry)."
        ),
        "Check the device's DNS and proxy, that the registry's server name is right, and that both addresses may be reached.",
        pattern=(
            r"(?:registry|https?://)(?:(?!proxyconnect)[^\n]){0,400}?(?:no such host|dial tcp|i/o timeout|"
            r"connection refused|network is unreachable|"
            r"TLS handshake timeout|Client\.Timeout exceeded|request canceled while waiting|context deadline exceeded)|"
            r"(?<!proxyconnect tcp: dial tcp: )lookup \S+[^\n]{0,60}(?:no such host|server misbehaving)|"
            r"connectex: A connection attempt failed|connected party did not properly respond|"
            r"download failed after attempts[^\n]{0,120}(?:dial tcp|i/o timeout)|tls: access denied|"
            r"pull(?:ing)? image(?:(?!pull image|proxyconnect)[\s\S]){1,600}?(?:dial (?:tcp|udp) (?!unix)|failure in name resolution)"
        ),
        source="golang net; microsoft/containerregistry#139",
    ),
    Rule(
        "registry-throttled",
        "warning",
        "throttled",
        "the registry throttles pulls",
        "Too many pulls in a short time from this address or user; the agent asks for {image} again.",
        "Wait: it passes by itself; or sign in with an account that may pull more.",
        pattern=r"toomanyrequests|too many requests|pull rate limit|rate limit exceeded|status code:? 429",
        source="docs.docker.com, pull limits",
    ),
    Rule(
        "device-clock",
        "error",
        "clock",
        "the device's clock is behind",
        "The certificate of the registry of {image} is not valid yet at the time that the device takes it to be ({time}).",
        "Set the device's time by NTP.",
        pattern=r"x509: certificate has expired or is not yet valid: current time (?P<time>\S{1,40}) is before",
        source="golang crypto/x509",
    ),
    Rule(
        "registry-untrusted",
        "error",
        "tls",
        "the device does not trust the registry's certificate",
        (
            "The certificate of the registry of {image} is signed by nobody whom the device trusts, has run out, or is for another name: mostly a "
            "proxy that inspects TLS, or a clock that is off."
        ),
        "Install the authority's certificate on the device; check its clock and its proxy.",
        pattern=(
            r"x509: (?!certificate has expired or is not yet valid: current time \S{1,40} is before)|signed by unknown authority|"
            r"tls: (?:failed to verify certificate(?!: x509)|handshake failure|bad certificate|unknown certificate)|remote error: tls"
        ),
        source="golang crypto/x509, crypto/tls",
    ),
    Rule(
        "registry-plain",
        "error",
        "tls",
        "the registry speaks no TLS",
        "It answers for {image} in plain HTTP, which the engine takes only from a registry that its settings name as insecure.",
        "Give the registry a certificate, or name it under insecure-registries in the engine's settings on the device.",
        pattern=r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake",
        source="golang net/http",
    ),
    Rule(
        "disk-full",
        "error",
        "disk",
        "the device's disk is full",
        "There is no room left for {image}, or for what a container writes.",
        "Remove unused images on the device, or restart with a larger share.",
        pattern=r"no space left on device|disk quota exceeded|not enough space on the disk|\(os error 28\)|\bENOSPC\b|\(0x70\)",
        source="ENOSPC of the kernel, as Go and Rust write it; 0x70 of Windows",
    ),
    Rule(
        "wrong-architecture",
        "error",
        "architecture",
        "the image is for another processor",
        "What {image} holds is made for another processor or operating system than the device's.",
        "Build or choose the image for the device's platform (linux/amd64).",
        pattern=(
            r"exec format error|no match(?:ing manifest)? for|image operating system|does not match the (?:specified|detected)|"
            r"-based image is incompatible with|operating system does not match the host|unsupported (?:os|platform|architecture)\b"
        ),
        source="moby daemon/images; containerd; runc",
    ),
    Rule(
        "image-format",
        "error",
        "image",
        "the engine cannot take this image's format",
        "The registry has {image}, and the engine on the device does not know how it is packed: mostly an engine older than the image.",
        "Update the container engine on the device, or push the image in Docker's older format (schema 2, gzip).",
        pattern=(
            r"unsupported (?:media ?type|manifest)|mediaType in manifest|missing signature key|unsupported compression|"
            r"schema version \d[^\n]{0,40}not supported|unexpected media type|manifest invalid|unsupported content type|"
            r"media type [^\n]{1,120} unsupported|schema 1 support|Docker Image Format v1"
        ),
        source="moby distribution; containerd images",
    ),
    Rule(
        "image-unpack",
        "error",
        "disk",
        "the engine cannot unpack the image",
        "Its layers arrived, and the engine failed as it wrote them to the device's disk: {text}",
        "Look at the disk and the engine's storage driver on the device; remove the image there and let it be pulled anew.",
        pattern=(
            r"(?:failed to (?:register|extract) layer|ApplyLayer)(?![^\n]{0,300}no space left)|max depth exceeded|"
            r"layer does not exist|image not known"
        ),
        likely=True,
        settle="The engine's log on the device (`journalctl -u docker`).",
        source="moby daemon/internal/layer; containerd diff",
    ),
    Rule(
        "pull-broken",
        "warning",
        "pull",
        "the pull of the image broke off",
        "The registry, or something on the way, ended the pull of {image} in the middle, or layers arrived damaged; the agent begins anew.",
        "Wait for the next attempt; if it stays so, look at the device's line and proxy, and at Azure's status page.",
        pattern=(
            r"pull(?:ing)? image(?:(?!pull image)[\s\S]){1,600}?(?:unexpected EOF|: EOF\b|connection reset by peer|short read|"
            r"layer verification failed|unexpected commit digest|size validation failed|"
            r"unexpected HTTP status: 5\d\d|error parsing HTTP 5\d\d response|"
            r"unexpected status[^\n]{0,300}: 5\d\d\b|context canceled|stream error: stream ID|sent GOAWAY|"
            r"client connection (?:lost|force closed)|broken pipe|closed network connection)"
        ),
        source="golang io; microsoft/containerregistry#56",
    ),
    _slow_pull("after {seconds} seconds", r"HttpClient\.Timeout\D{1,24}(?P<seconds>\d{1,6}(?:[.,]\d+)?) s"),
    _slow_pull(
        "by its own time limit",
        r"\A(?![\s\S]{0,900}List modules)[\s\S]{0,900}?(?:operation was cancell?ed|task was cancell?ed|operation (?:has )?timed[ -]?out)",
    ),
    Rule(
        "pull-failed",
        "error",
        "pull",
        "the image cannot be pulled",
        (
            "The engine does not get {image}: mostly wrong or missing registry credentials, else a wrong name, another "
            "processor's image, or the network. An agent of 1.2 and later does not say which."
        ),
        "Check the registry credentials of the deployment first (`dbe-console doctor`), then the image's name and platform.",
        pattern=(
            rf"registry operation error:? pull image {_image()}|(?:Could not pull|Failed to pull|"
            rf"Error pulling) image (?!configuration){_image('2')}"
        ),
        likely=True,
        general=True,
        settle=(
            "`dbe-console doctor` signs in to the registry with the deployment's credentials and asks for the image; "
            "`journalctl -u aziot-edged` on the device has the engine's words."
        ),
        source="iotedge edgelet-docker/src/error.rs, tags 1.0.5 to 1.6.1",
    ),
)
