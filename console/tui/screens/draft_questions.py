"""The questions that put a context together, a dialog or two for each part; what is given up changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from console.files import from_here
from console.tui.background import in_thread
from services.contexts import model
from services.errors import OperatorError
from services.records import Secret
from widgets.dialogs import Choose, Prompt
from widgets.remedies import on_screen

if TYPE_CHECKING:
    from services.contexts.draft import Draft

Ask = Callable[[Screen[Any]], Awaitable[Any]]
Say = Callable[..., None]

SIGN_IN = {
    "az": ("the az login of this machine", "az login was run here"),
    "device-code": ("a code, entered in a browser", "nothing is needed on this machine"),
    "service-principal": ("a service principal", "with a secret or certificate"),
    "workload-identity": ("workload identity", "the file of a federated token"),
    "managed-identity": ("this machine's managed identity", "the jump host is an Azure machine"),
}
_CLOUD_NAMES = {"public": "Azure", "us-government": "Azure Government", "china": "Azure in China"}
CLOUDS = {_CLOUD_NAMES[key]: place for key, place in model.CLOUDS.items()}
_OTHER = "another, by its addresses"


def address_of(proxy: str) -> str:
    """Return the host and port, without scheme, user and password."""
    return proxy.strip().rpartition("//")[2].rpartition("@")[2].strip("/")


async def ask_for(what: str, draft: Draft, ask: Ask, say: Say) -> None:
    """Ask for one part of the draft, and put the answer there.

    ``what`` is one of sign_in, cloud, device, way, marks, address, group, ca, name.
    """
    if what == "sign_in":
        await _sign_in(draft, ask)
    elif what == "cloud":
        await _cloud(draft, ask)
    elif what == "device":
        await _device(draft, ask, say)
    elif what == "way":
        await _way(draft, ask)
    elif what == "marks":
        await _marks(draft, ask)
    else:
        await _line(what, draft, ask)


async def _marks(draft: Draft, ask: Ask) -> None:
    marks = [((False, False), "none", ""), ((True, False), "production", "dangerous actions ask for the device's name")]
    marks += [((False, True), "read-only", "nothing can be changed"), ((True, True), "both", "")]
    marks_answer = await ask(Choose("Marks", marks, current=(draft.production, draft.read_only)))
    if marks_answer:
        draft.production, draft.read_only = marks_answer


async def _line(what: str, draft: Draft, ask: Ask) -> None:
    field, title, hint = {
        "address": ("device_address", "Its address", "Where the device's compute network is reached from here"),
        "group": ("consumer_group", "Consumer group", "One of the console's own keeps it apart from other readers"),
        "ca": ("ca_file", "Private CA", "The path of a PEM file; leave empty for Azure itself"),
        "name": ("name", "Name", "What this context is called: letters, digits, dot, dash, underscore"),
    }[what]
    value = await ask(Prompt(title, hint, getattr(draft, field)))
    if value is None:
        return
    value = value.strip()
    if what == "group":
        value = value or "$Default"
    elif what == "ca" and value:  # as the shell that it was started from means it
        value = str(from_here(value))
    setattr(draft, field, value)
    if what == "ca":
        draft.cloud = dataclasses.replace(draft.cloud, ca_file=value)


async def _sign_in(draft: Draft, ask: Ask) -> None:
    from services.contexts.model import SignIn

    before = draft.sign_in
    choices = [(method, text, remark) for method, (text, remark) in SIGN_IN.items()]
    method = await ask(Choose("Signing in", choices, current=before.method))
    if not method:
        return
    tenant = client = ""
    if method != "managed-identity":
        needed = "" if method == "service-principal" else ", or empty for your own"
        tenant = await ask(Prompt("Tenant", f"The tenant's id or domain{needed}", before.tenant))
    if tenant is not None and method != "az":
        own = "" if method == "service-principal" else "; empty where there is none of its own"
        client = await ask(Prompt("Client id", f"The application's id{own}", before.client_id))
    if tenant is None or client is None:
        return
    certificate = token_file = ""
    if method == "service-principal":
        certificate = await ask(Prompt("Certificate", "Its PEM file with the key; empty for a client secret", before.certificate))
    if method == "workload-identity":
        token_file = await ask(Prompt("Token file", "Empty for AZURE_FEDERATED_TOKEN_FILE", before.token_file))
    if certificate is None or token_file is None:
        return
    if method == "service-principal" and not certificate:
        secret = await ask(Prompt("Client secret", "It is not shown, and kept in a file that only you can read", secret=True))
        if not secret:
            return
        draft.client_secret = Secret(secret.strip())
    else:
        draft.client_secret = None  # of a service principal chosen before, which nobody signs in by any more
    draft.sign_in = SignIn(
        method, tenant.strip(), client.strip(), certificate=_from_here(certificate), token_file=_from_here(token_file)
    )


def _from_here(path: str) -> str:
    return str(from_here(path.strip())) if path.strip() else ""


async def _cloud(draft: Draft, ask: Ask) -> None:
    from services.contexts.model import CloudSettings

    before = draft.cloud
    name = await ask(Choose("Cloud", [(name, name, place[0]) for name, place in CLOUDS.items()] + [(_OTHER, _OTHER, "")]))
    if not name:
        return
    manager: Any
    authority: Any
    if name == _OTHER:
        manager = await ask(Prompt("Resource manager", "Its address, with https://", before.resource_manager))
        authority = manager and await ask(Prompt("Authority", "Where one signs in, with https://", before.authority))
    else:
        manager, authority = CLOUDS[name]
    if manager and authority:
        draft.cloud = CloudSettings(manager.strip().rstrip("/"), authority.strip(), draft.ca_file)


async def _way(draft: Draft, ask: Ask) -> None:
    ways = [("amqp", "AMQP, port 5671", ""), ("websocket", "websockets, port 443", "where 5671 is closed")]
    ways += [("proxy", "websockets by a proxy", "where nothing goes out directly")]
    way = await ask(Choose("Messages come by", ways, current="proxy" if draft.proxy else draft.transport))
    if way == "proxy":
        proxy = await _proxy(draft, ask)
        if proxy:
            draft.transport, draft.proxy = "websocket", proxy
    elif way in ("amqp", "websocket"):
        draft.transport, draft.proxy = way, ""


async def _proxy(draft: Draft, ask: Ask) -> str:
    """Ask for the proxy's address, and apart from it for user and password, which is not shown; empty where it was given up."""
    from urllib.parse import quote

    address = await ask(Prompt("Proxy", "http://HOST:PORT", f"http://{address_of(draft.proxy)}"))
    if not address or not address_of(address):
        return ""
    user = await ask(Prompt("User", "Whom the proxy knows; empty where it asks nobody"))
    password = user and await ask(Prompt("Password", "It is not shown, and kept where only you can read it", secret=True))
    if user is None or password is None:
        return ""
    name = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    return f"http://{name}{address_of(address)}"


async def _device(draft: Draft, ask: Ask, say: Say) -> None:
    say("asking the hub for its Edge devices")
    try:
        devices = await in_thread(draft.devices)
    except OperatorError as error:
        say(f"✗ {error.what} {error.cause} {on_screen(error.remedy)}", "bad")
        devices = []
    else:
        say("")
    if devices:
        device = await ask(Choose("Device", [(name, name, "") for name in devices], current=draft.device))
    else:
        device = await ask(Prompt("Device", "The id of the Edge device", draft.device))
    if device is not None:
        draft.device = device.strip()
