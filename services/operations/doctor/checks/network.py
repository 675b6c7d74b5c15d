"""Checks of the way to the hub: name, proxy, ports, TLS, clock."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from services.contexts.consumer import proxy_settings
from services.contexts.hosts import host_alone
from services.contexts.probe import probe_proxy, tunnel_headers
from services.contexts.proxies import proxy_for, without_password
from services.contexts.secrets import resolve_path
from services.diagnosis import diagnose, explain
from services.errors import OperatorError
from services.operations.doctor.checks.check import Outcome, SharedFacts, failed, neutral, ok, outcome_of
from services.records import Evidence
from services.text import one_line

_SECONDS = 6.0
_LATE = 2.0  # seconds that an answer may take without a word
# A question that the hub itself answers (401) without a key: it says that the hub is awake, and its Date.
_QUESTION = "/statistics/service?api-version=2021-04-12"
_AMQP = b"AMQP\x03\x01\x00\x00"  # SASL comes first, says the client
_HELD = 5.0  # seconds for which a line has to stay open
_CLOCK = 30.0  # seconds that a clock may be off without a word


def host_of(facts: SharedFacts) -> tuple[str, int]:
    """Return the hub's host and HTTPS port; raises OperatorError where the context names no hub."""
    if facts.context.hub is None or not facts.context.hub.host:
        raise OperatorError(
            f"The context {facts.context.name!r} names no IoT Hub.",
            remedy="Add one: dbe-console context add --help",
            code="context.no-hub",
        )
    parts = urlsplit(f"//{facts.context.hub.host}")
    return parts.hostname or "", parts.port or 443


def messages_host(facts: SharedFacts) -> str:
    """Return the host that messages are received at: of the Event Hub that the context names, else the hub's."""
    return host_alone(facts.context.events.namespace) or host_of(facts)[0]


def name_resolution(facts: SharedFacts) -> Outcome:
    """Check whether the hub's name leads to an address."""
    host, _ = host_of(facts)
    try:
        addresses = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        return failed(_network(error, host))
    return ok(f"{one_line(host, 200)} is {', '.join(addresses[:3])}")


def proxy(facts: SharedFacts) -> Sequence[Outcome]:
    """Name the proxy of each leg, and have it open a tunnel there: the leg that fails is named."""
    ways = {leg: (host, _proxy_of(facts, leg, host)) for leg, host in _legs(facts)}
    through = {leg: (host, url) for leg, (host, url) in ways.items() if url}
    if not through:
        return [ok("none, direct")]
    outcomes = []
    for leg, (host, url) in through.items():
        try:
            probe_proxy(url, host)
        except OperatorError as error:
            leg_error = OperatorError(
                f"{leg}: {error.what}", cause=error.cause, remedy=error.remedy, code=error.code, raw=error.raw
            )
            outcomes.append(failed(leg_error, name=f"proxy:{leg}", title=f"Proxy for {leg}"))
    proxies = dict.fromkeys(without_password(url) for _, url in through.values())
    direct = [leg for leg in ways if leg not in through]
    detail = f"{', '.join(through)} by {' and '.join(proxies)}" + (f"; {', '.join(direct)} directly" if direct else "")
    return outcomes or [ok(detail)]


def _legs(facts: SharedFacts) -> Iterator[tuple[str, str]]:
    """Yield what is reached over HTTPS or websockets, each with its host."""
    context = facts.context
    host, _ = host_of(facts)
    yield "hub", host
    yield "messages", messages_host(facts)
    if context.workspace is not None or (context.hub is not None and context.hub.connection is None):
        yield "Azure Resource Manager", urlsplit(context.cloud.resource_manager).hostname or ""
        yield "sign-in", urlsplit(context.cloud.authority).hostname or ""


def _proxy_of(facts: SharedFacts, leg: str, host: str) -> str:
    return (facts.context.events.proxy if leg == "messages" else "") or proxy_for(host)


def _by_websocket(facts: SharedFacts) -> bool:
    by_proxy = bool(_proxy_of(facts, "messages", messages_host(facts)))
    return by_proxy or facts.context.events.transport == "websocket"


def https_port(facts: SharedFacts) -> Outcome:
    """Check the port for everything but messages."""
    host, port = host_of(facts)
    if proxy_for(host):
        return neutral("goes by the proxy")
    milliseconds = _connect(host, port)
    return ok(f"open ({milliseconds:.0f} ms)" if port == 443 else f"open as {port} ({milliseconds:.0f} ms)")


def amqp_port(facts: SharedFacts) -> Outcome:
    """Check the port for messages; not needed where they come by websockets."""
    host = messages_host(facts)
    by_websocket = _by_websocket(facts)
    try:
        return ok(f"open ({_connect(host, 5671):.0f} ms)")
    except OperatorError as error:
        if by_websocket:
            return neutral("closed; messages come by websockets over 443")
        remedy = 'Set transport = "websocket" in the context\'s events, or have 5671 opened.'
        return failed(OperatorError(f"Port 5671: {error.what}", cause=error.cause, remedy=remedy, code=error.code, raw=error.raw))


def cut_again(facts: SharedFacts) -> Sequence[Outcome]:
    """Check whether a connection for messages on which nobody signs in is closed within seconds.

    Where a key is refused, what is wrong with the line besides shows in nothing else. A hub closes those that never sign in
    after half a minute at the earliest [inf].
    """
    context = facts.context
    if _by_websocket(facts):
        return ()
    host = messages_host(facts)
    ca_file = context.events.ca_file or (context.hub.ca_file if context.hub else "")
    began = time.monotonic()
    try:
        trust = ssl.create_default_context(cafile=str(resolve_path(ca_file)) if ca_file else None)
        with (
            socket.create_connection((host, 5671), timeout=_SECONDS) as plain,
            trust.wrap_socket(plain, server_hostname=host) as line,
        ):
            began = time.monotonic()
            line.sendall(_AMQP)
            while time.monotonic() - began < _HELD:
                line.settimeout(max(began + _HELD - time.monotonic(), 0.01))
                if not line.recv(4096):
                    break
            else:
                return ()
    except TimeoutError:
        return ()  # it held, or does not open, which the check of the port tells
    except ConnectionResetError:
        pass
    except OSError:
        return ()
    text = f"the connection closed after {time.monotonic() - began:.0f} s, though nothing was wrong on it"
    finding = diagnose(Evidence("amqp", code="ConnectionLostError", text=text))[0]
    return [outcome_of(finding, name="endpoint:line", title="The line for messages")]


def mqtt_port(facts: SharedFacts) -> Outcome:
    """Check the port that devices use: what this machine sees of it says little of the device's own way out."""
    host, _ = host_of(facts)
    try:
        return ok(f"open ({_connect(host, 8883):.0f} ms); the device's own way out is not seen from here")
    except OperatorError:
        return neutral("closed from here; only devices need it")


def tls(facts: SharedFacts) -> Outcome:
    """Return the hub's certificate, against the system's or the context's authority, and whether the hub answers behind it.

    Remembers its Date.
    """
    host, port = host_of(facts)
    ca_file = facts.context.hub.ca_file if facts.context.hub else ""
    try:
        trust = ssl.create_default_context(cafile=str(resolve_path(ca_file)) if ca_file else None)
    except OSError as error:
        raise OperatorError(
            f"The authority's file {one_line(ca_file, 200)} cannot be used.",
            cause=one_line(error, 200),
            remedy="Name a PEM file as ca_file of the context's hub.",
            code="context.ca-file",
        ) from None
    through = proxy_for(host)
    if through:
        settings = proxy_settings(through, with_scheme=False)
        connection = http.client.HTTPSConnection(
            settings["proxy_hostname"], settings["proxy_port"], timeout=_SECONDS * 2, context=trust
        )
        connection.set_tunnel(host, port, tunnel_headers(settings))
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=_SECONDS * 2, context=trust)
    try:
        connection.connect()
        version = connection.sock.version() if isinstance(connection.sock, ssl.SSLSocket) else ""
    except ssl.SSLCertVerificationError as error:
        connection.close()
        explained = _network(error, host)
        if issuer := _issuer(host, port, through):
            explained.cause = f"Its certificate was issued by {issuer}. {explained.cause}".rstrip()
        return failed(explained)
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return failed(_network(error, host))
    start = time.monotonic()
    try:
        connection.request("GET", _QUESTION, headers={"User-Agent": "dbe-console"})
        date = connection.getresponse().headers.get("Date", "")
        before = datetime.now(timezone.utc)
    except TimeoutError as error:
        return failed(explain(Evidence("network", code="ReadTimeout", text=f"{host}: {error}")))
    except (OSError, http.client.HTTPException) as error:
        return failed(_network(error, host))
    finally:
        connection.close()
    try:
        facts.clock_ahead = (before - parsedate_to_datetime(date)).total_seconds() if date else None
    except (ValueError, TypeError):  # no date, or one without a time zone
        facts.clock_ahead = None
    took = time.monotonic() - start
    if took > _LATE:
        return outcome_of(
            diagnose(Evidence("network", code="slow", text=f"the hub answered after {took:.1f} s", seconds=took))[0]
        )
    return ok(f"{version}, trusted by {'the context ca_file' if ca_file else 'the system'}")


def _issuer(host: str, port: int, through: str) -> str:
    """Return who issued the certificate that is shown there, which is not trusted: a proxy that looks into TLS names itself so."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    connection = http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=ssl._create_unverified_context())
    if through:
        settings = proxy_settings(through, with_scheme=False)
        connection.host, connection.port = settings["proxy_hostname"], settings["proxy_port"]
        connection.set_tunnel(host, port, tunnel_headers(settings))
    try:
        connection.connect()
        certificate = connection.sock.getpeercert(binary_form=True) if isinstance(connection.sock, ssl.SSLSocket) else None
        issuer = x509.load_der_x509_certificate(certificate).issuer if certificate else None
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    finally:
        connection.close()
    names = [
        str(name.value)
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for name in (issuer or ())
        if name.oid == kind
    ]
    return one_line(names[0], 120) if names else ""


def clock(facts: SharedFacts) -> Outcome:
    """Compare this machine's clock with the server's Date."""
    off = facts.clock_ahead
    if off is None:
        return neutral("the server sent no Date")
    if abs(off) <= _CLOCK:
        return ok("agrees with the hub's to within seconds")
    text = f"this machine is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the hub"
    return outcome_of(diagnose(Evidence("network", code="clock-skew", text=text, seconds=abs(off)))[0])


def _connect(host: str, port: int) -> float:
    start = time.perf_counter()
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        raise _network(error, f"{host}:{port}") from None
    return (time.perf_counter() - start) * 1000


def _network(error: BaseException, place: str) -> OperatorError:
    number = getattr(error, "errno", None)
    code = (
        errno.errorcode.get(number, "")
        if isinstance(number, int) and not isinstance(error, (ssl.SSLError, socket.gaierror))
        else ""
    )
    if isinstance(error, TimeoutError):
        code = "ETIMEDOUT"
    elif isinstance(error, socket.gaierror):
        code = "gaierror"
    return explain(Evidence("network", code=code or type(error).__name__, text=f"{place}: {error or type(error).__name__}"))
