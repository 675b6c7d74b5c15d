"""Every case of the field is read by the one reader, and each has what a case must have."""

import pytest
from case_reader import CASES, judge, read_cases

# What no rule is given: what a call costs, and how often the registry may be asked.
NOTES = {"09-direct-method-cost.json", "10-identity-throttle.json"}
FILES = sorted(path.name for path in CASES.glob("*.json"))


def test_a_healthy_device_is_alive():
    [case] = read_cases(CASES / "01-healthy-edge-device-is-disconnected.json")
    [judgement] = judge(case)
    assert judgement.liveness == "alive"
    assert "device-offline" not in judgement.states


@pytest.mark.parametrize("name", FILES)
def test_a_case_names_its_source_and_is_judged(name):
    for case in read_cases(CASES / name):
        assert case["source"]
        judgements = judge(case)
        assert bool(judgements) == (name not in NOTES)
        # A reply is never met without a word: a state is named, or the reply is shown as unknown. A valid manifest needs none.
        assert all(judgement.states for judgement in judgements if judgement.about != "manifest")
