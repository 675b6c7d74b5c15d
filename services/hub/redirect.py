"""The process that asks a hub where its messages are received: ``python -m services.hub.redirect``.

A receiver attached to ``/messages/events/$management`` is answered with ``amqp:link:redirect`` to the Event Hub-compatible
endpoint
(docs/facts/iot-hub.md). The public EventHubConsumerClient cannot follow it, uamqp can, but hangs for ever on an untrusted
certificate; therefore a
process of its own that can be ended, and a plain TLS handshake first that tells why it would hang.

Standard input: one JSON object ``{host, port, policy, key, ca_file, websocket, proxy}``. Standard output: one of
``{"address", "hostname"}``
and ``{"source", "code", "text"}``.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import sys
import time
from typing import Any

from services.contexts.children import forbid_core_dumps
from services.contexts.consumer import proxy_settings

AMQPS = 5671
_HANDSHAKE_SECONDS = 6
_SILENT_SECONDS = 12  # uamqp itself waits for ever where TLS stands and nothing is said


def main() -> None:
    """Read the question, write the answer."""
    forbid_core_dumps()
    question = json.load(sys.stdin)
    sys.stdout.write(json.dumps(ask(question)) + "\n")


def ask(question: dict[str, Any]) -> dict[str, str]:
    """Ask one question and return the answer."""
    if not question["websocket"]:
        trouble = _handshake(question["host"], question["ca_file"])
        if trouble:
            return trouble
    return _redirected(question)


def _handshake(host: str, ca_file: str) -> dict[str, str]:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        with (
            socket.create_connection((host, AMQPS), _HANDSHAKE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return {}
    except ssl.SSLError as error:
        return _network("SSLError", error)
    except socket.gaierror as error:
        return _network("gaierror", error)
    except ConnectionRefusedError as error:
        return _network("ECONNREFUSED", error)
    except TimeoutError as error:
        return _network("ETIMEDOUT", error)
    except OSError as error:
        return _network("ECONNRESET", error)


def _network(code: str, error: BaseException) -> dict[str, str]:
    return {"source": "network", "code": code, "text": f"port {AMQPS}: {error}"}


def _redirected(question: dict[str, Any]) -> dict[str, str]:
    import certifi
    import uamqp
    from azure.iot.hub.sastoken import SasToken
    from uamqp import errors
    from uamqp.authentication import SASLPlain

    host = question["host"]
    token = str(SasToken(host, question["key"], question["policy"], 300 + int(time.time()) % 60))
    sign_in = SASLPlain(
        host,
        f"{question['policy']}@sas.root.{host.split('.')[0]}",
        token,
        port=(question["port"] or 443) if question["websocket"] else AMQPS,
        verify=question["ca_file"] or certifi.where(),
        http_proxy=proxy_settings(question["proxy"], with_scheme=False) if question["proxy"] else None,
        transport_type=uamqp.TransportType.AmqpOverWebsocket if question["websocket"] else uamqp.TransportType.Amqp,
    )
    refusals = _Refusals()
    logging.getLogger("uamqp.c_uamqp").addHandler(refusals)
    logging.getLogger("uamqp.c_uamqp").setLevel(logging.INFO)
    client = uamqp.ReceiveClient(f"amqps://{host}/messages/events/$management", auth=sign_in, debug=False)
    until = time.monotonic() + _SILENT_SECONDS
    try:
        client.open()
        while not client.client_ready():
            if time.monotonic() > until:
                return {"source": "amqp", "code": "silent", "text": f"nothing was said within {_SILENT_SECONDS} s"}
            time.sleep(0.02)
        client.receive_message_batch(max_batch_size=1, timeout=5000)
    except errors.LinkRedirect as redirect:
        return {"hostname": _text(redirect.hostname), "address": _text(redirect.address)}
    except errors.AMQPError as error:
        if refusals.seen:
            return {"source": "amqp", "code": "amqp:unauthorized-access", "text": refusals.seen}
        return {
            "source": "amqp",
            "code": _text(getattr(error, "condition", "")),
            "text": _text(getattr(error, "description", "") or error),
        }
    finally:
        client.close()
    return {"source": "amqp", "code": "", "text": "the hub accepted the link and redirected nowhere"}


class _Refusals(logging.Handler):
    """A refused user or key shows in uamqp's log alone: its exception says "unexpected error state" of everything."""

    seen = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line that tells of it."""
        if "SASL handshake failed" in record.getMessage():
            self.seen = "SASL handshake failed: the policy or its key is refused"


def _text(value: Any) -> str:
    value = getattr(value, "value", value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


if __name__ == "__main__":
    main()
