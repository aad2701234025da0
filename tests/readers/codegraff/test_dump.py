"""What ``/dump`` writes: the messages of a conversation and of those it is related to."""

import json
import random

import pytest

from explorer.readers import claim
from tests.readers.codegraff.writing import LEFT, RIGHT, ROOT, of_siblings, text, usage
from tests.readers.reading import head, line, read
from tests.readers.test_contract import assert_sound

C = f"s//{ROOT}"


def flat(message):
    """A message as the program has it: not wrapped."""
    return message["message"] | ({"usage": message["usage"]} if "usage" in message else {})


def dumped(row):
    """A conversation as it is dumped."""
    context = row["context"] | {"messages": [flat(each) for each in row["context"]["messages"]]}
    times = {"created_at": "2026-06-01T07:46:44.000Z", "updated_at": "2026-06-01T07:48:00.000Z"}
    return {"id": row["conversation_id"], "title": row["title"], "context": context, "metadata": times, "metrics": {}}


def whole():
    """A dump of a conversation with two children."""
    first, *related = map(dumped, of_siblings())
    return {"conversation": first, "related_conversations": related}


@pytest.fixture
def dump(tmp_path):
    def written(content):
        path = tmp_path / "2026-06-01_07-50-00-dump.json"
        path.write_bytes(content if isinstance(content, bytes) else line(content))
        assert claim(path, head(path)).NAME == "codegraff"
        return read(path, "s", reader="codegraff")

    return written


@pytest.mark.parametrize("name", ["id", "conversation_id"])
def test_a_dump_is_one_conversation_with_its_children_below(dump, name):
    content = whole()
    for each in (content["conversation"], *content["related_conversations"]):
        each[name] = each.pop("id")
    found = dump(content)
    assert_sound(found)
    (conversation,) = found.conversations
    assert (conversation.conversation_id, conversation.title) == (C, "map the shop")
    assert {run.native_run_id: run.parent_run_id for run in found.runs} == {
        None: None, LEFT: f"{C}/root/1", RIGHT: f"{C}/root/1",
    }  # fmt: skip
    assert sorted(step.input_tokens for step in found.steps) == [1_400, 1_600, 2_400, 2_600, 20_000, 21_200]
    assert len(found.tool_calls) == 3
    assert {agent.parent_grade for agent in found.agents} == {"exact"}
    assert found.codes() == []


def test_what_is_related_and_no_child_is_a_conversation_of_its_own(dump):
    content = whole()
    content["conversation"]["context"]["messages"] = [
        flat(text("User", "x")),
        flat(text("Assistant", usage=usage(1, 1))),
    ]
    found = dump(content)
    assert_sound(found)
    assert len(found.conversations) == 3
    assert found.codes() == ["unknown-parent", "unknown-parent"]


def test_a_dump_that_is_cut_off_is_read_as_far_as_it_goes(dump):
    content = line(whole())
    rng = random.Random("dump")
    seen = set()
    for cut in (200, 1_000, *(rng.randrange(400, len(content)) for _ in range(30)), len(content) - 1):
        if b'"messages"' not in content[:cut]:
            continue
        found = dump(content[:cut])
        assert_sound(found)
        assert "truncated-record" in found.codes()
        seen.add(len(found.steps))
    assert {0, 6} <= seen


def test_bytes_cut_out_or_turned_round_never_raise(tmp_path):
    content, rng = line(whole()), random.Random("dump bytes")
    for number in range(100):
        at, length = rng.randrange(len(content)), rng.choice([1, 1, 3, 40, 400])
        junk = bytes(rng.choice(b'{}[]",:\\\n\0x1\xff') for _ in range(length))
        path = tmp_path / f"{number}.json"
        path.write_bytes(
            content[:at] + rng.choice([b"", junk, content[at : at + length][::-1]]) + content[at + length :]
        )
        assert_sound(read(path, "s", reader="codegraff"))


@pytest.mark.parametrize("value", [None, 7, "x", [], [7], {}])
@pytest.mark.parametrize("field", ["id", "title", "context", "metadata", "metrics"])
def test_every_field_may_hold_anything(dump, field, value):
    content = whole()
    content["related_conversations"][0][field] = value
    assert_sound(dump(content))


@pytest.mark.parametrize("value", [None, 7, "x", [7, None, "y"], {}])
def test_what_is_related_may_be_anything(dump, value):
    found = dump(whole() | {"related_conversations": value})
    assert_sound(found)
    assert len(found.conversations) == 1


def test_other_json_is_not_claimed(tmp_path):
    for content in ({"conversation": 7}, {"conversations": []}, {"conversation": {"title": "a chat"}}):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(content), "utf-8")
        assert claim(path, head(path)) is None
