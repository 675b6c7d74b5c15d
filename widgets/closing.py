"""How a screen closes that something else may stand over by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen
else:
    Screen = Generic

Result = TypeVar("Result")


class Closing(Screen[Result]):
    """Mixed into a screen: what is covered closes once it is uncovered.

    Textual's ``dismiss`` takes whatever screen is on top off the stack, and gives this one's result: a screen that closes because
    its work ended, not because of a key, would close what the operator is just looking at, and who waits for that waits for ever.
    """

    _left_with: tuple[Result | None] | None = None

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close with ``result``, now or as soon as nothing stands over this."""
        if self.is_active:
            return super().dismiss(result)
        self._left_with = (result,)
        return AwaitComplete()

    def on_screen_resume(self, _event: Any) -> None:
        """Close where that was wanted while the screen was covered."""
        if self._left_with is not None:
            self.dismiss(self._left_with[0])
