"""Identities whose connection comes and goes are told from one that was made anew."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from threading import Event

from services.hub.twin import state_of
from services.operations.connections import Changes, Looks
from services.records import Connection, Device, LifeSigns

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def started(seconds):
    """A device whose client was started so many seconds ago."""
    at = (AT - timedelta(seconds=seconds)).isoformat()
    modules = {"client": {"runtimeStatus": "running", "lastStartTimeUtc": at}}
    return state_of(Device("edge", True), {"properties": {"reported": {"modules": modules}}}, AT)


def test_one_identity_in_two_clients():
    changes = Changes()
    changes.note({"": AT, "client": AT, "host": AT})
    assert not changes.restless and not changes.contested(None)
    changes.note({"": AT, "client": AT + timedelta(seconds=5), "host": AT})
    changes.note({"": AT, "client": AT + timedelta(seconds=5), "host": AT})
    assert changes.restless and not changes.contested(None), "a restart is no fight"
    for second in (10, 15):
        changes.note({"": AT, "client": AT + timedelta(seconds=second), "host": AT})
    for second in range(20, 40):
        changes.note({"client": AT + timedelta(seconds=second)})
    (finding,) = changes.contested(None)
    assert (finding.state, finding.module) == ("one-identity-two-clients", "client")
    assert changes.contested(started(60)) == [finding]
    assert not changes.contested(started(3)), "it comes and goes with its module"


def test_who_listens_does_not_wait_for_a_hub_that_hangs(eventually):
    class Hanging:
        """A hub that takes a question and answers when it is let go."""

        def __init__(self) -> None:
            self.asked, self.answers = 0, Event()

        def connection_changes(self, device, fresh):
            self.asked += 1
            self.answers.wait(30)
            return {"client": AT}

        def device(self, name, fresh):
            return Device(name, False)

        def life_signs(self, device):
            return LifeSigns(device, (Connection("$edgeHub", True),))

    hub, looks = Hanging(), Looks()
    looks.begin(hub, "edge")
    looks.begin(hub, "edge")
    assert not looks.alive and not looks.changes.contested(None)
    hub.answers.set()
    eventually(lambda: looks.alive)
    assert hub.asked == 1
