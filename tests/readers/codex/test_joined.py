"""Bundles and session files of one conversation: each turn once, and what only one of them has."""

import pytest

from tests.readers.codex.bundles import generator, payload_of, reading, small, written
from tests.readers.codex.rollouts import Rollout, child_meta, usage

ROOT, CHILD = "01a20009-0000-7000-8000-006100000001", "01a20009-0000-7000-8000-006100000002"


@pytest.fixture
def bundle():
    return small()


def turns_of(bundle, agent):
    """The ids of an agent's turns, in order."""
    return [bundle.id_of("d", 256 * agent + 16 + number) for number in (1, 2)]


def told(agent, rollout, turn, first, last):
    """Write what some of an agent's answers cost."""
    for (given, cached, out), answer in list(zip(agent.spent, agent.answers, strict=True))[first:last]:
        rollout.record(usage(given, out, cached), answer, turn)


def root_file(bundle, directory, *extra):
    """The root's session file: both turns with what their answers cost, and further answers in the second."""
    first, second = turns_of(bundle, 1)
    root = Rollout(ROOT, start=bundle.started, session_id=ROOT).begins(first).user("Count the files.")
    told(bundle.agents[0], root, first, 0, 2)
    root.ends(first, "42 files.")
    root.at = bundle.now
    root.begins(second).user("Thanks.")
    told(bundle.agents[0], root, second, 2, 3)
    for cost, response in extra:
        root.record(cost, response, second)
    return root.ends(second, "You are welcome.").write(directory)


def of(rows, agent):
    """The rows of an agent's runs."""
    return [row for row in rows if row.run_id.split("/")[2] == agent]


def spent(found, agent):
    """Input and output of the steps of an agent that count."""
    return [(step.input_tokens, step.output_tokens) for step in of(found.steps, agent) if not step.is_replay]


def true(agent):
    return [(given, out) for given, _, out in agent.spent]


def test_what_a_compaction_cost_is_added_from_the_session_file(bundle, tmp_path):
    path = written(bundle, tmp_path)
    found = reading(path, root_file(bundle, tmp_path, (usage(5000, 200), "resp_compact")))
    assert spent(found, ROOT) == [*true(bundle.agents[0]), (5000, 200)]
    assert [step.source_id.startswith("rollout") for step in of(found.steps, ROOT)] == [
        False, False, False, True
    ]  # fmt: skip
    (finding,) = found.findings
    assert (finding.code, finding.source_id[:7]) == ("recorded-twice", "rollout")
    assert finding.message.startswith(f"2 turns shown from {path.name}")
    assert "1 answer that is here alone" in finding.message


def test_answers_that_are_added_stand_where_their_time_is_and_tools_keep_their_calls(bundle, tmp_path):
    path = written(bundle, tmp_path)
    alone = reading(path)
    first = turns_of(bundle, 1)[0]
    begun, asked = of(alone.steps, ROOT)[1], of(alone.tool_calls, ROOT)[0]
    root = Rollout(ROOT, start=bundle.started - 500, session_id=ROOT).begins(first)
    root.record(usage(900, 9), "resp_early", first).ends(first)
    found = reading(path, root.write(tmp_path))
    assert [step.input_tokens for step in of(found.steps, ROOT)][:2] == [900, 419]
    assert of(found.tool_calls, ROOT)[0].step_ordinal == asked.step_ordinal + 1
    assert of(found.steps, ROOT)[2].offset == begun.offset


def test_an_answer_that_another_turn_has_is_not_added(bundle, tmp_path):
    path = written(bundle, tmp_path)
    first = turns_of(bundle, 1)[0]
    root = Rollout(ROOT, start=bundle.started, session_id=ROOT).begins(first)
    told(bundle.agents[0], root, first, 0, 3)  # the last of them is of the second turn
    found = reading(path, root.ends(first).write(tmp_path))
    assert spent(found, ROOT) == true(bundle.agents[0])


def test_a_lost_answer_is_told_by_the_session_file(bundle, tmp_path):
    path = written(bundle, tmp_path)
    payload_of(path, "inference_completed", "response_payload").unlink()
    alone, both = reading(path), reading(path, root_file(bundle, tmp_path))
    assert spent(alone, ROOT)[0] == (None, None)
    assert spent(both, ROOT) == true(bundle.agents[0])
    step = of(both.steps, ROOT)[0]
    assert '"usage_source":"token_usage_record"' in step.extra


def test_the_rest_of_a_cut_off_bundle_is_told_by_the_session_file(bundle, tmp_path):
    path = written(bundle, tmp_path)
    log = path / "trace.jsonl"
    whole = log.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(whole) if b'"inference_completed"' in line)
    log.write_bytes(b"".join(whole[:last]))
    alone, both = reading(path), reading(path, root_file(bundle, tmp_path))
    assert [run.status for run in of(alone.runs, ROOT)] == ["completed", "running"]
    assert [run.status for run in of(both.runs, ROOT)] == ["completed", "completed"]
    assert spent(both, ROOT) == true(bundle.agents[0])


def test_later_turns_of_a_resumed_child_are_in_its_session_file_alone(bundle, tmp_path):
    path = written(bundle, tmp_path)
    (first, _), later = turns_of(bundle, 2), "01a20009-0000-7000-8000-00640000ffff"
    child = Rollout(CHILD, start=bundle.started + 50, session_id=ROOT, **child_meta(ROOT, forked=False))
    child.begins(first)
    told(bundle.agents[1], child, first, 0, 2)
    child.ends(first)
    child.at = bundle.now + 1000
    child.begins(later).letter("/root", "/root/count", "Message Type: NEW_TASK\nPayload:\n", "gAAAAAmore")
    child.says("all of them").record(usage(700, 30), "resp_later", later).ends(later, "all of them")
    found = reading(path, child.write(tmp_path, stamp="2026-09-21T16-00-01"))
    assert spent(found, CHILD) == [*true(bundle.agents[1]), (700, 30)]
    runs = of(found.runs, CHILD)
    assert [(run.ordinal, run.native_run_id, run.status) for run in runs] == [
        (1, first, "completed"), (2, later, "completed")
    ]  # fmt: skip
    assert runs[1].parent_run_id is not None
    assert len({agent.agent_id for agent in found.agents}) == 2


def test_the_order_of_the_sources_changes_nothing(bundle, tmp_path):
    path = written(bundle, tmp_path)
    file = root_file(bundle, tmp_path, (usage(5000, 200), "resp_compact"))
    one, other = reading(path, file), reading(file, path)
    assert one.steps == other.steps
    assert one.runs == other.runs
    assert one.edges == other.edges
    assert one.conversation.conversation_id == other.conversation.conversation_id


def test_a_delegate_with_a_bundle_of_its_own_is_below_its_parent_once_its_file_says_whose_it_is(tmp_path):
    review = generator.Bundle(5)
    agent = generator.Agent(review, 1)
    agent.begin(generator.said("user", "Review it."))
    agent.ask(generator.said("assistant", "Fine."))
    agent.finish()
    review.end(agent)
    path = written(review, tmp_path)
    alone = reading(path)
    assert alone.conversation.conversation_id == f"codex/{review.root_id}"
    meta = {"source": {"subagent": "review"}, "parent_thread_id": ROOT, "session_id": ROOT}
    mine = Rollout(review.root_id, start=review.started, **meta).write(tmp_path, stamp="2026-09-21T16-00-02")
    found = reading(path, mine, root_file(small(), tmp_path))
    assert found.conversation.conversation_id == f"codex/{ROOT}"
    parents = {agent.agent_id.rpartition("/")[2]: agent.parent_agent_id for agent in found.agents}
    assert parents[review.root_id] == f"codex/{ROOT}/{ROOT}"


def test_what_a_childs_file_copied_of_its_parent_is_beside_its_turn_and_started_by_nobody(bundle, tmp_path):
    path = written(bundle, tmp_path)
    (root_turn, _), (turn, _) = turns_of(bundle, 1), turns_of(bundle, 2)
    child = Rollout(CHILD, start=bundle.now + 800_000, session_id=ROOT, **child_meta(ROOT)).meta(ROOT)
    child.begins(root_turn).user("Count the files.").says("Let me see.").call("call_copied", "list_files")
    child.count(usage(5000, 50), usage(5000, 50)).event("thread_settings_applied", thread_settings={})
    child.begins(turn)
    told(bundle.agents[1], child, turn, 0, 2)
    alone, both = reading(path), reading(path, child.ends(turn).write(tmp_path))
    own, copied = of(both.runs, CHILD)
    assert (own.ordinal, own.is_replay, own.spawn_tool_call_id) == (
        1,
        False,
        of(alone.runs, CHILD)[0].spawn_tool_call_id,
    )
    assert own.spawn_tool_call_id is not None
    assert (copied.ordinal, copied.is_replay, copied.native_run_id) == (2, True, root_turn)
    assert (copied.spawn_tool_call_id, copied.parent_run_id) == (None, None)
    assert {copied.started_at, copied.start_ms, copied.ended_at, copied.end_ms} == {None}
    steps = [step for step in both.steps if step.run_id == copied.run_id]
    assert [(step.is_replay, step.input_tokens, step.start_ms) for step in steps] == [(True, 5000, None)]
    assert [edge.to_run_id for edge in both.edges] == [edge.to_run_id for edge in alone.edges]
    assert both.conversation.ended_at == alone.conversation.ended_at
    (message,) = [finding.message for finding in both.findings if finding.code == "replayed-history"]
    assert message == f"7 lines, with 1 step, copied from {ROOT}"
