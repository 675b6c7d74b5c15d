"""All that is known of one thing, as text: for the details dialog and, where there is room, the details panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from services.text import counted, indented_json
from services.times import age, ago, clock, full
from widgets.hanging_indent import Fact, Part, assemble
from widgets.images import image_state, model_state
from widgets.module_row import Row, module_state, next_start
from widgets.remedies import on_screen
from widgets.symbols import SEVERITY, STYLES

if TYPE_CHECKING:
    from services.records import Finding, InferenceMessage, WorkspaceImage, WorkspaceModel


def _facts(pairs: Iterable[tuple[str, object]]) -> list[Part]:
    return [Fact(name, str(value)) for name, value in pairs if value not in (None, "")]


def _heading(text: str) -> list[Part]:
    return [(f"\n{text}\n", "bold")]


def finding_parts(finding: Finding) -> list[Part]:
    """Return the state, cause, remedy and the evidence they rest on."""
    sign, role = SEVERITY[finding.severity]
    parts: list[Part] = [(f"{sign} {finding.reason}\n", STYLES[role])]
    parts += _facts(
        [
            (_cause_label(finding), finding.cause),
            ("remedy", on_screen(finding.remedy)),
            ("to settle it", on_screen(finding.settle)),
        ]
    )
    parts += _facts(("evidence" if index == 0 else "", text) for index, text in enumerate(finding.evidence))
    return parts


def _cause_label(finding: Finding) -> str:
    if finding.state == "unknown":
        return "as it came"
    return "likely cause" if finding.likely else "cause"


def finding_content(finding: Finding) -> Content:
    """Return a finding by itself."""
    return assemble(finding_parts(finding))


def image_details(image: WorkspaceImage) -> Content:
    """Return an image of workspace or registry."""
    word, role = image_state(image)
    parts: list[Part] = [(f"{image.name}:{image.version_text}  ", "bold"), (f"{word}\n", STYLES[role])]
    if image.error:
        parts += [(f"{image.error}\n", STYLES["bad"])]
    if role == "bad":
        parts += [("The build log says why: b in the list of images.\n", STYLES["dim"])]
    parts += _facts(
        [
            ("runs on", f"{image.runs_on} ({image.flavour})" if image.flavour else ""),
            ("processor", ", ".join(image.platforms)),
            ("state", image.state),
            ("location", image.location),
            ("digest", image.digest),
            ("created", f"{full(image.created)}, {ago(image.created)}" if image.created else ""),
            ("description", image.description),
            ("models", ", ".join(image.model_ids)),
            ("tags", ", ".join(f"{name}={value}" for name, value in image.tags.items())),
            ("id", image.id),
        ]
    )
    return assemble(parts)


def model_details(model: WorkspaceModel) -> Content:
    """Return a model of the workspace."""
    word, role = model_state(model)
    parts: list[Part] = [(f"{model.name}:{model.version}  ", "bold"), (f"{word}\n", STYLES[role])]
    parts += _facts(
        [
            ("framework", model.framework),
            ("created", f"{full(model.created)}, {ago(model.created)}" if model.created else ""),
            ("description", model.description),
            ("made from", model.parent_id),
            ("converted to", model.converted_id),
            ("tags", ", ".join(f"{name}={value}" for name, value in model.tags.items())),
            ("id", model.id),
        ]
    )
    return assemble(parts)


@dataclass(frozen=True)
class Around:
    """What stands around a module.

    ``env`` and ``options`` have their secrets masked; also its newest messages, when the agent reported, how the last ping
    went, and the exits that were seen from here (when, what).
    """

    env: Mapping[str, str] = field(default_factory=dict)
    options: str = ""
    messages: Sequence[InferenceMessage] = ()
    reported_at: datetime | None = None
    pinged: str = ""
    exits: Sequence[tuple[datetime, str]] = ()


def module_details(row: Row, around: Around) -> Content:
    """Return a module: desired against reported, and what stands around it."""
    module, desired, reported = row.module, row.module.desired, row.module.reported
    word, role = module_state(row)
    parts: list[Part] = [(f"{module.name}  ", "bold"), (f"{word}\n", STYLES[role])]
    if row.finding is not None and row.finding.severity != "ok":
        parts += [("\n", ""), *finding_parts(row.finding)]
    parts += _facts([("next start", next_start(module))])
    parts += _heading("desired → reported")
    pairs = (
        ("status", desired.status if desired else "—", reported.runtime_status if reported else "—"),
        ("restart policy", desired.restart_policy if desired else "—", reported.restart_policy if reported else "—"),
        ("image", desired.image if desired else "—", reported.image if reported else "—"),
    )
    for name, target, actual in pairs:
        value = (
            target if target == actual or (actual in ("", "—") and target != "—" and name != "status") else f"{target} → {actual}"
        )
        parts += _facts([(name, value)])
    if reported is not None:
        parts += _facts(
            [
                ("image hash", reported.image_hash),
                ("exit code", reported.exit_code),
                ("agent says", reported.description),
                ("started", f"{full(reported.last_start)}, {ago(reported.last_start)}" if reported.last_start else ""),
                ("ended", f"{full(reported.last_exit)}, {ago(reported.last_exit)}" if reported.last_exit else ""),
                ("restarts", reported.restart_count),
                ("last restart", ago(reported.last_restart) if reported.last_restart else ""),
            ]
        )
    parts += _facts(
        [
            ("agent's report", f"{ago(around.reported_at)} (it reports changes only)" if around.reported_at else "never"),
            ("last ping", around.pinged or "none yet; p asks"),
        ]
    )
    if around.exits:
        parts += _heading("exits seen from here")
        parts += [Fact(clock(at), text, "", 10) for at, text in around.exits]
    if around.messages:
        parts += _heading("last messages")
        parts += [Fact(f"{age(message.enqueued):>4} ago", message.text, "", 10) for message in around.messages]
    if around.env:
        parts += _heading("environment") + _facts(around.env.items())
    if around.options:
        parts += [*_heading("create options"), (indented_json(around.options) + "\n", "")]
    return assemble(parts)


def message_details(message: InferenceMessage, raw: str = "") -> Content:
    """Return a message: what it means, where it stands, its body and properties; ``raw`` is its body as a hex dump."""
    parts = _facts(
        [
            ("enqueued", f"{full(message.enqueued)}, {ago(message.enqueued)}"),
            ("from", f"{message.device}/{message.module}" if message.module else f"{message.device} (sends as the device)"),
            ("kind", message.kind),
            ("class", message.label),
            ("confidence", f"{message.confidence:.4f}" if message.confidence is not None else ""),
            ("milliseconds", _milliseconds(message)),
            ("picture", message.picture),
            ("place", f"partition {message.partition}, sequence number {message.sequence_number}, offset {message.offset}"),
            ("lost before", f"{counted(message.missing, 'message')}, which the hub no longer had" if message.missing else ""),
            ("hub made again", "before this message; what the one before still had is lost" if message.hub_remade else ""),
        ]
    )
    parts += [*_heading(f"body ({counted(message.body_size, 'byte')})"), (f"{indented_json(message.body or message.text)}\n", "")]
    if message.body_left:
        parts += [(f"… {counted(message.body_left, 'byte')} more, which an export holds\n", STYLES["dim"])]
    if message.properties:
        parts += _heading("properties") + _facts(message.properties.items())
    if message.system_properties:
        parts += _heading("system properties") + _facts(message.system_properties.items())
    if raw and message.kind != "binary":  # whose body is a hex dump already
        parts += [*_heading("raw"), (f"{raw}\n", "")]
    return assemble(parts)


def _milliseconds(message: InferenceMessage) -> str:
    if message.milliseconds is None:
        return ""
    return f"{message.milliseconds:,.0f}" + (" (may include retries)" if message.milliseconds >= 1000 else "")


class DetailsPanel(VerticalScroll):
    """Details of what the cursor stands on, where there is room for them beside the panes."""

    DEFAULT_CSS = """
    DetailsPanel {
        border: round $panel-lighten-2; border-title-color: $dim; padding: 0 1; display: none;
        &.-ascii { border: ascii $panel-lighten-2; }
    }
    """

    def compose(self) -> ComposeResult:
        self.border_title = "Details"
        self.can_focus = False
        self.text = Static("", id="details-text")
        yield self.text

    def show(self, content: Content) -> None:
        self.text.update(content)
        self.scroll_home(animate=False)
