"""The catalogue of the hub's error codes, and how a reply is taken apart: names before numbers, never what a message quotes."""

# ruff: noqa: E501 - wordings stand as they come

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diagnosis import amqp, diagnose, hub_http
from services.diagnosis.hub_codes import CODES
from services.hub.errors import reply_error
from services.records import Evidence

NOW = datetime(2024, 3, 14, 10, 0, tzinfo=timezone.utc)
UNAUTHORIZED = json.dumps({"Message": "ErrorCode:IotHubUnauthorizedAccess;Unauthorized", "ExceptionMessage": "Tracking ID:1"})


def nested(number: object, message: object = "x") -> str:
    return json.dumps(
        {"Message": json.dumps({"errorCode": number, "trackingId": "1", "message": message}), "ExceptionMessage": ""}
    )


def plain(name: str, text: str = "") -> str:
    return json.dumps({"Message": f"ErrorCode:{name};{text}", "ExceptionMessage": "Tracking ID:1"})


@pytest.mark.parametrize("row", CODES, ids=lambda row: row.number or row.name)
def test_each_row_says_cause_remedy_and_source(row):
    assert row.cause.endswith(".") and (row.remedy or row.kind.remedy).endswith(".") and row.source
    assert re.fullmatch(r"\d{6}", row.number) and re.fullmatch(r"[A-Za-z0-9]+", row.name)


def test_numbers_and_names_stand_for_one_row_each():
    codes = [code.lower() for row in CODES for code in row.codes]
    assert len(codes) == len(set(codes))
    assert len(CODES) > 140


@pytest.mark.parametrize("row", CODES, ids=lambda row: row.number)
def test_a_reply_by_number_and_one_by_name_say_the_same(row):
    status = int(row.number[:3])
    assert reply_error(status, nested(int(row.number))).code == f"hub.{row.kind.state}"
    assert reply_error(status, plain(row.name)).code == f"hub.{row.kind.state}"


@pytest.mark.parametrize("rules", [hub_http.RULES, amqp.RULES])
def test_each_rule_names_its_source(rules):
    assert [rule.state for rule in rules if not rule.source] == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, nested(403001, "x").replace("trackingId", "code").replace('\\"1\\"', '\\"JobQuotaExceeded\\"'), "limit-reached"),
        (400, json.dumps({"errorCode": 400020, "message": "ErrorCode:IotHubSuspended;x"}), "hub-suspended"),
        (429, json.dumps({"Message": "ErrorCode:InvalidThrottleParameter;x", "errorCode": 429003}), "invalid-argument"),
    ],
)
def test_the_name_decides_where_the_number_is_given_to_two(status, body, code):
    assert reply_error(status, body).code == f"hub.{code}"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (400, plain("ArgumentInvalid", "Invalid JSON near 'ErrorCode:DeviceNotOnline;404103'"), "invalid-argument"),
        (400, nested(400004, "the device said: errorCode 403002, IotHubQuotaExceeded"), "invalid-argument"),
        (403, plain("DeviceModelMaxPropertiesExceeded", "'Properties.Desired.firewall' size should be less"), "desired-too-big"),
    ],
)
def test_quoted_codes_and_words_name_nothing(status, body, state):
    assert reply_error(status, body).code == f"hub.{state}"


@pytest.mark.parametrize(
    ("status", "text", "state"),
    [
        (401, "ErrorCode:IotHubUnauthorizedAccess;Ip address 20.1.1.1 is not allowed by the IP filter", "network-rules"),
        (403, "ErrorCode:GenericForbidden;Public network access is disabled for this hub", "network-rules"),
        (401, "ErrorCode:IotHubUnauthorized;Authorization rule 'registryRead' does not allow access for '/devices'", "right-missing"),
        (401, "ErrorCode:IotHubUnauthorized;Principal a@b.c is not authorized for GET on /x due to no assigned permissions", "role-missing"),
        (401, "ErrorCode:IotHubUnauthorized;IotHub 'h' does not contain the specified device 'd'", "device-missing"),
        (401, "ErrorCode:IotHubUnauthorized;Thumbprint does not match configuration: Thumbprint: SHA1Hash=x", "device-credentials"),
        (401, "ErrorCode:IotHubUnauthorized;Authorization header missing", "no-token"),
    ],
)  # fmt: skip
def test_words_say_more_than_a_general_code(status, text, state):
    assert reply_error(status, json.dumps({"Message": text})).code == f"hub.{state}"


@pytest.mark.parametrize(
    ("ahead", "code", "words"),
    [
        (11 * 60, "hub.clock-off", "11 minutes ahead of the hub's"),
        (-7200, "hub.clock-off", "120 minutes behind the hub's"),
        (4, "hub.unauthorized", "clock agrees with the hub's"),
    ],
)
@pytest.mark.parametrize("body", [UNAUTHORIZED, "", nested(401002, "Unauthorized")])
def test_a_refused_token_is_laid_to_the_clock_only_where_the_date_says_so(ahead, code, words, body):
    error = reply_error(401, body, {"Date": "Thu, 14 Mar 2024 10:00:00 GMT"}, NOW + timedelta(seconds=ahead))
    assert error.code == code
    assert words in str(error)


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Mar 2024 10:00:00 GMT", "Thu, 14 Mar 20240000000 10:00:00 GMT"])
def test_a_date_that_cannot_be_read_leaves_the_clock_open(date):
    error = reply_error(401, UNAUTHORIZED, {"Date": date}, NOW)
    assert error.code == "hub.unauthorized" and "a clock that is off" in error.cause


def test_other_refusals_are_never_laid_to_the_clock():
    headers = {"Date": "Thu, 14 Mar 2024 08:00:00 GMT"}
    assert reply_error(401, plain("SystemModuleModifyUnauthorizedAccess"), headers, NOW).code == "hub.agent-desired-locked"
    assert reply_error(401, plain("IotHubNotFound"), headers, NOW).code == "hub.hub-missing"
    assert reply_error(403, plain("DeviceDisabled"), headers, NOW).code == "hub.device-disabled"


def test_the_header_names_what_the_body_does_not():
    assert reply_error(403, "", {"iothub-errorcode": "DeviceDisabled"}, NOW).code == "hub.device-disabled"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 413])
def test_a_code_in_no_list_is_a_guess_and_shown_whole(status):
    error = reply_error(status, plain("FluxEntangled", "Der Fluss wurde verschränkt; " + "ü" * 400))
    assert error.cause.startswith("Likely: ") and "guess" in error.cause
    assert "Fluss wurde verschränkt" in error.cause and "ü" * 400 in error.raw


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_LEAVES |= st.sampled_from(["ErrorCode:X;", "404103", '{"errorCode":403012}'])
_KEYS = st.sampled_from(["Message", "message", "errorCode", "code", "error", "x"])
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)
_HEADERS = st.dictionaries(st.sampled_from(["Date", "iothub-errorcode"]), st.text(max_size=40))


@given(st.integers(100, 999), _VALUES.map(json.dumps) | st.text(max_size=200), _HEADERS)
def test_any_body_gives_an_error(status, body, headers):
    error = reply_error(status, body, headers, NOW)
    assert error.what and error.cause and error.remedy and error.code.startswith("hub.")


def test_a_doubled_field_is_no_trouble():
    body = '{"Message": "ErrorCode:DeviceNotFound;a", "Message": "ErrorCode:DeviceDisabled;b"}'
    assert reply_error(403, body).code == "hub.device-disabled"


@pytest.mark.parametrize(
    ("condition", "text", "state"),
    [
        ("amqp:unauthorized-access", "Ip has been prevented to connect to the endpoint.", "network-rules"),
        ("ConnectError", "ns: ConnectError: Handshake status 403 Forbidden: public network access is disabled", "network-rules"),
        ("AuthenticationError", "CBS Token authentication failed.\nStatus code: 401\nError: Ip has been prevented to connect", "network-rules"),
        ("amqp:unauthorized-access", "Unauthorized access. 'Listen' claim(s) are required to perform this operation.", "events-unauthorized"),
        ("com.microsoft:argument-error", "The supplied offset '9' is invalid. The last offset in the system is '4'", "hub-remade"),
        ("com.microsoft:argument-error", "something else", "endpoint-refuses"),
        ("amqp:not-found", "The messaging entity 'sb://n.servicebus.windows.net/e/$management' could not be found.", "hub-missing"),
        ("amqp:resource-limit-exceeded", "Total number of messages on IotHub 'x' exceeded the allocated quota. Max allowed message count: '8000'", "quota-exceeded"),
        ("com.microsoft:argument-out-of-range", "The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 and 1.", "partition-missing"),
        ("ConnectError", "ns: ConnectError: Handshake status 401 Unauthorized", "events-unauthorized"),
        ("amqp:internal-error", "The service was unable to process the request; please retry the operation.", "endpoint-trouble"),
        ("com.microsoft:timeout", "x", "endpoint-trouble"),
        ("amqp:link:redirect", "x", "endpoint-moved"),
        ("com.microsoft:iot-hub-suspended", "x", "hub-suspended"),
    ],
)  # fmt: skip
def test_words_of_the_endpoint_decide_before_its_conditions(condition, text, state):
    assert [finding.state for finding in diagnose(Evidence("amqp", code=condition, text=text))] == [state]


def test_every_condition_of_the_sdk_is_known():
    from azure.eventhub._pyamqp.error import ErrorCondition

    unknown = {
        condition.value.decode()
        for condition in ErrorCondition
        if diagnose(Evidence("amqp", code=condition.value.decode()))[0].state == "unknown"
    }
    assert unknown <= {"amqp:vendor-error"}  # the SDK's word for "some other"
