"""An app that offers text to the terminal's clipboard, and keeps it where it can be fetched if nothing arrives."""

from __future__ import annotations

from textual import on

from console.terminal.clipboard import advice, clipboard_sequence, multiplexer, offer_through_tmux
from console.tui.background import go, in_thread
from console.tui.error_reporting import ErrorReportingApp
from services.contexts.paths import saved_folder
from services.files import FileError, open_private, private_folder
from widgets.copy import Copy


def keep_copy(text: str) -> str:
    """Keep ``text`` in a private file, in place of the one before; return the words that say where, or why not."""
    from services.masking import MASK, mask, mask_document

    is_json = text.lstrip().startswith(("{", "["))
    if mask(text) != text or (is_json and mask_document(text).count(MASK) > text.count(MASK)):
        return "not kept in a file: it holds a secret"
    path = saved_folder("copies") / "latest.txt"
    try:
        private_folder(path.parent)
        with open_private(path, "w") as file:
            file.write(text)
    except FileError as error:
        return f"not kept in a file: {error.cause}"
    except OSError as error:
        return f"not kept in a file: {error.strerror}"
    return f"kept in {path}"


class CopyingApp(ErrorReportingApp):
    """What is copied, by our keys or Textual's, is offered to the terminal by the way that its multiplexer lets through."""

    def copy_to_clipboard(self, text: str) -> None:
        """Offer ``text`` without a word, as Textual's editor and lines want it."""
        go(self, self._offer(text), "clipboard")

    async def _offer(self, text: str, copy: Copy | None = None) -> None:
        """Offer ``text``; what was asked for by a key of ours is kept in a file, too, and answered."""
        self._clipboard = text
        in_tmux = multiplexer() == "tmux"
        accepted = in_tmux and not self.is_headless and await in_thread(offer_through_tmux, text)
        if not accepted and self._driver is not None:
            self._driver.write(clipboard_sequence(text))
        if copy is not None:
            lines = [f"{copy.subject} offered to your terminal{copy.note}"]
            lines += [await in_thread(keep_copy, text)] if copy.keep else []
            lines += [] if accepted else advice()
            self.notify("\n".join(lines), timeout=6, markup=False)

    @on(Copy)
    def _on_copy(self, event: Copy) -> None:
        event.stop()
        go(self, self._offer(event.text, event), "clipboard")
