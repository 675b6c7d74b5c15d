"""The verbs of the command line, one module each: ``HELP``, ``add_arguments(parser)`` and ``run(call) -> int`` (exit status).

A verb's module is named after it. The first phase of parsing tells which verb is meant, and only that one is imported
(console/cli/main.py): neither the console's first frame nor another verb waits for it. A module with an underscore before its
name holds what several verbs share.
"""

# The order is the one of ``dbe-console --help``.
NAMES: tuple[str, ...] = (
    "lab",
    "context",
    "images",
    "models",
    "devices",
    "overview",
    "modules",
    "options",
    "deploy",
    "services",
    "manifest",
    "start",
    "stop",
    "restart",
    "upgrade",
    "remove",
    "history",
    "rollback",
    "logs",
    "twin",
    "method",
    "stream",
    "health",
    "record",
    "score",
    "doctor",
    "client",
    "completion",
)
# Those that do nothing but change something: they do not exist in read-only mode. Others that can (``images --create``) refuse to.
CHANGING = frozenset({"deploy", "start", "stop", "restart", "remove", "rollback", "upgrade"})
