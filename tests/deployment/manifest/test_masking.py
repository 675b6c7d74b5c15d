import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deployment.manifest.masking import collapsed, expanded, masked, restored, unmasked
from services.errors import OperatorError

SECRETS = ("k-123", "old-pass", "t-1")


def test_no_secret_is_left(content):
    text = json.dumps(masked(content), ensure_ascii=False)
    assert not any(secret in text for secret in SECRETS)
    assert "17" in text and "MODE=fast" in text and "TOKEN=•••" in text and "acr.azurecr.io" in text


def test_connection_strings_under_harmless_names_are_found(content):
    module = content["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]
    module["env"]["WHERE"] = {"value": "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0"}
    assert "c2VjcmV0" not in json.dumps(masked(content))


def test_secrets_come_back_from_the_device(content):
    filled, missing = restored(masked(content), content)
    assert missing == [] and expanded(filled) == expanded(content)


def test_reordered_variables_get_their_own_secrets(content):
    now = copy.deepcopy(content)
    printer = now["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["printer"]
    printer["settings"]["createOptions"] = '{"Env":["MODE=slow","OTHER_KEY=o","TOKEN=t-2"]}'
    filled, missing = restored(masked(content), now)
    options = filled["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["printer"]["settings"]["createOptions"]
    assert missing == [] and json.loads(options) == {"Env": ["TOKEN=t-2", "MODE=fast"]}


def test_secrets_that_are_gone_are_asked_for(content):
    now = copy.deepcopy(content)
    del now["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]
    filled, missing = restored(masked(content), now)
    assert [path[-2:] for path in missing] == [("API_KEY", "value")]
    filled, missing = restored(masked(content), now, {missing[0]: "given"})
    assert missing == []
    assert (
        filled["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["counter"]["env"]["API_KEY"]["value"] == "given"
    )


values = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(max_size=6),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3),
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
@settings(max_examples=80, deadline=None)
def test_expanded_and_collapsed_mean_the_same(options):
    module = {"settings": {"image": "i", "createOptions": json.dumps(options)}}
    content = {"modulesContent": {"$edgeAgent": {"properties.desired": {"modules": {"m": module}}}}}
    assert expanded(collapsed(expanded(content))) == expanded(content)


def test_a_manifest_that_was_written_out_masked_is_never_sent_so(content):
    plain = json.loads(json.dumps(content))
    assert unmasked(plain, lambda: pytest.fail("not needed")) is plain
    assert expanded(unmasked(masked(content), lambda: content)) == expanded(content)
    with pytest.raises(OperatorError) as caught:
        unmasked(masked(content), dict)
    assert "masked in the file" in caught.value.what and "•" not in caught.value.remedy
