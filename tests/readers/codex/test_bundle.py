"""What the events of a bundle amount to: tools in code, both versions of agents, protocol events, compactions."""

import json

import pytest

from explorer.readers import Place, StepPlace, claim, links, messages, readers
from tests.readers.codex.bundles import generator, payload_of, reading, written

said, letter = generator.said, generator.letter
ORDINARY = {"type": "generic", "label": "exec_command", "input_preview": "", "output_preview": None}


@pytest.fixture
def bundle():
    return generator.Bundle(8)


@pytest.fixture
def root(bundle):
    agent = generator.Agent(bundle, 1)
    agent.begin(said("user", "Do it."))
    return agent


@pytest.fixture
def read(bundle, tmp_path):
    return lambda: reading(written(bundle, tmp_path))


def short(found, run_id):
    """The path of a run's agent, and its ordinal."""
    (run,) = [run for run in found.runs if run.run_id == run_id]
    (agent,) = [agent for agent in found.agents if agent.agent_id == run.agent_id]
    return agent.name, run.ordinal


def tool(bundle, agent, call_id, status="completed", **fields):
    """A tool call from its start to its end."""
    usual = {
        "model_visible_call_id": call_id, "code_mode_runtime_tool_id": None, "requester": {"type": "model"},
        "kind": {"type": "exec_command"}, "summary": ORDINARY, "invocation_payload": None,
    }  # fmt: skip
    bundle.event("tool_call_started", agent, tool_call_id=call_id, **(usual | fields))
    bundle.event("tool_call_ended", agent, tool_call_id=call_id, status=status, result_payload=None)


def test_a_bundle_is_claimed_by_its_name_its_manifest_or_its_log_and_links_by_its_root(bundle, root, tmp_path):
    path = written(bundle, tmp_path)
    assert claim(path, None).NAME == "codex"
    assert claim(tmp_path, None) is None
    assert list(links(readers()["codex"], path, None)) == [bundle.root_id]
    renamed = path.rename(tmp_path / "mine")
    assert claim(renamed, None).NAME == "codex"
    (renamed / "manifest.json").unlink()
    assert claim(renamed, None).NAME == "codex"
    (renamed / "trace.jsonl").write_bytes(b'{"t": 1}\n')
    assert claim(renamed, None) is None


def test_code_and_the_tools_that_it_calls_are_calls_of_its_step(bundle, root, read):
    code = {"type": "custom_tool_call", "name": "exec", "input": "ls()", "call_id": "call_code"}
    root.ask(code)
    cell = {"runtime_cell_id": "1"}
    bundle.event("code_cell_started", root, **cell, model_visible_call_id="call_code", source_js="ls()")
    requester = {"type": "code_cell", "runtime_cell_id": "1"}
    nested = {"requester": requester, "model_visible_call_id": None, "code_mode_runtime_tool_id": "t"}
    tool(bundle, root, "nested", **nested)
    mcp = {"kind": {"type": "mcp", "server": "db", "tool": "query"}, "summary": None}
    tool(bundle, root, "failing", status="failed", **nested, **mcp)
    bundle.event("mcp_tool_call_correlation_assigned", root, tool_call_id="failing", mcp_call_id="m")
    bundle.event("code_cell_initial_response", root, **cell, status="yielded", response_payload=None)
    root.ask(said("assistant", "Done."))
    bundle.event("code_cell_ended", root, **cell, status="completed", response_payload=None)
    found = read()
    assert [(t.name, t.step_ordinal, t.is_error, t.grade, t.end_ms is None) for t in found.tool_calls] == [
        ("exec", 1, False, "exact", False),
        ("exec_command", 1, False, "exact", False),
        ("db.query", 1, True, "exact", False),
    ]
    assert found.codes() == []


def test_a_tool_call_that_no_answer_asks_for_is_put_to_the_call_before_it(bundle, root, read):
    root.ask(said("assistant", "I will look."))
    tool(bundle, root, "stray")
    (call,) = read().tool_calls
    assert (call.step_ordinal, call.grade) == (1, "derived")


def test_a_child_of_the_first_version_is_known_by_its_thread_alone(bundle, root, read):
    spawn = root.call("spawn_agent", message="Count.")
    root.ask(spawn)
    child = generator.Agent(bundle, 2, "/root", "Gauss", root)
    runtime = {"sender_thread_id": root.thread_id, "new_thread_id": child.thread_id, "prompt": "Count."}
    root.run(spawn, json.dumps({"agent_id": child.thread_id}), runtime)
    child.begin(said("user", "Count."))
    child.ask(said("assistant", "42"))
    child.finish()
    send = root.call("send_input", id=child.thread_id, message="And now?")
    close = root.call("close_agent", id=child.thread_id)
    root.ask(send, close)
    root.run(send, "{}", {"receiver_thread_id": child.thread_id})
    root.run(close, "{}", {"receiver_thread_id": child.thread_id})
    found = read()
    assert [(e.kind, e.resolution, e.delivered, short(found, e.to_run_id)) for e in found.edges] == [
        ("spawn", "thread", None, ("/root", 1)),
        ("assign", "pending", None, ("/root", 1)),
        ("close", "thread", None, ("/root", 1)),
    ]
    assert [t.child_run_id is not None for t in found.tool_calls] == [True, False, False]
    assert found.codes() == []


def test_a_spawn_whose_runtime_event_is_lost_is_known_by_the_name_of_the_child(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    bundle.lines = [line for line in bundle.lines if b"tool_call_runtime_ended" not in line]
    child.begin()
    child.ask(said("assistant", "42"))
    found = read()
    (edge,) = found.edges
    assert (edge.kind, edge.resolution, edge.grade) == ("spawn", "item", "derived")
    bundle.lines = [line for line in bundle.lines if b'"tool_call_' not in line]
    (edge,) = read().edges
    assert (edge.kind, edge.resolution, edge.grade, edge.tool_call_id) == ("spawn", "thread", "derived", None)


def test_a_message_to_nobody_and_one_that_never_arrives(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    child.ask(said("assistant", "42"))
    lost, stray = (root.call("send_message", target=name, message=f"to {name}") for name in ("count", "nobody"))
    root.ask(lost, stray)
    root.run(lost, "{}", root.activity(child, "interacted"))
    root.run(stray, "no such agent", ok=False)
    assert [(e.kind, e.resolution, e.delivered) for e in read().edges] == [
        ("spawn", "item", True), ("message", "pending", None)
    ]  # fmt: skip
    child.ask(said("assistant", "Still 42"))
    assert [(e.kind, e.resolution, e.delivered) for e in read().edges][1] == ("message", "pending", False)


def tell(root, child, text):
    """A message of the root to a child, which may get it or not."""
    send = root.call("send_message", target=child.path, message=text)
    root.ask(send)
    root.run(send, "{}", root.activity(child, "interacted"))


def test_a_letter_that_is_sent_again_after_a_compaction_is_no_second_one(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    tell(root, child, "go")
    child.history.append(letter("/root", child.path, "MESSAGE", "go"))
    child.ask(said("assistant", "1"))
    tell(root, child, "go")  # this one is lost
    held = child.history[2:4]
    child.compact(1, kept=2)
    child.history += held
    child.ask(said("assistant", "2"))
    assert [e.delivered for e in read().edges if e.kind == "message"] == [True, False]


def test_a_task_from_a_sibling_leaves_an_agent_below_its_parent(bundle, root, read):
    one, two = root.spawning("one", "gAAAAAone"), root.spawning("two", "gAAAAAtwo")
    root.ask(one, two)
    first, second = root.spawn(one, 2, "Gauss"), root.spawn(two, 3, "Euler")
    for child in (first, second):
        child.begin()
        child.ask(said("assistant", "done"))
        child.finish()
    first.begin()
    task = first.call("followup_task", target="/root/two", message="gAAAAAmore")
    first.ask(task)
    first.run(task, "{}", first.activity(second, "interacted"))
    second.begin(letter("/root/one", "/root/two", "NEW_TASK", "", "gAAAAAmore"))
    second.ask(said("assistant", "more"))
    found = read()
    (edge,) = [edge for edge in found.edges if edge.kind == "assign"]
    assert (short(found, edge.from_run_id), short(found, edge.to_run_id)) == (("/root/one", 2), ("/root/two", 2))
    parents = {short(found, run.run_id): run.parent_run_id and short(found, run.parent_run_id) for run in found.runs}
    assert parents["/root/two", 2] == ("/root", 1)
    (again,) = [run for run in found.runs if short(found, run.run_id) == ("/root/two", 2)]
    assert again.spawn_tool_call_id == two["call_id"]


def test_an_agent_that_is_resumed_is_at_work_again(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    child.ask(said("assistant", "42"))
    child.close()
    assert [run.status for run in read().runs] == ["running", "unknown"]
    child.start()
    child.begin()
    assert [run.status for run in read().runs] == ["running", "unknown", "running"]


def test_a_tool_that_runs_in_a_later_turn_than_it_was_asked_for_in_is_of_no_step_there(bundle, root, read):
    late = root.call("exec_command", cmd="sleep 9")
    root.ask(late)
    root.finish()
    root.begin(said("user", "Go on."))
    root.run(late, "done")
    (call,) = read().tool_calls
    assert (call.run_id[-1], call.step_ordinal, call.tool_call_id) == ("2", None, late["call_id"])


def test_a_result_may_be_in_a_prompt_that_is_lost(bundle, root, tmp_path):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    child.ask(said("assistant", "42"))
    child.finish()
    child.report("42")
    root.ask(said("assistant", "42."))
    path = written(bundle, tmp_path)
    payload_of(path, "inference_started", "request_payload", 2).unlink()
    found = reading(path)
    assert [(edge.kind, edge.resolution, edge.delivered) for edge in found.edges][1] == ("result", "pending", None)
    assert found.codes() == ["missing-payload"]


def test_what_is_told_of_a_thread_and_a_bundle_is_kept(bundle, root, read):
    found = read()
    (run,) = found.runs
    assert json.loads(run.extra) == {"model": "m-large", "provider_name": "openai", "approval_policy": "never"}
    (source,) = json.loads(found.conversation.extra)["sources"].values()
    assert source == {"turns": 1, "turns_elsewhere": 0, "steps_added": 0, "trace_id": bundle.trace_id}


def test_an_activity_that_does_not_fit_its_tool_is_said(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = generator.Agent(bundle, 2, "/root/count", "Gauss", root)
    root.run(spawn, "{}", root.activity(child, "interacted"))
    assert read().codes() == ["kind-mismatch"]


def test_letters_of_early_versions_deliver_as_well(bundle, root, read):
    spawn = root.call("spawn_agent", task_name="count", message="Count.")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    old = {"author": "/root", "recipient": "/root/count", "content": "Count.", "other_recipients": []}
    child.history[-1] = said("assistant", json.dumps(old))
    child.begin()
    child.ask(said("assistant", "42"))
    (edge,) = read().edges
    assert (edge.resolution, edge.delivered) == ("item", True)


@pytest.mark.parametrize(
    ("kind", "event", "expected"),
    [
        ("error", {"message": "no money"}, ("failed", "no money", [("error", "no money")])),
        ("warning", {"message": "hm"}, ("completed", None, [("note", "hm")])),
        (
            "turn_aborted",
            {"turn_id": "?", "reason": "replaced"},
            ("completed", "replaced", [("interrupt", "replaced")]),
        ),
        ("turn_complete", {"turn_id": "?", "error": {"message": "503"}}, ("failed", "503", [])),
        ("session_configured", {}, ("completed", None, [])),
    ],
)
def test_protocol_events_are_those_of_the_turn_that_goes_on(bundle, root, read, kind, event, expected):
    root.ask(said("assistant", "Done."))
    told = {"turn_id": root.turn_id} if "turn_id" in event else {}
    bundle.protocol(kind, {"type": kind, **event, **told})
    root.finish()
    found = read()
    (run,) = found.runs
    assert (run.status, run.status_detail, [(e.kind, e.detail) for e in found.events]) == expected


def test_an_error_of_which_no_turn_is_told_is_nobodys_while_several_go_on(bundle, root, read):
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    bundle.protocol("error", {"type": "error", "message": "no money"})
    child.finish()
    root.finish()
    found = read()
    assert [run.status for run in found.runs] == ["completed", "completed"]
    assert [(e.kind, e.detail) for e in found.events] == [("error", "no money (of which agent is not recorded)")]


def test_a_compaction_that_failed_is_told_as_one_that_was_not_installed(bundle, root, read):
    ids = {"compaction_id": "c", "compaction_request_id": "compaction_request:1"}
    request = bundle.payload("compaction_request", {"input": []})
    bundle.event(
        "compaction_request_started", root, **ids, thread_id=root.thread_id, codex_turn_id=root.turn_id, model="m",
        provider_name="p", request_payload=request,
    )  # fmt: skip
    bundle.event("compaction_request_failed", root, **ids, error="too long")
    assert [(e.kind, e.detail) for e in read().events] == [
        ("compaction", "by m, request failed: too long, not installed")
    ]  # fmt: skip


def test_cancelled_and_open_calls_have_no_tokens_and_say_why(bundle, root, read):
    request = bundle.payload("inference_request", {"input": []})
    for name in ("a", "b"):
        bundle.event(
            "inference_started", root, inference_call_id=name, thread_id=root.thread_id, codex_turn_id=root.turn_id,
            model="m", provider_name="p", request_payload=request,
        )  # fmt: skip
    partial = bundle.payload("inference_response", {"token_usage": None, "output_items": [said("assistant", "I wi")]})
    bundle.event(
        "inference_cancelled", root, inference_call_id="a", reason="interrupted", partial_response_payload=partial
    )  # fmt: skip
    root.finish("cancelled")
    found = read()
    assert [(s.finish_reason, s.tokens_grade, s.input_tokens) for s in found.steps] == [
        ("cancelled", "not_recorded", None), ("unfinished", "not_recorded", None)
    ]  # fmt: skip
    assert [run.status for run in found.runs] == ["cancelled"]


def test_an_incremental_request_with_a_prefix_of_its_own_is_a_whole_prompt(bundle, root, read):
    prefix = bundle.payload("inference_request", {"input": [said("user", "one")]})
    mode = {"type": "incremental_with_untraced_prefix", "previous_response_id": "gone", "prefix_payload": prefix}
    request = bundle.payload("inference_request", {"input": [said("user", "two")]})
    bundle.event(
        "inference_started", root, inference_call_id="a", thread_id=root.thread_id, codex_turn_id=root.turn_id,
        model="m", provider_name="p", request_payload=request, request_input_mode=mode,
    )  # fmt: skip
    found = read()
    assert found.codes() == []
    assert len(found.ids(found.steps[0])) == 2


def test_other_instructions_make_other_blocks_though_the_items_are_the_same(bundle, root, read, monkeypatch):
    bundle.websocket = True
    root.ask(said("assistant", "one"))
    root.history.append(said("user", "two"))
    monkeypatch.setattr(generator, "INSTRUCTIONS", "Be brief.")
    root.ask(said("assistant", "three"))
    found = read()
    first, second = map(found.ids, found.steps)
    assert len(second) == len(first) + 2
    assert not set(first) & set(second)


def test_a_run_after_a_compaction_tells_only_what_is_new(bundle, root, tmp_path):
    root.ask(said("assistant", "one"))
    root.compact(1, kept=2)
    root.history.append(said("user", "two"))
    root.ask(said("assistant", "three"))
    root.finish()
    path = written(bundle, tmp_path)
    found = reading(path)
    (run,) = found.runs
    steps = [StepPlace(s.ordinal, s.source_id, s.offset, s.length, s.is_replay) for s in found.steps]
    place = Place(run.conversation_id, run.agent_id, run.run_id, run.native_run_id, steps)
    told = [m for m in messages(readers()["codex"], {path.name: path}, place) if m.role not in ("system", "developer")]
    assert [(m.role, m.note or m.text, m.step_ordinal) for m in told[1:]] == [
        ("user", "Do it.", None), ("assistant", "one", 1), ("assistant", "encrypted", None), ("user", "two", None),
        ("assistant", "three", 2),
    ]  # fmt: skip
    # As step 2 saw it: its request, which goes without what the compaction did away with, and its answer.
    second = list(messages(readers()["codex"], {path.name: path}, place._replace(until=2)))
    assert [(m.role, m.note or m.text, m.step_ordinal) for m in second[-3:]] == [
        ("assistant", "encrypted", None), ("user", "two", None), ("assistant", "three", 2),
    ]  # fmt: skip
    assert not {"Do it.", "one"} & {m.text for m in second}
    request = json.loads(payload_of(path, "inference_started", "request_payload", 1).read_bytes())["input"]
    assert len(second) == 2 + len(request) + 1, "instructions and tools, the input, the answer"
