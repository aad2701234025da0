"""Real traces, where they are at hand: against the json module, and against an independent reading."""

import importlib.util

import pytest
from hypothesis import settings

from explorer.model import BlockRun, StepReuse
from explorer.readers import settle
from explorer.readers.weka import NAME, claims
from explorer.reuse.attribution import Attribution
from explorer.reuse.calls import Call, Lineage, by_start
from tests.readers.reading import SHARED, head, read, readers
from tests.readers.weka.by_json import calls, first_appearance, sub_agents, traces
from tests.readers.weka.conftest import RELATIVE_END

FOLDER = SHARED / "traces" / "weka"
SHARE = 1 if settings.default.max_examples >= 1_000 else 4
"""Of the traces without sub-agents, one in so many is read; all of them where Hypothesis is thorough."""
FILES = [
    path for number, path in enumerate(sorted(FOLDER.glob("*.json")))
    if not number % SHARE or b'"subagent"' in path.read_bytes()
]  # fmt: skip
TRUTH = SHARED / "truth" / "weka.py"

pytestmark = pytest.mark.skipif(not FILES, reason="the real traces are not here")


@pytest.fixture(scope="module")
def found():
    """Every real trace as it is read first, without knowing the others."""
    return {path: read(path) for path in FILES}


@pytest.fixture(scope="module")
def by_plain_json():
    """Every real trace by the json module."""
    return {path: traces(path)[0] for path in FILES}


def test_every_real_trace_is_claimed_by_this_reader_alone():
    for path in FILES:
        assert claims(path, head(path))
        assert [name for name, reader in readers().items() if reader.claims(path, head(path))] == [NAME]


def test_the_corpus_stamps_ends_and_counts_from_the_sub_agent(found):
    votes = [vote for reading in found.values() for vote in reading.report.votes]
    assert settle(readers()[NAME], votes) == RELATIVE_END


def test_sums_and_ids_are_those_of_the_json_module(found, by_plain_json):
    for path, reading in found.items():
        plain = calls(by_plain_json[path], relative=True, end_stamped=True)
        steps = reading.steps
        assert [step.input_tokens for step in steps] == [call.tokens_in for call in plain], path
        assert [step.output_tokens for step in steps] == [call.tokens_out for call in plain], path
        prompts = reading.stretches()
        for step, call in zip(steps, plain, strict=True):
            held = prompts.get((step.run_id, step.ordinal), [])
            assert [block for first, count in held for block in range(first, first + count)] == call.ids, path


def test_agents_and_recorded_totals_are_those_of_the_json_module(found, by_plain_json):
    for path, reading in found.items():
        plain = by_plain_json[path]
        labels = [entry["agent_id"] for _, entry in sub_agents(plain["requests"])]
        assert [agent.label for agent in reading.agents] == [*labels, None], path
        totals = plain["totals"]["parent_tokens"]
        main = reading.run("main")
        assert (main.reported_input_tokens, main.reported_output_tokens) == (totals["input"], totals["output"])
        assert not [row for row in reading.findings if row.severity == "error" or row.code == "total-mismatch"], path
        assert reading.report.bad_records == 0


def test_times_are_those_of_the_json_module(by_plain_json):
    for path, plain in by_plain_json.items():
        if any(sub_agents(plain["requests"])):
            starts = [round(call.start * 1000) for call in calls(plain, relative=True, end_stamped=True)]
            assert [step.start_ms for step in read(path, facts=RELATIVE_END).steps] == starts, path


@pytest.fixture(scope="module")
def independent(by_plain_json):
    """What the independent reading says of the traces with sub-agents and two others. It takes seconds."""
    if not TRUTH.exists():
        pytest.skip("the independent reading is not here")
    spec = importlib.util.spec_from_file_location("truth_weka", TRUTH)
    truth = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(truth)
    chosen = [path for path, plain in by_plain_json.items() if any(sub_agents(plain["requests"]))]
    chosen += [path for path in FILES if path not in chosen][:2]
    return {path: truth.truth(path) for path in chosen}


def test_a_handful_is_as_the_independent_reading_says(independent, by_plain_json):
    assert len(independent) == 8
    for path, row in independent.items():
        reading = read(path, facts=RELATIVE_END)
        assert row["steps"] == len(reading.steps)
        assert row["input"] == sum(step.input_tokens for step in reading.steps)
        assert row["output"] == sum(step.output_tokens for step in reading.steps)
        assert row["subagents"] == len(reading.agents) - 1
        blocks = reading.of(BlockRun)
        assert row["refs"] == sum(block.block_count for block in blocks)
        assert row["distinct"] == len({n for b in blocks for n in range(b.first_block, b.first_block + b.block_count)})
        plain = calls(by_plain_json[path], relative=True, end_stamped=True)
        assert tuple(row["document_order"])[1:] == first_appearance(plain)


def test_what_is_read_gives_the_reuse_that_the_independent_reading_says(independent):
    for path, row in independent.items():
        reading = read(path, facts=RELATIVE_END)
        prompts = reading.stretches()
        found = [
            Call(s.run_id, s.ordinal, s.start_ms, s.input_tokens, 64, "n", held, sum(count for _, count in held))
            for s in reading.steps
            if (held := prompts.get((s.run_id, s.ordinal)))
        ]
        lineage = Lineage(
            {run.run_id: run.agent_id for run in reading.runs},
            {run.run_id: run.parent_run_id for run in reading.runs},
            {agent.agent_id: agent.parent_agent_id for agent in reading.agents},
        )
        attribution = Attribution(lineage)
        rows = [StepReuse(*attribution.add(call)) for call in by_start(found)]
        assert sum(reuse.hit_own for reuse in rows) == row["own"], path
        assert sum(reuse.hit_ancestor for reuse in rows) == row["ancestor"], path
        assert sum(reuse.hit_sibling for reuse in rows) == row["sibling"], path
