"""The four panes: layout, focus, and the line that keeps those out of sight in sight."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from console.tui.actions import ACTIONS, Action, bindings
from console.tui.background import go, in_thread
from console.tui.owner import app_of
from console.tui.panes.images import Images
from console.tui.panes.messages import Messages
from console.tui.panes.modules import Modules
from console.tui.panes.options import Options
from console.tui.scope import Scope
from services.errors import OperatorError
from widgets.details import DetailsPanel
from widgets.footer import KeyLine
from widgets.pane import Pane
from widgets.status import Banner, Strip
from widgets.symbols import drawn, is_ascii

if TYPE_CHECKING:
    from console.tui.owner import ConsoleApp
    from console.tui.panes.pane_scope import PaneScope
    from console.tui.saved_state import LeftWatch, Place
    from services.operations.changes import Change
    from services.operations.session import Session

Layout = Literal["single", "four", "roomy"]

_LEAST_HEIGHT = 6  # lines of a pane with its frame
_SPENT_STEP = 10  # messages of the hub's quota


def layout_for(width: int, height: int) -> Layout:
    """Return one pane at a time; four from 120×36; details too from 160×48."""
    if width >= 160 and height >= 48:
        return "roomy"
    return "four" if width >= 120 and height >= 36 else "single"


def _limit(pane: Pane, height: int | None, *, whole: bool = False) -> None:
    """Give a pane so many lines at most, or just so many where it is to be seen ``whole``; laid out anew only where that changes."""
    most = None if height is None else max(height, _LEAST_HEIGHT)
    for rule, lines in (("max_height", most), ("min_height", most if whole else None)):
        scalar = getattr(pane.styles, rule)
        if lines != (None if scalar is None else scalar.value):
            setattr(pane.styles, rule, lines)


class MainScreen(Scope, Screen[None]):
    """Images, modules, create options, messages."""

    AUTO_FOCUS = ""
    # Textual's own draws the whole screen anew when the focus moves.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    SCOPES = ("main",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("main")

    def __init__(self, session: Session | None, first: bool = False) -> None:
        """Of the ``first`` screen panes out of sight are mounted after its first frame (``mount_rest``)."""
        super().__init__()
        self._first = first
        self.session = session
        self.device = ""
        self.zoomed = False
        self._mounting = asyncio.Lock()
        self._spent = -_SPENT_STEP  # as it is shown
        self.images = Images(id="images")
        self.modules = Modules(id="modules")
        self.options = Options(id="options")
        self.messages = Messages(id="messages")
        self.panes: tuple[PaneScope, ...] = (self.images, self.modules, self.options, self.messages)
        self.current: Pane = self.images
        self.details = DetailsPanel()
        self.banner = Banner()
        self.strip = Strip()

    @property
    def console(self) -> ConsoleApp:
        """The app, as what it is."""
        return app_of(self)

    def compose(self) -> ComposeResult:
        # Classes that are there from the beginning: one that comes later has everything under it styled again.
        self._arrange(self.app.size)
        self.images.add_class("-current", update=False)
        yield self.banner
        yield self.strip
        with Horizontal(id="panes"):
            only_images = self._first and self.has_class("-single")
            with Vertical(id="left", classes="-current"):
                yield self.images
                if not only_images:
                    yield self.modules
            with Vertical(id="right"):
                if not only_images:
                    yield self.options
                    yield self.messages
            yield self.details
        yield KeyLine()

    async def mount_rest(self) -> None:
        """Mount the panes that the first frame did not show, and so did not wait for; the first key waits for them."""
        async with self._mounting:
            if self.modules.is_attached:
                return
            await self.query_one("#left").mount(self.modules)
            await self.query_one("#right").mount(self.options, self.messages)

    def on_mount(self) -> None:
        """Focus the images, where the main job begins."""
        for widget in (*self.panes, self.details):
            widget.set_class(is_ascii(), "-ascii")
        self._current(self.images)
        self.images.focus_content()
        self._name_place()

    # The context.

    def waiting(self, what: str) -> None:
        """Say that nothing can be read yet, and why."""
        for pane in (self.images, self.modules, self.messages):
            pane.waiting(what)
        self._name_place()

    def stranded(self, error: OperatorError) -> None:
        """Say that there is no context to work with."""
        for pane in (self.images, self.modules, self.messages):
            pane.failed(error)
        self.console.show_error(error)

    def adopt(self, session: Session, place: Place) -> None:
        """Work with a context from here on, where it was left."""
        self.session = session
        self.refresh_bindings()
        self._name_place()
        number = self.panes.index(self.current) + 1  # by who did not wait for the context
        if place.models and self.images.showing == "images":
            self.images.action_models()
        for pane in self.panes:
            pane.restore_filter(place.filters.get(pane.id or "", ""))
        self.go_to(place.pane if number == 1 else number)
        self.images.begin(session)
        self.options.begin(session)
        self.messages.begin(session, place.device or session.context.device)
        go(self, self._find_device(session, place.device), "device")

    def place(self, watch: LeftWatch | None) -> Place:
        """Return where one is now."""
        from console.tui.saved_state import Place

        filters = {pane.id or "": text for pane in self.panes if (text := pane.filter_now)}
        return Place(self.panes.index(self.current) + 1, self.device, self.images.showing == "models", filters, watch)

    @on(Pane.Reload)
    def _reload(self) -> None:
        """Try the context again where there is none."""
        if self.session is None:
            self.console.open_again()

    async def _find_device(self, session: Session, previous_device: str) -> None:
        from console.tui.flows import interrupted

        self.modules.waiting("Asking the hub for the device")
        try:
            device = previous_device or await in_thread(session.first_device)
        except OperatorError as error:
            self.modules.failed(error)
            return
        self.look_at(device)
        go(self.app, interrupted.report(self, session), "interrupted")

    def alert(self, change: Change, action: str) -> None:
        """Call the operator where something turned bad, whatever screen is looked at; ``action`` leads there."""
        if change.alert:
            key_signs = self.console.key_signs(ACTIONS[action])
            self.app.notify(
                f"{drawn('✗')} {drawn(change.alert)} ({key_signs} goes there)", severity="error", timeout=12, markup=False
            )
            if self.session is not None and self.session.context.bell:
                self.app.bell()

    def look_at(self, device: str | None) -> None:
        """Look at another device."""
        if device and self.session is not None:
            self.look_at_place(device)
            self.modules.begin(self.session, device)
            self.messages.look_at(device)

    def look_at_place(self, device: str) -> None:
        """Show the device that the banner names."""
        self.device = device
        self._name_place()

    def _name_place(self) -> None:
        app = self.console
        context = self.session.context if self.session is not None else None
        lab = context.lab if context is not None else app.lab is not None
        workspace = context.workspace.name if context is not None and context.workspace else ""
        hub = context.hub.host.split(".")[0] if context is not None and context.hub else ""
        where = " · ".join(part for part in (self.device, "" if lab else hub, workspace) if part)
        self.banner.show(
            context.name if context else "",
            where,
            lab=lab,
            production=bool(context and context.production),
            read_only=app.changes_nothing,
        )

    def say_spent(self) -> None:
        """Show in the banner what was spent of the hub's quota, in steps: else it would be all that an idle line carries."""
        if self.session is not None:
            session = self.session

            async def read() -> None:
                spent = await in_thread(session.spent)
                if spent is not None and not self._spent <= spent < self._spent + _SPENT_STEP:
                    self._spent = spent
                    self.banner.show_spent(spent)

            go(self, read(), "spent")

    # Layout and focus.

    def on_resize(self, event: Resize) -> None:
        """Arrange the panes for the size there is."""
        self._arrange(event.size)
        self.call_after_refresh(self._say_panes)
        self.call_after_refresh(self._fit_panes)
        self.current.action_panel()

    def _arrange(self, size: Size) -> None:
        layout = "single" if self.zoomed else layout_for(size.width, size.height)
        for name in ("single", "four", "roomy"):
            self.set_class(name == layout, f"-{name}")
        if layout == "single":
            for pane in self.panes:
                _limit(pane, None)
        self.set_class(self.zoomed, "-zoomed")
        self.set_class(size.height < 18 or size.width < 50, "-tiny")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Make the pane that has the focus the current one."""
        pane = next((node for node in event.widget.ancestors_with_self if isinstance(node, Pane)), None)
        if pane is not None and pane is not self.current:
            self._current(pane)

    def go_to(self, number: int) -> Pane:
        """Give a pane the focus."""
        pane = self.panes[number - 1]
        self._current(pane)
        pane.focus_content()
        return pane

    def offers(self, action: Action) -> bool | None:
        """Offer to give up only what there is: a dialog on its way, a filter, the zoom; not while one types."""
        if action.id != "app.give-up":
            return super().offers(action)
        typing = isinstance(self.focused, Input | TextArea)
        return bool(self.console.opening) or (not typing and (self.zoomed or bool(self.current.filter_now)))

    def action_zoom(self) -> None:
        """Give the current pane the whole screen but for the banner, or take that back."""
        self.zoomed = not self.zoomed
        self._arrange(self.size)
        self.refresh_bindings()
        self.call_after_refresh(self.current.action_panel)

    def action_give_up(self) -> None:
        """Give up the dialog that is on its way; else the current pane's filter; else the zoom."""
        if self.console.opening:
            for waiting in self.console.opening:
                waiting.cancel()
            self.notify("waiting no longer", timeout=2)
        elif self.current.filter_now:
            self.current.restore_filter("")
        else:
            self.action_zoom()

    def action_next_pane(self) -> None:
        """Go to what comes next in this pane, then to the next pane."""
        self._step(1)

    def action_pane_before(self) -> None:
        """Go to what comes before in this pane, then to the pane before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        mine = [widget for widget in self.focus_chain if self.current in widget.ancestors_with_self]
        place = mine.index(self.focused) + by if self.focused in mine else -1
        if 0 <= place < len(mine):
            mine[place].focus()
        else:
            self.go_to((self.panes.index(self.current) + by) % len(self.panes) + 1)

    def _current(self, pane: Pane) -> None:
        self.current = pane
        for each in self.panes:
            each.set_class(each is pane, "-current")
        for column in self.query("#left, #right"):
            column.set_class(pane in column.children, "-current")
        self._say_panes()
        self.call_after_refresh(self._fit_panes)
        pane.action_panel()

    @on(Pane.WordChanged)
    def _on_word_change(self) -> None:
        self._say_panes()
        self.call_after_refresh(self._fit_panes)

    def _say_panes(self) -> None:
        self.strip.show(self.panes, self.current)

    def _fit_panes(self) -> None:
        """Leave no pane lines that it has no use for while the one below or above has."""
        if self.has_class("-single"):  # one pane at a time has all there is
            return
        for above, below in ((self.images, self.modules), (self.options, self.messages)):
            needs = above.needed_height(), below.needed_height()
            room = above.outer_size.height + below.outer_size.height
            both_fit = None not in needs and sum(need or 0 for need in needs) <= room
            _limit(above, needs[0], whole=both_fit)
            _limit(below, None if both_fit else needs[1])

    @property
    def has_details(self) -> bool:
        """Whether there is room for details beside the panes."""
        return self.has_class("-roomy")

    def show_details(self, content: Content) -> None:
        """Show details of the row under the cursor, where there is room."""
        if self.has_details:
            self.details.show(content)
