"""A message route checked before it is sent: its grammar, its types, and the modules it names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from services.deployment.manifest.message_routes.conditions import check_condition
from services.deployment.manifest.message_routes.expressions import MessageRoute, RouteProblem
from services.deployment.manifest.message_routes.parser import RouteSyntaxError, parse
from services.deployment.manifest.message_routes.tokens import Token
from services.text import one_line

_SOURCES = "Sources are /*, /messages/*, /messages/modules/M/*, /messages/modules/M/outputs/O and /twinChangeNotifications."


def check_route(text: str, modules: Iterable[str] | None = None) -> Iterator[RouteProblem]:
    """Yield the problems of a route's text; ``modules`` are the names that the deployment has (None: they are not known)."""
    try:
        route = parse(text)
    except RouteSyntaxError as error:
        yield error.problem
        return
    yield from route.problems
    yield from check_condition(route.condition) if route.condition else ()
    names = None if modules is None else list(modules)
    yield from _source_problems(route, names)
    yield from _sink_problems(route, names)


def carries_upstream(text: str, module: str) -> bool:
    """Return whether a route sends every output of ``module`` to the hub, under no condition."""
    try:
        route = parse(text)
    except RouteSyntaxError:
        return False
    words = [part.text.lower() for part in _prefix(route)]
    whole = ["messages", "modules", module.lower(), "outputs"]
    upstream = route.input_path is None and route.sink.text.lower() == "$upstream"
    return upstream and route.condition is None and words == whole[: len(words)]


def _prefix(route: MessageRoute) -> list[Token]:
    """Return the parts of a source that edgeHub compares: those before the *s at its end."""
    parts = list(route.source)
    while parts and not parts[-1].text.rstrip("*"):
        parts.pop()
    return parts


def _source_problems(route: MessageRoute, modules: list[str] | None) -> Iterator[RouteProblem]:
    """Yield what makes a source match nothing.

    A prefix test, letter case aside, against the paths that edgeHub gives its messages (Azure/iotedge: CustomMessageSource.cs,
    BaseMessageSource.cs, RoutingMessageConverter.cs).
    """
    parts = _prefix(route)
    for part in parts:
        if part.kind == "*":
            remedy = "Name the module, or write /messages/* with a WHERE."
            yield RouteProblem(part.offset, "warning", "a * inside a source matches nothing; it counts at the end only", remedy)
            return
    words = [part.text.lower() for part in parts]
    expected = ("messages", "modules", None, "outputs", None)
    for index, word in enumerate(words):
        if words == ["twinchangenotifications"]:
            return
        if index >= len(expected) or expected[index] not in (None, word):
            text = one_line("/".join(["", *(part.text for part in parts)]), 80)
            yield RouteProblem(parts[index].offset, "warning", f"no message has the source {text}", _SOURCES)
            return
    if len(parts) > 2 and modules is not None:
        name = parts[2].text.rstrip("*") if len(parts) == 3 else parts[2].text
        if name.lower() not in {module.lower() for module in modules}:
            yield _missing(parts[2].offset, "reads from", name, modules)


def _sink_problems(route: MessageRoute, modules: list[str] | None) -> Iterator[RouteProblem]:
    sink, path = route.sink, route.input_path
    text = one_line(sink.text, 60)
    if path is None:
        if sink.text.lower() != "$upstream":
            yield RouteProblem(sink.offset, "error", f"edgeHub knows no endpoint {text}", "The only one is $upstream.")
        return
    if sink.text.lower() != "brokeredendpoint":
        remedy = 'Write BrokeredEndpoint("/modules/M/inputs/I").'
        yield RouteProblem(sink.offset, "error", f"edgeHub knows no endpoint {text}(…)", remedy)
        return
    items = path.strip().removeprefix("/").removesuffix("/").split("/")
    if len(items) != 4:
        message = f'"{one_line(path, 60)}" is no path of a module\'s input'
        yield RouteProblem(sink.offset, "error", message, "It has four parts: /modules/M/inputs/I.")
        return
    name = items[1]
    if (items[0].lower(), items[2].lower()) != ("modules", "inputs") or not name or not items[3]:
        message = f'"{one_line(path, 60)}" is taken by edgeHub, but is not /modules/M/inputs/I'
        yield RouteProblem(sink.offset, "warning", message, "Write it as /modules/M/inputs/I.")
    if name and modules is not None and name not in modules:
        yield _missing(sink.offset, "goes to", name, modules)


def _missing(offset: int, verb: str, name: str, modules: list[str]) -> RouteProblem:
    close = difflib.get_close_matches(name, modules, 1, 0.6)
    remedy = f"Did you mean {close[0]}?" if close else "Add the module, or delete the route."
    message = f"it {verb} the module {one_line(name, 60)}, which the deployment does not have"
    return RouteProblem(offset, "warning", message, remedy)
