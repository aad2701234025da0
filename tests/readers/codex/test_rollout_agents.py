"""Hand-offs between threads, in both versions of Codex's agents, from both sides."""

import json

from tests.readers.codex.rollouts import CHILD, OTHER, ROOT, Rollout, child_meta, codes, read, thread

TASK = "Message Type: NEW_TASK\nTask name: /root/count\nSender: /root\nPayload:\n"
ANSWER = "Message Type: FINAL_ANSWER\nTask name: /root\nSender: /root/count\nPayload:\n"


def spawns(activity=True, message="gAAAAsecret", **root):
    """A root that has a child count."""
    file = Rollout(**root).begins("t").user("count").call("c1", "spawn_agent", task_name="count", message=message)
    if activity:
        file.event("sub_agent_activity", event_id="c1", agent_thread_id=CHILD, agent_path="/root/count", kind="started")
    return file.output("c1", json.dumps({"task_name": "/root/count", "nickname": "Kepler"}))


def counts(message=TASK, sealed="gAAAAsecret", answer="42"):
    """That child."""
    file = Rollout(CHILD, **child_meta(forked=False)).begins("u")
    file.line("inter_agent_communication_metadata", {"trigger_turn": True})
    return file.letter("/root", "/root/count", message, sealed).says(answer).ends("u", answer)


def told(found):
    return {(each.kind, each.from_thread, each.to_thread): each for each in found.hand_offs}


def test_a_spawn_and_its_result(tmp_path):
    root = spawns().letter("/root/count", "/root", ANSWER + "42").says("42 files").ends("t", "42 files")
    found = read(root.write(tmp_path), counts().write(tmp_path))
    spawn, result = told(found)["spawn", ROOT, CHILD], told(found)["result", CHILD, ROOT]
    assert len(found.hand_offs) == 2
    assert (spawn.from_turn, spawn.to_turn, spawn.call_id) == ("t", "u", "c1")
    assert (spawn.delivered, spawn.resolution, spawn.sealed, spawn.grade) == (True, "item", True, "exact")
    assert (result.from_turn, result.to_turn, result.delivered, result.sealed) == ("u", "t", True, False)
    assert thread(found).turns[0].tools[0].child_thread_id == CHILD
    assert not found.remarks


def test_a_spawn_found_by_the_childs_path(tmp_path):
    found = read(spawns(activity=False).write(tmp_path), counts().write(tmp_path))
    spawn = told(found)["spawn", ROOT, CHILD]
    assert (spawn.delivered, spawn.grade) == (True, "derived")


def test_a_result_that_never_arrives(tmp_path):
    root = spawns().says("I wait no longer").ends("t", "no longer")
    found = read(root.write(tmp_path), counts().write(tmp_path))
    result = told(found)["result", CHILD, ROOT]
    assert (result.delivered, result.resolution, result.to_turn) == (False, "pending", None)
    assert [(each.code, each.thread_id, each.turn_id) for each in found.remarks] == [("undelivered-result", CHILD, "u")]


def test_whether_a_result_arrived_is_not_known_of_a_parent_that_is_cut_off(tmp_path):
    path = spawns().write(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"timestamp":"2026-09')
    found = read(path, counts().write(tmp_path))
    assert told(found)["result", CHILD, ROOT].delivered is None
    assert codes(found) == ["truncated-record"]


def test_one_answer_of_two_arrives(tmp_path):
    root = spawns().letter("/root/count", "/root", ANSWER + "43").ends("t")
    child = counts().begins("v").letter("/root", "/root/count", TASK, "gAAAAmore").says("43").ends("v", "43")
    found = read(root.write(tmp_path), child.write(tmp_path))
    results = {each.from_turn: each.delivered for each in found.hand_offs if each.kind == "result"}
    assert results == {"u": False, "v": True}


def test_messages_tasks_and_a_stop(tmp_path):
    root = spawns().call("c2", "followup_task", target="count", message="gAAAAtask").output("c2", "")
    root.call("c3", "collaboration.send_message", target="/root/count", message="gAAAAhint").output("c3", "")
    root.call("c4", "interrupt_agent", target="count").output("c4", "").ends("t")
    child = counts().letter("/root", "/root/count", "", "gAAAAhint").begins("v")
    child.letter("/root", "/root/count", TASK, "gAAAAtask").event("turn_aborted", turn_id="v", reason="interrupted")
    found = read(root.write(tmp_path), child.write(tmp_path))
    by_call = {each.call_id: each for each in found.hand_offs if each.call_id}
    assert {call: (each.kind, each.to_turn, each.delivered, each.resolution) for call, each in by_call.items()} == {
        "c1": ("spawn", "u", True, "item"), "c2": ("assign", "v", True, "item"), "c3": ("message", "u", True, "item"),
        "c4": ("close", None, None, "thread"),
    }  # fmt: skip
    stopped = thread(found, CHILD).turns[1]
    assert (stopped.status, stopped.status_detail, stopped.events[0].kind) == ("cancelled", "interrupted", "interrupt")


def test_the_first_version_names_threads(tmp_path):
    root = Rollout().begins("t").user("count").call("c1", "spawn_agent", message="Count the files.")
    root.output("c1", json.dumps({"agent_id": CHILD, "nickname": "Kepler"}))
    root.call("c2", "send_input", id=CHILD, message="And the folders.").output("c2", "{}")
    root.call("c3", "wait", ids=[CHILD]).output("c3", json.dumps({"status": {CHILD: {"completed": "42"}}}))
    notice = {"agent_path": CHILD, "status": {"completed": "42"}}
    root.user(f"<subagent_notification>\n{json.dumps(notice)}\n</subagent_notification>")
    root.call("c4", "close_agent", id=CHILD).output("c4", "{}").ends("t", "42")
    child = Rollout(CHILD, **child_meta(path=None, forked=False)).begins("u").user("Count the files.").says("41")
    child.user("And the folders.").says("42").ends("u", "42")
    found = read(root.write(tmp_path), child.write(tmp_path))
    assert {
        (each.kind, each.call_id, each.to_thread, each.delivered, each.resolution) for each in found.hand_offs
    } == {
        ("spawn", "c1", CHILD, True, "item"), ("assign", "c2", CHILD, True, "item"),
        ("result", None, ROOT, True, "item"), ("close", "c4", CHILD, None, "thread"),
    }  # fmt: skip
    assert codes(found) == []


def test_a_spawn_by_code_that_the_model_wrote(tmp_path):
    item = {"type": "SubAgentActivity", "id": "n1", "kind": "started", "agent_thread_id": CHILD,
            "agent_path": "/root/count"}  # fmt: skip
    root = Rollout(paginated=True).begins("t").item("custom_tool_call", call_id="x", name="exec", input="spawn()")
    root.event("item_completed", thread_id=ROOT, turn_id="t", item=item, completed_at_ms=root.at)
    root.item("custom_tool_call_output", call_id="x", output="ok").ends("t")
    found = read(root.write(tmp_path), counts().write(tmp_path))
    spawn = told(found)["spawn", ROOT, CHILD]
    assert (spawn.call_id, spawn.to_turn, spawn.grade) == ("n1", "u", "exact")
    assert [tool.name for tool in thread(found).turns[0].tools] == ["exec", "spawn_agent"]


def test_a_missing_parent_keeps_its_place(tmp_path):
    found = read(counts().write(tmp_path))
    assert thread(found, CHILD).parent_thread_id == ROOT
    assert {(each.kind, each.from_thread, each.delivered) for each in found.hand_offs} == {
        ("result", CHILD, None), ("spawn", ROOT, True)
    }  # fmt: skip


def test_agents_of_one_name_are_not_taken_for_each_other(tmp_path):
    """A grandchild's path begins with its parent's, and two children may bear one nickname."""
    inner = Rollout(OTHER, **child_meta(CHILD, "/root/count/deep", forked=False)).begins("w")
    inner.letter("/root/count", "/root/count/deep", TASK, "gAAAAdeep").says("7").ends("w", "7")
    child = counts()
    child.lines[4:4] = Rollout(has_meta=False).call("d1", "spawn_agent", task_name="deep", message="gAAAAdeep").lines
    found = read(spawns().write(tmp_path), child.write(tmp_path), inner.write(tmp_path))
    assert told(found)["spawn", CHILD, OTHER].to_turn == "w"
    assert told(found)["spawn", ROOT, CHILD].to_turn == "u"
