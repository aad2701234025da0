"""The samples are what the generator writes and what their README says."""

import json
import re
import runpy
import sqlite3
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from explorer.model import ConversationName
from explorer.readers import part_of, readers
from explorer.readers._prompts import PromptParts
from explorer.readers.codex._rollout import reduce_rollouts
from explorer.store.findings import EXPLANATIONS
from tests.readers.atif import counting as atif
from tests.readers.blocks import counting as blocks
from tests.readers.claude_code import counting as claude_code
from tests.readers.claude_code.families import together
from tests.readers.codegraff import counting as codegraff
from tests.readers.codex import counting as codex
from tests.readers.codex.rollouts import own_steps
from tests.readers.inspect import counting as inspect_ai
from tests.readers.maverick.counting import counts
from tests.readers.mini_swe_agent import counting as mini_swe_agent
from tests.readers.openai_messages import counting as openai_messages
from tests.readers.otlp import counting as otlp
from tests.readers.reading import SAMPLES, UNREAD, claimed, read, sample_files, samples, settled
from tests.readers.weka.by_json import calls, cold_starts, first_appearance, in_order, leading, sub_agents, traces

MANY = 2_000_000
WAYS = ("input_tokens", "output")
KV = SAMPLES / "weka" / "kv-cache-tester"
CORPUS = SAMPLES / "weka" / "hugging-face" / "traces.jsonl"


def readme_rows():
    """(directory, file, line or None, text of what should be seen) of every row of the README's tables."""
    directory = None
    for text in (SAMPLES / "README.md").read_text("utf-8").splitlines():
        if text.startswith("## "):
            directory = SAMPLES / text[3:]
        elif found := re.match(r"\| `([\w.+-]+)`(?: line (\d+))? \|.*\| (.*) \|$", text):
            yield directory / found[1], int(found[2]) if found[2] else None, found[3]


ROWS = list(readme_rows())
WEKA, GRAFF, MAVERICK, CODEGRAFF, CODEX, CLAUDE_CODE, DEUS = (
    [row for row in ROWS if row[0].is_relative_to(SAMPLES / name)]
    for name in ("weka", "graff", "maverick", "codegraff", "codex", "claude-code", "deus")
)


ROLLOUTS = [row for row in CODEX if not row[0].is_dir() and row[0].name != "session_index.jsonl"]
OTLP = [row for row in ROWS if row[0].relative_to(SAMPLES).parts[0] == "otlp"]
OF_EVALUATIONS = {"atif": atif.counts, "inspect": inspect_ai.counts}
EVALUATIONS = [row for row in ROWS if row[0].relative_to(SAMPLES).parts[0] in OF_EVALUATIONS]
MESSAGES = {"mini-swe-agent": mini_swe_agent.counts, "openai-messages": openai_messages.counts}
"""Formats of recorded messages, and what counts in their files by the json module alone."""

OF_MESSAGES = [row for row in ROWS if row[0].relative_to(SAMPLES).parts[0] in MESSAGES]
BLOCKS = [row for row in ROWS if row[0].relative_to(SAMPLES).parts[0] in blocks.SUMS]


def name(row):
    return f"{row[0].name}{row[1] or ''}"


def conversation(path, line=None):
    """A sample's only conversation, or the one on a line of it."""
    return traces(path)[(line or 1) - 1]


def steps(path, line=None):
    """Its model calls by the clock of its corpus."""
    own = "hugging-face" not in path.parts
    return calls(conversation(path, line), relative=own, end_stamped=own)


def numbers(text):
    """What a row says of steps, sub-agents, input and output."""
    found = re.match(r"([\d,]+) steps, ([\d,]+) sub-agents?, ([\d,]+) in, ([\d,]+) out", text)
    return tuple(int(number.replace(",", "")) for number in found.groups()) if found else None


def dumped(content):
    """The rows of a database, and what its tables are like: its bytes differ with the version of SQLite."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(content)
    return list(connection.iterdump())


def same(suffix, ours, written):
    """Whether a sample holds what the generator writes."""
    return ours == written or (suffix == ".db" and dumped(ours) == dumped(written))


def test_the_generator_writes_the_committed_bytes(tmp_path):
    runpy.run_path(str(SAMPLES / "generate.py"))["main"](tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = {path.relative_to(SAMPLES): path.read_bytes() for path in sample_files()}
    ours = {path: committed.pop(path) for path in list(committed) if path.parts[0] != path.name}
    assert ours.keys() == written.keys()
    assert {path for path in ours if not same(path.suffix, ours[path], written[path])} == set()
    assert {path.name for path in committed} == {"README.md", "generate.py"}


def test_the_samples_stay_small():
    assert sum(path.stat().st_size for path in sample_files()) < MANY


def test_the_samples_name_no_place_of_their_makers():
    for path in sample_files():
        root = rb"" if "codex" in path.parts else rb"|root"  # an agent's path
        assert not re.search(rb"/(?:home|Users|work|tmp" + root + rb")/", path.read_bytes()), path


def test_the_readme_has_a_row_for_every_sample():
    listed = {path for path, _, _ in ROWS}
    assert listed == {path for path in samples() if path.parent != SAMPLES}
    assert [line for path, line, _ in ROWS if path == CORPUS] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("row", [row for row in WEKA if numbers(row[2]) and row[0].parent.name != "damaged"], ids=name)
def test_the_readme_gives_the_numbers_that_the_json_module_counts(row):
    path, line, text = row
    found = steps(path, line)
    agents = list(sub_agents(conversation(path, line)["requests"]))
    assert numbers(text) == (
        len(found),
        len(agents),
        sum(call.tokens_in for call in found),
        sum(call.tokens_out for call in found),
    )


@pytest.mark.parametrize("row", BLOCKS, ids=name)
def test_the_readme_gives_the_numbers_of_block_traces(row):
    path, _, text = row
    format_ = path.relative_to(SAMPLES).parts[0]
    found = read(path, reader=format_)
    steps, *tokens = blocks.SUMS[format_](path)
    assert numbers(text) == (steps, sum(run.parent_run_id is not None for run in found.runs), *tokens)
    assert set(re.findall(r"`([a-z-]+)`", text)) >= set(found.codes())


@pytest.mark.parametrize("row", OF_MESSAGES, ids=name)
def test_the_readme_gives_the_numbers_of_messages(row):
    path, _, text = row
    format_ = path.relative_to(SAMPLES).parts[0]
    found = read(path, reader=format_)
    if text == "skipped, with the reason":
        assert found.report.aside
        return
    said = re.match(r"([\d,]+) steps?, ([\d,]+) in, ([\d,]+) out", text)
    assert tuple(int(number.replace(",", "")) for number in said.groups()) == MESSAGES[format_](path)
    assert set(re.findall(r"`([a-z-]+)`", text)) >= set(found.codes())


@pytest.mark.parametrize("row", [row for row in WEKA if row[0].name not in UNREAD], ids=name)
def test_the_readme_gives_the_numbers_that_the_reader_finds(row):
    path, line, text = row
    found = read(path, facts=settled("weka", path.parent))
    if line:
        here = found.conversations[line - 1].conversation_id
        runs = [run for run in found.runs if run.conversation_id == here]
    else:
        runs = found.runs
    of_runs = {run.run_id for run in runs}
    own = [step for step in found.steps if step.run_id in of_runs]
    if numbers(text):
        counted = sum(step.input_tokens or 0 for step in own), sum(step.output_tokens or 0 for step in own)
        assert numbers(text) == (len(own), sum(run.parent_run_id is not None for run in runs), *counted)
    elif path.name == "odd-values.json":
        assert text.startswith(f"{len(own)} steps, {len(runs) - 1} sub-agents")
    else:
        assert path.name == "bad-line.jsonl"
        by_line = [sum(step.run_id == f"{c.conversation_id}/main/1" for step in own) for c in found.conversations]
        assert text.startswith("{}, {} and {} steps".format(*by_line))


def whole_lines(path):
    """The records of a graff file that are lines of their own."""
    for text in path.read_bytes().split(b"\n"):
        with suppress(ValueError):
            yield json.loads(text)


@pytest.mark.parametrize("row", [row for row in GRAFF if "steps" in row[2]], ids=name)
def test_the_readme_gives_the_numbers_of_a_process(row):
    path, _, text = row
    calls = list(whole_lines(path.parent.parent / "traces" / path.name))
    nodes = [record for record in whole_lines(path) if "ms" in record and record["kind"] != "turn"]
    roots = {"main", *(node["label"] for node in nodes)}
    steps = [call["agent"] for call in calls if call["ev"] == "api"]
    sub_agents = len(nodes) + len({agent for agent in steps if agent not in roots})
    tools = sum(call["ev"] == "tool" for call in calls)
    counted = f"{len(steps)} steps, {sub_agents} sub-agent{'s' * (sub_agents > 1)}, {tools} tool calls."
    assert text.startswith(counted)
    found = read(path, reader="graff")
    assert (len(found.steps), len(found.agents) - 1, len(found.tool_calls)) == (len(steps), sub_agents, tools)


def test_the_readme_counts_the_processes_of_the_legacy_file():
    ((path, _, text),) = [row for row in GRAFF if row[0].name == "harness.trajectory.jsonl"]
    records = list(whole_lines(path))
    sessions, nodes = sum(r["kind"] == "session" for r in records), sum("ms" in r for r in records)
    assert text.startswith(f"{sessions} conversations, {nodes} runs.")
    found = read(path, reader="graff")
    assert (len(found.conversations), len(found.runs)) == (sessions, nodes)


@pytest.mark.parametrize("row", [row for row in GRAFF if row[2].startswith("part of")], ids=name)
def test_what_the_readme_calls_a_part_is_one(row):
    reader, whole = part_of(row[0])
    assert reader.NAME == "graff"
    assert (whole.name, whole.parent.name) == (row[0].name, "trajectories")


@pytest.mark.parametrize("row", [row for row in MAVERICK if not row[2].startswith("part of")], ids=name)
def test_the_readme_gives_the_numbers_of_goals(row):
    path, _, text = row
    goals, sub_agents, steps = counts(path)
    assert text.startswith(f"{goals} goal{'s' * (goals != 1)}, {sub_agents} sub-agents, {steps} steps.")
    found = read(path, reader="maverick")
    below = [agent for agent in found.agents if agent.parent_agent_id]
    assert (len(found.conversations), len(below), len(found.steps)) == (goals, sub_agents, steps)
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    assert codes <= set(found.codes())


@pytest.mark.parametrize("row", CODEGRAFF, ids=name)
def test_the_readme_gives_the_numbers_of_runs(row):
    path, _, text = row
    conversations, runs, steps, tool_calls, *tokens = codegraff.counts(path)
    some = f"{conversations} conversation{'s' * (conversations != 1)}"
    assert text.startswith(f"{some}, {runs} runs, {steps} steps, {tool_calls} tool calls.")
    found = read(path, reader="codegraff")
    counted = len(found.conversations), len(found.runs), len(found.steps), len(found.tool_calls)
    assert counted == (conversations, runs, steps, tool_calls)
    assert [sum(getattr(each, f"{way}_tokens") or 0 for each in found.steps) for way in ("input", "output")] == tokens
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    assert codes == set(found.codes())
    if "very step exact" in text:
        assert {step.grade for step in found.steps} == {"exact"}


@pytest.mark.parametrize("row", [row for row in CODEX if row[0].is_dir()], ids=name)
def test_the_readme_gives_the_numbers_of_bundles(row):
    path, _, text = row
    assert numbers(text) == codex.counts(path)
    found = read(path, reader="codex")
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    assert codes == set(found.codes())


@pytest.mark.parametrize("row", ROLLOUTS, ids=name)
def test_the_readme_gives_the_numbers_of_rollouts(row):
    path, _, text = row
    files = [(each, each.name) for each, _, _ in ROLLOUTS]
    found = reduce_rollouts(files, PromptParts())
    own = [step for each in found.threads for step in own_steps(each) if step.where.source_id == path.name]
    tokens_in, tokens_out = (sum(getattr(step.usage, way) for step in own if step.usage) for way in WAYS)
    some = f"{len(own)} step{'s' * (len(own) != 1)}, {tokens_in:,} in, {tokens_out:,} out."
    assert text.startswith(some)
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    assert codes == {remark.code for remark in found.remarks if remark.source_id == path.name}


def test_the_readme_gives_the_name_that_a_thread_was_given_last():
    (text,) = (text for path, _, text in CODEX if path.name == "session_index.jsonl")
    names = read(SAMPLES / "codex" / "session_index.jsonl", reader="codex").of(ConversationName)
    assert [each.name for each in names if f'is called "{each.name}"' in text] == ["Repair the build"]


@pytest.mark.parametrize("row", CLAUDE_CODE, ids=name)
def test_the_readme_gives_the_numbers_of_a_transcript(row):
    path, _, text = row
    found = claude_code.counts(path)
    if text.startswith("part of"):
        assert not found.steps
        return
    some = f"{found.steps} step{'s' * (found.steps != 1)}, {found.tokens_in:,} in, {found.tokens_out:,} out."
    assert text.startswith(some)
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    whole = Path(*path.parts[: len(SAMPLES.parts) + 3])
    findings = [each for each in together(whole) if each.source_id == path.relative_to(whole).as_posix()]
    assert codes == {each.code for each in findings}


@pytest.mark.parametrize("row", EVALUATIONS, ids=name)
def test_the_readme_gives_the_numbers_and_findings_of_evaluations(row):
    path, _, text = row
    format_ = path.relative_to(SAMPLES).parts[0]
    steps, tokens_in, tokens_out = OF_EVALUATIONS[format_](path)
    assert text.startswith(f"{steps} step{'s' * (steps != 1)}, {tokens_in:,} in, {tokens_out:,} out.")
    beside = [other for other in path.parent.iterdir() if other != path] if format_ == "atif" else []
    findings = read(path, parts=beside, reader=format_).findings
    assert set(re.findall(r"`([a-z-]+)`", text)) == {each.code for each in findings if each.source_id == path.name}


@pytest.mark.parametrize("row", OTLP, ids=name)
def test_the_readme_gives_the_numbers_and_findings_of_spans(row):
    path, _, text = row
    steps, tokens_in, tokens_out = otlp.counts(path)
    assert text.startswith(f"{steps} steps, {tokens_in:,} in, {tokens_out:,} out.")
    beside = [other for other in path.parent.iterdir() if other != path]
    findings = read(path, parts=beside, reader="otlp").findings
    assert set(re.findall(r"`([a-z-]+)`", text)) == {each.code for each in findings if each.source_id == path.name}


@pytest.mark.parametrize("row", DEUS, ids=name)
def test_the_readme_gives_the_numbers_and_findings_of_a_checkout(row):
    path, _, text = row
    if ".claude" in path.parts:
        found = claude_code.counts(path)
        some = f"{found.steps} step{'s' * (found.steps != 1)}, {found.tokens_in:,} in, {found.tokens_out:,} out."
        assert text.startswith(some)
    else:
        assert text.startswith("part of its group")
    whole = SAMPLES / "deus"
    findings = together(whole, readers()["deus"])
    codes = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text) if code in EXPLANATIONS}
    assert codes == {each.code for each in findings if each.source_id == path.relative_to(whole).as_posix()}


def test_a_captured_stream_tells_what_its_database_does_not():
    of_stream, of_database = (
        read(SAMPLES / "codegraff" / path, "s", reader="codegraff")
        for path in ("captured/fan-out-3.jsonl", "fan-out-3/.forge.db")
    )
    sums = [sorted(filter(None, (run.reported_input_tokens for run in each.runs))) for each in (of_stream, of_database)]
    assert sums[0] == sums[1]
    assert {step.grade for step in of_database.steps if "/sage/" in step.run_id} == {"derived", "ambiguous"}
    assert {step.grade for step in of_stream.steps} == {"exact"}


@pytest.mark.parametrize("row", [row for row in MAVERICK if row[2].startswith("part of")], ids=name)
def test_what_the_readme_calls_a_part_of_a_world_is_one(row):
    reader, whole = part_of(row[0])
    assert reader.NAME == "maverick"
    assert whole == SAMPLES / "maverick" / "ada" / "world.db"


@pytest.mark.parametrize(
    ("file", "line", "blocks", "ancestor", "sibling"),
    [
        ("shared-with-siblings.json", None, [85, 91, 73, 114, 112], [0, 0, 0, 0, 0], [0, 70, 70, 70, 97]),
        ("shared-with-parent.json", None, [258, 253], [233, 233], [0, 9]),
        ("shared-with-nobody.json", None, [90, 75], [0, 0], [0, 0]),
        ("nested.json", None, [93, 92, 89], [0, 0, 0], [0, 0, 70]),
        ("private-namespace.json", None, [85, 90], [85, 90], [0, 0]),
        (CORPUS, 3, [85, 84, 93], [0, 0, 0], [0, 70, 70]),
        (CORPUS, 4, [78, 83, 90], [0, 0, 0], [0, 70, 70]),
    ],
)
def test_first_steps_of_sub_agents_share_what_the_readme_says(file, line, blocks, ancestor, sibling):
    rows = cold_starts(steps(KV / file, line))
    assert [row.blocks for row in rows] == blocks
    assert [row.ancestor for row in rows] == ancestor
    assert [row.sibling for row in rows] == sibling
    assert not any(row.other for row in rows)


@pytest.mark.parametrize(
    ("file", "document", "parent_first"),
    [
        ("numbering-gaps.json", (2, 65, 0), (2, 65, 0)),
        ("numbering-reset.json", (1, 500, 1), (1, 500, 1)),
        ("private-namespace.json", (0, 0, 0), (0, 0, 0)),
        ("numbered-parent-first.json", (1, 35, 1), (0, 0, 0)),
        ("numbered-as-it-stands.json", (0, 0, 0), (1, 117, 1)),
        ("nested.json", (1, 46, 1), (0, 0, 0)),
        ("shared-with-siblings.json", (2, 389, 2), (0, 0, 0)),
    ],
)
def test_ids_appear_in_the_orders_the_readme_says(file, document, parent_first):
    found = steps(KV / file)
    main = [call for call in found if not call.agent]
    assert first_appearance(found) == document
    assert first_appearance(main + [call for call in found if call.agent]) == parent_first


def test_every_id_in_an_ordinary_sample_stands_for_one_prefix():
    """An id has one position and one predecessor, as in every real trace that was looked at."""
    for path in sorted(KV.glob("*.json")):
        if path.name != "private-namespace.json":
            place = {}
            for call in steps(path):
                for position, block in enumerate(call.ids):
                    before = call.ids[position - 1] if position else None
                    assert place.setdefault(block, (position, before)) == (position, before), (path, block)


@pytest.mark.parametrize(
    ("path", "base", "fits"),
    [
        *((path, 1, lambda tokens, blocks: blocks == tokens // 64) for path in sorted(KV.glob("*.json"))),
        *(((CORPUS, line), 0, lambda tokens, blocks: blocks == -(-tokens // 64)) for line in (1, 3, 5)),
        *(((CORPUS, line), 0, lambda tokens, blocks: tokens == 64 * blocks) for line in (2, 4)),
    ],
    ids=lambda each: "" if callable(each) else str(each),  # where a function lies differs between workers
)
def test_numbering_and_coverage_are_those_of_the_corpus(path, base, fits):
    found = steps(*path) if isinstance(path, tuple) else steps(path)
    assert min(min(call.ids) for call in found) == base
    assert all(fits(call.tokens_in, len(call.ids)) for call in found)


def test_a_split_conversation_goes_on_with_its_numbers_and_not_with_its_clock():
    before, after = steps(KV / "long-day_s1.json"), steps(KV / "long-day_s2.json")
    assert after[0].start == 0.0
    # Whole blocks of what had been sent are known; the answer and the new input are numbered on from the last id.
    sent = before[-1].ids
    assert after[0].ids[: len(sent)] == sent
    highest = max(max(call.ids) for call in before)
    assert after[0].ids[len(sent) :][0] == highest + 1


def test_forked_recordings_open_with_equal_calls():
    left, right = steps(KV / "fork-left.json"), steps(KV / "fork-right.json")
    assert left[:5] == right[:5]
    assert left[5].tokens_in != right[5].tokens_in


def test_compaction_cuts_the_prompt_back_to_tools_and_system_prompt():
    found = steps(KV / "compaction-and-models.json")
    common = [leading(b.ids, [set(a.ids)]) for a, b in pairwise(found)]
    cuts = [n + 2 for n, (shared, call) in enumerate(zip(common, found, strict=False)) if shared < len(call.ids)]
    assert cuts == [15, 29]
    assert [common[13], common[27]] == [98, 98]
    models = [entry["model"] for entry in conversation(KV / "compaction-and-models.json")["requests"]]
    assert sum(a != b for a, b in pairwise(models)) == 2


def test_conversations_of_one_namespace_share_their_beginning():
    first = steps(SAMPLES / "weka" / "one-namespace" / "batch-a.json")
    second = steps(SAMPLES / "weka" / "one-namespace" / "batch-b.json")
    known = {block for call in first for block in call.ids}
    assert leading(second[0].ids, [known]) == 98
    assert first_appearance(second).gaps == 1


def test_the_clock_of_each_corpus_is_settled_by_its_own_directory():
    assert settled("weka", KV) == {"basis": "relative", "stamp": "end"}
    assert settled("weka", CORPUS.parent) == {"basis": "absolute", "stamp": "start"}
    assert settled("weka", SAMPLES / "weka" / "damaged") == {"basis": "relative", "stamp": "end"}


def test_every_reader_has_samples():

    assert {reader for reader, _ in claimed()} == set(readers())


def test_calls_inside_sub_agents_are_in_the_order_of_time():
    for path in sorted(KV.glob("*.json")):
        found = steps(path)
        for agent in {call.agent for call in found}:
            own = [call for call in found if call.agent == agent]
            assert own == in_order(own)
