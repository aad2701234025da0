"""What the samples tell, by hand."""

import pytest

from explorer.readers import Place, StepPlace, messages, reader_of
from tests.readers.inspect.logs import made, plain
from tests.readers.reading import SAMPLES, SHARED, read

SHOP = SAMPLES / "inspect" / "shop" / "2026-05-04T09-00-00+00-00_shop_t1.eval"
CHUNKED = SAMPLES / "inspect" / "shop" / "2026-05-04T10-00-00+00-00_shop_t2.eval"
OLD = SAMPLES / "inspect" / "old" / "2024-11-04T09-00-00+00-00_shop_t3.eval"
PRICES = SAMPLES / "inspect" / "old" / "2024-11-04T10-00-00+00-00_prices_t4.json"
INVENTED = SHARED / "traces" / "invented" / "inspect"


@pytest.fixture(scope="module")
def shop():
    return read(SHOP, reader="inspect")


def runs_of(found, sample):
    return {run.agent_id.rpartition("/")[2]: run for run in found.runs if f"//{sample}_epoch" in run.run_id}


def steps_of(found, run):
    return [step for step in found.steps if step.run_id == run.run_id]


def said(path, run, found):
    steps = [
        StepPlace(step.ordinal, step.source_id, step.offset, step.length, step.is_replay, step.extra)
        for step in steps_of(found, run)
    ]
    place = Place(run.conversation_id, run.agent_id, run.run_id, run.native_run_id, steps, None, run.extra)
    told = messages(reader_of("inspect"), {path.name: path}, place)
    return [(m.role, m.kind, m.text, m.step_ordinal) for m in told]


def test_spans_of_agents_are_runs_below_the_call_that_started_them(shop):
    runs = runs_of(shop, "orders")
    lead = runs["lead"]
    assert set(runs) == {"lead", "reader", "reader~2", "model_graded_fact"}
    assert [(runs[n].parent_run_id, runs[n].spawn_tool_call_id) for n in ("reader", "reader~2")] == [
        (lead.run_id, "c1"), (lead.run_id, "c2"),
    ]  # fmt: skip
    assert (lead.start_ms, lead.end_ms, lead.status, lead.reward) == (0, 33_500, "completed", 1.0)
    assert [(s.start_ms, s.end_ms, s.wait_ms) for s in steps_of(shop, runs["reader~2"])] == [(3500, 23_500, 4500)]
    first, last = steps_of(shop, lead)
    assert (first.input_tokens, first.cache_read_tokens, first.cache_write_tokens) == (9006, 0, 9000)
    assert (last.input_tokens, last.cache_read_tokens, last.output_tokens) == (9705, 9000, 40)
    assert (last.model, last.request_model, last.provider) == ("m-large", "anthropic/m-large", "anthropic")
    compactions = [(e.tokens_before, e.tokens_after) for e in shop.events if e.kind == "compaction"]
    assert compactions == [(150_000, 9_700)]


def test_a_scorer_that_asks_a_grader_is_an_agent_apart(shop):
    runs = runs_of(shop, "orders")
    scorer = runs["model_graded_fact"]
    agent = next(agent for agent in shop.agents if agent.agent_id == scorer.agent_id)
    assert (agent.helper, agent.parent_agent_id, scorer.parent_run_id) == ("scoring", None, None)
    assert [(s.model, s.input_tokens) for s in steps_of(shop, scorer)] == [("m-grader", 300)]
    assert runs["lead"].reported_input_tokens is None  # the recorded sum is over the scorer too
    assert "total-mismatch" not in shop.codes()


def test_siblings_share_the_prompt_that_both_were_given(shop):
    runs = runs_of(shop, "orders")
    lead, one, two = (shop.ids(steps_of(shop, runs[name])[0]) for name in ("lead", "reader", "reader~2"))
    assert (len(lead), len(one), len(two)) == (3, 3, 3)  # tools, system prompt, what is asked
    assert lead[:2] == one[:2] == two[:2] and len({lead[2], one[2], two[2]}) == 3


def test_prompts_of_agents_at_work_side_by_side_are_a_few_stretches_each(tmp_path):
    """Numbered as they come, each would be one for every turn: 25 for the last ones, and 1,300 in all."""
    turns, prompts, events = 25, {"a": [], "b": []}, []
    for name in prompts:
        events.append({"event": "span_begin", "id": name, "type": "agent", "name": name, "timestamp": made.stamp(0)})
    for number in range(2 * turns):
        name = "ab"[number % 2]
        prompts[name].append({"role": "user", "content": f"{name}{number}"})
        events.append({
            "event": "model", "span_id": name, "model": "m", "input": [*prompts[name]], "output": {},
            "timestamp": made.stamp(number),
        })  # fmt: skip
    found = plain(tmp_path, {"id": 1, "epoch": 1, "events": events})
    stretches = found.stretches()
    assert [sum(count for _, count in each) for each in stretches.values()] == 2 * [*range(1, turns + 1)]
    assert max(map(len, stretches.values())) <= 4


def test_what_the_cache_answered_is_a_step_without_usage(shop):
    main = runs_of(shop, "returns")["main"]
    cached, failed = steps_of(shop, main)
    assert (cached.input_tokens, cached.is_replay, failed.error) == (None, False, "overloaded")
    assert [(row.input_tokens, row.output_tokens) for row in shop.uncounted] == [(400, 20)]
    assert [(call.is_error, call.step_ordinal) for call in shop.tool_calls if call.run_id == main.run_id] == [(True, 1)]
    assert (main.status, main.status_detail, main.reward) == ("cancelled", "token limit of 500", 0.0)


def test_a_span_that_never_ends_and_an_attempt_before(shop):
    runs = runs_of(shop, "returns")
    assert (runs["helper"].status, runs["helper"].end_ms, runs["helper"].spawn_tool_call_id) == (
        "cancelled",
        None,
        None,
    )
    assert runs["helper"].parent_run_id == runs["main"].run_id
    attempt = runs["attempt-1"]
    assert (attempt.start_ms, runs["main"].start_ms) == (0, 30_000)
    assert (attempt.status, attempt.status_detail) == ("failed", "connection lost")
    assert [step.input_tokens for step in steps_of(shop, attempt)] == [50]
    assert shop.codes() == ["cached-answer", "missing-end", "repeated-attempt"]


def test_messages_are_the_prompts_as_far_as_they_are_new(shop):
    runs = runs_of(shop, "orders")
    assert [each for each in said(SHOP, runs["lead"], shop) if each[1] != "other"] == [
        ("system", "text", "You are careful.", None),
        ("user", "text", "Why are two orders missing?", None),
        ("assistant", "text", "Two readers.", 1),
        ("assistant", "tool_call", '{"task":"Read the importer."}', 1),
        ("assistant", "tool_call", '{"task":"Read the report."}', 1),
        ("user", "text", "So far: Reader 1 is done. Reader 2 is done.", None),
        ("assistant", "text", "Empty lines.", 2),
    ]
    assert ("user", "text", "Read the report.", None) in said(SHOP, runs["reader~2"], shop)  # an attachment
    assert ("assistant", "text", "Hm.", 1) in said(SHOP, runs_of(shop, "returns")["attempt-1"], shop)


def test_the_record_of_a_step_is_its_event(shop):
    step = steps_of(shop, runs_of(shop, "orders")["reader"])[0]
    text = reader_of("inspect").record(SHOP, step.offset, step.length, 1 << 20)
    assert text.startswith(b'{"uuid":"orders-3"') and text.endswith(b"}")
    assert reader_of("inspect").record(SHOP, step.offset, step.length, 10) == text[:10]


def test_a_sample_in_chunks_of_an_evaluation_that_goes_on():
    found = read(CHUNKED, reader="inspect")
    (run,) = found.runs
    assert (found.conversation.title, run.status) == ("stock (epoch 2)", "running")
    assert [(step.input_tokens, step.end_ms) for step in found.steps] == [(900, 3000), (None, None)]
    assert found.codes() == ["missing-end", "missing-end"]
    assert [len(found.ids(step)) for step in found.steps] == [2, 4]
    assert ("user", "text", "Count the stock.", None) in said(CHUNKED, run, found)


def test_steps_of_old_logs_hold_what_lies_between_them():
    found = read(OLD, reader="inspect")
    main, reader = found.runs
    assert (reader.parent_run_id, reader.spawn_tool_call_id) == (main.run_id, "o1")
    assert [(step.run_id, step.input_tokens) for step in found.steps] == [(main.run_id, 120), (reader.run_id, 80)]
    assert (main.reported_scope, main.reported_input_tokens, main.reward) == ("total", 200, 0.75)
    assert ("assistant", "text", "Read.", 1) in said(OLD, reader, found)
    assert not found.findings


def test_numbers_that_are_none_and_input_that_has_the_cache_in_it():
    found = read(PRICES, reader="inspect")
    assert [(s.input_tokens, s.cache_read_tokens, s.tokens_grade) for s in found.steps] == [
        (901, 600, "derived"), (902, 600, "derived"),
    ]  # fmt: skip
    assert [run.reward for run in found.runs] == [0.5, None]
    assert not found.findings


@pytest.mark.skipif(not INVENTED.exists(), reason="the invented traces are not here")
def test_the_invented_log_adds_up():
    (path,) = INVENTED.iterdir()
    found = read(path, reader="inspect")
    figures = [
        (s.input_tokens, s.cache_read_tokens or 0, s.cache_write_tokens or 0, s.output_tokens) for s in found.steps
    ]
    assert [sum(column) for column in zip(*figures, strict=True)] == [20_000, 10_200, 9_000, 310]
    assert sum(step.reasoning_tokens or 0 for step in found.steps) == 30
    assert (found.runs[0].reported_scope, found.runs[0].reported_input_tokens) == ("total", 20_000)
    assert len(found.runs) == 2 and not found.findings
