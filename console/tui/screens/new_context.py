"""A context put together inside the console: paste what there is, pick the rest, try it, keep it. The first run is this screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from console.tui.actions import Action, bindings
from console.tui.background import go, in_thread
from console.tui.owner import app_of
from console.tui.screens import draft_questions as questions
from console.tui.screens.full import FullScreen
from console.tui.screens.trying import Trying
from services.errors import OperatorError
from widgets.dialogs import Choose
from widgets.paste import PasteLine
from widgets.remedies import on_screen
from widgets.symbols import STYLES, drawn

if TYPE_CHECKING:
    from services.contexts.draft import Draft


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
    SCOPES = ("new-context",)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*SCOPES)

    def __init__(self, *, first: bool, read_only: bool = False) -> None:
        from services.contexts.draft import Draft

        super().__init__("Welcome to dbe-console" if first else "A new context")
        self.first = first
        self.draft: Draft = Draft("edge" if first else "", read_only=read_only)

    def compose_content(self) -> ComposeResult:
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
        """Focus the line for pastes."""
        self.query_one(PasteLine).focus()
        self._show()

    # What is known.

    def _rows(self) -> Iterator[tuple[str, str, str, bool]]:
        """Yield (what, its name, its value, whether it is there)."""
        draft = self.draft
        cloud = next(
            (name for name, place in questions.CLOUDS.items() if place == (draft.cloud.resource_manager, draft.cloud.authority)),
            "",
        )
        workspace, hub, events = draft.workspace, draft.hub_string, draft.event_string
        yield "sign_in", "Signing in", questions.SIGN_IN[draft.sign_in.method][0], True
        yield "cloud", "Cloud", cloud or draft.cloud.resource_manager, True
        yield (
            "lists",
            "Workspace",
            f"{workspace.name} in {workspace.resource_group}" if workspace else "none yet",
            bool(workspace),
        )
        yield (
            "lists",
            "Hub",
            f"{draft.hub_host}, {f'policy {hub.policy}' if hub else 'by token'}" if draft.hub_host else "none yet",
            bool(draft.hub_host),
        )
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
        way += f", by {questions.address_of(draft.proxy)}" if draft.proxy else ""
        yield "way", "Messages come by", way, draft.transport != "amqp" or bool(draft.proxy)
        yield "ca", "Private CA", draft.ca_file or "none", bool(draft.ca_file)
        marks = [word for word, on in (("production", draft.production), ("read-only", draft.read_only)) if on]
        yield "marks", "Marks", ", ".join(marks) or "none", bool(marks)
        yield "name", "Name", draft.name or "none yet", bool(draft.name)

    def _show(self) -> None:
        rows = self.query_one("#rows", OptionList)
        at = rows.highlighted or 0
        rows.clear_options()
        for _, title, value, present in self._rows():
            rows.add_option(Option(Content.assemble((f" {title:<18}", STYLES["dim"]), (value, "" if present else STYLES["dim"]))))
        rows.highlighted = at

    @on(PasteLine.Given)
    def _take_paste(self, event: PasteLine.Given) -> None:
        try:
            summary = self.draft.take(event.text)
        except OperatorError as error:
            self.say(f"✗ {error.what} {error.cause} {on_screen(error.remedy)}", "bad")
        else:
            self._say_next(summary)
        self._show()

    def _say_next(self, summary: str) -> None:
        draft = self.draft
        if draft.subscription and not (draft.workspace and draft.hub_host):
            following = "F2 picks the rest from its lists"
        elif not draft.hub_host:
            following = "a hub is still missing: paste its connection string, or F2"
        else:
            following = "F8 tries it all and keeps it"
        self.say(f"✓ {summary}. {following[:1].upper()}{following[1:]}.", "good")

    # Changing one of them.

    @on(OptionList.OptionSelected, "#rows")
    def _on_option_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        what = list(self._rows())[event.option_index][0]
        go(self, self._change(what), "change")

    async def _change(self, what: str) -> None:
        if what == "lists":
            await self._pick()
        elif what == "events":
            self.query_one(PasteLine).focus()
            self.say("paste the Event Hub-compatible connection string (Built-in endpoints), with its EntityPath")
        else:
            await questions.ask_for(what, self.draft, self.app.push_screen_wait, self.say)
        self._show()

    async def _pick(self) -> None:
        """Pick subscription, workspace and hub from Azure's lists, with the sign-in that is chosen."""
        draft = self.draft
        self.say("asking Azure; a sign-in by code shows its code here")
        resources = draft.resources()
        try:
            if not draft.subscription:
                subscriptions = await in_thread(resources.subscriptions)
                choice = await self._one(
                    "Subscription", [(resource.id, resource.name or resource.id, resource.id) for resource in subscriptions]
                )
                if not choice:
                    return
                draft.subscription = choice
            self._show()
            workspaces = await in_thread(resources.workspaces, draft.subscription)
            choices: list[tuple[Any, str, str]] = [
                (resource, resource.name, f"{resource.resource_group}, {resource.location}") for resource in workspaces
            ]
            workspace = await self._one("Workspace", choices)
            if workspace:
                draft.take_workspace(workspace)
            self._show()
            hubs = await in_thread(resources.hubs, draft.subscription)
            hub = await self._one(
                "Hub", [(resource, resource.name, f"{resource.resource_group}, {resource.location}") for resource in hubs]
            )
            if hub:
                await in_thread(draft.take_hub, hub, resources)
            self._say_next(f"subscription {draft.subscription}")
        except OperatorError as error:
            self.say(f"✗ {error.what} {error.cause} {on_screen(error.remedy)}", "bad")
        self._show()

    async def _one(self, kind: str, choices: list[tuple[Any, str, str]]) -> Any:
        if not choices:
            self.notify(f"no {kind.lower()} can be seen with this sign-in", severity="warning", timeout=5)
            return None
        return await self.app.push_screen_wait(Choose(kind, choices))

    # Keys.

    def action_down(self) -> None:
        self.query_one("#rows", OptionList).action_cursor_down()

    def action_up(self) -> None:
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

    def offers(self, action: Action) -> bool | None:
        """Offer the lab to who has no context yet."""
        return (action.id != "new-context.lab" or self.first) and super().offers(action)

    def action_help(self) -> None:
        """Open the help, which the line for a paste would take for text."""
        app_of(self).action_help()

    def action_lab(self) -> None:
        """Try it without Azure."""
        app = app_of(self)
        self.dismiss(None)
        app.start_lab()

    def action_leave(self) -> None:
        """Go back; on the first run there is nothing behind."""
        if self.first:
            self.app.exit()
        else:
            self.dismiss(None)
