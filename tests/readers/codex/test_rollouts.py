"""Files of one conversation: turns, tools, prompts, copies, reverts, compression."""

import base64
import json
from datetime import datetime

import pyarrow as pa
import pytest

from explorer.model import ConversationName
from explorer.readers import links, readers
from explorer.readers.codex._rollout_head import is_rollout, rollout_links
from tests.readers.codex.bundles import reading
from tests.readers.codex.rollouts import (
    CHILD,
    OTHER,
    ROOT,
    T0,
    Rollout,
    child_meta,
    codes,
    estimate,
    own_steps,
    plus,
    read,
    spent,
    thread,
    usage,
)

A, B, C = usage(1000, 10), usage(1500, 20), usage(2100, 30)
IMAGE = base64.b64encode(bytes(range(256)) * 100).decode()


def compressed(content):
    """As Codex compresses files that rest."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def talk():
    """Two turns, a tool, a compaction."""
    file = Rollout().begins("t").user("go on").call("c1").output("c1", "Exit code: 1\nno").count(A, A)
    file.says("done").count(plus(A, B), B).ends("t", "done", duration_ms=900)
    kept = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]}]
    file.line("compacted", {"message": "", "replacement_history": kept, "window_number": 2})
    file.count(plus(A, B), estimate(300)).begins("u", "gpt-other").user("and now").says("that")
    return file.count(plus(A, B, C), C).ends("u", "that")


# --- turns, steps and tools ------------------------------------------------------------------------------------------


def test_turns_and_steps(tmp_path):
    draft = thread(read(talk().write(tmp_path)))
    assert (draft.title, draft.cwd, draft.start) == ("go on", "/p", T0)
    first, second = draft.turns
    assert [(turn.turn_id, turn.status, turn.model) for turn in draft.turns] == [
        ("t", "completed", "gpt-demo"), ("u", "completed", "gpt-other")
    ]  # fmt: skip
    assert (first.start, first.end) == (T0 + 100, T0 + 900)
    assert (first.extra["effort"], first.extra["duration_ms"]) == ("low", 900)
    assert [(step.model, step.start, step.end) for step in first.steps] == [
        ("gpt-demo", T0 + 300, T0 + 400), ("gpt-demo", T0 + 500, T0 + 700)
    ]  # fmt: skip
    (tool,) = first.tools
    assert (tool.name, tool.call_id, tool.step, tool.is_error) == ("shell", "c1", 0, True)
    assert (tool.start, tool.end) == (T0 + 400, T0 + 500)
    (event,) = first.events
    assert (event.kind, event.detail, event.tokens_before, event.tokens_after) == ("compaction", "window 2", 1520, 300)
    assert [step.model for step in second.steps] == ["gpt-other"]


def test_steps_stand_where_their_count_does(tmp_path):
    path = talk().write(tmp_path)
    content = path.read_bytes()
    for step in own_steps(thread(read(path))):
        where = step.where
        text = content[where.offset : where.offset + where.length]
        assert json.loads(text)["payload"]["type"] == "token_count"
        assert content[: where.offset].count(b"\n") + 1 == where.line


def test_a_turn_without_an_end_is_running_or_lost_it(tmp_path):
    draft = thread(read(Rollout().begins("t").says("x").begins("u").says("y").write(tmp_path)))
    assert [(turn.status, turn.status_detail) for turn in draft.turns] == [
        ("unknown", "no end is recorded"), ("running", None)
    ]  # fmt: skip


def test_failures_and_interrupts(tmp_path):
    file = Rollout().begins("t").says("x").ends("t", error={"message": "quota", "code": 1}).begins("u").says("y")
    file.event("turn_aborted", turn_id="u", reason="budget_limited").event("thread_rolled_back", num_turns=1)
    failed, aborted = thread(read(file.write(tmp_path))).turns
    assert (failed.status, failed.status_detail) == ("failed", "quota")
    assert (aborted.status, aborted.status_detail) == ("cancelled", "budget_limited")
    assert [event.trigger for event in aborted.events] == ["budget_limited", "thread_rolled_back"]


def test_files_of_before_turns_had_ids_begin_one_at_each_context(tmp_path):
    file = Rollout()
    for words in ("one", "two"):
        file.line("turn_context", {"cwd": "/p", "model": "gpt-old"}).user(words).says(words)
    turns = thread(read(file.write(tmp_path))).turns
    assert [(turn.turn_id, turn.model, turn.grade, turn.status, len(turn.steps)) for turn in turns] == [
        (None, "gpt-old", "derived", "unknown", 1)
    ] * 2  # fmt: skip


def test_bare_lines_of_before_september_2025(tmp_path):
    head = {"id": ROOT, "timestamp": "2025-05-07T17:24:21.123Z", "instructions": "Help.", "git": {"branch": "main"}}
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "list"}]},
        {"record_type": "state"},
        {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c"},
        {"type": "function_call_output", "call_id": "c", "output": '{"output":"a","metadata":{"exit_code":0}}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    ]
    path = Rollout(has_meta=False).write(tmp_path, stamp="2025-05-07T17-24-21")
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in [head, *items]))
    assert is_rollout(tmp_path / "other.jsonl", path.read_bytes())
    found = read(path)
    draft = thread(found)
    assert (draft.title, draft.extra["git"]) == ("list", {"branch": "main"})
    (turn,) = draft.turns
    assert [(step.usage, step.usage_grade, step.prompt[0]) for step in turn.steps] == [
        (None, "not_recorded", (0, 2)), (None, "not_recorded", (0, 4))
    ]  # fmt: skip
    assert turn.tools[0].is_error is False
    assert codes(found) == []


def test_what_is_not_known_is_counted_and_left_out(tmp_path):
    file = talk().event("new_event").line("new_line", {}).line("new_line", {}).item("new_item")
    found = read(file.write(tmp_path))
    assert [(remark.message[:14], remark.line) for remark in found.remarks] == [
        ("1 of kind 'eve", 19), ("2 of kind 'new", 20), ("1 of kind 'ite", 22)
    ]  # fmt: skip
    assert len(own_steps(thread(found))) == 3


def test_tools_that_code_calls_are_told_by_their_end(tmp_path):
    file = Rollout(paginated=True).begins("t").item("custom_tool_call", call_id="x", name="exec", input="ls()")
    item = {"type": "CommandExecution", "id": "n1", "command": "ls", "status": "failed", "exit_code": 2}
    file.event("item_completed", turn_id="t", item=item, started_at_ms=file.at - 50, completed_at_ms=file.at)
    file.item("custom_tool_call_output", call_id="x", output="no").says("no").record(A, "r", "t").ends("t")
    outer, nested = thread(read(file.write(tmp_path))).turns[0].tools
    assert (outer.name, outer.step, nested.name, nested.is_error) == ("exec", 0, "exec_command", True)
    assert nested.end - nested.start == 50


def test_a_search_by_the_provider_is_one_call_though_it_is_told_twice(tmp_path):
    file = Rollout(paginated=True).begins("t").item("web_search_call", action={"type": "search", "query": "x"})
    item = {"type": "WebSearch", "id": "ws_1", "query": "x"}
    file.event("item_completed", turn_id="t", item=item, completed_at_ms=file.at).says("found").record(A, "r", "t")
    (tool,) = thread(read(file.ends("t").write(tmp_path))).turns[0].tools
    assert (tool.name, tool.step, tool.end) == ("web_search", 0, tool.start)


def test_an_output_without_a_call_and_a_call_id_twice(tmp_path):
    file = Rollout().begins("t").output("gone").call("c").output("c").call("c").output("c").ends("t")
    found = read(file.write(tmp_path))
    assert codes(found) == ["unpaired-result", "repeated-call-id"]
    assert len(thread(found).turns[0].tools) == 2


def test_a_rollback_takes_back_what_the_prompt_held(tmp_path):
    file = Rollout().begins("t").user("one").says("1").ends("t").begins("u").user("two").says("2").ends("u")
    file.event("thread_rolled_back", num_turns=1).begins("v").user("three").says("3").ends("v")
    steps = own_steps(thread(read(file.write(tmp_path))))
    assert [step.prompt for step in steps] == [[(0, 2)], [(0, 4)], [(0, 3), (5, 1)]]


def test_a_compaction_begins_the_prompt_anew(tmp_path):
    steps = own_steps(thread(read(talk().write(tmp_path))))
    # Instructions, what was asked, call and output; then instructions, what was asked, and something new.
    assert [step.prompt for step in steps] == [[(0, 2)], [(0, 4)], [(0, 2), (5, 1)]]


def test_the_call_that_compacts_is_a_step_of_its_own(tmp_path):
    file = Rollout().begins("t").user("go").says("one").count(A, A).count(plus(A, B), B)
    file.line("compacted", {"message": "all of it"}).count(plus(A, B), estimate(300)).says("two")
    steps = own_steps(thread(read(file.count(plus(A, B, C), C).ends("t").write(tmp_path))))
    assert [(step.usage.input_tokens, step.extra) for step in steps] == [
        (1000, {}), (1500, {"compaction": True}), (2100, {})
    ]  # fmt: skip
    # Instructions and what the user had said, then the summary.
    assert steps[2].prompt == [(0, 2), (3, 1)]


def test_equal_images_are_equal_parts_and_others_are_not(tmp_path):
    def image(data):
        return {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}

    file = Rollout().begins("t").item("message", role="user", content=[image(IMAGE)]).says("1").ends("t")
    kept = [{"type": "message", "role": "user", "content": [image(each)]} for each in (IMAGE, "A" + IMAGE[1:])]
    file.line("compacted", {"message": "", "replacement_history": kept}).begins("u").says("2").ends("u")
    first, second = own_steps(thread(read(file.write(tmp_path))))
    assert (first.prompt, second.prompt) == ([(0, 2)], [(0, 2), (3, 1)])


# --- which files, and which of them counts ---------------------------------------------------------------------------


def test_what_is_a_rollout_and_what_it_belongs_with(tmp_path):
    child = Rollout(CHILD, **child_meta()).begins("t")
    head = child.bytes()
    path = child.write(tmp_path)
    assert is_rollout(path, head)
    assert is_rollout(tmp_path / "renamed.jsonl", head)
    assert not is_rollout(tmp_path / "exec.jsonl", b'{"type":"thread.started","thread_id":"x"}\n')
    assert not is_rollout(path, None)
    assert rollout_links(path, head) == [CHILD, ROOT]
    assert rollout_links(path, head[:700]) == [CHILD, ROOT]
    fork = Rollout(OTHER, session_id=OTHER, forked_from_id=ROOT)
    assert rollout_links(fork.write(tmp_path), fork.bytes()) == [OTHER, ROOT]
    base = {"thread_id": CHILD, "end_ordinal_exclusive": 7, "end_byte_offset": 1}
    later = Rollout(OTHER, session_id=OTHER, history_base=base)
    path_of_later = later.write(tmp_path, rollout=ROOT)
    for seen in (later.bytes(), later.bytes()[:-20]):
        assert set(rollout_links(path_of_later, seen)) == {OTHER, ROOT, CHILD}
    packed = tmp_path / f"{path.name}.zst"
    packed.write_bytes(compressed(head))
    assert is_rollout(packed, packed.read_bytes())
    assert rollout_links(packed, packed.read_bytes()) == [CHILD, ROOT]
    assert not is_rollout(packed, b"not compressed")


def test_a_compressed_file_says_the_same(tmp_path):
    path = talk().write(tmp_path)
    plain = read(path)
    packed = path.with_name(path.name + ".zst")
    packed.write_bytes(compressed(path.read_bytes()))
    path.unlink()
    found = read(packed)
    assert spent(thread(found)) == spent(thread(plain)) == [(1000, 10), (1500, 20), (2100, 30)]
    assert [step.where[1:] for step in own_steps(thread(found))] == [
        step.where[1:] for step in own_steps(thread(plain))
    ]


def test_of_copies_the_plain_one_outside_the_archive_is_read(tmp_path):
    content = talk().bytes()
    name = talk().write(tmp_path).name
    for folder in ("sessions", "archived_sessions"):
        (tmp_path / folder).mkdir()
    paths = [tmp_path / "archived_sessions" / name, tmp_path / "sessions" / f"{name}.zst", tmp_path / "sessions" / name]
    for path, bytes_ in zip(paths, (content, compressed(content), content), strict=True):
        path.write_bytes(bytes_)
    found = read(*paths)
    assert len(own_steps(thread(found))) == 3
    assert thread(found).source_id == name
    assert codes(found) == ["stale-copy", "stale-copy"]


def test_a_revert_goes_on_from_its_base_and_both_were_spent(tmp_path):
    first = Rollout(paginated=True).begins("t").user("one").says("1").count(A, A).ends("t", "1")  # ordinals 0 to 6
    first.begins("u").user("two").says("2").count(plus(A, B), B).ends("u", "2")
    base = {"thread_id": ROOT, "end_ordinal_exclusive": 7, "end_byte_offset": 1}
    second = Rollout(paginated=True, history_base=base, start=T0 + 60_000)
    second.begins("v").user("three").says("3").count(plus(A, C), C).ends("v", "3")
    found = read(
        first.write(tmp_path), second.write(tmp_path, rollout=OTHER, stamp="2026-09-22T16-00-00")
    )  # fmt: skip
    draft = thread(found)
    assert [(turn.turn_id, turn.extra.get("reverted", False)) for turn in draft.turns] == [
        ("t", False), ("u", True), ("v", False)
    ]  # fmt: skip
    assert spent(draft) == [(1000, 10), (1500, 20), (2100, 30)]
    assert codes(found) == ["reverted-history"]
    # Instructions, "one", "1" of the base; "two" was taken back.
    assert own_steps(draft)[2].prompt == [(0, 3), (5, 1)]


def test_a_fork_is_a_conversation_of_its_own_file_that_tells_whose_history_it_goes_on_from(tmp_path):
    first = Rollout(ROOT, paginated=True).begins("t").user("one").says("1").record(A, "r1", "t").ends("t")
    base = {"thread_id": ROOT, "end_ordinal_exclusive": first.ordinal, "end_byte_offset": 1}
    path = first.begins("u").user("two").says("2").record(B, "r2", "u").ends("u").write(tmp_path)
    fork = Rollout(OTHER, True, session_id=OTHER, forked_from_id=ROOT, history_base=base)
    later = fork.begins("v").user("three").says("3").record(C, "r3", "v").ends("v").write(tmp_path)
    found = reading(path, later)
    assert [(each.conversation_id, each.source_id) for each in found.conversations] == [
        (f"codex/{ROOT}", path.name), (f"codex/{OTHER}", later.name)
    ]  # fmt: skip
    (edge,) = found.edges
    assert (edge.kind, edge.from_run_id, edge.to_run_id, edge.at_ms, edge.grade) == (
        "fork", f"codex/{ROOT}/{ROOT}/t", f"codex/{OTHER}/{OTHER}/v", 100, "exact"
    )  # fmt: skip
    assert reading(later).edges == []


def test_a_fork_with_a_copy_of_its_history_goes_on_from_the_last_turn_of_it(tmp_path):
    path = talk().write(tmp_path)
    fork = Rollout(OTHER, session_id=OTHER, forked_from_id=ROOT).meta(ROOT).begins("t").says("1").count(A, A).ends("t")
    later = fork.event("thread_settings_applied", thread_settings={}).begins("v").says("3").count(B, B).ends("v")
    told = read(path, later.write(tmp_path)).hand_offs
    assert [(each.kind, each.from_thread, each.from_turn, each.to_thread, each.to_turn) for each in told] == [
        ("fork", ROOT, "t", OTHER, "v")
    ]  # fmt: skip


def test_turns_that_a_later_file_repeats_count_there(tmp_path):
    first = Rollout().begins("t").user("one").says("1").count(A, A).ends("t").begins("u").user("two").says("2")
    first.count(plus(A, B), B).ends("u")
    second = Rollout(start=T0 + 60_000).begins("t").user("one").says("1").count(A, A).ends("t").begins("v")
    second.user("three").says("3").count(plus(A, C), C).ends("v")
    found = read(second.write(tmp_path, OTHER, "2026-09-22T16-00-00"), first.write(tmp_path))
    assert [(turn.turn_id, turn.is_replay) for turn in thread(found).turns] == [
        ("t", True), ("u", False), ("t", False), ("v", False)
    ]  # fmt: skip
    assert sorted(each[0] for each in spent(thread(found))) == [1000, 1500, 2100]


# --- damage ----------------------------------------------------------------------------------------------------------


def test_a_torn_line_costs_itself(tmp_path):
    path = talk().write(tmp_path)
    whole = read(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3:4] = [lines[3][:60] + b"\n"]  # what the user said
    path.write_bytes(b"".join(lines))
    found = read(path)
    assert [(remark.code, remark.line) for remark in found.remarks] == [("bad-record", 4)]
    assert spent(thread(found)) == spent(thread(whole))


def test_a_line_that_another_one_was_written_into(tmp_path):
    path = talk().write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4:4] = [lines[3][:60]]
    path.write_bytes(b"".join(lines))
    found = read(path)
    assert [(remark.code, remark.line) for remark in found.remarks] == [("spliced-record", 5)]
    assert spent(thread(found)) == [(1000, 10), (1500, 20), (2100, 30)]
    step = own_steps(thread(found))[0]
    assert path.read_bytes()[step.where.offset :].startswith(b'{"timestamp"')


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_cut_at_any_byte_keeps_what_is_before(tmp_path, is_packed):
    content = talk().bytes()
    path = tmp_path / talk().write(tmp_path).name
    whole = own_steps(thread(read(path)))
    if is_packed:
        path = path.with_name(path.name + ".zst")
        content = compressed(content)
    for cut in range(1, len(content), 97):
        path.write_bytes(content[:cut])
        found = read(path)
        steps = [step for each in found.threads for step in own_steps(each) if step.usage is not None]
        assert steps == whole[: len(steps)]
        if not is_packed:
            assert len(steps) == sum(step.where.offset + step.where.length <= cut for step in whole)
        assert bool(found.remarks) == (is_packed or content[cut - 1 : cut + 1].find(b"\n") < 0)


def test_ordinals_that_jump_and_clocks_that_go_back(tmp_path):
    file = Rollout(paginated=True).begins("t").says("x")
    file.ordinal += 5
    file.at -= 10_000
    found = read(file.ends("t").write(tmp_path))
    assert [(remark.code, remark.severity, remark.line) for remark in found.remarks] == [
        ("seq-gap", "warning", 5), ("clock-backwards", "info", 5)
    ]  # fmt: skip


def test_a_file_without_its_first_line_is_still_its_threads(tmp_path):
    file = Rollout(CHILD, **child_meta(forked=False)).begins("t").says("x").count(A, A).ends("t")
    file.lines[0] = file.lines[0][:50]
    found = read(file.write(tmp_path))
    assert spent(thread(found, CHILD)) == [(1000, 10)]
    assert codes(found) == ["bad-record"]


def test_a_long_chain_of_forks_and_a_circle_are_read(tmp_path):
    names = [f"01a10000-0000-7000-8000-{number:012x}" for number in range(400)]
    paths = []
    for number, name in enumerate(names):  # the first goes on from the last
        file = (
            Rollout(name, forked_from_id=names[number - 1], session_id=name).begins("t").says("x").record(A, name, "t")
        )
        paths.append(file.write(tmp_path))
    found = read(*reversed(paths))
    assert [spent(each) for each in found.threads] == [[(1000, 10)]] * 400


def test_the_names_of_threads_are_those_of_their_conversations(tmp_path):
    index = tmp_path / "session_index.jsonl"
    lines = [
        {"id": ROOT, "thread_name": "old"},
        {"id": ROOT, "thread_name": " new\n name ", "updated_at": "2026-09-21"},
    ]
    lines += [{"id": OTHER, "thread_name": "other", "updated_at": "no time"}, {"id": CHILD}]
    index.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines) + b"torn\n")
    found = reading(index)
    assert [(row.conversation_id, row.name, row.named_at) for row in found.of(ConversationName)] == [
        (f"codex/{ROOT}", "new name", datetime.fromisoformat("2026-09-21")), (f"codex/{OTHER}", "other", None)
    ]  # fmt: skip
    assert [(finding.code, finding.line) for finding in found.findings] == [("bad-field", 4), ("bad-record", 5)]
    assert links(readers()["codex"], index, index.read_bytes()) == []
