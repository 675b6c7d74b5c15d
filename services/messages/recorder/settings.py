"""What a recorder is told when it starts: one JSON object on its standard input, the key or the sign-in's secret in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.contexts.event_token import EventCredential
from services.messages.journal.retention import Keep
from services.messages.start import Start
from services.records import EventEndpoint, Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """A recorder's endpoint, journal, retention and start. ``stay``: do not end with the last console."""

    endpoint: EventEndpoint
    journal: Path
    keep: Keep = field(default_factory=Keep)
    start: Start = field(default_factory=Start)
    stay: bool = False

    def to_json(self) -> str:
        """Return the settings as JSON, for the child's standard input only: the key is in it."""
        endpoint = {
            name: getattr(self.endpoint, name)
            for name in ("namespace", "entity", "consumer_group", "ca_file", "transport", "proxy")
        }
        endpoint["connection_string"] = self.endpoint.connection_string.reveal()
        if self.endpoint.credential is not None:
            endpoint["credential"] = self.endpoint.credential.to_fields()
        return json.dumps(
            {
                "endpoint": endpoint,
                "journal": str(self.journal),
                "keep": asdict(self.keep),
                "start": asdict(self.start),
                "stay": self.stay,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        endpoint = dict(fields["endpoint"])
        endpoint["connection_string"] = Secret(endpoint["connection_string"])
        if "credential" in endpoint:
            endpoint["credential"] = EventCredential.from_fields(endpoint["credential"])
        return cls(
            EventEndpoint(**endpoint),
            Path(fields["journal"]),
            Keep(**fields["keep"]),
            Start(**fields["start"]),
            bool(fields["stay"]),
        )
