"""What is noted of a workflow beside the transcripts of its agents."""

import json

from tests.readers.claude_code.families import READER, readings
from tests.readers.claude_code.writing import SESSION, answered, call, main, only, result, said, text, write
from tests.readers.reading import SAMPLES

RUN = "wf_1"
BELOW = f"{SESSION}/subagents/workflows/{RUN}"


def started(directory, **note):
    """A session whose workflow has two agents, of which one is on the disk, and how it ended."""
    own = {"agentId": "w1"}
    write(
        directory, f"{BELOW}/agent-w1.jsonl",
        said("s1", None, 7, "Map", **own), answered("s2", "s1", 8, text("x"), stop=None, **own),
    )  # fmt: skip
    if note:
        fields = {"runId": RUN, "workflowName": "sweep"} | note
        write(directory, f"{SESSION}/workflows/{RUN}.json", json.dumps(fields, indent=1).encode())
    launched = {"status": "async_launched", "runId": RUN}
    return main(
        directory, said("u1", None, 0, "Go"), answered("a1", "u1", 1, call("t1", "Workflow"), id="m2"),
        said("u2", "a1", 2, result("t1"), toolUseResult=launched),
    )  # fmt: skip


PART = {"type": "workflow_agent", "agentId": "w1", "label": "map:1", "phaseTitle": "Map", "state": "done"}


def test_its_phases_are_events_of_the_run_that_started_it(tmp_path):
    phases = [{"title": "Map", "detail": "look around"}, {"title": "Merge"}]
    reading = started(tmp_path, status="completed", phases=phases, workflowProgress=[PART])
    assert [(event.run_id[-6:], event.at_ms, event.trigger, event.detail) for event in reading.events] == [
        ("main/1", 7000, "workflow phase", "sweep: Map, look around; 1 agent"),
        ("main/1", None, "workflow phase", "sweep: Merge; 0 agents"),
    ]
    (agent,) = [agent for agent in reading.agents if agent.name != "main"]
    (run,) = [run for run in reading.runs if run.agent_id == agent.agent_id]
    assert (agent.label, run.status, json.loads(run.extra)) == ("map:1", "completed", {"workflow": RUN, "phase": "Map"})


def test_what_it_failed_of_is_told(tmp_path):
    reading = started(tmp_path, status="failed", error="batches is undefined", phases=[], workflowProgress=[])
    assert [(e.kind, e.detail) for e in reading.events] == [("error", "sweep: failed: batches is undefined")]


def test_agents_without_a_transcript_are_missed(tmp_path):
    write(tmp_path, f"{BELOW}/journal.jsonl", *({"type": "started", "key": a, "agentId": a} for a in ("w1", "w2")))
    reading = started(tmp_path, workflowProgress=[PART | {"agentId": "w3"}])
    missing = [each for each in reading.findings if each.code == "missing-transcript"]
    assert [(each.source_id, each.line, each.message.split()[1]) for each in missing] == [
        (f"{SESSION}/workflows/{RUN}.json", 1, "w3"), (f"{BELOW}/journal.jsonl", 2, "w2"),
    ]  # fmt: skip


def test_a_note_that_is_broken_costs_itself(tmp_path):
    started(tmp_path, phases=[{"title": "Map"}])
    path = tmp_path / SESSION / "workflows" / f"{RUN}.json"
    path.write_bytes(path.read_bytes()[:-3])
    reading = only(tmp_path)
    assert [each.source_id for each in reading.findings if each.code == "bad-record"] == [
        path.relative_to(tmp_path).as_posix()
    ]
    assert len(reading.steps) == 2


def test_other_files_of_a_workflow_are_none_of_ours(tmp_path):
    assert READER.claims(tmp_path / SESSION / "workflows" / "wf_1.json", b'{"script": "')
    note = tmp_path / "elsewhere" / "workflows" / "wf_1.json"
    assert READER.claims(note, b'{"runId": "x", "workflowName": "y"}')
    assert not READER.claims(note, b'{"scripts": []}')
    assert not READER.claims(tmp_path / "wf_1.json", b'{"runId": "x", "workflowName": "y"}')


def test_the_workflow_of_the_samples():
    (reading,) = readings(SAMPLES / "claude-code" / "workflow")
    assert [event.at_ms for event in reading.events] == [7000, None]
    assert sorted(agent.label or "" for agent in reading.agents) == ["", "review:1", "review:2"]
