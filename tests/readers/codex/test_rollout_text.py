"""What was said in a run, read from its rollout."""

import pytest

from explorer.readers import Place, StepPlace
from explorer.readers.codex._rollout_file import span
from explorer.readers.codex._rollout_text import rollout_messages
from tests.readers.codex.rollouts import CHILD, OTHER, ROOT, Rollout, child_meta, own_turns, read, thread, usage
from tests.readers.codex.test_rollouts import compressed
from tests.readers.reading import SAMPLES

A, B = usage(1000, 10), usage(1500, 20)


def place(turn, until=None):
    steps = [
        StepPlace(number, step.where.source_id, step.where.offset, step.where.length, step.is_replay)
        for number, step in enumerate(turn.steps, 1)
    ]
    return Place("codex/c", "codex/c/t", "run", turn.turn_id, steps, until)


def said(path, turn, until=None):
    found = rollout_messages({path.name: path}, place(turn, until))
    return [(each.role, each.kind, each.text, each.step_ordinal) for each in found]


def talk():
    file = Rollout().begins("t").user("go on").call("c1", cmd="ls").output("c1", "a b").record(A, "r1", "t")
    return file.says("two files").record(B, "r2", "t").ends("t", "two files")


WHOLE = [
    ("system", "text", "Help.", None),
    ("user", "text", "go on", None),
    ("assistant", "tool_call", '{"cmd": "ls"}', 1),
    ("tool", "tool_result", "a b", None),
    ("assistant", "text", "two files", 2),
]


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_run_and_one_of_its_steps(tmp_path, is_packed):
    path = talk().write(tmp_path)
    if is_packed:
        packed = path.with_name(path.name + ".zst")
        packed.write_bytes(compressed(path.read_bytes()))
        path = packed
    (turn,) = thread(read(path)).turns
    assert said(path, turn) == WHOLE
    assert said(path, turn, until=1) == WHOLE[:4]
    where = turn.steps[0].where
    assert span(path, where.offset, where.length).startswith(b'{"timestamp"')


def test_later_runs_hold_what_came_before_unless_it_was_taken_back_or_compacted(tmp_path):
    file = talk().begins("u").user("and now").says("this").ends("u").event("thread_rolled_back", num_turns=1)
    file.begins("v").user("rather").says("that").ends("v")
    kept = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "all of it"}]}]
    file.line("compacted", {"message": "", "replacement_history": kept}).begins("w").says("more").ends("w")
    path = file.write(tmp_path)
    _, second, third, fourth = thread(read(path)).turns
    before = [(*each[:3], None) for each in WHOLE]
    assert said(path, second) == [*before, ("user", "text", "and now", None), ("assistant", "text", "this", 1)]
    assert said(path, third) == [*before, ("user", "text", "rather", None), ("assistant", "text", "that", 1)]
    assert said(path, fourth) == [
        WHOLE[0], ("user", "text", "all of it", None), ("assistant", "text", "more", 1)
    ]  # fmt: skip


def test_of_a_run_that_was_compacted_midway_both_parts_are_told(tmp_path):
    file = talk()
    kept = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "all of it"}]}]
    file.lines[-1:] = Rollout(has_meta=False).line("compacted", {"replacement_history": kept}).lines
    path = file.says("more").record(B, "r3", "t").ends("t", "more").write(tmp_path)
    (turn,) = thread(read(path)).turns
    rest = [("user", "text", "all of it", None), ("assistant", "text", "more", 3)]
    assert said(path, turn) == [*WHOLE, *rest]
    assert said(path, turn, until=2) == WHOLE
    assert said(path, turn, until=3) == [WHOLE[0], *rest]


def test_bare_lines_are_items_and_nothing_else(tmp_path):
    path = next((SAMPLES / "codex" / "archived_sessions").iterdir())
    (turn,) = read(path).threads[0].turns
    assert [each[1:] for each in said(path, turn)] == [
        ("text", "You are a coding agent. Work in the current directory and say what you did.", None),
        ("text", "List the files.", None),
        ("tool_call", '{"command":["ls"]}', 1),
        ("tool_result", '{"output":"README","metadata":{"exit_code":0,"duration_seconds":0.1}}', None),
        ("text", "README.", 2),
    ]


def test_copied_history_says_that_it_is(tmp_path):
    child = Rollout(CHILD, **child_meta()).meta(ROOT).begins("t").user("go").says("one").count(A, A)
    child.event("thread_settings_applied", thread_settings={}).begins("own").says("two").count(B, B).ends("own")
    path = child.write(tmp_path)
    draft = thread(read(path), CHILD)
    (copied,) = [turn for turn in draft.turns if turn.is_replay]
    notes = {each.note for each in rollout_messages({path.name: path}, place(copied)) if each.role != "system"}
    assert notes == {"copied from another thread's history"}
    (own,) = own_turns(draft)
    assert [each[2:] for each in said(path, own)] == [("Help.", None), ("go", None), ("one", None), ("two", 1)]
    noted = [each.note for each in rollout_messages({path.name: path}, place(own))]
    assert noted == ["instructions", *notes, *notes, None]


def test_what_a_fork_goes_on_from_is_told_up_to_where_it_did(tmp_path):
    first = Rollout(ROOT, paginated=True).begins("t").user("go on").says("one").record(A, "r1", "t").ends("t")
    end = first.ordinal
    base = {"thread_id": ROOT, "end_ordinal_exclusive": end, "end_byte_offset": 1}
    fork = Rollout(OTHER, paginated=True, session_id=OTHER, history_base=base).begins("own").user("rather").says("two")
    path, before = fork.ends("own").write(tmp_path), first.begins("u").user("later").says("three").ends("u")
    (own,) = thread(read(path, before.write(tmp_path)), OTHER).turns
    files = {each.name: each for each in tmp_path.iterdir()}
    told = [(each.text, each.note and each.note.partition(",")[0]) for each in rollout_messages(files, place(own))]
    copied = f"from rollout {ROOT}"
    assert told == [
        ("Help.", "instructions"), ("go on", copied), ("one", copied), ("rather", None), ("two", None)
    ]  # fmt: skip
    (missing,) = [each for each in rollout_messages({path.name: path}, place(own)) if each.kind == "other"]
    assert missing.note == f"what came before is in rollout {ROOT}, which is not among the opened files"


def test_a_file_that_is_gone(tmp_path):
    path = talk().write(tmp_path)
    (turn,) = thread(read(path)).turns
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        list(rollout_messages({path.name: path}, place(turn)))
    with pytest.raises(OSError, match="not opened"):
        list(rollout_messages({}, place(turn)))
