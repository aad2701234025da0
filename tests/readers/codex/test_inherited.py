"""Where a thread's own lines begin, rule by rule, and that nothing before them is counted."""

from tests.readers.codex.rollouts import (
    CHILD,
    ROOT,
    Rollout,
    child_meta,
    codes,
    own_turns,
    plus,
    read,
    spent,
    thread,
    usage,
)

A, B, C = usage(1000, 10), usage(1500, 20), usage(2100, 30)


def parent(paginated=False):
    """A root of two turns."""
    file = Rollout(ROOT, paginated).begins("p1").user("go").says("one").count(A, A).ends("p1", "one")
    return file.begins("p2").user("on").says("two").count(plus(A, B), B).ends("p2", "two")


def fork(settings=False, trigger=False, last=C, total=None, **meta):
    """A child of it with all its history, whose own turn costs C."""
    file = Rollout(CHILD, start=1_790_000_010_000, **child_meta(), **meta).meta(ROOT)
    file.begins("p1").user("go").says("one").count(A, A).ends("p1", "one")
    file.begins("p2").user("on").says("two").count(plus(A, B), B)
    if settings:
        file.event("thread_settings_applied", thread_settings={"model": "gpt-other", "reasoning_effort": "high"})
    file.begins("own", "gpt-other")
    if trigger:
        file.line("inter_agent_communication_metadata", {"trigger_turn": True})
        file.letter("/root", "/root/count", "Message Type: NEW_TASK\nPayload:\ncount")
    return file.says("three").count(total or plus(A, B, C), last).ends("own", "three")


def check(tmp_path, child, *others, own=(("own", [(2100, 30)]),)):
    found = read(child.write(tmp_path), *(other.write(tmp_path) for other in others))
    draft = thread(found, CHILD)
    assert [turn.turn_id for turn in own_turns(draft)] == [turn_id for turn_id, _ in own]
    assert spent(draft) == [each for _, steps in own for each in steps]
    copied = [turn for turn in draft.turns if turn.is_replay]
    assert [turn.turn_id for turn in copied] == ["p1", "p2"]
    assert all(step.is_replay for turn in copied for step in turn.steps)
    return found


def test_by_a_change_of_settings(tmp_path):
    found = check(tmp_path, fork(settings=True))
    assert own_turns(thread(found, CHILD))[0].model == "gpt-other"
    assert "replayed-history" in codes(found)


def test_by_the_turn_that_another_agent_triggered(tmp_path):
    check(tmp_path, fork(trigger=True))


def test_by_the_first_turn_that_the_parent_has_not(tmp_path):
    check(tmp_path, fork(), parent())


def test_a_mark_before_a_turn_of_the_parents_is_copied_itself(tmp_path):
    child = fork()
    settings = Rollout(has_meta=False).event("thread_settings_applied", thread_settings={"model": "gpt-demo"}).lines
    child.lines[3:3] = settings  # as a legacy file copies it too
    check(tmp_path, child, parent())


def test_without_any_mark_the_counter_is_nobodys(tmp_path):
    found = read(fork().write(tmp_path))
    draft = thread(found, CHILD)
    assert [(step.usage, step.usage_grade) for turn in own_turns(draft) for step in turn.steps] == [
        (None, "ambiguous")
    ] * 3  # fmt: skip
    assert "unclear-prefix" in codes(found)


def test_without_any_mark_records_still_count(tmp_path):
    child = fork().record(C, "r", "own")
    steps = [step for turn in own_turns(thread(read(child.write(tmp_path)), CHILD)) for step in turn.steps]
    assert [step.usage and step.usage.input_tokens for step in steps] == [None, None, None, 2100]


def paginated(start):
    child = Rollout(CHILD, paginated=True, **child_meta(), subagent_history_start_ordinal=start)
    child.meta(ROOT).user("go").says("one")
    return child.event("thread_settings_applied", thread_settings={"model": "gpt-other"})


def test_by_the_recorded_ordinal(tmp_path):
    child = paginated(4).begins("own").says("three").count(C, C).ends("own", "three")
    found = read(child.write(tmp_path), parent(paginated=True).write(tmp_path))
    draft = thread(found, CHILD)
    assert spent(draft) == [(2100, 30)]
    assert [(turn.turn_id, turn.is_replay) for turn in draft.turns] == [(None, True), ("own", False)]
    assert codes(found).count("replayed-history") == 1


def test_an_ordinal_that_no_line_reaches_is_passed_over(tmp_path):
    """Files migrated from the legacy mode name one past their end."""
    child = paginated(9).begins("own").says("three").count(C, C)
    assert child.ordinal == 9
    assert spent(thread(read(child.write(tmp_path), parent().write(tmp_path)), CHILD)) == [(2100, 30)]


def test_a_file_that_goes_on_from_another_copies_nothing(tmp_path):
    fields = {"thread_id": ROOT, "end_ordinal_exclusive": 6, "end_byte_offset": 1}
    child = Rollout(CHILD, paginated=True, forked_from_id=ROOT, history_base=fields, session_id=CHILD)
    child.begins("own").says("three").count(plus(A, C), C).ends("own")
    found = read(child.write(tmp_path), parent(paginated=True).write(tmp_path))
    assert spent(thread(found, CHILD)) == [(2100, 30)]
    alone = read(child.write(tmp_path))
    assert [step.usage_grade for turn in thread(alone, CHILD).turns for step in turn.steps] == ["ambiguous"]
    assert set(codes(alone)) == {"missing-history", "unclear-counter"}
    (missing,) = [each.message for each in alone.remarks if each.code == "missing-history"]
    assert f"before ordinal 6 of rollout {ROOT}, which is not among the opened files" in missing


def test_a_child_without_history_owns_every_line(tmp_path):
    child = Rollout(CHILD, **child_meta(forked=False)).begins("own").says("three").count(C, C).ends("own", "three")
    found = read(child.write(tmp_path))
    assert spent(thread(found, CHILD)) == [(2100, 30)]
    assert thread(found, CHILD).parent_thread_id == ROOT
    assert "replayed-history" not in codes(found)


def test_copied_history_further_down_than_is_looked_at_first_is_found(tmp_path):
    child = Rollout(CHILD, **child_meta(forked=False))
    for number in range(12):
        child.user(f"context {number}")
    child.meta(ROOT).begins("p1").user("go").says("one").count(A, A).ends("p1", "one")
    child.begins("own").says("three").count(plus(A, C), C).ends("own")
    found = read(child.write(tmp_path), parent().write(tmp_path))
    assert spent(thread(found, CHILD)) == [(2100, 30)]


def test_a_counter_that_begins_at_0_after_copied_counts(tmp_path):
    small = usage(900, 5)
    child = fork(settings=True, last=small, total=small)
    assert spent(thread(read(child.write(tmp_path)), CHILD)) == [(900, 5)]
