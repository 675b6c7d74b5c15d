"""Routes as edgeHub reads them: samples of iotedge's RouteFactoryTest, EndpointFactoryTest and of public reports."""

import pytest

from services.lab.device.edge_hub_configuration import (
    ConfigurationError,
    destinations,
    put_in_force,
    read_configuration,
)
from services.lab.device.route_conditions import ConditionError, Message
from services.lab.device.route_language import read_route

COMPILATION = "Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown."


def desired(*routes, schema="1.1", **more):
    return {
        "schemaVersion": schema,
        "routes": {f"r{number}": route for number, route in enumerate(routes)},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
        **more,
    }


def in_force(*routes, version=(1, 4)):
    return put_in_force(read_configuration(desired(*routes), version))


def message(source="/messages/modules/m", body=b"", properties=(), **system):
    return Message(source, body, {key.lower(): value for key, value in dict(properties).items()}, system)


@pytest.mark.parametrize(
    ("text", "source", "function", "sink"),
    [
        ("FROM /messages/* INTO $upstream", "/messages/*", "", "$upstream"),
        ("select * from /messages/* into $UPSTREAM", "/messages/*", "", "$UPSTREAM"),
        ("FROM /* INTO $upstream", "/*", "", "$upstream"),
        (
            'FROM /messages/modules/a/outputs/o INTO BrokeredEndpoint("/modules/b/inputs/i")',
            "/messages/modules/a/outputs/o",
            "BrokeredEndpoint",
            "/modules/b/inputs/i",
        ),
        ("FROM /messages/modules/*/outputs/*/ INTO $upstream", "/messages/modules", "", "$upstream"),  # a comment
        ("FROM /messages/* INTO $upstream WHERE a='b'", "/messages/*", "", "$upstream"),
        ("FROM /messages INTO brokeredendpoint('modules/b/inputs/i/')", "/messages", "brokeredendpoint", "modules/b/inputs/i/"),
    ],
)
def test_what_the_grammar_takes(text, source, function, sink):
    route = read_route(text)
    assert (route.source, route.function, route.sink) == (source, function, sink)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM /messages/* INTO ", COMPILATION),
        ("FROM /messages/modules/<FROM_MODULE_NAME>/outputs INTO $upstream", COMPILATION),
        ("FROM messages/* INTO $upstream", COMPILATION),
        ("FROM /messages/ INTO $upstream", COMPILATION),
        ("FROM * INTO $upstream", COMPILATION),
        ("FROM /messages/* INTO upstream", COMPILATION),
        ("FROM /messages/modules/123/* INTO $upstream", COMPILATION),
        ("FROM /messages/modules/from/* INTO $upstream", COMPILATION),
        ("FROM /messages/* WHERE INTO $upstream", COMPILATION),
        ("FROM /messages/* WHERE a == 'b' INTO $upstream", COMPILATION),
        ("FROM /messages/* WHERE a IN ('b') INTO $upstream", COMPILATION),
        ("FROM /messages/* WHERE a = 'b') INTO $upstream", COMPILATION),
        ("FROM /messages/* INTO $iothub", "System endpoint type '$iothub' not supported."),
        ('FROM /messages/* INTO Function("/modules/a/inputs/b")', "Function endpoint type 'Function' not supported."),
        (
            'FROM /messages/* INTO BrokeredEndpoint("/modules/a")',
            "Parameter string modules/a could not be parsed. Expect input in this format - /modules/{mid}/inputs/{input}",
        ),
    ],
)
def test_one_bad_route_refuses_the_whole_set_in_edgehubs_words(text, words):
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(desired("FROM /messages/* INTO $upstream", text), (1, 4))
    assert str(refused.value) == f"Error parsing route r1 - {words}"


@pytest.mark.parametrize(
    ("content", "version", "words"),
    [
        ({}, (1, 4), "EdgeHub config missing SchemaVersion"),
        (desired(schema="2.0"), (1, 4), "EdgeHub config contains unsupported SchemaVersion: 2.0"),
        (desired(schema="1.4"), (1, 4), "EdgeHub config contains unsupported SchemaVersion: 1.4"),
        (desired(schema="1.3"), (1, 2), "EdgeHub config contains unsupported SchemaVersion: 1.3"),
        (desired(schema="1"), (1, 4), "Error parsing schema version string: 1"),
        (desired(schema="2.0"), (1, 1), "not compatible with the expected version"),
        (desired({"route": "FROM /* INTO $upstream", "priority": 12}), (1, 4), "priority can only be between 0-9"),
        (desired({"route": "FROM /* INTO $upstream", "priority": -1}), (1, 4), "Error converting value -1"),
        (desired(7), (1, 4), "Malformed route specification"),
        (desired(""), (1, 4), "route is null or whitespace."),
        (desired({"route": "FROM /* INTO $upstream"}, schema="1.0"), (1, 4), "Unexpected character"),
        (desired({"route": "FROM /* INTO $upstream"}), (1, 0, 9), "Unexpected character"),
        ({**desired(), "routes": None}, (1, 4), "Value cannot be null. (Parameter 'routes')"),
        ({**desired(), "storeAndForwardConfiguration": None}, (1, 4), "(Parameter 'storeAndForwardConfiguration')"),
        (desired(storeAndForwardConfiguration={"timeToLiveSecs": "long"}), (1, 4), "timeToLiveSecs"),
        (desired(routes=[]), (1, 4), "routes"),
    ],
)
def test_what_edgehub_refuses_of_the_rest(content, version, words):
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(content, version)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (desired("FROM /* INTO $upstream", schema="1.2"), (1, 2)),
        (desired("FROM /* INTO $upstream", schema="1.3"), (1, 6, 1)),
        (desired("FROM /* INTO $upstream", schema="1.7"), (1, 1)),
        (desired("FROM /* INTO $upstream", schema="1.1.0"), (1, 4)),
        (desired("FROM /* INTO $upstream", " ", schema="1.0"), (1, 0, 9)),
        ({"schemaVersion": "1.0"}, (1, 4)),
        (desired({"route": "FROM /* INTO $upstream", "priority": 0, "timeToLiveSecs": 0}), (1, 4)),
    ],
)
def test_what_edgehub_takes(content, version):
    assert len(read_configuration(content, version).routes) == len(
        [one for one in content.get("routes", {}).values() if one != " "]
    )


@pytest.mark.parametrize(
    ("source", "sources"),
    [
        ("/*", ["/messages", "/messages/modules/m", "/messages/modules/m/outputs/o"]),
        ("/messages/*", ["/messages", "/messages/modules/m", "/messages/modules/m/outputs/o"]),
        ("/messages/modules/*", ["/messages/modules/m", "/messages/modules/m/outputs/o"]),
        ("/Messages/Modules/M/*", ["/messages/modules/m", "/messages/modules/m/outputs/o"]),
        ("/messages/modules/m/outputs/o", ["/messages/modules/m/outputs/o"]),
        ("/messages/modules/*/outputs/o", []),
        ("/messages/modules/mm/*", []),
        ("/twinChangeNotifications", []),
    ],
)
def test_a_source_is_a_prefix(source, sources):
    routes = in_force(f"FROM {source} INTO $upstream")
    every = ["/messages", "/messages/modules/m", "/messages/modules/m/outputs/o"]
    assert [one for one in every if destinations(routes, message(one))] == sources


JSON = {"contenttype": "application/json", "contentencoding": "utf-8"}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("true", True),
        ("temperature > 50", None),  # text against a number does not compile
        ("as_number(temperature) > 50", True),
        ("as_number(temperature) > 50 AND NOT is_defined(nothing)", True),
        ("level = 'hot'", True),
        ("LEVEL = 'hot'", True),
        ("level = 'Hot'", False),
        ("level != 'hot'", False),
        ("nothing = 'a'", False),
        ("NOT (nothing = 'a')", False),  # undefined stays undefined
        ("nothing ?? 'b' = 'b'", None),  # ?? binds loosest
        ("(nothing ?? 'b') = 'b'", True),
        ("level || '!' = 'hot!'", True),
        ("starts_with(level, 'h') and contains(upper(level), 'O')", True),
        ("substring(level, 1) = 'ot' AND length(level) = 3", True),
        ("index_of(level, 't') = 2", True),
        ("1 + 2 * 3 = 7", True),
        ("-1 < 0x10", True),
        ("level", False),
        ("$connectionModuleId = 'm'", True),
        ("IS_DEFINED({$connectionModuleId})", True),
        ("$body.a.b[1] = 2", True),
        ("$body.a.c = 'x' OR $body.a.c = 'y'", True),
        ("$body.a = 1", False),
        ("$body.none = null", False),
        ("is_number($body.a.b[0])", True),
        ("is_array($body.a.b)", None),
        ("twin_change_includes(a)", None),
        ("(level = 'hot'", None),
        ("(level = 'hot'))", None),
        ("length(1) = 1", None),
        ("(null and false) = null AND NOT null", True),
        ("is_defined(3 % 0) OR is_number(3 / 0)", False),
        ("(3 % 0 ?? 12.5) = 12.5", True),
        ("exp(4000) = 3/0", True),
        ("concat('a') = 'a'", None),
        ("level = TRUE", False),  # TRUE is a property: only lower case is the literal
    ],
)
def test_conditions(condition, matches):
    text = f"FROM /messages/* WHERE {condition} INTO $upstream"
    if matches is None:
        with pytest.raises(ConditionError):
            in_force(text)
        return
    one = message(
        body=b'{"a": {"b": [1, 2], "c": "y"}}',
        properties={"temperature": "51", "Level": "hot"},
        connectionmoduleid="m",
        **JSON,
    )
    assert bool(destinations(in_force(text), one)) is matches


def test_a_body_without_type_and_encoding_matches_nothing():
    routes = in_force("FROM /messages/* WHERE $body.a = 1 INTO $upstream")
    assert destinations(routes, message(body=b'{"a": 1}', **JSON)) == ["$upstream"]
    assert destinations(routes, message(body=b'{"a": 1}')) == []
    assert destinations(routes, message(body=b"no json", **JSON)) == []


def test_every_endpoint_gets_a_message_once():
    routes = in_force(
        "FROM /messages/* INTO $upstream",
        {"route": "FROM /messages/* INTO $upstream", "priority": 0},
        'FROM /messages/modules/m/* INTO BrokeredEndpoint("/modules/other/inputs/i")',
    )
    assert sorted(destinations(routes, message())) == ["$upstream", "other/i"]
    assert destinations(routes, message("/messages")) == ["$upstream"]
