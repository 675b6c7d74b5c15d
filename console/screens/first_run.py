"""A context put together inside the console: paste what there is, pick the rest, try it, keep it. The first run is this screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from console.background import go, in_thread
from console.owner import app_of
from console.screens.full import FullScreen
from console.screens.trying import Trying
from services.errors import OperatorError
from services.records import Secret
from widgets.dialogs import Choose, Prompt
from widgets.paste import PasteLine
from widgets.signs import STYLES, drawn

if TYPE_CHECKING:
    from services.contexts.guided import Draft

_SIGN_IN = {
    "az": ("the az login of this machine", "az login was run here"),
    "device-code": ("a code, entered in a browser", "nothing is needed on this machine"),
    "service-principal": ("a service principal", "tenant, client id and secret"),
    "managed-identity": ("this machine's managed identity", "the jump host is an Azure machine"),
}
_CLOUDS = {
    "Azure": ("https://management.azure.com", "https://login.microsoftonline.com"),
    "Azure Government": ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "Azure in China": ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
_OTHER = "another, by its addresses"


def _address_of(proxy: str) -> str:
    """Host and port, without scheme, user and password."""
    return proxy.strip().rpartition("//")[2].rpartition("@")[2].strip("/")


class NewContext(FullScreen[str]):
    """Gives the name of the context that was kept, or None."""

    HELP = """A context names an Azure ML workspace, an IoT hub and a device, and says how to sign in.

Paste what you have into the line at the top, however many lines it has: the workspace's config.json (or its path), a connection
string of the hub, an Event Hub-compatible one, or a subscription's id. What holds a key is not shown. Tab goes to the list below:
Enter changes what the cursor stands on. Everything is tried before it is kept; pasted keys go into files that only you can read."""
    DEFAULT_CSS = """
    NewContext .intro { height: auto; padding: 1 1 0 1; }
    NewContext PasteLine { margin: 1 1 0 1; }
    NewContext OptionList {
        height: 1fr; border: none; background: transparent; padding: 0; margin: 1 0 0 0;
        &:focus { border: none; }
        &:focus > .option-list--option-highlighted { background: $primary 30%; color: $foreground; text-style: bold; }
        & > .option-list--option-highlighted { background: $primary 12%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "lists", "Azure's lists", id="new-context.lists"),
        Binding("f8", "keep", "Try & keep", id="new-context.keep"),
        Binding("f9", "lab", "Lab", id="new-context.lab"),
        Binding("f1,question_mark", "app.help", "Help", id="new-context.help", key_display="F1"),
        Binding("tab", "app.focus_next", "List", id="new-context.next", show=False),
        Binding("j", "down", "Down", show=False, id="new-context.down"),
        Binding("k", "up", "Up", show=False, id="new-context.up"),
        Binding("escape", "leave", "Leave", id="screen.back", key_display="Esc"),
    ]

    def __init__(self, *, first: bool, read_only: bool = False) -> None:
        from services.contexts.guided import Draft

        super().__init__("Welcome to dbe-console" if first else "A new context")
        self.first = first
        self.draft: Draft = Draft("edge" if first else "", read_only=read_only)

    def compose_content(self) -> ComposeResult:
        """What to do, the line for pastes, and what is known."""
        start = "No context is set up yet. " if self.first else ""
        yield Static(
            Content.assemble(
                (start, "bold"),
                "Paste what you have, or type a path, then Enter:\n",
                (drawn("config.json · connection string of the hub or of its events · subscription id"), STYLES["dim"]),
            ),
            classes="intro",
        )
        yield PasteLine("paste here; F2 picks from Azure's lists instead", id="paste")
        yield OptionList(id="rows")

    def on_mount(self) -> None:
        """Paste at once."""
        self.query_one(PasteLine).focus()
        self._show()

    # What is known.

    def _rows(self) -> Iterator[tuple[str, str, str, bool]]:
        """(what, its name, its value, whether it is there)."""
        draft = self.draft
        cloud = next(
            (name for name, place in _CLOUDS.items() if place == (draft.cloud.resource_manager, draft.cloud.authority)), ""
        )
        workspace, hub, events = draft.workspace, draft.hub_string, draft.event_string
        yield "sign_in", "Signing in", _SIGN_IN[draft.sign_in.method][0], True
        yield "cloud", "Cloud", cloud or draft.cloud.resource_manager, True
        yield (
            "lists",
            "Workspace",
            f"{workspace.name} in {workspace.resource_group}" if workspace else "none yet",
            bool(workspace),
        )
        yield "lists", "Hub", f"{hub.host}, policy {hub.policy}" if hub else "none yet", bool(hub)
        yield "events", "Messages", f"{events.entity} at {events.namespace}" if events else "found through the hub", bool(events)
        yield "device", "Device", draft.device or "the first that the hub knows", bool(draft.device)
        yield (
            "address",
            "Its address",
            draft.device_address or "not known: modules are not asked directly",
            bool(draft.device_address),
        )
        yield "group", "Consumer group", draft.consumer_group, draft.consumer_group != "$Default"
        way = "websockets, port 443" if draft.transport == "websocket" or draft.proxy else "AMQP, port 5671"
        way += f", by {_address_of(draft.proxy)}" if draft.proxy else ""
        yield "way", "Messages come by", way, draft.transport != "amqp" or bool(draft.proxy)
        yield "ca", "Private CA", draft.ca_file or "none", bool(draft.ca_file)
        marks = [word for word, on in (("production", draft.production), ("read-only", draft.read_only)) if on]
        yield "marks", "Marks", ", ".join(marks) or "none", bool(marks)
        yield "name", "Name", draft.name or "none yet", bool(draft.name)

    def _show(self) -> None:
        rows = self.query_one("#rows", OptionList)
        at = rows.highlighted or 0
        rows.clear_options()
        for _, title, value, known in self._rows():
            rows.add_option(Option(Content.assemble((f" {title:<18}", STYLES["dim"]), (value, "" if known else STYLES["dim"]))))
        rows.highlighted = at

    @on(PasteLine.Given)
    def _given(self, event: PasteLine.Given) -> None:
        try:
            said = self.draft.take(event.text)
        except OperatorError as error:
            self.say(f"✗ {error.what} {error.cause} {error.remedy}", "bad")
        else:
            self._say_next(said)
        self._show()

    def _say_next(self, said: str) -> None:
        draft = self.draft
        if draft.subscription and not (draft.workspace and draft.hub_string):
            following = "F2 picks the rest from its lists"
        elif not draft.hub_string:
            following = "a hub is still missing: paste its connection string, or F2"
        else:
            following = "F8 tries it all and keeps it"
        self.say(f"✓ {said}. {following[:1].upper()}{following[1:]}.", "good")

    # Changing one of them.

    @on(OptionList.OptionSelected, "#rows")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        what = list(self._rows())[event.option_index][0]
        go(self, self._change(what), "change")

    async def _change(self, what: str) -> None:
        draft, ask = self.draft, self.app.push_screen_wait
        if what == "lists":
            await self._pick()
        elif what == "sign_in":
            await self._choose_sign_in()
        elif what == "cloud":
            await self._choose_cloud()
        elif what == "device":
            await self._choose_device()
        elif what == "events":
            self.query_one(PasteLine).focus()
            self.say("paste the Event Hub-compatible connection string (Built-in endpoints), with its EntityPath")
        elif what == "way":
            await self._choose_way()
        elif what == "marks":
            marks = [((False, False), "none", ""), ((True, False), "production", "dangerous actions ask for the device's name")]
            marks += [((False, True), "read-only", "nothing can be changed"), ((True, True), "both", "")]
            chosen = await ask(Choose("Marks", marks, current=(draft.production, draft.read_only)))
            if chosen:
                draft.production, draft.read_only = chosen
        else:
            field, title, hint = {
                "address": ("device_address", "Its address", "Where the device's compute network is reached from here"),
                "group": ("consumer_group", "Consumer group", "One of the console's own keeps it apart from other readers"),
                "ca": ("ca_file", "Private CA", "The path of a PEM file; leave empty for Azure itself"),
                "name": ("name", "Name", "What this context is called: letters, digits, dot, dash, underscore"),
            }[what]
            value = await ask(Prompt(title, hint, getattr(draft, field)))
            if value is not None:
                setattr(draft, field, value.strip())
                if field == "ca_file":
                    draft.cloud = dataclasses.replace(draft.cloud, ca_file=draft.ca_file)
        self._show()

    async def _choose_sign_in(self) -> None:
        from services.contexts.model import SignIn

        ask, before = self.app.push_screen_wait, self.draft.sign_in
        choices = [(method, text, remark) for method, (text, remark) in _SIGN_IN.items()]
        method = await ask(Choose("Signing in", choices, current=before.method))
        if not method:
            return
        tenant = client = ""
        if method != "managed-identity":
            needed = "" if method == "service-principal" else ", or empty for your own"
            tenant = await ask(Prompt("Tenant", f"The tenant's id or domain{needed}", before.tenant))
        if tenant is not None and method in ("service-principal", "managed-identity", "device-code"):
            own = "" if method == "service-principal" else "; empty where there is none of its own"
            client = await ask(Prompt("Client id", f"The application's id{own}", before.client_id))
        if tenant is None or client is None:
            return
        if method == "service-principal":
            secret = await ask(Prompt("Client secret", "It is not shown, and kept in a file that only you can read", secret=True))
            if not secret:
                return
            self.draft.client_secret = Secret(secret.strip())
        self.draft.sign_in = SignIn(method, tenant.strip(), client.strip())

    async def _choose_cloud(self) -> None:
        from services.contexts.model import CloudSettings

        ask, before = self.app.push_screen_wait, self.draft.cloud
        name = await ask(Choose("Cloud", [(name, name, place[0]) for name, place in _CLOUDS.items()] + [(_OTHER, _OTHER, "")]))
        if not name:
            return
        manager: Any
        authority: Any
        if name == _OTHER:
            manager = await ask(Prompt("Resource manager", "Its address, with https://", before.resource_manager))
            authority = manager and await ask(Prompt("Authority", "Where one signs in, with https://", before.authority))
        else:
            manager, authority = _CLOUDS[name]
        if manager and authority:
            self.draft.cloud = CloudSettings(manager.strip().rstrip("/"), authority.strip(), self.draft.ca_file)

    async def _choose_way(self) -> None:
        draft, ask = self.draft, self.app.push_screen_wait
        ways = [("amqp", "AMQP, port 5671", ""), ("websocket", "websockets, port 443", "where 5671 is closed")]
        ways += [("proxy", "websockets by a proxy", "where nothing goes out directly")]
        way = await ask(Choose("Messages come by", ways, current="proxy" if draft.proxy else draft.transport))
        if way == "proxy":
            proxy = await self._ask_proxy()
            if proxy:
                draft.transport, draft.proxy = "websocket", proxy
        elif way in ("amqp", "websocket"):
            draft.transport, draft.proxy = way, ""

    async def _ask_proxy(self) -> str:
        """Its address; user and password, which is not shown, apart from it. Empty where it was given up."""
        from urllib.parse import quote

        ask = self.app.push_screen_wait
        address = await ask(Prompt("Proxy", "http://HOST:PORT", f"http://{_address_of(self.draft.proxy)}"))
        if not address or not _address_of(address):
            return ""
        user = await ask(Prompt("User", "Whom the proxy knows; empty where it asks nobody"))
        password = user and await ask(Prompt("Password", "It is not shown, and kept where only you can read it", secret=True))
        if user is None or password is None:
            return ""
        name = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"http://{name}{_address_of(address)}"

    async def _choose_device(self) -> None:
        draft, ask = self.draft, self.app.push_screen_wait
        self.say("asking the hub for its Edge devices")
        try:
            found = await in_thread(draft.devices)
        except OperatorError as error:
            self.say(f"✗ {error.what} {error.cause}", "bad")
            found = []
        else:
            self.say("")
        if found:
            device = await ask(Choose("Device", [(name, name, "") for name in found], current=draft.device))
        else:
            device = await ask(Prompt("Device", "The id of the Edge device", draft.device))
        if device is not None:
            draft.device = device.strip()

    async def _pick(self) -> None:
        """Subscription, workspace and hub from Azure's lists, with the sign-in that is chosen."""
        draft = self.draft
        self.say("asking Azure; a sign-in by code shows its code here")
        resources = draft.resources()
        try:
            if not draft.subscription:
                subscriptions = await in_thread(resources.subscriptions)
                chosen = await self._one(
                    "Subscription", [(found.id, found.name or found.id, found.id) for found in subscriptions]
                )
                if not chosen:
                    return
                draft.subscription = chosen
            self._show()
            workspaces = await in_thread(resources.workspaces, draft.subscription)
            choices: list[tuple[Any, str, str]] = [
                (found, found.name, f"{found.resource_group}, {found.location}") for found in workspaces
            ]
            workspace = await self._one("Workspace", choices)
            if workspace:
                draft.take_workspace(workspace)
            self._show()
            hubs = await in_thread(resources.hubs, draft.subscription)
            hub = await self._one("Hub", [(found, found.name, f"{found.resource_group}, {found.location}") for found in hubs])
            if hub:
                await in_thread(draft.take_hub, hub, resources)
            self._say_next(f"subscription {draft.subscription}")
        except OperatorError as error:
            self.say(f"✗ {error.what} {error.cause} {error.remedy}", "bad")
        self._show()

    async def _one(self, kind: str, choices: list[tuple[Any, str, str]]) -> Any:
        if not choices:
            self.notify(f"no {kind.lower()} can be seen with this sign-in", severity="warning", timeout=5)
            return None
        return await self.app.push_screen_wait(Choose(kind, choices))

    # Keys.

    def action_down(self) -> None:
        """Vi's down."""
        self.query_one("#rows", OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Vi's up."""
        self.query_one("#rows", OptionList).action_cursor_up()

    def action_lists(self) -> None:
        """Pick from Azure's lists."""
        go(self, self._change("lists"), "change")

    def action_keep(self) -> None:
        """Try everything, then keep it."""
        go(self, self._keep(), "change")

    async def _keep(self) -> None:
        from services.contexts.store import ContextStore

        if not self.draft.name:
            await self._change("name")
            if not self.draft.name:
                return
        store = ContextStore()
        await in_thread(store.check_name, self.draft.name)
        if await self.app.push_screen_wait(Trying(self.draft)):
            context = await in_thread(lambda: self.draft.store(store))
            self.dismiss(context.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The lab is offered to who has nothing yet."""
        return action != "lab" or self.first

    def action_lab(self) -> None:
        """Try it without Azure."""
        app = app_of(self)
        self.dismiss(None)
        app.start_lab()

    def action_leave(self) -> None:
        """Back; on the first run there is nothing behind."""
        if self.first:
            self.app.exit()
        else:
            self.dismiss(None)
