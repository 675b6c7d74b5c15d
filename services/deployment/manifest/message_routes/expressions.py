"""What a message route consists of once it is parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from services.deployment.manifest.message_routes.tokens import Token


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; ``token.kind`` says of what kind."""

    token: Token


@dataclass(frozen=True, slots=True)
class Property:
    """An application or a system property, or a value of the body; ``escaped`` where it stands in braces: ``{$name}``."""

    token: Token
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    token: Token
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``-`` or NOT before one operand."""

    token: Token
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    token: Token
    left: Expression
    right: Expression


Expression = Value | Property | Call | Unary | Binary


@dataclass(frozen=True, slots=True)
class RouteProblem:
    """A problem at an offset of a route's text.

    ``late`` marks what edgeHub parses and reports as 200, and fails on when it puts the routes into force.
    """

    offset: int
    severity: Literal["error", "warning"]
    message: str
    remedy: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class MessageRoute:
    """A route: the parts of its source path, its condition, and its sink.

    ``input_path`` is the argument of BrokeredEndpoint as it stands between the quotes, and None where the sink is ``$upstream``.
    ``problems`` are those that do not keep edgeHub from parsing the route.
    """

    source: tuple[Token, ...]
    condition: Expression | None
    sink: Token
    input_path: str | None
    problems: tuple[RouteProblem, ...] = field(default=())
