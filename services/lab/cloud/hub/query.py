"""The hub's query language over device and module twins: SELECT … FROM devices[.modules] [WHERE …] [GROUP BY …].

Source: learn "IoT Hub query language for device and module twins, jobs, and message routing"; ARRAY_CONTAINS is what the az
extension asks with. What is not understood is a 400, never rows without a value (docs/facts/lab-answers.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub.errors import HubError
from services.lab.cloud.hub.query_conditions import Row, condition, lookup

if TYPE_CHECKING:
    from services.lab.cloud.hub.model import Hub

__all__ = ["condition", "run", "select", "whole"]

_LONGEST = 8192
_PATH = r"(?:[\w$\-]+|\[\[[^\[\]]+\]\])(?:\.(?:[\w$\-]+|\[\[[^\[\]]+\]\]))*"
_QUERY = re.compile(
    rf"^\s*SELECT\s+(?:TOP\s+(?P<top>\d+)\s+)?(?P<fields>.+?)\s+FROM\s+(?P<source>[\w.]+)"
    rf"(?:\s+(?:AS\s+)?(?!WHERE\b|GROUP\b|ORDER\b)\w+)?"
    rf"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+GROUP\s+BY\s+(?P<group>{_PATH}))?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(
    rf"(?:(?P<aggregate>\w+)\s*\(\s*(?P<of>\*|{_PATH})?\s*\)|(?P<path>{_PATH}))(?:\s+AS\s+(?P<name>\w+))?", re.IGNORECASE
)
_AGGREGATES: dict[str, Callable[[list[float]], Any]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda numbers: sum(numbers) / len(numbers),
}


def _refusal(text: str) -> HubError:
    return HubError(400004, f"Query syntax error near '{text[:60]}'.")


def _match(text: str) -> re.Match[str]:
    if len(text) > _LONGEST:
        raise HubError(400004, f"The query has more than {_LONGEST} characters.")
    match = _QUERY.match(text)
    if match is None:
        raise HubError(400004, "Query syntax error: SELECT … FROM … expected.")
    return match


def select(hub: Hub, text: str) -> list[Row]:
    """Return what a query finds among the hub's twins; HubError 400004 when it cannot be read."""
    source = _match(text)["source"].lower()
    if source == "devices":
        return run(text, (device.twin_view() for device in hub.devices()))
    if source == "devices.modules":
        return run(text, (module.twin_view() for device in hub.devices() for module in hub.modules(device.device)))
    raise HubError(400004, f"Querying '{source}' is not supported.")


def whole(text: str) -> bool:
    """Return whether a query asks for whole twins, not for some of their fields."""
    match = _QUERY.match(text)
    return match is not None and match["fields"] == "*"


def run(text: str, rows: Iterable[Row]) -> list[Row]:
    """Return the rows that a query selects, projected."""
    match = _match(text)
    test = condition(match["where"] or "")
    fields = match["fields"].strip()
    columns = None if fields == "*" else [_column(part) for part in fields.split(",")]
    if columns is None and match["group"]:
        raise _refusal(fields)
    matching = [row for row in rows if test(row)][: int(match["top"]) if match["top"] else None]
    if columns is None:
        return matching
    if match["group"] or any(column["aggregate"] for column in columns):
        return _grouped(matching, columns, match["group"])
    return [_projected(row, columns) for row in matching]


def _column(text: str) -> re.Match[str]:
    """Return a projected attribute or an aggregate; HubError for anything else."""
    column = _FIELD.fullmatch(text.strip())
    if column is None:
        raise _refusal(text.strip())
    name, of = (column["aggregate"] or "").upper(), column["of"]
    counts = name == "COUNT" and of in (None, "*")
    if name and not counts and (name not in _AGGREGATES or of in (None, "*")):
        raise _refusal(text.strip())
    return column


def _name(column: re.Match[str]) -> str:
    return str(column["name"] or (column["path"] or column["aggregate"].lower()).split(".")[-1].strip("[]"))


def _projected(row: Row, columns: list[re.Match[str]]) -> Row:
    values = {_name(column): lookup(row, column["path"]) for column in columns}
    return {name: value for name, value in values.items() if value is not None}


def _grouped(rows: list[Row], columns: list[re.Match[str]], group: str | None) -> list[Row]:
    """Return a row for each group: its attribute where that is selected, and the aggregates; one row without GROUP BY."""
    if any(column["path"] and column["path"].lower() != (group or "").lower() for column in columns):
        raise HubError(400004, "Query syntax error: beside an aggregate only the grouped attribute can be selected.")
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        value = lookup(row, group) if group else None
        groups.setdefault(repr(value) if isinstance(value, (dict, list)) else value, []).append(row)
    if not group:
        groups = {None: rows}
    return [_summary(members, columns, group) for members in groups.values()]


def _summary(rows: list[Row], columns: list[re.Match[str]], group: str | None) -> Row:
    out: Row = {}
    for column in columns:
        if column["path"]:
            value = lookup(rows[0], group or "")
        elif column["aggregate"].upper() == "COUNT":
            value = len(rows)
        else:
            values = (lookup(row, column["of"]) for row in rows)
            numbers = [one for one in values if isinstance(one, (int, float)) and not isinstance(one, bool)]
            value = _AGGREGATES[column["aggregate"].upper()](numbers) if numbers else None
        if value is not None:
            out[_name(column)] = value
    return out
