"""Values that cannot be what they should be: not recorded, with a finding, and never a guess or a lost call."""

import json
import sys

import pytest

from tests.readers.reading import line, request, sub_agent, trace

TOP = 2**64 - 1


def raw(**fields):
    """A conversation of one request whose fields are given as JSON text; and one behind it that is in order."""
    recorded = {key: json.dumps(value) for key, value in request().items()} | fields
    text = ",".join(f'"{key}":{value}' for key, value in recorded.items()).encode()
    return line(trace("HERE", request(out=99))).replace(b'"HERE"', b"{" + text + b"}")


@pytest.mark.parametrize("field", ["in", "out"])
@pytest.mark.parametrize(
    "value", ['"130"', "-1", "130.0", "1.5", "1e3", "1e300", "true", "[]", "{}", "10000000001", "1" * 30, "NaN"]
)
def test_what_is_no_count_of_tokens_is_not_recorded(reading, field, value):
    found = reading(raw(**{field: value}))
    first, second = found.steps
    column = {"in": "input_tokens", "out": "output_tokens"}[field]
    assert getattr(first, column) is None
    assert (second.input_tokens, second.output_tokens) == (130, 99)
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.run_id, finding.step_ordinal, finding.line) == (
        "bad-field", "warning", "s/main/1", 1, 1,
    )  # fmt: skip
    assert finding.message.startswith(f"{field} is ")


@pytest.mark.parametrize("value", ["1" * 400, "-" + "1" * 400, "1e999", "1" * 5_000, "1.5e+1000"])
def test_numbers_that_no_float_holds_cost_the_field(reading, value):
    found = reading(raw(**{"in": value, "ttft": value}))
    assert [step.input_tokens for step in found.steps] == [None, 130]
    assert found.codes() == ["bad-field"]
    assert json.loads(found.steps[0].extra)["ttft"] == value


@pytest.mark.parametrize(("field", "column"), [("t", "start_ms"), ("api_time", "end_ms"), ("think_time", "wait_ms")])
@pytest.mark.parametrize("value", ['"1"', "true", "[]", "1e11", "-1e11", "1e400", "NaN", "-Infinity", '{"s":1}'])
def test_what_is_no_time_is_not_recorded(reading, field, column, value):
    found = reading(raw(**{field: value}))
    assert len(found.steps) == 2
    assert getattr(found.steps[0], column) is None
    assert found.codes() == ["bad-field"]


@pytest.mark.parametrize(("field", "column"), [("model", "model"), ("stop", "finish_reason")])
@pytest.mark.parametrize("value", ["1", "false", '["m"]', '{"name":"m"}', "0"])
def test_what_is_no_text_is_not_recorded(reading, field, column, value):
    found = reading(raw(**{field: value}))
    assert getattr(found.steps[0], column) is None
    assert found.codes() == ["bad-field"]


@pytest.mark.parametrize("value", ["null"])
@pytest.mark.parametrize("field", ["t", "in", "out", "model", "stop", "api_time", "think_time", "hash_ids"])
def test_null_is_not_recorded_and_no_fault(reading, field, value):
    found = reading(raw(**{field: value}))
    assert len(found.steps) == 2
    assert not found.findings


@pytest.mark.parametrize(
    "ids", ["[0]", "[9223372036854775807,9223372036854775808]", f"[{TOP}]", f"[{TOP - 1},{TOP}]", f"[{TOP},0,1]", "[]"]
)
def test_ids_may_be_any_integer_of_64_bits_without_sign(reading, ids):
    found = reading(raw(hash_ids=ids))
    assert found.ids(found.steps[0]) == json.loads(ids)
    assert not found.findings


@pytest.mark.parametrize(
    "ids",
    [
        "[-1]", "[1,null]", "[1.5]", "[1.0]", '["1"]', "[true]", f"[{TOP + 1}]", "[1,[2]]", "[[1],[2]]", '["a]b"]',
        "[{}]", '[1,{"a":[2]}]', '"[1,2]"', "{}", "5", "false", '""', "[1e2]", f"[{'9' * 400}]", "[" * 300 + "]" * 300,
    ],
)  # fmt: skip
def test_a_step_whose_ids_are_none_is_kept_without_blocks(reading, ids):
    found = reading(raw(hash_ids=ids))
    first, second = found.steps
    assert (first.input_tokens, first.output_tokens) == (130, 7)
    assert found.ids(first) == []
    assert found.ids(second) == [1, 2]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.step_ordinal) == ("bad-record", "error", 1)
    assert "hash_ids" in finding.message
    assert found.report.bad_records == 1


def test_a_second_list_of_ids_in_another_field_is_not_the_steps(reading):
    found = reading(trace(request(other={"hash_ids": [7, 8]}), request(hash_ids=[1, 2, 3])))
    assert [found.ids(step) for step in found.steps] == [[1, 2], [1, 2, 3]]
    early = line(trace(request())).replace(b'"t":', b'"other":{"hash_ids":[7,8]},"t":')
    found = reading(early)
    assert found.ids(found.steps[0]) == [1, 2]
    assert json.loads(found.steps[0].extra)["other"] == {"hash_ids": [7, 8]}


def test_a_mention_of_ids_in_a_text_is_not_the_steps(reading):
    found = reading(trace(request(note='"hash_ids":[7,8]')))
    assert found.ids(found.steps[0]) == [1, 2]
    assert not found.findings


@pytest.mark.parametrize("depth", [10, 300, 900, 1_100, 10_000])
def test_values_nested_however_deep_cost_at_most_their_call(reading, depth):
    found = reading(raw(deep="[" * depth + "]" * depth))
    assert found.steps[-1].output_tokens == 99
    assert len(found.steps) == 2 - found.report.bad_records
    found = reading(raw(**{"in": "[" * depth + "]" * depth}))
    assert found.steps[-1].output_tokens == 99
    found = reading(raw(hash_ids="[" * depth + "]" * depth))
    assert found.steps[-1].output_tokens == 99


@pytest.mark.parametrize("depth", [10, 300, 900, 10_000])
def test_a_header_value_nested_however_deep_costs_at_most_itself(reading, depth):
    deep = ("[" * depth + "]" * depth).encode()
    found = reading(line(trace(request(), deep=["HERE"])).replace(b'"HERE"', deep))
    assert len(found.steps) == 1
    assert found.conversation.title == "c"


@pytest.mark.parametrize("depth", [2, 60, 100, 10_000])
def test_sub_agents_nested_however_deep_exhaust_no_stack(reading, depth):
    opened = b'{"t":0.0,"type":"subagent","requests":[' * depth
    whole = line(trace("HERE")).replace(b'"HERE"', opened + line(request()) + b"]}" * depth)
    found = reading(whole)
    assert len(found.agents) == min(depth, 64) + 1 or found.report.bad_records
    assert found.conversation.title == "c"
    assert reading(whole[: len(opened)]).report.bad_records


def test_a_text_of_five_million_characters_is_kept(reading):
    long = "x" * 5_000_000
    found = reading(trace(request(model=long), request(note=long), request()))
    assert [step.model for step in found.steps] == [long, "m", "m"]
    assert json.loads(found.steps[1].extra)["note"] == long
    assert not found.findings


def test_a_header_text_that_is_too_long_costs_itself(reading):
    found = reading(trace(request(), id="x" * 5_000_000))
    assert len(found.steps) == 1
    assert found.conversation.title is None
    assert found.codes() == ["bad-record"]


def test_lone_surrogates_become_visible(reading):
    found = reading(
        trace(
            request(model="a\ud800b", note="\udc00"),
            sub_agent(request(), agent_id="x\ud83d", subagent_type="\ud800"),
            id="\ud800\udc00 and \udfff",
        )
    )
    assert found.steps[0].model == "a�b"
    assert json.loads(found.steps[0].extra)["note"] == "�"
    assert found.conversation.title == "\U00010000 and �"
    assert (found.agents[0].label, found.agents[0].name) == ("x�", "�")


@pytest.mark.parametrize(
    "name", ["\x1b[31m", "[/b]", "\u202e", "\x00", "\n", "é̂", "\ufeff", "a/b", "~2", "x" * 10_000, " ", "🤖"]
)
def test_names_are_kept_as_they_are(reading, name):
    found = reading(trace(request(model=name), sub_agent(request(), agent_id=name, subagent_type=name), id=name))
    assert found.steps[0].model == name
    assert (found.agents[0].label, found.agents[0].name) == (name, name)
    assert found.conversation.title == name
    # A slash in a name would look like a path of keys.
    assert found.agents[0].agent_id == "s/" + name.replace("/", "\u2215")


@pytest.mark.parametrize("value", ["5", "null", "[]", "{}", "true"])
@pytest.mark.parametrize("field", ["id", "models", "block_size", "hash_id_scope", "totals", "tool_tokens"])
def test_headers_of_any_type_cost_no_step(reading, field, value):
    text = line(trace(request(), **{field: "HERE"})).replace(b'"HERE"', value.encode())
    found = reading(text)
    assert len(found.steps) == 1
    assert found.ids(found.steps[0]) == [1, 2]
    assert {finding.severity for finding in found.findings} <= {"warning"}


@pytest.mark.parametrize("value", ['"5"', "-1", "[]", "{}", "true", "1e300", "NaN", "null", '""', '"\\ud800"'])
@pytest.mark.parametrize("field", ["t", "agent_id", "subagent_type", "duration_ms", "total_tokens", "status", "models"])
def test_fields_of_a_sub_agent_of_any_type_cost_no_step(reading, field, value):
    text = line(trace(request(), sub_agent(request(), **{field: "HERE"}), request()))
    found = reading(text.replace(b'"HERE"', value.encode()))
    assert [step.run_id.split("/")[1] for step in found.steps][::2] == ["main", "main"]
    assert len(found.runs) == 2
    assert {finding.severity for finding in found.findings} <= {"warning", "info"}


def test_the_last_of_equal_keys_counts_as_json_has_it(reading):
    found = reading(raw(**{"in": '5,"in":6'}))
    assert found.steps[0].input_tokens == 6


def test_findings_of_one_kind_are_bounded_and_the_rest_counted(reading):
    found = reading(trace(*(request(**{"in": "x"}) for _ in range(250))))
    assert len(found.steps) == 250
    assert len(found.findings) == 101
    assert found.findings[-1].message == "150 more of this kind in this conversation"
    assert len({finding.finding_id for finding in found.findings}) == 101


def test_bad_records_are_counted_beyond_the_findings(reading):
    found = reading(trace(*(request(hash_ids="x") for _ in range(250))))
    assert found.report.bad_records == 250
    assert found.codes() == ["bad-record"] * 101


def test_the_stack_that_these_tests_assume():
    assert sys.getrecursionlimit() <= 3000, "with a higher limit depth proves nothing"
