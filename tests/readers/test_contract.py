"""What every reader promises, over every sample: whole, cut off, and damaged at seeded places."""

import inspect
import json
import random
import re
import shutil
import types
import typing
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import settings

from explorer.model import (
    ALL_TABLES,
    Agent,
    BlockRun,
    Checkpoint,
    Conversation,
    Edge,
    Event,
    Finding,
    Run,
    Step,
    ToolCall,
    columns,
)
from explorer.readers import Reader, Report, SourceFile, claim, part_of, reader_of, readers, shares
from explorer.readers._hooks import HOOKS
from explorer.readers._sqlite import MAGIC
from tests.readers.atif import counting as atif
from tests.readers.blocks import counting as blocks
from tests.readers.claude_code import counting as claude_code
from tests.readers.codegraff import counting as codegraff
from tests.readers.codex import counting as codex
from tests.readers.inspect import counting as inspect_ai
from tests.readers.maverick.counting import counts
from tests.readers.mini_swe_agent import counting as mini_swe_agent
from tests.readers.openai_messages import counting as openai_messages
from tests.readers.otlp import counting as otlp
from tests.readers.reading import (
    SAMPLES,
    UNREAD,
    Reading,
    claimed,
    head,
    line,
    moved,
    read,
    request,
    samples,
    settled,
    trace,
    wholes,
)

KEYS = {
    Conversation: ["conversation_id"],
    Agent: ["agent_id"],
    Run: ["run_id"],
    Step: ["run_id", "ordinal"],
    ToolCall: ["run_id", "ordinal"],
    BlockRun: ["run_id", "step_ordinal", "position"],
    Edge: ["edge_id"],
    Event: ["run_id", "ordinal"],
    Checkpoint: ["checkpoint_key"],
    Finding: ["finding_id"],
}
"""The key of each table, as the schema documents it."""

CLAIMED = claimed()
WHOLES = wholes()
SINGLE = [
    (name, path)
    for name, path in CLAIMED
    if name in ("weka", "graff", "mooncake", "kvcache-simulator")
    and path.suffix != ".gz"
    and path.name != "delta-turns.jsonl"
]
"""Samples in which each step is one record, so that damage elsewhere leaves it as it is. Of the other formats, tests of
their own say what damage costs."""
IN_ORDER = [(name, path) for name, path in SINGLE if not {"damaged", "odd"} & set(path.parts)]
"""Those of them in which nothing is wrong to begin with."""

CUTS, FLIPS, CHANGES = (settings.default.max_examples // share for share in (5, 2, 5))
"""Seeded cases for each sample."""


def by_name(case):
    return case[1].name


@pytest.fixture(scope="module", params=WHOLES, ids=by_name)
def sample(request):
    """Reader, path and rows of a sample."""
    name, path = request.param
    return name, path, read(path, reader=name, facts=settled(name, path.parent))


# --- whole files -----------------------------------------------------------------------------------------------------


def test_exactly_one_reader_claims_each_sample_and_none_what_is_no_trace():
    for path in samples():
        claimants = [name for name, reader in readers().items() if reader.claims(path, head(path))]
        if part_of(path) is not None and not claimants:  # it is read with another one for being there
            continue
        assert len(claimants) == (0 if path.name in UNREAD else 1), path


def test_no_reader_claims_a_directory_of_files():
    for directory in {path.parent for path in samples()}:
        assert claim(directory, None) is None


def test_a_reader_is_known_by_its_name_and_has_a_version():
    for name, reader in readers().items():
        assert name == reader.NAME
        assert reader_of(name) is reader
        assert reader.VERSION >= 1
        assert isinstance(reader.SELF_CONTAINED, bool)


def assert_keys_are_unique(reading):
    for kind, key in KEYS.items():
        counted = Counter(tuple(getattr(row, name) for name in key) for row in reading.of(kind))
        assert not [key for key, number in counted.items() if number > 1], kind.__name__


def arguments(function):
    """Names and types of what a function is given."""
    given = inspect.signature(function).parameters.values()
    return [(each.name, each.annotation) for each in given if each.name != "self"]


OFFERS = {name: arguments(hook.__call__) for name, hook in HOOKS.items()} | {
    name: arguments(getattr(Reader, name)) for name in ("claims", "read")
}


@pytest.mark.parametrize("name", sorted(readers()))
def test_what_a_reader_offers_is_asked_for_by_that_name_and_with_these_arguments(name):
    offered = {
        offer: arguments(function)
        for offer, function in vars(reader_of(name)).items()
        if offer in OFFERS
        or (callable(function) and function.__module__ == reader_of(name).__name__ and not offer.startswith("_"))
    }
    assert offered == {offer: OFFERS.get(offer) for offer in offered}


@pytest.mark.parametrize("name", ["codegraff", "maverick"])
def test_a_source_that_went_before_its_shares_were_asked_is_one(name, tmp_path):
    assert shares(reader_of(name), tmp_path / "gone.db") == 1


def test_keys_are_unique_in_every_table(sample):
    assert_keys_are_unique(sample[2])


def assert_references_resolve(reading):
    conversations = {row.conversation_id for row in reading.conversations}
    agents = {row.agent_id: row for row in reading.agents}
    runs = {row.run_id: row for row in reading.runs}
    steps = {(row.run_id, row.ordinal) for row in reading.steps}
    for agent in agents.values():
        assert agent.conversation_id in conversations
        assert agent.parent_agent_id is None or agents[agent.parent_agent_id].conversation_id == agent.conversation_id
    for run in runs.values():
        assert run.conversation_id == agents[run.agent_id].conversation_id
        assert run.parent_run_id is None or run.parent_run_id in runs
    assert {run_id for run_id, _ in steps} <= runs.keys()
    assert {(row.run_id, row.step_ordinal) for row in reading.of(BlockRun)} <= steps
    assert {row.run_id for row in [*reading.events, *reading.tool_calls]} <= runs.keys()
    for checkpoint in reading.of(Checkpoint):
        assert checkpoint.conversation_id in conversations
        assert checkpoint.run_id is None or checkpoint.run_id in runs
    for edge in reading.edges:
        assert {edge.from_run_id, edge.to_run_id} - {None} <= runs.keys()
    for finding in reading.findings:
        assert finding.conversation_id in conversations | {None}
        assert finding.agent_id is None or finding.agent_id in agents
        assert finding.run_id is None or finding.run_id in runs
        assert finding.step_ordinal is None or (finding.run_id, finding.step_ordinal) in steps


def test_references_resolve(sample):
    assert_references_resolve(sample[2])


def test_each_run_is_counted_from_1_without_gaps(sample):
    reading = sample[2]
    for kind in (Step, Event, ToolCall):
        for run in reading.runs:
            ordinals = [row.ordinal for row in reading.of(kind) if row.run_id == run.run_id]
            if kind is ToolCall:  # one that starts agents comes once it is known which these are
                ordinals.sort()
            assert ordinals == list(range(1, len(ordinals) + 1))


def test_a_conversations_row_comes_after_all_its_other_rows(sample):
    ended = set()
    owner = {}
    for row in sample[2].rows:
        if isinstance(row, Conversation):
            ended.add(row.conversation_id)
        elif isinstance(row, (Agent, Run)):
            owner[row.run_id if isinstance(row, Run) else row.agent_id] = row.conversation_id
            assert row.conversation_id not in ended
        elif isinstance(row, Finding):
            assert row.conversation_id not in ended
        elif isinstance(row, (Step, BlockRun, Event, ToolCall)):
            assert owner.get(row.run_id) not in ended


def kinds(hint):
    """The plain types that a column's annotation allows."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return {kind for option in typing.get_args(hint) for kind in kinds(option)}
    if typing.get_origin(hint) is typing.Annotated:
        return kinds(typing.get_args(hint)[0])
    return {str} if typing.get_origin(hint) is typing.Literal else {hint}


COLUMNS = {
    table: [
        (column, kinds(typing.get_type_hints(table, include_extras=True)[column.name])) for column in columns(table)
    ]
    for table in ALL_TABLES.values()
}
RANGES = {"BIGINT": range(-(2**63), 2**63), "UBIGINT": range(2**64)}


def assert_values_fit(reading):
    """Every value is of the type that the schema says: what is written strictly to Parquet must be."""
    for row in reading.rows:
        for column, allowed in COLUMNS[type(row)]:
            value = getattr(row, column.name)
            assert type(value) in allowed, (row, column.name)
            if column.type in RANGES and value is not None:
                assert value in RANGES[column.type], (row, column.name)
            if type(value) is str:
                value.encode("utf-8")  # lone surrogates would not be stored


def test_values_are_of_the_types_that_the_schema_says(sample):
    assert_values_fit(sample[2])


def test_the_schemas_types_are_those_that_are_checked():
    assert {kind for table in COLUMNS.values() for _, allowed in table for kind in allowed} == {
        str, int, float, bool, datetime, types.NoneType,
    }  # fmt: skip


def model_calls(record):
    """Every model call of a parsed record, at any depth: what has requests of its own is none."""
    if "requests" in record or record.get("type") == "subagent":
        for inner in record.get("requests", []):
            yield from model_calls(inner)
    else:
        yield record


def weka_sums(path):
    """Calls, input and output of a weka file by the json module alone; with damage, by what whole calls look like."""
    content = path.read_bytes()
    try:
        records = [json.loads(text) for text in (content.splitlines() if path.suffix == ".jsonl" else [content])]
    except ValueError:
        found = re.findall(rb'\{"t":[\d.]+,"type":"."[^{}\0]*?"in":(\d+),"out":(\d+),[^{}\0]*\}', content)
        return len(found), sum(int(tokens) for tokens, _ in found), sum(int(tokens) for _, tokens in found)
    found = [call for record in records for call in model_calls(record)]
    counts = [
        sum(call[key] for call in found if type(call.get(key)) is int and call[key] >= 0) for key in ("in", "out")
    ]
    return len(found), *counts


def graff_sums(path):
    """Calls of the process that a graff file is of, by the json module alone: whole lines of its trace."""
    trace = path.parent.parent / "traces" / path.name
    calls = 0
    for text in trace.read_bytes().split(b"\n") if trace.exists() else ():
        try:
            calls += json.loads(text)["ev"] == "api"
        except ValueError:
            continue
    return calls, 0, 0


def maverick_sums(path):
    """Tool calls of a maverick source, by sqlite3 and the json module alone."""
    return counts(path).steps, 0, 0


def codegraff_sums(path):
    """Steps of a codegraff source and their usage, by sqlite3 and the json module alone."""
    found = codegraff.counts(path)
    return found.steps, found.tokens_in, found.tokens_out


def codex_sums(path):
    """Steps of a codex source and their usage, by the json module alone."""
    steps, _, tokens_in, tokens_out = codex.counts(path)
    return steps, tokens_in, tokens_out


def claude_code_sums(path):
    """Model calls of one transcript, each counted once, by the json module alone."""
    return claude_code.counts(path)[:3]


def deus_sums(path):
    """Model calls of a checkout's file: only transcripts have any."""
    return claude_code_sums(path) if ".claude" in path.parts else (0, 0, 0)


def mini_swe_agent_sums(path):
    """Model calls of a trajectory and their usage, by the json module alone; of what lies beside it none."""
    return mini_swe_agent.counts(path)


def openai_messages_sums(path):
    """Model calls of a file of messages and their usage, by the json module alone."""
    return openai_messages.counts(path)


SUMS = {
    "weka": weka_sums, "graff": graff_sums, "maverick": maverick_sums, "codegraff": codegraff_sums,
    "codex": codex_sums, "claude-code": claude_code_sums, "deus": deus_sums,
    "atif": atif.counts, "inspect": inspect_ai.counts, "mini-swe-agent": mini_swe_agent_sums,
    "openai-messages": openai_messages_sums, "otlp": otlp.counts,
    **blocks.SUMS,
}  # fmt: skip


def test_steps_and_tokens_add_up_to_those_in_the_source(sample):
    name, path, reading = sample
    tokens_in = sum(step.input_tokens or 0 for step in reading.steps)
    tokens_out = sum(step.output_tokens or 0 for step in reading.steps)
    assert (len(reading.steps), tokens_in, tokens_out) == SUMS[name](path)


def objects(text):
    """What stands where a step is said to be: a record, or a line for each of several."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(each) for each in text.split(b"\n")]


def test_every_step_says_where_in_the_file_it_stands(sample):
    name, path, reading = sample
    if name == "codegraff":  # its steps are rows, or stretches of a stream in which others' lines may lie: tested there
        return
    for source_id in {step.source_id for step in reading.steps}:
        source = path.parent / source_id
        content = (source / "trace.jsonl" if source.is_dir() else source).read_bytes()
        if content.startswith(MAGIC) or source.suffix in (
            ".zst",
            ".gz",
            ".eval",
        ):  # it says which row, or byte once decompressed: what is there is tested with the reader
            continue
        ends = [0]
        steps = [step for step in reading.steps if step.source_id == source_id]
        for step in sorted(steps, key=lambda step: step.offset):
            assert step.offset >= ends[-1], "steps do not overlap"
            ends.append(step.offset + step.length)
            for recorded in objects(content[step.offset : ends[-1]]):
                assert isinstance(recorded, dict)
                if isinstance(recorded.get("in"), int) and recorded["in"] >= 0:
                    assert step.input_tokens == recorded["in"]
        assert ends[-1] <= len(content)


def test_reading_twice_and_elsewhere_gives_the_same_rows(sample, tmp_path):
    name, path, reading = sample
    elsewhere = moved(path, tmp_path)
    if len(list(tmp_path.rglob("*.*"))) == 1:  # with companions it is known by its name
        elsewhere = elsewhere.rename(tmp_path / f"another name{path.suffix}")
    assert read(elsewhere, path.name, settled(name, path.parent), name).rows == reading.rows


def test_keys_follow_the_path_below_the_opened_directory(sample):
    name, path, reading = sample
    deeper = read(path, f"some/where/{path.name}", settled(name, path.parent), name)
    above = "" if name == "codex" else "some/where/"  # whose sources are scattered: the root thread's id is the key
    assert [c.conversation_id for c in deeper.conversations] == [
        f"{above}{c.conversation_id}" for c in reading.conversations
    ]


# --- large files -----------------------------------------------------------------------------------------------------


def large_weka(directory):
    """A file of two conversations, one a line, beyond what is read at once; where the second one begins."""
    path = directory / "large.jsonl"
    ids = list(range(400_000))
    first = line(trace(*(request(t=float(n), hash_ids=ids) for n in range(26))))
    second = line(trace(request(t=1.0, out=7), id="second"))
    path.write_bytes(first + b"\n" + second)
    return path, path.stat().st_size - len(second)


def large_graff(directory):
    """The trace of a process whose retries are told at length; where the last call begins."""
    path = directory / "traces" / "00ff00ff00ff00ff.jsonl"
    path.parent.mkdir()
    head = {"run_id": path.stem, "pid": 1, "session_id": "0" * 32}
    call = line(head | {"t": 9, "ev": "api", "turn": 1, "agent": "main", "ms": 5, "cache_read_tokens": 7}) + b"\n"
    note = line(head | {"t": 9, "ev": "retry", "detail": "x" * 3_000_000}) + b"\n"
    path.write_bytes((call + note) * 26 + call)
    return path, path.stat().st_size - len(call)


LARGE = {"weka": (large_weka, b'"out":7', b'"out":9', "output_tokens")}
LARGE["graff"] = large_graff, b'_tokens":7', b'_tokens":9', "cache_read_tokens"


@pytest.mark.parametrize("name", LARGE)
def test_the_first_row_comes_before_the_last_byte_is_read(name, tmp_path):
    """What changes at the end of a file after the first row is still seen, so it had not been read before."""
    make, recorded, different, column = LARGE[name]
    path, last = make(tmp_path)
    rows = readers()[name].read(SourceFile(path, "large"))
    first = next(rows)
    assert isinstance(first, Step)
    with path.open("r+b") as file:
        file.seek(last)
        changed = file.read().replace(recorded, different)
        file.seek(last)
        file.write(changed)
    steps = [row for row in rows if isinstance(row, Step)]
    assert len(steps) == 26
    assert getattr(steps[-1], column) == 9
    assert getattr(first, column) == 7


# --- damage ----------------------------------------------------------------------------------------------------------


def prompt(reading, step):
    return reading.stretches().get((step.run_id, step.ordinal))


def lines_of(content, offset):
    return content.count(b"\n", 0, offset) + 1


@pytest.mark.parametrize(("name", "path"), SINGLE, ids=map(by_name, SINGLE))
def test_a_file_cut_off_anywhere_keeps_the_steps_before_the_cut(name, path, tmp_path):
    facts, content = settled(name, path.parent), path.read_bytes()
    whole = read(path, "sample", facts, name)
    prompts = whole.stretches()
    rng = random.Random(f"cut {path.name}")
    for _ in range(CUTS):
        cut = rng.randrange(1, len(content))
        part = tmp_path / path.name
        part.write_bytes(content[:cut])
        found = read(part, "sample", facts, name)
        before = [step for step in whole.steps if step.source_id == "sample" and step.offset + step.length <= cut]
        assert found.steps == before, cut
        assert found.stretches() == {key: prompts[key] for key in found.stretches()}
        assert_sound(found)
        if content[:cut].strip() != content.strip():
            errors = [finding.line for finding in found.findings if finding.severity == "error"]
            at_end = content.endswith(b"\n", 0, cut) or content[cut : cut + 1] == b"\n"
            assert lines_of(content, cut) in errors or at_end, cut


def assert_sound(reading):
    assert_keys_are_unique(reading)
    assert_references_resolve(reading)
    assert_values_fit(reading)


def without_place(step):
    """A step but for what damage before it may change: its number, and in a doubtful list the run it is counted to."""
    step = replace(step, ordinal=0)
    if step.grade == "ambiguous":
        return replace(step, run_id="", start_ms=None, end_ms=None, grade="exact")
    return step


@pytest.mark.parametrize(("name", "path"), IN_ORDER, ids=map(by_name, IN_ORDER))
def test_a_byte_flipped_inside_a_step_changes_no_other_step(name, path, tmp_path):
    facts, content = settled(name, path.parent), path.read_bytes()
    whole = read(path, "sample", facts, name)
    rng = random.Random(f"flip {path.name}")
    own = [step for step in whole.steps if step.source_id == "sample"]
    for _ in range(FLIPS if own else 0):
        hit = rng.choice(own)
        at = hit.offset + rng.choice([rng.randrange(hit.length), hit.length - 1, 0])
        byte = rng.choice([bytes([rng.randrange(256)]), *(bytes([sign]) for sign in b'"{}[],:\\ 0')])
        if byte in (content[at : at + 1], b"\n"):
            continue
        damaged = tmp_path / path.name
        damaged.write_bytes(content[:at] + byte + content[at + 1 :])
        found = read(damaged, "sample", facts, name)
        others = {step.offset: step for step in found.steps if step.offset != hit.offset}
        case = at, byte
        assert list(others) == [step.offset for step in whole.steps if step.offset != hit.offset], case
        for step in whole.steps:
            if step.offset != hit.offset:
                other = others[step.offset]
                doubtful = other.grade == "ambiguous"
                expected = replace(step, grade="ambiguous") if doubtful else step
                assert without_place(other) == without_place(expected), case
                assert prompt(found, other) == prompt(whole, step), case
        if len(found.steps) < len(whole.steps):
            errors = [finding for finding in found.findings if finding.severity == "error"]
            assert lines_of(content, at) in [finding.line for finding in errors], case
            assert found.report.bad_records, case
        assert_sound(found)


def changed(rng, content):
    """The bytes with something taken out, put in, doubled, zeroed or swapped."""
    if not content:
        return content
    at = rng.randrange(len(content))
    length = min(rng.choice([1, 1, 2, 7, 64, 500, 5000]), len(content) - at)
    rest = content[at + length :]
    junk = bytes(rng.choice(b'{}[]",:\\\n\0x1\xff') for _ in range(length))
    return rng.choice(
        [
            content[:at] + rest,
            content[:at] + junk + content[at:],
            content[:at] + junk + rest,
            content[: at + length] + content[at:],
            content[:at] + bytes(length) + rest,
            content[:at] + content[at : at + length][::-1] + rest,
        ]
    )


@pytest.mark.parametrize(("name", "path"), CLAIMED, ids=map(by_name, CLAIMED))
def test_bytes_cut_out_put_in_or_turned_round_never_raise(name, path, tmp_path):
    files = [path]
    if path.is_dir():
        shutil.copytree(path, tmp_path / path.name)
        files = sorted(file for file in path.rglob("*") if file.is_file())
    rng = random.Random(f"change {path.name}")
    for _ in range(CHANGES):
        file = rng.choice(files) if len(files) > 1 else path
        content, part = file.read_bytes(), tmp_path / path.name / file.relative_to(path)
        part.write_bytes(changed(rng, changed(rng, content) if rng.random() < 0.3 else content))
        assert_sound(read(tmp_path / path.name, "sample", reader=name))
        part.write_bytes(content)


@pytest.mark.parametrize("name", readers())
def test_noise_of_the_formats_own_signs_never_raises(name, tmp_path):
    words = [rb'"requests":[', rb'{"t":1.0,', rb'"type":"subagent",', rb'"hash_ids":[1,2,', b"3]", b"},", b"]},", b'"']
    words += [b"{", b"}", b"[", b"]", b",", b":", b'"in":5', b"\n", b"\\", b"1e999", rb'"\ud800"', b"null", b"\xff"]
    rng = random.Random("noise")
    path = tmp_path / "noise.json"
    for _ in range(200):
        path.write_bytes(b"".join(rng.choice(words) for _ in range(rng.randrange(1, 120))))
        assert_sound(read(path, reader=name))


def test_damage_is_counted_and_said(tmp_path):
    for name, path in WHOLES:
        if "damaged" in path.parts:
            found = read(path, reader=name)
            bad = [row for row in found.findings if row.code in ("bad-record", "truncated-record", "spliced-record")]
            assert found.report.bad_records == len(bad) >= 1
            assert all(row.line and row.severity == "error" for row in bad)


def test_a_report_comes_once_and_last():
    for name, path in CLAIMED:
        rows = list(readers()[name].read(SourceFile(path, path.name)))
        assert [isinstance(row, Report) for row in rows].count(True) == 1
        assert isinstance(Reading(rows), Reading)


def test_samples_stand_in_folders_of_their_format():
    for name, path in CLAIMED:
        assert path.relative_to(SAMPLES).parts[0] == name
