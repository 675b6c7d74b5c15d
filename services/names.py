"""Names of modules, devices, images and their like, as operators give them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Literal

from services.errors import UsageError
from services.text import one_line

Kind = Literal["module", "device", "image", "model", "service"]

_LONGEST = 128  # characters of a name that is compared
_MOST = 2_000  # names that one is compared with
_OFFERED = 2
_PART = 3  # characters of a part that counts as near
_IDENTITIES = {"edgeAgent": "$edgeAgent", "edgeHub": "$edgeHub"}  # the runtime's own modules, in deployments and at the hub
_NAMES = {identity: name for name, identity in _IDENTITIES.items()}


def checked_name(text: str, kind: Kind = "module") -> str:
    """Return ``text`` without space around it; UsageError where it is empty, as what a shell makes of ``$edgeHub``."""
    if name := text.strip():
        return name
    if kind == "module":
        raise UsageError(
            "The module's name is empty.",
            cause="A shell takes $edgeHub for a variable of its own, which holds nothing.",
            remedy="Write edgeHub or edgeAgent without the dollar sign, or the name in single quotes; nothing was sent.",
            code="usage.empty-name",
        )
    raise UsageError(
        f"The {kind}'s name is empty.",
        cause="Where a shell's variable stands for it, the variable is empty.",
        remedy=f"Name one: dbe-console {kind}s lists them; nothing was sent.",
        code="usage.empty-name",
    )


def module_name(text: str) -> str:
    """Return a module's name as deployments, logs and restarts know it: ``edgeHub`` for ``$edgeHub`` too."""
    name = checked_name(text)
    return _NAMES.get(name, name)


def module_identity(text: str) -> str:
    """Return a module's name as twins, direct methods and messages know it: ``$edgeHub`` for ``edgeHub`` too."""
    name = checked_name(text)
    return _IDENTITIES.get(name, name)


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ``Did you mean A or B? ``, to stand before a remedy, for those of ``names`` that are nearest to ``word``; else nothing.

    A name counts without its version, too: ``resnet5`` is near ``resnet50:1``.
    """
    word = word.strip().lower()[:_LONGEST]
    spellings: dict[str, str] = {}
    for name in islice(names, _MOST):
        for spelling in (name, name.partition(":")[0]):
            spellings.setdefault(spelling.lower()[:_LONGEST], name)
    near = get_close_matches(word, spellings, n=_OFFERED, cutoff=0.6)
    if len(word) >= _PART:
        near += [spelling for spelling in spellings if word in spelling]
    offered = list(dict.fromkeys(spellings[spelling] for spelling in near))[:_OFFERED]
    return f"Did you mean {' or '.join(one_line(name, _LONGEST) for name in offered)}? " if offered else ""


def hub_name(host: str) -> str:
    """Return a hub's own name, without Azure's domain, which is the same for all."""
    name = host.partition(".azure-devices.")[0]
    return name.removesuffix(".service").removesuffix(".device") if name != host else host
