"""What the recorder's own reducer gives up on (dossier 1.8): each is a finding, and the rest is read."""

import json
import random
import shutil

import pytest

from tests.readers.codex.bundles import change, events, generator, payload_of, reading, small, written
from tests.readers.test_contract import assert_sound

ROOT, CHILD = "01a20009-0000-7000-8000-006100000001", "01a20009-0000-7000-8000-006100000002"


@pytest.fixture(scope="module")
def bundle():
    return small()


@pytest.fixture
def path(bundle, tmp_path):
    return written(bundle, tmp_path)


@pytest.fixture(scope="module")
def whole(bundle, tmp_path_factory):
    return reading(written(bundle, tmp_path_factory.mktemp("whole")))


def spent(found):
    """Input and output tokens of every step."""
    return [(step.input_tokens, step.output_tokens) for step in found.steps]


def test_nothing_is_wrong_with_it_to_begin_with(bundle, whole):
    assert whole.codes() == []
    assert sorted(spent(whole)) == sorted((given, out) for agent in bundle.agents for given, _, out in agent.spent)
    assert [run.status for run in whole.runs] == ["completed"] * 3
    assert [(edge.kind, edge.resolution) for edge in whole.edges] == [("spawn", "item"), ("result", "item")]
    assert [(event.kind, event.detail) for event in whole.events] == [("compaction", "by m-large, 9 items became 3")]


# --- the log ---------------------------------------------------------------------------------------------------------


def again(kind, **fields):
    """Repeat the first record of a type right behind it, with other fields."""

    def edit(records):
        (record, *_) = events(records, kind)
        copy = json.loads(json.dumps(record))
        copy["payload"] |= fields
        records.insert(records.index(record) + 1, copy | {"seq": len(records) + 1})

    return edit


def without(kind):
    """Take the first record of a type away."""

    def edit(records):
        records.remove(events(records, kind)[0])

    return edit


def setting(kind, envelope=(), **fields):
    """Change fields of the first record of a type."""

    def edit(records):
        record = events(records, kind)[0]
        record |= dict(envelope)
        record["payload"] |= fields

    return edit


MCP = {"type": "mcp_tool_call_correlation_assigned", "tool_call_id": "call_1_4", "mcp_call_id": "m"}
CELL = {"type": "code_cell_started", "runtime_cell_id": "1", "model_visible_call_id": "call_x", "source_js": "1"}


def inserted(*payloads, behind="tool_call_ended"):
    """Put records of the root's first turn behind the first of a type."""

    def edit(records):
        record = events(records, behind)[0]
        for payload in payloads:
            records.insert(records.index(record) + 1, record | {"payload": payload, "seq": len(records) + 1})

    return edit


@pytest.mark.parametrize(
    ("edit", "codes", "steps"),
    [
        (inserted({"type": "dream_started"}), {"unknown-kind"}, 5),
        (inserted({"type": "other", "kind": "k", "summary": "s", "payloads": [], "metadata": 1}), {"unknown-kind"}, 5),
        (setting("rollout_started", {"schema_version": 2}), {"unknown-kind"}, 5),
        (setting("rollout_started", {"rollout_id": "another"}), set(), 5),
        (again("thread_started"), {"duplicate-thread-start"}, 5),
        (again("codex_turn_started"), {"repeated-record"}, 5),
        (again("inference_started"), {"repeated-record"}, 6),
        (again("tool_call_started"), {"repeated-record"}, 5),
        (again("compaction_request_started"), {"repeated-record"}, 5),
        (again("compaction_installed"), {"repeated-record"}, 5),
        (again("agent_result_observed"), {"repeated-record"}, 5),
        (again("agent_result_observed", child_codex_turn_id="t"), {"duplicate-id", "undelivered-result"}, 5),
        (inserted(CELL, CELL), {"repeated-record"}, 5),
        (inserted({**MCP, "mcp_call_id": "n"}, MCP), {"missing-start"}, 5),
        (again("thread_started", thread_id=None), {"bad-field"}, 5),
        (without("thread_started"), {"missing-start"}, 5),
        (without("codex_turn_started"), {"missing-start"}, 5),
        (without("inference_started"), {"missing-start"}, 5),
        (without("tool_call_started"), {"missing-start"}, 5),
        (without("compaction_request_started"), {"missing-start"}, 5),
        (setting("agent_result_observed", child_thread_id="nobody"), {"missing-start", "undelivered-result"}, 5),
        (setting("inference_started", thread_id=CHILD), {"conflicting-thread", "missing-start"}, 5),
        (setting("codex_turn_ended", {"thread_id": ROOT}), {"conflicting-thread"}, 5),
    ],
)
def test_what_cannot_be_is_a_finding_and_the_rest_is_read(path, whole, edit, codes, steps):
    change(path, edit)
    found = reading(path)
    assert set(found.codes()) - {"seq-gap", "repeated-sequence", "repeated-call-id"} == codes
    assert len(found.steps) == steps
    assert sum(given or 0 for given, _ in spent(found)) == sum(given for given, _ in spent(whole))
    assert all(finding.line for finding in found.findings if finding.code != "seq-gap")
    assert_sound(found)


def test_a_second_mcp_id_of_a_call_is_said(path):
    change(path, lambda records: inserted(*(
        {**MCP, "tool_call_id": events(records, "tool_call_started")[0]["payload"]["tool_call_id"], "mcp_call_id": each}
        for each in "mn"
    ))(records))  # fmt: skip
    assert set(reading(path).codes()) == {"repeated-record", "repeated-sequence"}


def test_numbers_that_are_missing_or_out_of_order_are_said_and_change_nothing(path, whole):
    change(path, lambda records: records.insert(3, records.pop(8) | {"payload": {"type": "nothing"}}))
    codes = set(reading(path).codes())
    assert {"repeated-sequence", "unknown-kind"} <= codes
    assert "seq-gap" not in codes
    change(path, lambda records: records.pop(3))
    assert "seq-gap" in reading(path).codes()


def test_a_line_cut_off_at_the_end_or_in_the_middle_costs_itself(path, whole):
    log = path / "trace.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines)[:-20])
    found = reading(path)
    assert (found.codes(), found.report.bad_records) == (["truncated-record"], 1)
    assert found.findings[0].line == len(lines)
    (torn,) = [n for n, line in enumerate(lines) if b'"thread_ended"' in line and CHILD.encode() in line]
    log.write_bytes(b"".join([*lines[:torn], lines[torn][:60], *lines[torn + 1 :]]))
    found = reading(path)
    assert found.codes() == ["spliced-record", "seq-gap"]
    assert found.findings[0].line == torn + 1
    log.write_bytes(b"".join([*lines[:torn], b"{]\n", *lines[torn + 1 :]]))
    assert reading(path).codes() == ["bad-record", "seq-gap"]
    assert spent(reading(path)) == spent(whole)


def test_without_a_manifest_the_names_tell_whose_bundle_it_is(path, whole):
    (path / "manifest.json").write_bytes(b"{")
    found = reading(path)
    assert found.codes() == ["bad-record"]
    assert found.conversation.conversation_id == whole.conversation.conversation_id
    (path / "manifest.json").unlink()
    assert reading(path).codes() == ["bad-record"]


def test_an_empty_log_is_a_conversation_in_which_nothing_happened(path):
    (path / "trace.jsonl").write_bytes(b"")
    found = reading(path)
    assert (found.codes(), len(found.agents), found.runs) == ([], 1, [])
    (path / "trace.jsonl").unlink()
    assert reading(path).codes() == ["unreadable-source"]


# --- payloads --------------------------------------------------------------------------------------------------------

REQUEST, RESPONSE = ("inference_started", "request_payload"), ("inference_completed", "response_payload")


@pytest.mark.parametrize(
    ("event", "content", "code"),
    [
        (REQUEST, None, "missing-payload"),
        (REQUEST, b'{"input": 5}', "bad-record"),
        (REQUEST, b'{"input": [', "bad-record"),
        (REQUEST, b'{"input": [{"type": "dream"}]}', "unknown-kind"),
        (REQUEST, b'{"input": [{"type": "reasoning"}]}', "bad-field"),
        (REQUEST, b'{"input": [], "previous_response_id": "gone"}', "partial-prompt"),
        (RESPONSE, None, "missing-payload"),
        (RESPONSE, b'{"token_usage": {"input_tokens": -5}, "output_items": []}', "bad-field"),
        (RESPONSE, b'{"token_usage": {"input_tokens": 7, "output_tokens": 3}}', "bad-record"),
        (("thread_started", "metadata_payload"), None, "missing-payload"),
        (("tool_call_started", "invocation_payload"), None, "missing-payload"),
        (("tool_call_runtime_ended", "runtime_payload"), None, "missing-payload"),
        (("compaction_installed", "checkpoint_payload"), None, "missing-payload"),
        (("agent_result_observed", "carried_payload"), b"[]", "bad-record"),
    ],
)
def test_a_payload_that_is_missing_or_damaged_costs_itself(path, whole, event, content, code):
    file = payload_of(path, *event)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    found = reading(path)
    assert code in found.codes()
    assert set(found.codes()) <= {code, "undelivered-result"}
    assert (len(found.steps), len(found.agents), len(found.edges)) == (5, 2, 2)
    lost = {REQUEST: 0, RESPONSE: 1}.get(event, 0)
    assert sum(before != after for before, after in zip(spent(whole), spent(found), strict=True)) == lost
    assert_sound(found)


@pytest.mark.parametrize(
    "name", ["/etc/hostname", "../manifest.json", "payloads/../../x.json", "payloads/link.json", ""]
)
def test_a_path_that_leads_out_of_the_bundle_is_not_opened(path, tmp_path, name):
    secret = tmp_path / "secret.json"
    secret.write_text('{"input": [], "instructions": "secret"}')
    (path / "payloads" / "link.json").symlink_to(secret)
    reference = {"raw_payload_id": "raw_payload:1", "path": name}
    change(path, setting("inference_started", request_payload=reference))
    found = reading(path)
    assert found.codes() == (["unsafe-path"] if name else [])
    assert len(found.steps) == 5


def test_the_way_to_a_bundle_may_lead_up(path, whole):
    assert spent(reading(path.parent / ".." / path.parent.name / path.name)) == spent(whole)


def test_a_payload_that_is_no_file_does_not_keep_the_reader_waiting(path):
    import os

    file = payload_of(path, *REQUEST)
    file.unlink()
    os.mkfifo(file)
    assert reading(path).codes() == ["missing-payload"]


# --- what it means ---------------------------------------------------------------------------------------------------


def test_turns_that_ended_in_an_error_have_failed_though_the_recorder_says_completed(path):
    def failed(records):
        (record,) = events(records, "inference_completed")[-1:]
        record["payload"] = {
            "type": "inference_failed", "inference_call_id": record["payload"]["inference_call_id"], "error": "502",
            "partial_response_payload": None,
        }  # fmt: skip

    change(path, failed)
    run = reading(path).runs[1]
    assert (run.status, run.status_detail) == ("failed", "502")
    payload_of(path, "agent_result_observed", "carried_payload").write_text('{"status": {"errored": "no disk"}}')
    (child,) = [run for run in reading(path).runs if CHILD in run.agent_id]
    assert (child.status, child.status_detail) == ("failed", "no disk")


def test_a_turn_that_was_cancelled_or_not_ended_says_so(path):
    change(path, setting("codex_turn_ended", status="cancelled"))
    assert [run.status for run in reading(path).runs] == ["completed", "completed", "cancelled"]
    log = path / "trace.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    started = [n for n, line in enumerate(lines) if b'"inference_started"' in line]
    log.write_bytes(b"".join(lines[: started[-1] + 1]))
    found = reading(path)
    assert [run.status for run in found.runs] == ["completed", "running", "cancelled"]
    (last,) = [step for step in found.steps if step.run_id == found.runs[1].run_id]
    assert (last.end_ms, last.input_tokens, last.tokens_grade) == (None, None, "not_recorded")


def test_two_bundles_of_one_session_are_one_conversation(path, whole, tmp_path):
    copy = shutil.copytree(path, tmp_path / "copy" / path.name)
    (tmp_path / "b").mkdir()
    copy = copy.rename(tmp_path / "b" / "the same")
    found = reading(path, copy)
    assert (spent(found), len(found.edges)) == (spent(whole), len(whole.edges))
    assert found.codes() == ["recorded-twice"] * 2
    log = path / "trace.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:12]))
    found = reading(path, copy)
    assert sorted(spent(found)) == sorted(spent(whole))
    assert {run.status for run in found.runs} == {"completed"}


def test_a_later_process_of_the_session_goes_on_with_it(tmp_path):
    first, second = written(generator.survey(), tmp_path), written(generator.resumed(), tmp_path)
    found = reading(second, first)
    assert found.conversation.title == "Survey the parser and lint it."
    assert [run.ordinal for run in found.runs if run.agent_id.endswith("1")] == [1, 2, 3]
    resumes = [edge for edge in found.edges if edge.kind == "resume"]
    assert len(resumes) == 2  # of the child in the first process, of the root by the second
    assert resumes[1].to_run_id == found.runs[2].run_id


def test_logs_cut_off_anywhere_are_read_to_there(bundle, tmp_path):
    path = written(bundle, tmp_path)
    content = (path / "trace.jsonl").read_bytes()
    rng = random.Random(5)
    before = -1
    for cut in sorted(rng.randrange(len(content)) for _ in range(25)):
        (path / "trace.jsonl").write_bytes(content[:cut])
        found = reading(path)
        assert_sound(found)
        assert len(found.steps) == content[:cut].count(b'"type":"inference_started"') - (
            content[:cut].rpartition(b"\n")[2].count(b'"type":"inference_started"')
        )  # fmt: skip
        assert len(found.steps) >= before
        before = len(found.steps)
