"""Rules: what the way to a service says before the service does: names, routes, ports, proxies, TLS, clocks.

Wordings are those of requests/urllib3, OpenSSL, Python's socket module, aiohttp and pyamqp.
"""

from __future__ import annotations

from services.diagnosis.lifecycle import TLS
from services.diagnosis.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "hub-trouble",
        "warning",
        "trouble",
        "the service has trouble of its own ({status})",
        "It answered every attempt with a server error; it is mostly gone in a minute.",
        "Try again; if it stays, look at Azure's status page.",
        pattern=r"too many (?P<status>5\d\d) error responses",
        source="urllib3 util/retry.py",
    ),
    Rule(
        "proxy-auth",
        "error",
        "proxy",
        "the proxy wants a sign-in",
        "The proxy on the way out refuses this machine without user and password.",
        "Put user and password into the proxy's URL where the context names it.",
        codes=("407",),
        pattern=r"407 Proxy Authentication|Proxy Authentication Required",
        source="RFC 9110, 15.5.8",
    ),
    Rule(
        "proxy-failed",
        "error",
        "proxy",
        "the proxy does not let this through",
        "The proxy cannot be reached, or refuses to tunnel to this host and port.",
        "Check the proxy in the context's events and in HTTPS_PROXY; have host and port allowed.",
        pattern=r"(?:ProxyError|Cannot connect to proxy|Tunnel connection failed)(?![\s\S]*\b407\b)|CONNECT[^.\n]{0,60}(?:403|502|503)",
        source="urllib3; python http.client",
    ),
    Rule(
        "clock-off",
        "error",
        "clock",
        "this machine's clock is off by {minutes}",
        "Tokens carry times: a clock more than five minutes off makes the hub refuse them.",
        "Switch on NTP on this machine (`timedatectl set-ntp true`).",
        codes=("clock-skew",),
        over=300.0,
        source="TS: troubleshoot-error-codes.md, note to 401003",
    ),
    Rule(
        "clock-drift",
        "warning",
        "clock",
        "this machine's clock is off",
        "The clock differs from the server's Date by more than a few seconds; tokens still hold.",
        "Switch on NTP on this machine.",
        codes=("clock-skew",),
        under=300.0,
        source="what this console itself writes",
    ),
    Rule(
        "slow",
        "warning",
        "slow",
        "the service answers late",
        "It answers after seconds where parts of one are usual: a thin or busy line, a proxy, or a service with trouble of its own.",
        "Wait, and have patience with every step; if it stays, look at the line and at Azure's status page.",
        codes=("slow",),
        source="what this console itself writes",
    ),
    Rule(
        "certificate-time",
        "error",
        "tls",
        "the certificate is not valid at this time",
        "The certificate has expired, is not yet valid, or this machine's clock is off.",
        "Check this machine's clock first; then the server's certificate.",
        pattern=r"certificate (?:has expired|is not yet valid)|CERTIFICATE_EXPIRED",
        source="openssl x509_txt.c",
    ),
    Rule(
        "certificate-name",
        "error",
        "tls",
        "the certificate is for another name",
        "The server's certificate does not carry the name or address that was asked for: a proxy in between, or a wrong host.",
        "Use the host name as the hub gives it; if a proxy inspects TLS, name its CA in the context (`ca_file`).",
        pattern=r"Hostname mismatch|doesn't match|IP address mismatch|certificate is not valid for",
        source="python ssl; openssl x509_txt.c",
    ),
    Rule(
        "certificate-untrusted",
        "error",
        "tls",
        "the certificate is signed by nobody trusted here",
        "A private CA, or a proxy that inspects TLS, signed the certificate.",
        "Name the CA's PEM file as `ca_file` of the hub, workspace or events in the context.",
        pattern=(
            r"(?:CERTIFICATE_VERIFY_FAILED|certificate verify failed)"
            r"(?![\s\S]*(?:has expired|not yet valid|mismatch|doesn't match|is not valid for))|self[- ]signed certificate|"
            r"unable to get (?:local )?issuer|unknown ca|UNKNOWN_CA"
        ),
        source="openssl x509_txt.c",
    ),
    Rule(
        "not-tls",
        "error",
        "tls",
        "what answers there speaks no TLS",
        "The port is open, but a plain-text server or a proxy's page answers.",
        "Check host and port; a captive portal or proxy may sit in between.",
        pattern=r"WRONG_VERSION_NUMBER|wrong version number|UNKNOWN_PROTOCOL|unknown protocol|record layer failure|HTTP_REQUEST",
        source="openssl ssl_err.c",
    ),
    Rule(
        "tls-version",
        "error",
        "tls",
        "the other side speaks another version of TLS",
        f"Server, or what inspects TLS on the way, and this machine have no version in common. {TLS.title}: ended {TLS.end}.",
        TLS.remedy,
        pattern=r"(?:UNSUPPORTED|ALERT)[_ ]PROTOCOL(?:[_ ]VERSION)?|VERSION_TOO_LOW",
        source="openssl ssl_err.c",
    ),
    Rule(
        "tls-failed",
        "error",
        "tls",
        "TLS could not be set up",
        "Server and machine did not agree on TLS; mostly something on the way cuts it.",
        "Try with another network; ask for the firewall's rule.",
        pattern=r"SSLError|SSL: |EOF occurred in violation of protocol|handshake|SSLV3|TLSV1",
        general=True,
        source="openssl ssl_err.c; python ssl",
    ),
    Rule(
        "name-unresolved",
        "error",
        "unresolved",
        "the name {host} cannot be resolved",
        "The host's name is misspelt, or this machine's name server does not know it or cannot be reached.",
        "Check the name in the context; try `getent hosts NAME`; check /etc/resolv.conf.",
        codes=("EAI_NONAME", "EAI_AGAIN", "gaierror", "NameResolutionError"),
        # The evidence begins with whom we spoke to.
        pattern=(
            r"Failed to resolve '(?P<host>[^'\s]+)'|(?:\A(?P<host2>[\w.-]+\.[\w-]+)(?::\d+)?: [\s\S]*?)?(?:"
            r"Name or service not known|Temporary failure in name resolution|nodename nor servname|getaddrinfo failed|"
            r"No address associated|"
            r"Failed to resolve|DNS resolution failed|Name does not resolve)"
        ),
        source="glibc gai_strerror; urllib3",
    ),
    Rule(
        "refused",
        "error",
        "refused",
        "nothing listens there",
        "The machine answers and no program listens on this port, or a firewall rejects it.",
        (
            "Check host and port. For messages: port 5671 may be closed, use websockets over 443 (`transport` in the "
            "context's events)."
        ),
        codes=("ECONNREFUSED", "ConnectionRefusedError"),
        pattern=r"Connection refused|ConnectionRefused|actively refused|Connect call failed",
        source="ECONNREFUSED of the kernel; python asyncio",
    ),
    Rule(
        "no-route",
        "error",
        "no-route",
        "there is no way to this network",
        "This machine has no route to the address.",
        "Check VPN, network cable and routes.",
        codes=("ENETUNREACH", "EHOSTUNREACH"),
        pattern=r"Network is unreachable|No route to host",
        source="ENETUNREACH and EHOSTUNREACH of the kernel",
    ),
    Rule(
        "no-answer",
        "error",
        "silent",
        "the request was taken and never answered",
        "The connection stands and nothing comes back: the service hangs, or something on the way swallows its answers.",
        "Try again in a minute; if it stays, look at Azure's status page, and at proxies and firewalls that inspect TLS.",
        codes=("ReadTimeout", "ReadTimeoutError"),
        source="requests; urllib3",
    ),
    Rule(
        "timeout",
        "error",
        "timeout",
        "no answer at all",
        (
            "Packets are swallowed: a firewall that drops them, a wrong address, the private address of a service that is reached only "
            "from its own network, or a server that hangs."
        ),
        "Check firewall and address; for messages use websockets over 443.",
        codes=("ETIMEDOUT", "TimeoutError", "ConnectTimeout"),
        pattern=r"timed out|timeout",
        likely=True,
        settle="Whether other ports of the same host answer: `dbe-console doctor` tries 5671, 443 and 8883.",
        source="ETIMEDOUT; requests; urllib3",
    ),
    Rule(
        "cut",
        "warning",
        "cut",
        "the connection was cut",
        "The other side, or something on the way, closed the connection in the middle.",
        "Try again; if it stays, look for a proxy or firewall that limits connections.",
        codes=("ECONNRESET", "EPIPE", "ConnectionResetError"),
        pattern=(
            r"Connection reset|Connection aborted|RemoteDisconnected|Remote end closed|Broken pipe|IncompleteRead|"
            r"Server disconnected|connection (?:was )?closed"
        ),
        source="ECONNRESET and EPIPE; http.client; urllib3",
    ),
)
