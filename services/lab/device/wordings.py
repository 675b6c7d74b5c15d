"""The engine's, the daemon's and the agent's own words for what fails (docs/facts/hub-codes-and-routes.md, section 4).

``wording`` is the daemon's, as services.lab.device.versions.error_words has it: generic, old, brief or new.
"""

from __future__ import annotations

_SEVERAL = "One or more errors occurred. "


def together(failures: list[str]) -> str:
    """Put several failed steps into one description, as .NET's AggregateException words them."""
    return failures[0] if len(failures) == 1 else _SEVERAL + " ".join(text.removeprefix(_SEVERAL) for text in failures)


def _step(operation: str, text: str) -> str:
    """Return a step that failed; ``operation`` as in "Create module m"."""
    return f"{_SEVERAL}(Error calling {operation}: {text})"


def _daemon_text(wording: str, lines: list[str], new: str) -> str:
    """Return what the daemon says of a failure: ``lines`` from the outermost to the engine's own; ``new`` since 1.4."""
    if wording == "generic":
        return "Container runtime error"
    if wording == "new":
        return new
    return lines[0] if wording == "brief" else "\n\tcaused by: ".join(lines)


def pull(module: str, image: str, reason: str, wording: str, update: bool = False) -> str:
    """Return a pull that failed; ``reason`` as in services.lab.cloud.registry.PullError. ``update``: the module was there before."""
    server = image.partition("/")[0]
    repository = image.partition("/")[2].rpartition(":")[0] or image
    tag = image.rpartition(":")[2]
    causes = {
        "unauthorized": f"Get https://{server}/v2/{repository}/manifests/{tag}: unauthorized: authentication required",
        "denied": f"pull access denied for {image.rpartition(':')[0]}, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied",
        "missing": f'manifest for {image} not found: manifest unknown: manifest tagged by "{tag}" is not found',
        "unreachable": f"Get https://{server}/v2/: dial tcp: lookup {server}: no such host",
    }
    action = f"prepare update for module {module}" if update else f"Create module {module}"
    outer = f'Could not prepare update for module "{module}"' if update else f"Could not create module {module}"
    lines = [outer, f"Could not pull image {image}", causes[reason]]
    return _step(action, _daemon_text(wording, lines, f'registry operation error: pull image "{image}"'))


def slow_pull(seconds: int) -> str:
    """Return the failure of an agent that stopped waiting while the engine still pulls; ``seconds`` where .NET says how long, else 0."""
    if seconds:
        return f"The request was canceled due to the configured HttpClient.Timeout of {seconds} seconds elapsing."
    return "The operation was canceled."


def engine_gone(wording: str) -> str:
    """Return the failure of a daemon that cannot ask the engine which containers there are."""
    lines = ["Could not list modules", "error trying to connect: Connection refused (os error 111)"]
    return f"Error calling List modules: {_daemon_text(wording, lines, 'runtime operation error: list modules')}"


def _start(module: str, cause: str, wording: str) -> str:
    outer = f"Could not start module {module}"
    return _step(
        f"start module {module}",
        _daemon_text(wording, [outer, outer, cause], f'runtime operation error: start module "{module}"'),
    )


def port_taken(module: str, port: int, holder: str, wording: str) -> str:
    """Return the words for a host port that another holds; ``holder``: docker (its allocator) or proxy (the operating system)."""
    endpoint = f"driver failed programming external connectivity on endpoint {module}"
    if holder == "docker":
        return _start(module, f"{endpoint}: Bind for 0.0.0.0:{port} failed: port is already allocated", wording)
    cause = f"Error starting userland proxy: listen tcp 0.0.0.0:{port}: bind: address already in use"
    return _start(module, f"{endpoint}: {cause}", wording)


def no_device(module: str, path: str, wording: str) -> str:
    """Return the failure of a create option's device that is not on this machine."""
    cause = f'error gathering device information while adding custom device "{path}": no such file or directory'
    return _start(module, cause, wording)


def port_mapped(port: int, bound: int) -> str:
    """Return the failure of a host port below 1024 that the lab's user may not bind, in the lab's words: a device's engine may bind any."""
    return f"the lab may not bind port {port}, and serves it at port {bound}"


def exited(code: int) -> str:
    """Return the statusDescription of a container that ended."""
    return f"exited (code {code})" if code else "exited"
