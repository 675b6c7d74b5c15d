"""The process that asks a hub where its messages are received: ``python -m services.hub.redirect``.

A receiver attached to ``/messages/events/$management`` is answered with ``amqp:link:redirect`` to the Event Hub-compatible endpoint
(docs/facts/iot-hub.md). The public EventHubConsumerClient cannot follow it; the AMQP client that azure-eventhub brings is asked
instead, in a process of its own that can be ended, and after a plain TLS handshake that tells what is wrong with a certificate.

Standard input: one JSON object ``{host, port, policy, key, ca_file, websocket, proxy}``. Standard output: one of
``{"address", "hostname"}`` and ``{"source", "code", "text"}``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import socket
import ssl
import sys
import threading
import time
from typing import Any
from urllib.parse import quote_plus

from services.contexts.children import forbid_core_dumps
from services.contexts.consumer import proxy_settings

AMQPS = 5671
_HANDSHAKE_SECONDS = 6
_SILENT_SECONDS = 12  # where TLS stands and nothing is said
_SILENT = {"source": "amqp", "code": "silent", "text": f"nothing was said within {_SILENT_SECONDS} s"}
_TOKEN_SECONDS = 300


def main() -> None:
    """Read the question, write the answer."""
    forbid_core_dumps()
    question = json.load(sys.stdin)
    sys.stdout.write(json.dumps(ask(question)) + "\n")


def ask(question: dict[str, Any]) -> dict[str, str]:
    """Ask one question and return the answer."""
    try:
        base64.b64decode(question["key"], validate=True)
    except ValueError:
        return {
            "source": "amqp",
            "code": "amqp:unauthorized-access",
            "text": "the policy's key is no base64: it was cut or changed",
        }
    if question["websocket"]:
        return _redirected(question)
    # A peer that says nothing after the handshake holds the SDK in its reads (azure-eventhub 5.15.1): it is left there.
    answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    trouble = _handshake(question["host"], question["ca_file"])
    if trouble:
        return trouble
    threading.Thread(target=lambda: answers.put(_redirected(question)), daemon=True).start()
    try:
        return answers.get(timeout=_SILENT_SECONDS + 1)
    except queue.Empty:
        return _SILENT


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
    from azure.eventhub._pyamqp import error as amqp
    from azure.eventhub._pyamqp.authentication import SASLPlainAuth
    from azure.eventhub._pyamqp.client import ReceiveClient
    from azure.eventhub._pyamqp.constants import TransportType

    host = question["host"]
    websocket = question["websocket"]
    user = f"{question['policy']}@sas.root.{host.split('.')[0]}"
    client = ReceiveClient(
        host,
        f"amqps://{host}/messages/events/$management",
        auth=SASLPlainAuth(user, hub_token(host, question["policy"], question["key"])),
        connection_verify=question["ca_file"] or None,
        transport_type=TransportType.AmqpOverWebsocket if websocket else TransportType.Amqp,
        custom_endpoint_address=f"https://{host}:{question['port']}/$servicebus/websocket"
        if websocket and question["port"]
        else None,
        http_proxy=proxy_settings(question["proxy"], with_scheme=False) if question["proxy"] else None,
    )
    until = time.monotonic() + _SILENT_SECONDS
    try:
        client.open()
        while time.monotonic() < until:
            client.do_work()
            error = getattr(client._link, "_error", None)
            if error is not None:
                raise error
    except amqp.AMQPLinkRedirect as redirect:
        return {"hostname": _text(redirect.hostname), "address": _text(redirect.address)}
    except amqp.AMQPException as error:
        return {"source": "amqp", "code": _text(error.condition), "text": _text(error.description or error)}
    except Exception as error:  # noqa: BLE001 - whatever websocket-client or the SDK's transport raise is the answer
        if "SASL" in str(error):  # a ValueError is all that the SDK has for a user or a key that is refused
            text = "SASL handshake failed: the policy or its key is refused"
            return {"source": "amqp", "code": "amqp:unauthorized-access", "text": text}
        return {"source": "network", "code": type(error).__name__, "text": _text(error)}
    finally:
        client.close()
    return _SILENT


def hub_token(host: str, policy: str, key: str) -> str:
    """Return a token for the hub, signed with a policy's key (docs/facts/iot-hub.md, shared access signatures)."""
    resource, expires = quote_plus(host), int(time.time()) + _TOKEN_SECONDS
    signature = hmac.new(base64.b64decode(key), f"{resource}\n{expires}".encode(), hashlib.sha256).digest()
    signed = quote_plus(base64.b64encode(signature))
    return f"SharedAccessSignature sr={resource}&sig={signed}&se={expires}&skn={quote_plus(policy)}"


def _text(value: Any) -> str:
    value = getattr(value, "value", value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


if __name__ == "__main__":
    main()
