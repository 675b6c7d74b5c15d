"""Calls to the SDK's process as a workspace makes them: asked again where that is safe, and explained where they fail."""

from __future__ import annotations

from typing import Any

from services.contexts.model import Context, WorkspaceSettings
from services.contexts.read_only import may_change
from services.contexts.secrets import resolve_path
from services.contexts.sign_in import connection_options, forget_credential, token
from services.errors import OperatorError
from services.records import Evidence
from services.replies.faults import reply_fault
from services.text import one_line
from services.workspace.process import ChildDied, ChildFailed, ChildHung, ChildProcess

# What the SDK raises of a reply that is no JSON, or of another form than it expects.
_UNREADABLE = ("JSONDecodeError", "KeyError", "IndexError", "TypeError", "AttributeError", "RecursionError", "UnicodeDecodeError")


class Calls:
    """The child process of a workspace. Thread-safe; each call has ``seconds``, and raises OperatorError."""

    def __init__(self, context: Context, place: WorkspaceSettings, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        ca_files = [name for name in (context.cloud.ca_file, place.ca_file) if name]
        for name in ca_files:
            connection_options(name)  # says which file is missing
        settings = {
            "context": context.name,
            "trusted_hosts": context.trusted_hosts,
            "resource_manager": context.cloud.resource_manager,
            "subscription": place.subscription,
            "resource_group": place.resource_group,
            "name": place.name,
        }
        self._child = ChildProcess(settings, [str(resolve_path(name)) for name in ca_files], lambda: token(context))

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid

    def close(self) -> None:
        """End the child process."""
        self._child.close()

    def look(self, name: str, /, **arguments: Any) -> Any:
        """Make a call that changes nothing: once more when the child died under it."""
        try:
            return self._call(name, arguments)
        except ChildDied:
            return self._do(name, **arguments)

    def change(self, name: str, /, **arguments: Any) -> Any:
        """Make a call that changes something: once, and not at all in read-only mode."""
        may_change(self._context, "change the workspace")
        return self._do(name, **arguments)

    def _do(self, name: str, /, **arguments: Any) -> Any:
        try:
            return self._call(name, arguments)
        except ChildDied as error:
            raise OperatorError(
                "The process of Azure ML's SDK ended before it answered.",
                cause=one_line(error.stderr.strip().rpartition("\n")[2], 300)
                or "It was killed, or the machine is out of memory.",
                remedy="Try again; it is started anew. Look first whether the change was made.",
                code="workspace.child-died",
                raw=error.stderr,
            ) from error

    def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        try:
            return self._child.call(name, self._seconds, **arguments)
        except ChildFailed as error:
            if error.status != 401:
                raise self._explained(error) from error
        except ChildHung as error:
            raise _hung(error) from error
        # The token was refused before its time (revoked, or clocks disagree): sign in anew, once.
        forget_credential(self._context)
        self._child.renew()
        try:
            return self._child.call(name, self._seconds, **arguments)
        except ChildFailed as error:
            raise self._explained(error) from error
        except ChildHung as error:
            raise _hung(error) from error

    def _explained(self, error: ChildFailed) -> OperatorError:
        from services.diagnosis import explain

        if error.kind == "LookupError":
            return OperatorError(
                one_line(error.text),
                cause="A workspace makes its registry with its first image.",
                remedy="Build an image, or name the registry in the context.",
                code="workspace.no-registry",
            )
        if error.kind in ("ImportError", "ModuleNotFoundError"):
            return OperatorError(
                "Azure ML's SDK cannot be used on this machine.",
                cause=f"It does not import: {one_line(error.text, 200)}",
                remedy="Install dbe-console anew (pip install --force-reinstall) on a Python of docs/platforms.md; all but images and "
                "models works without it: deploy REGISTRY/NAME:TAG --module M.",
                code="workspace.sdk-missing",
            )
        if error.status is None and error.kind in _UNREADABLE:
            return reply_fault("content", "Azure ML", "workspace.reply", body=f"{error.kind}: {error.text}")
        return explain(Evidence("workspace", error.status, error.kind, error.text))


def _hung(error: ChildHung) -> OperatorError:
    return OperatorError(
        f"The workspace gave no answer in {error.seconds:.0f} s.",
        cause="Azure ML or the way to it hangs.",
        remedy="Try again; check network and proxy, and the state of the service, if it stays.",
        code="workspace.hung",
    )
