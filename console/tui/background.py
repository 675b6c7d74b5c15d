"""Blocking calls in threads of their own, awaited in the loop.

Textual's thread workers share asyncio's default executor (cpu + 4 threads) and its exit waits for them (docs/facts/textual.md); a hub
that takes three minutes to fail would hold up the others and the exit. These threads are daemons: nobody waits for one that is
not wanted any more.
Threads never touch a widget: what they find comes back into the loop.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from textual.app import App
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.worker import Worker

from console.tui.error_reporting import ErrorReportingApp
from services.errors import OperatorError

Result = TypeVar("Result")
_END = object()
_LOOKS_AFTER = 1.0  # seconds between two looks whether a dialog is still there
_SAYS_AGAIN = 4.0  # seconds; a throttled or silent service is asked for much longer


async def in_thread(call: Callable[..., Result], *arguments: Any) -> Result:
    """Run ``call(*arguments)`` in a thread and return its result."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        try:
            result, error = call(*arguments), None
        except BaseException as raised:  # noqa: BLE001  it is raised again, in the loop
            result, error = None, raised
        _tell(loop, settle, result, error)

    _run(run)
    return await future


def ask_from_thread(app: App[Any], screen: ModalScreen[Result]) -> Result | None:
    """Show a dialog from a thread and return its answer; None where it went without one, as when the context is left."""
    answer: Future[Result | None] = Future()
    app.call_from_thread(app.push_screen, screen, answer.set_result)
    while True:
        try:
            return answer.result(_LOOKS_AFTER)
        except FutureTimeout:
            if not screen.is_attached:
                return None


async def for_dialog(node: DOMNode, call: Callable[..., Result], *arguments: Any) -> Result:
    """Run a call for a dialog that opens with its result; Escape on the panes gives it up meanwhile.

    A dialog that opens when it is not waited for any more would take the next key.
    """
    opening = _app(node).opening
    waiting = asyncio.ensure_future(in_thread(call, *arguments))
    opening.add(waiting)
    try:
        with said_again(node, "no answer yet; waiting on. Esc on the panes gives it up"):
            return await waiting
    finally:
        opening.discard(waiting)


@contextmanager
def said_again(node: DOMNode, text: str) -> Iterator[None]:
    """Say what is waited for every few seconds: one word at the beginning is gone long before a slow answer is there."""
    app = _app(node)
    timer = app.set_interval(_SAYS_AGAIN, lambda: app.notify(text, timeout=_SAYS_AGAIN))
    try:
        yield
    finally:
        timer.stop()


# Calls for threads that have nothing to do, each with its own. To start a thread the loop waits until it runs: tens of
# milliseconds where the processor is busy, and the journal is looked at several times a second.
_idle: list[SimpleQueue[Callable[[], None]]] = []


def _run(call: Callable[[], None]) -> None:
    """Call in a thread that is idle, else in a new one."""
    try:
        _idle.pop().put(call)
    except IndexError:
        calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        calls.put(call)
        threading.Thread(target=_serve, args=(calls,), daemon=True, name="calls").start()


def _serve(calls: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        calls.get()()
        _idle.append(calls)


async def each(iterator: Iterator[Result]) -> AsyncIterator[Result]:
    """Yield what ``iterator`` yields, read in a thread; it stops when nobody listens any more."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue()
    stopped = threading.Event()

    def run() -> None:
        try:
            try:
                for item in iterator:
                    _tell(loop, queue.put_nowait, item)
                    if stopped.is_set():
                        break
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()
        except BaseException as raised:  # noqa: BLE001  it is raised again, in the loop
            _tell(loop, queue.put_nowait, raised)
        finally:
            _tell(loop, queue.put_nowait, _END)

    _run(run)
    try:
        while (item := await queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: Any) -> None:
    """Call in the loop, unless it has ended."""
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return  # the loop ended between the two lines: nobody listens


def _app(node: DOMNode) -> ErrorReportingApp:
    """Return the app as what it is here: it says what failed, and knows which dialogs are on their way."""
    return cast(ErrorReportingApp, node.app)


def go(node: DOMNode, work: Coroutine[Any, Any, None], group: str, exclusive: bool = True) -> Worker[None]:
    """Do ``work`` beside everything else; its errors are shown, and never end the console."""
    app = _app(node)

    async def guarded() -> None:
        try:
            await work
        except OperatorError as error:
            app.show_error(error)
        except Exception as error:  # noqa: BLE001  the outermost edge: written down, said, and the screen stays
            from console.terminal.crash import write_down

            app.show_error(await in_thread(write_down, error))

    worker: Worker[None] = node.run_worker(guarded, group=group, exclusive=exclusive, exit_on_error=False)
    unawaited = weakref.finalize(worker, work.close)  # of one that is replaced before it begins nobody awaits the work
    unawaited.atexit = False  # type: ignore[misc]  # typeshed does not know that it can be set
    return worker
