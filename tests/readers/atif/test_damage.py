"""What damage costs: itself."""

import json
import random

import pytest

from explorer.readers import Place, claim, reader_of
from tests.readers.atif.test_trajectory import ATIF, call, trajectory
from tests.readers.reading import read
from tests.readers.test_contract import assert_sound

WHOLE = ATIF / "delegation" / "trajectory.json"
ODD = [None, True, 7, -1, 2.5, 10**30, "", "x", [], [1], {}, {"a": 1}, [[]], "\ud800"]


def test_a_file_cut_off_anywhere_keeps_the_steps_before_the_cut(tmp_path):
    content, whole = WHOLE.read_bytes(), read(WHOLE, reader="atif").steps
    path = tmp_path / WHOLE.name
    rng = random.Random("cut")
    for cut in sorted(rng.randrange(60, len(content) - 2) for _ in range(30)):
        path.write_bytes(content[:cut])
        found = read(path, reader="atif")
        kept = [(step.offset, step.input_tokens) for step in whole if step.offset + step.length <= cut]
        assert [(step.offset, step.input_tokens) for step in found.steps] == kept
        assert "truncated-record" in found.codes()
        assert_sound(found)


def test_a_sign_lost_inside_a_step_costs_no_other_step(tmp_path):
    content, whole = WHOLE.read_bytes(), read(WHOLE, reader="atif").steps
    path = tmp_path / WHOLE.name
    rng = random.Random("flip")
    for _ in range(60):
        hit = rng.choice(whole)
        inside = [n for n in range(hit.offset + 1, hit.offset + hit.length) if content[n] in b'{}[]",:']
        at = rng.choice(inside)
        path.write_bytes(content[:at] + rng.choice([b"\0", b'"', b"{", b"]"]) + content[at + 1 :])
        found = read(path, reader="atif")
        others = {(step.offset, step.input_tokens, step.output_tokens) for step in whole if step is not hit}
        assert others <= {(step.offset, step.input_tokens, step.output_tokens) for step in found.steps}, at
        assert len(found.runs) == 3
        assert_sound(found)


def places(value, path=()):
    """The way to every value inside another one."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def test_a_value_of_any_type_anywhere_never_raises(tmp_path):
    names_it = [{"content": "x", "subagent_trajectory_ref": [{"trajectory_id": "c", "trajectory_path": "p"}]}]
    whole = trajectory(
        call(1, tool_calls=[{"tool_call_id": "k", "function_name": "f", "arguments": {}}],
             observation={"results": names_it}, extra={"context_management": {"type": "t"}, "is_sidechain": False}),
        final_metrics={"total_prompt_tokens": 1, "total_steps": 1},
        subagent_trajectories=[trajectory(call(1), trajectory_id="c")], continued_trajectory_ref="x.json",
    )  # fmt: skip
    path = tmp_path / "t.json"
    ways = [way for way in places(whole) if way]
    for n, way in enumerate(ways):
        changed = json.loads(json.dumps(whole))
        inner = changed
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = ODD[n % len(ODD)]
        path.write_text(json.dumps(changed), "utf-8")
        assert_sound(read(path, reader="atif"))


def test_a_list_in_the_place_of_a_word_never_raises(tmp_path):
    """It cannot be looked up in a set of words."""
    path = tmp_path / "t.json"
    managed = {"type": ["compaction"], "boundary": ["replace"]}
    path.write_text(json.dumps(trajectory(call(1, extra={"context_management": managed}), call(2, source=["agent"]))))
    found = read(path, reader="atif")
    (run,) = found.runs
    assert [event.trigger for event in found.events] == [None]
    place = Place(run.conversation_id, run.agent_id, run.run_id, None, (), None, run.extra)
    assert {message.role for message in reader_of("atif").messages({path.name: path}, place)} == {"assistant", "user"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('{"schema_version": "ATIF-v1.2", "steps": [', True),
        ('\ufeff{"agent": {"schema_version": "x"}, "steps": [], "schema_version": "ATIF-v1.10"}', True),
        ('{"format": "atif", "version": "1.7", "steps": []}', False),
        ('{"inner": {"schema_version": "ATIF-v1.7"}}', False),
        ('{"note": "\\"schema_version\\": \\"ATIF-v1.7\\""}', False),
        ('{"schema_version": "ATIF-vx"}', False),
    ],
)
def test_what_a_trajectory_is_known_by(tmp_path, text, is_one):
    path = tmp_path / "any name"
    found = claim(path, text.encode())
    assert (found is not None and found.NAME == "atif") == is_one
