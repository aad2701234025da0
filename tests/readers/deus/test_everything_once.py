"""However runs of a group lie to each other: everything that is recorded is in one run, and in no more."""

import json
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.readers.claude_code.writing import SESSION, answered, call, said
from tests.readers.deus.checkout import OTHER, container, epoch, opened, transcript, usage, used, write
from tests.readers.test_contract import assert_sound

SESSIONS = st.sampled_from([SESSION, OTHER])
SPANS = st.tuples(st.integers(0, 300), st.integers(1, 120))
"""Start and how long, in seconds."""

CONTAINERS = st.lists(st.tuples(SPANS, st.one_of(SESSIONS, st.just("new")), st.sampled_from([2, 8, 40])), max_size=6)
LINES = st.lists(st.tuples(SPANS, SESSIONS), max_size=6)
TURNS = st.lists(st.tuples(SPANS, SESSIONS), max_size=6)


@given(containers=CONTAINERS, lines=LINES, turns=TURNS, logged=st.sets(st.integers(0, 5)))
def test_every_record_is_in_one_run(containers, lines, turns, logged):
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for number, ((start, took), session, prompt) in enumerate(containers):
            container(root, start, start + took, session, prompt, name=f"container-{number}")
            if number in logged:
                call_ = {"ts": stamp(start + took), "session_id": None, "tool_use_id": f"t{number}", "is_error": False}
                write(root, f"groups/chat/logs/tool-calls/chat-{epoch(start)}.jsonl", [call_ | {"name": "Read"}])
        if lines:
            usage(root, *(used(start, start + took, session) for (start, took), session in lines))
        for session in (SESSION, OTHER):
            own = sorted(span for span, of in turns if of == session)
            records = [each for number, span in enumerate(own) for each in turn(session, number, *span)]
            if records:
                transcript(root, *records, session=session)
        if not (containers or lines or turns):
            return
        reading = opened(root)
    assert_sound(reading)
    names = Counter(run.native_run_id for run in reading.runs if (run.native_run_id or "").startswith("container-"))
    assert names == Counter(f"container-{number}" for number in range(len(containers)))
    extras = [json.loads(run.extra or "{}") for run in reading.runs]
    assert sum(extra.get("usage_lines", 0) for extra in extras) == len(lines)
    assert len(reading.steps) == len(turns)
    assert len({(step.source_id, step.offset) for step in reading.steps}) == len(turns)
    calls = Counter(tool.tool_call_id for tool in reading.tool_calls)
    assert set(calls.values()) <= {1}
    assert set(calls) >= {f"{session[:2]}{number}" for session in (SESSION, OTHER)
                          for number in range(sum(of == session for _, of in turns))}  # fmt: skip


def stamp(second):
    return used(second, second)["ts"]


def turn(session, number, start, took):
    """A prompt and its answer, which asks for a tool."""
    key = f"{session[:2]}{number}"
    before = f"a{session[:2]}{number - 1}" if number else None
    return [
        said(f"u{key}", before, start, "Go"),
        answered(f"a{key}", f"u{key}", start + took, call(key), id=f"m{key}", request=f"r{key}"),
    ]
