"""What is pressed here where a remedy names a verb: the keys that the actions have now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.tui.actions import ACTIONS, Action

# The verb as remedies write it, and what to do instead; {0} and {1} are the keys of the actions behind it.
_VERBS: Mapping[str, tuple[str, ...]] = {
    "context add": ("key {0}, and a new one", "app.contexts"),
    "context add --help": ("key {0}, and a new one", "app.contexts"),
    "context list": ("key {0}", "app.contexts"),
    "deploy": ("key {0} on an image", "images.deploy"),
    "devices": ("key {0}", "app.overview"),
    "doctor": ("key {0}", "app.doctor"),
    "doctor --report FILE": ("key {0}, then {1},", "app.doctor", "doctor.report"),
    "history": ("key {0}", "app.history"),
    "images": ("key {0}", "app.images"),
    "images --log IMAGE": ("key {0} on {{IMAGE}}", "images.build-log"),
    "logs": ("key {0}", "modules.logs"),
    "logs MODULE": ("key {0} on {{MODULE}}", "modules.logs"),
    "manifest export": (":export-manifest",),
    "method": ("key {0}", "modules.method"),
    "method ping": ("key {0}", "modules.ping"),
    "models": ("key {0}", "images.models"),
    "modules": ("key {0}", "app.modules"),
    "options check": ("key {0}", "app.options"),
    "options list": ("key {0} in the options", "options.preset"),
    "overview": ("key {0}", "app.overview"),
    "restart MODULE": ("key {0} on {{MODULE}}", "modules.restart"),
    "restart": ("key {0}", "modules.restart"),
    "rollback": ("key {0} and {1}", "app.history", "history.rollback"),
    "rollback ENTRY": ("key {0} and {1} on entry {{ENTRY}}", "app.history", "history.rollback"),
    "upgrade": (":upgrade on the module",),
    "score PICTURE": ("key {0}", "modules.score"),
}


def ways(key_signs: Callable[[Action], str]) -> dict[str, str]:
    """Return what stands for each verb, by the keys of ``key_signs``."""

    def key(id: str) -> str:
        return key_signs(ACTIONS[id]).partition(" ")[0]

    return {verb: text.format(*map(key, ids)) for verb, (text, *ids) in _VERBS.items()}
