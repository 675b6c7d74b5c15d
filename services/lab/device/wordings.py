"""The engine's and the agent's own words for what fails, in those of agents before 1.2 ("old") and since ("new")
(docs/facts/iot-hub.md).
"""

from __future__ import annotations

_SEVERAL = "One or more errors occurred. "


def together(failures: list[str]) -> str:
    """Several failed steps in one description, as .NET's AggregateException words them."""
    return failures[0] if len(failures) == 1 else _SEVERAL + " ".join(text.removeprefix(_SEVERAL) for text in failures)


def _step(verb: str, module: str, cause: str) -> str:
    return f"{_SEVERAL}(Error calling {verb} module {module}: Could not {verb.lower()} module {module}\n\tcaused by: {cause})"


def pull(module: str, image: str, reason: str, wording: str) -> str:
    """A pull that failed; ``reason`` as in services.lab.registry.PullError. ``wording``: old, or new, which hides the cause."""
    server = image.partition("/")[0]
    repository = image.partition("/")[2].rpartition(":")[0] or image
    if wording == "new":
        return _step("Create", module, f'registry operation error: pull image "{image}"')
    causes = {
        "unauthorized": f"Get https://{server}/v2/{repository}/manifests/latest: unauthorized: authentication required",
        "denied": f"pull access denied for {image}, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied",
        "missing": f"manifest for {image} not found: manifest unknown: manifest tagged by that tag is not found",
        "unreachable": f"Get https://{server}/v2/: dial tcp: lookup {server}: no such host",
    }
    return _step("Create", module, f"Could not pull image {image}\n\tcaused by: {causes[reason]}, StatusCode: 500")


def slow_pull(wording: str) -> str:
    """The agent stopped waiting while the engine still pulls; ``wording``: canceled or timeout."""
    if wording == "timeout":
        return "The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing."
    return "The operation was canceled."


def port_taken(module: str, port: int, wording: str) -> str:
    """Another holds the host port; ``wording``: docker (its allocator) or proxy (the operating system)."""
    endpoint = f"driver failed programming external connectivity on endpoint {module}"
    if wording == "docker":
        return _step("Start", module, f"{endpoint}: Bind for 0.0.0.0:{port} failed: port is already allocated")
    return _step(
        "Start", module, f"{endpoint}: Error starting userland proxy: listen tcp 0.0.0.0:{port}: bind: address already in use"
    )


def port_mapped(port: int, bound: int) -> str:
    """A host port below 1024 that the lab's user may not bind; the lab's own words, for a device's engine may bind any."""
    return f"the lab may not bind port {port}, and serves it at port {bound}"


def no_device(module: str, path: str) -> str:
    """A device of the create options is not on this machine."""
    return _step(
        "Start", module, f'error gathering device information while adding custom device "{path}": no such file or directory'
    )


def exited(code: int) -> str:
    """statusDescription of a container that ended."""
    return f"exited (code {code})" if code else "exited"
