"""Message routes against edgeHub's grammar and its rules of types.

The tables say in our own words what RouteFactoryTest.cs, EndpointFactoryTest.cs, ConditionVisitorTest.cs, ConditionCompilerTest.cs and
BodyQueryTest.cs of Azure/iotedge expect.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deployment.manifest.message_routes.check import carries_upstream, check_route
from services.deployment.manifest.message_routes.parser import RouteSyntaxError, parse

MODULES = ("sensor", "filter")


def problems(text, modules=MODULES):
    return list(check_route(text, modules))


def of_condition(condition):
    return problems(f"FROM /messages/* WHERE {condition} INTO $upstream")


@pytest.mark.parametrize(
    "text",
    [
        "FROM /* INTO $upstream",
        "FROM /messages INTO $UpStream",
        "FROM /messages/* INTO $upstream",
        "FROM /messages/modules/sensor INTO $upstream",
        "FROM /messages/modules/sensor/* INTO $upstream",
        "FROM /messages/modules/SENSOR/outputs/* INTO $upstream",
        "FROM /messages/modules/sensor/outputs/o-1.x INTO $upstream",
        "FROM /twinChangeNotifications INTO $upstream",
        "  select * from /messages/*\n\twhere a = 'b'\r\ninto $upstream  ",
        "FROM / messages / * INTO $upstream",
        "FROM /messages /* all of it */ INTO $upstream",
        'FROM /messages/* INTO BrokeredEndpoint("/modules/filter/inputs/in")',
        "FROM /messages/* INTO brokeredendpoint('modules/filter/inputs/in/')",
        'FROM /messages/* INTO BrokeredEndpoint ( " /modules/filter/inputs/in " )',
        "FROM /messages/* WHERE kind = \"alert\" AND ( a > 'x' OR b = '50' ) INTO BrokeredEndpoint(\"/modules/filter/inputs/i\")",
    ],
)
def test_routes_that_edge_hub_takes(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "FROM"),
        ("/* nothing */", "FROM"),
        ("FORM /messages/* INTO $upstream", "FROM"),
        ("SELECT FROM /messages/* INTO $upstream", "SELECT *"),
        ("SELECT a FROM /messages/* INTO $upstream", "SELECT *"),
        ("FROM INTO $upstream", "begin with /"),
        ("FROM * INTO $upstream", "begin with /"),
        ("FROM messages/* INTO $upstream", "begin with /"),
        ("FROM /messages/ INTO $upstream", "ends with /"),
        ("FROM /messages//x INTO $upstream", "no name"),
        ("FROM /messages/modules/<NAME>/outputs INTO $upstream", '"<NAME>" in the source was never filled in'),
        ("FROM /messages/modules/${name}/outputs INTO $upstream", '"${name}" in the source was never filled in'),
        ("FROM /messages/modules/$NAME/outputs INTO $upstream", "never filled in"),
        ("FROM /messages/modules/my module/* INTO $upstream", "stands where INTO should"),
        ("FROM /messages/modules/from/* INTO $upstream", "a word of its own"),
        ("FROM /messages/modules/null/* INTO $upstream", "a word of its own"),
        ("FROM /messages/modules/e1/* INTO $upstream", "a number"),
        ("FROM /messages/modules/42/* INTO $upstream", "$connectionModuleId = '42'"),
        ("FROM\u00a0/messages/* INTO $upstream", "U+00A0"),
        ("FROM /messages/*INTO $upstream", "stands where INTO should"),
        ("FROM /messages/* WHERE INTO $upstream", "value"),
        ("FROM /messages/* WHERE a = 'b' INTO", "no sink"),
        ("FROM /messages/* INTO upstream", "lacks its $"),
        ("FROM /messages/* INTO $upstreams", "only one is $upstream"),
        ("FROM /messages/* INTO $upstream.", "only one is $upstream"),
        ("FROM /messages/* INTO /modules/filter/inputs/in", "no sink"),
        ('FROM /messages/* INTO "/modules/filter/inputs/in"', "no sink"),
        ('FROM /messages/* INTO BrokeredEndpoint("/modules/filter/inputs/in"', "not closed"),
        ('FROM /messages/* INTO BrokeredEndpoint("/modules/filter/inputs/in\')', "quotes"),
        ('FROM /messages/* INTO BrokeredEndpoint(""/modules/filter/inputs/in"")', "not closed"),
        ("FROM /messages/* INTO BrokeredEndpoint(/modules/filter/inputs/in)", "quotes"),
        ('FROM /messages/* INTO BrokeredEndpoint "/modules/filter/inputs/in")', "no sink"),
        ('FROM /messages/* INTO Endpoint("/modules/filter/inputs/in")', "knows no endpoint"),
        ('FROM /messages/* INTO BrokeredEndpoint("/modules/filter")', "four parts"),
        ('FROM /messages/* INTO BrokeredEndpoint("//modules/filter/inputs/in")', "four parts"),
        ('FROM /messages/* INTO BrokeredEndpoint("/modules///filter/inputs/in")', "four parts"),
        ('FROM /messages/* INTO BrokeredEndpoint("filter, in")', "four parts"),
        ('FROM /messages/* INTO BrokeredEndpoint("")', "four parts"),
        ("FROM /messages/* INTO $upstream WHERE a = 'b'", "Write it before INTO"),
        ("FROM /messages/* WHERE a == 'b' INTO $upstream", "Write = once"),
        ("FROM /messages/* WHERE a = 'b' && c = 'd' INTO $upstream", "Write AND"),
        ("FROM /messages/* WHERE a IN ('b') INTO $upstream", "no IN"),
        ("FROM /messages/* WHERE a[0] = 'b' INTO $upstream", "$body.list[0]"),
        ("FROM /messages/* WHERE as_number(a) -1 = 2 INTO $upstream", "blank behind the minus"),
        ("FROM /messages/* WHERE lower(a INTO $upstream", "a comma in lower"),
        ("FROM /messages/* WHERE {a} = 'b' INTO $upstream", "{$name}"),
        ("FROM /messages/* WHERE a = 'open INTO $upstream", "not closed"),
        ("FROM /messages/* WHERE a = 'it''s' INTO $upstream", "one name"),
    ],
)  # fmt: skip
def test_routes_that_edge_hub_refuses_or_reads_otherwise(text, words):
    first = problems(text)[0]
    assert words in f"{first.message} {first.remedy}" and not first.late and first.remedy, first


@pytest.mark.parametrize(
    "condition",
    [
        "true", "a = 'b'", "as_number(temperature) > 30", "as_number(a) * 2 + 1 >= -5", "NOT (a = 'b')", "NOT is_defined(a)",
        "is_null(a)", "a || 'x' = 'bx'", "(a ?? 'none') = 'none'", "$contentType <> 'x'", "{$connectionModuleId} = 'sensor'",
        "is_defined(undefined)", "is_number(5)", "IS_DEFINED(a) AND StArTs_WiTh(a, 'b')", "substring(a, 1) = 'b'",
        "substring(a, 1, 2) = 'b'", "concat(a, b, 'c') = 'x'", "length(a) = 0x1F", "power(2, 3) = 8", "null = null",
        "$body.a.b[0].c > 5", "50 >= $body.a", "$BODY.a = 'b'", "$body.a", "NOT $body.a", "$body.a <> null", "$body.a = true",
        "$body.a * $body.b[1] = 1200", "abs($body.a) = 50.4", "$body.on OR $body.off", "$body.on AND a = 'b'",
        "$body.a = b", "exp(($body.a - 49)) < ($body.a - 47)", "{$body.a} <> '100'", "a = 'he said \\'no\\''", "'\\u00fc' = a",
        "-(1.5e1 + .5) < 3 % 2", "1 - -2 = 3", "(((true)))", "$body.I'm = 'x'",
    ],
)  # fmt: skip
def test_conditions_that_edge_hub_puts_into_force(condition):
    assert [problem for problem in of_condition(condition) if problem.severity == "error"] == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("temperature > 30", "as_number"), ("a = 5", "as_number"), ("3 + a = 5", "as_number"), ("abs(a) = 5", "as_number"),
        ("power(a, 2) = 4", "as_number"), ("-a = 5", "as_number"), ("a = true", "'true'"), ("NOT a = 'b'", "NOT (…)"),
        ("NOT a", "NOT (…)"), ("a AND b", "is_defined"), ("a = null", "is_null"), ("null = 5", "is_null"), ("'a' + 'b' = 'ab'", "a number"),
        ("a || true = 'x'", "a text"), ("undefined + 3 = 3", "undefined"), ("a ?? 12 = 12", ""), ("(a ?? null) = 'b'", "one kind"),
        ("array_contains(a, 'b')", "contains?"), ("is_array(a)", "no function"), ("twin_change_includes(properties.reported.a)", "no route"),
        ("length() = 1", "nothing"), ("length(a, b) = 1", "length(text)"), ("concat('a') = 'a'", "concat(text, text, …)"),
        ("starts_with(a)", "starts_with(text, text)"), ("substring(a) = 'x'", "substring(text, number)"), ("substring(a, 'b') = 'x'", "substring"),
        ("upper(null) = 'x'", "null"), ("index_of('hello', true) = 1", "index_of"), ("true AND $body.on", "on the left"),
        ("a = 'b' OR $body.on", "on the left"), ("$body.a % 2 = 1", "%"), ("- $body.a = 1", "0 - "), ("$body. = 1", "path"),
        ("$body.a[] = 1", "path"), ("$body..a = 1", "path"), ("$body.5 = 1", "path"), ("$body.a[x] = 1", "path"), ("$body[0] = 1", ""),
        ("(a = 'b'", "not closed"), ("((a = 'b')", "not closed"), ("(a = 'b'))", "closes none"), ("lower(a)) = 'b'", "closes none"),
        ("@ = 'b'", '"@"'), ("a ; b", '";"'),
    ],
)  # fmt: skip
def test_conditions_that_edge_hub_fails_on_when_it_puts_them_into_force(condition, words):
    errors = [problem for problem in of_condition(condition) if problem.severity == "error"]
    assert errors and any(words in f"{problem.message} {problem.remedy}" for problem in errors), errors
    assert errors[0].late, errors


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM /messages/modules/*/outputs/o INTO $upstream", "at the end only"),
        ("FROM /messages/modules/*/outputs/*/ INTO $upstream", "comment"),
        ("FROM /messages/events INTO $upstream", "/messages/modules/M/*"),
        ("FROM /message/* INTO $upstream", "no message has the source /message"),
        ("FROM /messages/modules/sensor/inputs/x INTO $upstream", "no message"),
        ("FROM /messages/modules/sensr/* INTO $upstream", "Did you mean sensor?"),
        ("FROM /messages/modules/sens* INTO $upstream", "does not have"),
        ("FROM /* INTO BrokeredEndpoint('/modules/Filter/inputs/in')", "Did you mean filter?"),
        ("FROM /* INTO BrokeredEndpoint('/a/filter/c/d')", "is not /modules/M/inputs/I"),
        ("FROM /* INTO $upstream;", "passes over"),
        ("FROM /* WHERE a!='b' INTO $upstream", "blanks around the operator"),
        ("FROM /* WHERE a+b INTO $upstream", "blanks around the operator"),
        ("FROM /* WHERE a = \u201cb\u201d INTO $upstream", "bent the quotes"),
        ("FROM /* WHERE a = TRUE INTO $upstream", "Write true"),
        ("FROM /* WHERE temperature INTO $upstream", "no message goes through"),
        ("FROM /* WHERE 5 INTO $upstream", "no message goes through"),
    ],
)
def test_routes_that_edge_hub_takes_and_that_do_nothing_of_the_kind(text, words):
    (first, *_) = found = problems(text)
    assert {problem.severity for problem in found} == {"warning"} and words in f"{first.message} {first.remedy}", found


def test_without_a_deployment_no_module_is_missed():
    assert problems("FROM /messages/modules/any/* INTO $upstream", None) == []


@pytest.mark.parametrize(
    ("text", "carries"),
    [
        ("FROM /* INTO $upstream", True),
        ("SELECT * FROM /messages INTO $upstream", True),
        ("FROM /messages/modules/* INTO $UPSTREAM", True),
        ("FROM /messages/modules/sensor/outputs/* INTO $upstream", True),
        ("FROM /messages/modules/sensor/outputs/o INTO $upstream", False),
        ("FROM /messages/modules/sensor2/* INTO $upstream", False),
        ("FROM /messages/* WHERE a = 'b' INTO $upstream", False),
        ("FROM /messages/* INTO BrokeredEndpoint('/modules/filter/inputs/in')", False),
        ("nonsense", False),
    ],
)
def test_what_carries_the_messages_of_a_module_to_the_hub(text, carries):
    assert carries_upstream(text, "sensor") is carries


PIECES = st.sampled_from((
    "SELECT", "FROM", "WHERE", "INTO", "AND", "OR", "NOT", "*", "/", "/*", "*/", "(", ")", "{", "}", ",", "+", "-", "%", "=", "!=",
    "<>", "<=", "??", "||", "a", "$b", "$body.c[0]", "'x'", '"y"', "'z", "5", "-5", "0x1", "1e5", "true", "null", "@", "é",
))  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map(" ".join), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=150, deadline=None)
def test_no_text_raises_and_every_problem_lies_in_it(text):
    for whole in (text, f"FROM /messages/* WHERE {text} INTO $upstream"):
        assert all(0 <= problem.offset <= len(whole) and problem.message for problem in problems(whole))


@pytest.mark.parametrize("deep", ["(" * 5000, "NOT " * 5000, "a = (" * 900, "f(" * 2000])
def test_depth_is_bounded(deep):
    with pytest.raises(RouteSyntaxError):
        parse(f"FROM /* WHERE {deep}a INTO $upstream")
