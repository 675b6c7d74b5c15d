"""A planned change of a device as both front ends see it: what is shown before it is confirmed, and how applying it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.chunks import ChunkGap, join
from services.deployment.manifest.changes import Change
from services.deployment.manifest.content import agent_of, credentials_of, modules_of
from services.deployment.manifest.diff import unchanged
from services.deployment.manifest.masking import expanded
from services.deployment.manifest.problem import ManifestProblem
from services.deployment.options.client_arguments import client_role
from services.diagnosis.lifecycle import sentence, unsupported
from services.errors import OperatorError
from services.hub.client import AGENT, EDGE_HUB
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.records import ConfigurationStatus, DeviceState, DiffLine, Severity
from services.times import now
from services.workspace.service_plan import ServicePlan

THEIRS_SHOWN = 6  # lines of somebody else's change that are shown beside the plan made anew


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one device, ready to be shown, confirmed and applied.

    ``before`` and ``after`` are whole manifests and hold secrets; ``diff`` holds none. ``configurations`` are the deployments at
    scale that would override the change. ``title`` and ``verb`` are the operator's words for it. ``service`` is set on Azure ML's
    route alone, where the service writes the device's manifest and ``diff`` and ``after`` are empty; ``replaces`` says that a
    service of that name is deleted first.
    """

    route: str
    host: str
    device: str
    changes: tuple[Change, ...]
    summary: str
    before_version: int | None
    before: dict[str, Any] = field(repr=False)
    after: dict[str, Any] = field(repr=False)
    diff: tuple[DiffLine, ...]
    commands: tuple[str, ...]
    problems: tuple[ManifestProblem, ...]
    configurations: tuple[ConfigurationStatus, ...]
    state: DeviceState = field(repr=False)
    title: str = ""
    verb: str = "Apply"
    notices: tuple[str, ...] = ()
    service: ServicePlan | None = field(default=None, repr=False)
    replaces: bool = False

    @property
    def errors(self) -> tuple[ManifestProblem, ...]:
        """The problems that forbid applying."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def refusal(self) -> OperatorError:
        """The error that says why a plan with ``errors`` is not applied."""
        count, first = len(self.errors), self.errors[0]
        return OperatorError(
            f"The deployment has {count} error{'s' if count > 1 else ''}; nothing was sent.",
            cause=f"{first.place}: {first.message}",
            remedy=first.remedy,
            code="deployment.invalid",
        )

    @property
    def empty(self) -> bool:
        """Whether the device has all of it already."""
        return self.service is None and unchanged(self.before, self.after)

    @property
    def only_adds(self) -> bool:
        """Whether it takes nothing away and changes nothing that is there, and nothing is said against it.

        A line more in an entry that is there (a variable, an option) has the agent start that module anew: that is a change.
        """
        harmless = all(severity in ("ok", "info") for severity, _ in self.remarks)
        additive = not self.empty and _holds(expanded(self.after), expanded(self.before))
        return (
            self.service is None
            and harmless
            and additive
            and all(after.get(name) == entry for before, after in self._entries() for name, entry in before.items())
        )

    def _entries(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield what is there before and after, by name: modules, the runtime's, credentials, modules' own twins."""
        yield modules_of(self.before), modules_of(self.after)
        yield credentials_of(self.before), credentials_of(self.after)
        system = [mapping(agent_of(content).get("systemModules")) for content in (self.before, self.after)]
        yield system[0], system[1]
        twins = [
            {name: twin for name, twin in mapping(content.get("modulesContent")).items() if name not in (AGENT, EDGE_HUB)}
            for content in (self.before, self.after)
        ]
        yield twins[0], twins[1]

    @property
    def nothing_sent(self) -> str:
        """The sentence for a plan that is empty."""
        return f"{self.device} has all of it already; nothing was sent."

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that are added or changed, which a rollout watches; the runtime's, too, where their images change.

        Where credentials alone change, those whose images these open; edgeHub where routes alone change.
        """
        if self.service is not None:
            return (self.service.host.name, *(module.name for module in self.service.modules))
        old, new = modules_of(self.before), modules_of(self.after)
        names = (*(name for name in new if old.get(name) != new[name]), *self._runtime_images())
        if names or set(old) != set(new):
            return names
        if pulled := self._pulled_anew(new):
            return pulled
        return ("edgeHub",) if _edge_hub_content(self.before) != _edge_hub_content(self.after) else ()

    def _runtime_images(self) -> Iterator[str]:
        """Yield the runtime's modules that get another image."""
        before, after = (mapping(agent_of(content).get("systemModules")) for content in (self.before, self.after))
        for name, module in after.items():
            if settings_of(mapping(module)).get("image") != settings_of(mapping(before.get(name))).get("image"):
                yield name

    def _pulled_anew(self, modules: Mapping[str, Any]) -> tuple[str, ...]:
        before = credentials_of(self.before)
        changed = [entry for name, entry in credentials_of(self.after).items() if before.get(name) != entry]
        prefixes = tuple(f"{mapping(entry).get('address')}/" for entry in changed)
        images = {name: str(settings_of(mapping(module)).get("image")) for name, module in modules.items()}
        return tuple(name for name, image in images.items() if prefixes and image.startswith(prefixes))

    @property
    def sends(self) -> bool:
        """Whether a client among ``modules`` is to run and to send its results, so that a rollout waits for the first one."""
        if self.service is not None:
            return any(_sends(module.create_options, module.image) for module in self.service.modules)
        return bool(self.clients)

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients among ``modules`` that are to run and to send their results."""
        modules = modules_of(self.after)
        entries = ((name, mapping(modules.get(name))) for name in self.modules)
        return tuple(
            name
            for name, entry in entries
            if entry.get("status") == "running" and _sends(options_of(entry), str(settings_of(entry).get("image", "")))
        )

    @property
    def remarks(self) -> tuple[tuple[Severity, str], ...]:
        """What is said above the difference, the same on screen and by verbs."""
        remarks: list[tuple[Severity, str]] = [("warning", notice) for notice in self.notices]
        remarks.append(("info", outline(self)))
        kept = "" if mapping(self.state.desired.get("systemModules")) else sentence(unsupported(self.state, now().date()))
        if kept:
            remarks.append(("info", f"A first deployment leaves the device the runtime that it has, {kept}."))
        remarks += [
            ("warning", f"The deployment at scale {item.id} will overwrite this within moments.") for item in self.configurations
        ]
        remarks += [
            (problem.severity, f"{problem.place}: {problem.message}. {problem.remedy}".strip()) for problem in self.problems
        ]
        return tuple(remarks)


@dataclass(frozen=True, slots=True)
class Applied:
    """How applying went.

    ``version`` is the twin's new desired version (None where nothing had to be sent), ``entry`` the one in the history;
    ``sent_at`` is when it was sent. ``warning`` says that ``detail`` tells of something that was lost. On Azure ML's route
    ``state`` is the service's, and ``lost`` are modules of others that the device had before and has no more.
    """

    version: int | None
    entry: int | None
    detail: str = ""
    warning: bool = False
    sent_at: datetime | None = None
    state: str = ""
    lost: tuple[str, ...] = ()


class ChangedMeanwhile(OperatorError):
    """Somebody else changed the device's deployment after the plan was made; nothing was sent.

    ``plan`` is the same change on top of theirs, which is ``theirs``.
    """

    def __init__(self, plan: Plan, theirs: tuple[DiffLine, ...]) -> None:
        super().__init__(
            f"The deployment of {plan.device} was changed by somebody else in the meantime; nothing was sent.",
            cause=f"The device is at version {plan.before_version} now.",
            remedy="Look at the new difference and confirm it again.",
            code="deployment.changed-meanwhile",
        )
        lines = [f"theirs: {line.sign} {line.text.strip()}" for line in theirs if line.sign in "+-"]
        self.plan = replace(plan, notices=(f"{self.what} {self.cause}", *lines[:THEIRS_SHOWN]))
        self.theirs = theirs


def outline(plan: Plan) -> str:
    """Return what the plan does to which modules, in a sentence, and how many others it leaves alone."""
    if plan.service is not None:
        again = (
            f" The service {plan.service.name} is there already: it is deleted first, with its modules." if plan.replaces else ""
        )
        return (
            f"Azure ML deploys the service {plan.service.name} to {plan.device}: {', '.join(plan.modules)}. It writes the device's "
            f"deployment itself; what goes missing is told, and can be rolled back.{again}"
        )
    old, new = modules_of(expanded(plan.before)), modules_of(expanded(plan.after))
    named = (
        ("adds", [name for name in new if name not in old]),
        ("changes", [name for name in new if name in old and old[name] != new[name]]),
        ("removes", [name for name in old if name not in new]),
    )
    runtime, runs = (mapping(agent_of(content).get("systemModules")) for content in (plan.before, plan.after))
    of_the_runtime = [name for name in runs if runtime.get(name) != runs[name]]
    parts = [f"{verb} {', '.join(names)}" for verb, names in named if names]
    if of_the_runtime:
        parts.append(f"changes {', '.join(of_the_runtime)} of the runtime")
    effect = "; ".join(parts) or "changes no module"
    same = sum(old.get(name) == module for name, module in new.items())
    others = {0: "there is no other module", 1: "one other module stays as it is"}.get(
        same, f"{same} other modules stay as they are"
    )
    return f"{effect[:1].upper()}{effect[1:]}; {others}."


def _edge_hub_content(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(content.get("modulesContent")).get(EDGE_HUB))


def options_of(module: Mapping[str, Any]) -> str:
    """Return a module's create options, joined; empty where a chunk is missing."""
    try:
        return join(settings_of(module))
    except ChunkGap:
        return ""


def _holds(after: Any, before: Any) -> bool:
    """Return whether all of ``before`` stands in ``after`` as it was; an object may have more."""
    if isinstance(after, Mapping) and isinstance(before, Mapping):
        return all(key in after and _holds(after[key], value) for key, value in before.items())
    return type(after) is type(before) and bool(after == before)


def _sends(options: str, image: str) -> bool:
    role = client_role(options, image)
    return role is not None and role.sends
