"""Items of the Responses interface: when two are the same, and what they are as messages."""

import pytest

from explorer.readers import MESSAGE_CHARACTERS
from explorer.readers.codex._items import canonical, fingerprint, letter_of
from explorer.readers.codex._said import messages_of

SEALED = {"type": "encrypted_content", "encrypted_content": "gAAAA"}


def text(*parts, kind="input_text"):
    return [{"type": kind, "text": part} for part in parts]


@pytest.mark.parametrize(
    ("item", "same", "equal"),
    [
        ({"type": "message", "id": "msg_1", "status": "completed"}, {"type": "message", "id": "msg_2"}, True),
        (
            {"type": "message", "internal_chat_message_metadata_passthrough": {"turn_id": "t"}},
            {"type": "message"},
            True,
        ),
        ({"role": "user", "type": "message"}, {"type": "message", "role": "user"}, True),
        ({"type": "message", "role": "user"}, {"type": "message", "role": "developer"}, False),
        ({"type": "message", "content": [{"id": 1}]}, {"type": "message", "content": [{}]}, False),
    ],
)
def test_items_are_the_same_but_for_ids_states_and_the_order_of_keys(item, same, equal):
    assert (canonical(item) == canonical(same)) is equal
    assert (fingerprint(item) == fingerprint(same)) is equal


def test_an_item_nested_too_deeply_to_be_written_is_no_error():
    item = {"type": "message"}
    for _ in range(400):
        item = {"type": "message", "content": [item]}
    assert fingerprint(item)
    assert list(messages_of({"type": "new", "content": item}, {}))


def told(*items):
    names = {}
    return [(m.role, m.kind, m.text, m.name, m.note) for item in items for m in messages_of(item, names, 3)]


def test_a_conversation_is_told_part_by_part():
    call = {
        "type": "function_call",
        "name": "spawn_agent",
        "namespace": "x",
        "arguments": '{"a": 1}',
        "call_id": "c",
    }
    answer = {"type": "function_call_output", "call_id": "c", "output": "done"}
    letter = {"type": "agent_message", "author": "/root", "recipient": "/root/a", "content": [*text("Task:"), SEALED]}
    thought = {"type": "reasoning", "summary": text("so", kind="summary_text"), "encrypted_content": "gBBBB"}
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    assert told(
        {"type": "message", "role": "user", "content": [*text("hi"), image]}, letter, thought, call, answer
    ) == [
        ("user", "text", "hi", None, None),
        ("user", "image", "", None, None),
        ("agent", "text", "Task:", "/root → /root/a", None),
        ("agent", "text", "gAAAA", "/root → /root/a", "encrypted"),
        ("assistant", "reasoning", "so", None, None),
        ("assistant", "reasoning", "gBBBB", None, "encrypted"),
        ("assistant", "tool_call", '{"a": 1}', "x.spawn_agent", None),
        ("tool", "tool_result", "done", "x.spawn_agent", None),
    ]


def test_what_is_not_known_is_shown_as_it_stands_and_long_texts_are_cut():
    assert told({"type": "dream", "of": 1}) == [("developer", "other", '{"type":"dream","of":1}', "dream", None)]
    assert told(7) == [("developer", "other", "7", None, None)]
    (long,) = messages_of({"type": "message", "role": "user", "content": "x" * 100_000}, {})
    assert (len(long.text), long.characters) == (MESSAGE_CHARACTERS, 100_000)


@pytest.mark.parametrize(
    ("content", "sent", "delivers"),
    [
        ([*text("Message Type: NEW_TASK\nPayload:\n"), SEALED], "gAAAA", True),
        (text("Message Type: FINAL_ANSWER\nPayload:\n42 files"), "42 files", True),
        (text("42 files"), "2 files", False),
        (text("anything"), "", False),
    ],
)
def test_a_letter_delivers_its_text_with_or_without_a_header_or_what_is_sealed(content, sent, delivers):
    letter = letter_of({"type": "agent_message", "author": "/root", "recipient": "/root/a", "content": content})
    assert (letter.author, letter.recipient) == ("/root", "/root/a")
    assert letter.holds(sent) is delivers


def test_letters_of_early_versions_are_json_said_by_the_assistant():
    said = '{"author": "/root/a", "recipient": "/root", "content": "done", "other_recipients": []}'
    item = {"type": "message", "role": "assistant", "content": text(said, kind="output_text")}
    assert letter_of(item) == ("/root/a", "/root", "done", ())
    assert letter_of(item | {"role": "user"}) is None


def test_arguments_that_are_encrypted_are_said_to_be():
    call = {"type": "function_call", "name": "send", "call_id": "c"}
    (note,) = (m[4] for m in told({**call, "arguments": '{"target": "a", "message": "gAAAAABqZm"}'}))
    assert note == "message is encrypted, 10 characters"
    for arguments in ('{"message": "a gAAAA"}', '["gAAAA"]', '{"message": "gAAAA'):
        assert told({**call, "arguments": arguments})[0][4] is None
