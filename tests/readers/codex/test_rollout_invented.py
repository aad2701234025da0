"""The invented rollouts of the dossier: rows worked out from their lines by hand."""

import pytest

from tests.readers.codex.rollouts import CHILD, OTHER, ROOT, codes, own_steps, own_turns, read, spent, thread
from tests.readers.reading import SHARED

SESSIONS = SHARED / "traces" / "invented" / "codex" / "sessions"
pytestmark = pytest.mark.skipif(not SESSIONS.exists(), reason="the invented traces are not here")


@pytest.fixture(scope="module")
def found():
    return read(*sorted(SESSIONS.rglob("*.jsonl")))


def test_threads_turns_and_tokens(found):
    assert {each.thread_id: (each.path, each.parent_thread_id) for each in found.threads} == {
        ROOT: (None, None), CHILD: ("/root/count", ROOT), OTHER: ("/root/lint", ROOT)
    }  # fmt: skip
    assert spent(thread(found)) == [(1200, 80), (1500, 60)]
    assert spent(thread(found, CHILD)) == [(900, 40)]
    assert spent(thread(found, OTHER)) == [(905, 55)]
    assert [step.usage_source for each in found.threads for step in own_steps(each)] == [
        "token_usage_record", "token_usage_record", "token_usage_record", "counter_delta"
    ]  # fmt: skip
    (turn,) = own_turns(thread(found))
    assert (turn.status, turn.model, turn.end - turn.start) == ("completed", "gpt-demo", 3000)
    (tool,) = turn.tools
    assert (tool.name, tool.step, tool.child_thread_id) == ("collaboration.spawn_agent", 0, CHILD)


def test_copied_history_is_shown_and_not_counted(found):
    copied = [turn for each in found.threads for turn in each.turns if turn.is_replay]
    assert [(turn.turn_id[-2:], [step.usage.input_tokens for step in turn.steps]) for turn in copied] == [
        ("d1", [1200])
    ]
    assert all(step.is_replay for turn in copied for step in turn.steps)
    lines = {remark.source_id[-10:-6]: remark.line for remark in found.remarks if remark.code == "replayed-history"}
    assert lines == {"00b1": 4, "00b2": 6}


def test_siblings_share_what_their_prompts_begin_with(found):
    prompts = {each.thread_id: own_steps(each)[0].prompt for each in found.threads}
    # Instructions, permissions, environment, what the user asked: the children have the first and the last of it.
    assert prompts[ROOT] == [(0, 4)]
    (instructions, one), (asked, _) = prompts[CHILD]
    assert (instructions, one) == (0, 1)
    assert prompts[OTHER][0] == (0, 1)
    assert prompts[OTHER][1] == (asked, 1)
    assert len(prompts[OTHER]) == 3


def test_hand_offs(found):
    told = {(each.kind, each.from_thread[-2:], each.to_thread[-2:]): each for each in found.hand_offs}
    spawn, result = told["spawn", "aa", "b1"], told["result", "b1", "aa"]
    assert (spawn.delivered, spawn.resolution, spawn.sealed, spawn.call_id) == (True, "item", True, "call_spA")
    assert (spawn.asked.line, spawn.got.line) == (8, 8)
    assert (result.delivered, result.asked.line, result.got.line) == (True, 12, 15)
    # Of the other child the root's file has neither the call nor the answer.
    assert (told["spawn", "aa", "b2"].grade, told["spawn", "aa", "b2"].call_id) == ("derived", None)
    assert told["result", "b2", "aa"].delivered is False
    assert codes(found) == ["replayed-history", "replayed-history", "undelivered-result"]
