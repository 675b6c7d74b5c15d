"""Identities whose connection comes and goes are told from one that was made anew."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from services.operations.connections import Changes

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_one_identity_in_two_clients():
    changes = Changes()
    changes.note({"": AT, "client": AT, "host": AT})
    assert not changes.restless and not changes.contested()
    changes.note({"": AT, "client": AT + timedelta(seconds=5), "host": AT})
    changes.note({"": AT, "client": AT + timedelta(seconds=5), "host": AT})
    assert changes.restless and not changes.contested(), "a restart is no fight"
    for second in (10, 15):
        changes.note({"": AT, "client": AT + timedelta(seconds=second), "host": AT})
    for second in range(20, 40):
        changes.note({"client": AT + timedelta(seconds=second)})
    (finding,) = changes.contested()
    assert (finding.state, finding.module) == ("one-identity-two-clients", "client")
