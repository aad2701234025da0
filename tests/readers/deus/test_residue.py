"""What is left in IPC folders."""

import json
import os

import pytest

from explorer.readers import part_of
from tests.readers.claude_code.writing import SESSION
from tests.readers.deus.checkout import OTHER, container, epoch, messages_db, opened, told, write


@pytest.fixture(params=[True, False], ids=["with a database", "without"])
def checkout(request, tmp_path):
    """One group with a container."""
    container(tmp_path, 0, 60)
    if request.param:
        messages_db(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("chat/input/_close", "leftover-close"),
        ("chat/one/input/_close", "leftover-close"),
        ("chat/input/1777885200000-a1.json", "unconsumed-message"),
        ("chat/messages/1777885200000-a1.json", "unconsumed-message"),
        ("chat/tasks/1777885200000-a1.json", "unconsumed-message"),
    ],
)
def test_what_nobody_took(checkout, name, code):
    path = write(checkout, f"data/ipc/{name}", b"")
    reading = opened(checkout)
    (finding,) = reading.findings
    assert (finding.code, finding.severity, finding.source_id) == (code, "warning", f"data/ipc/{name}")
    assert finding.conversation_id == "groups/chat"
    reader, whole = part_of(path)
    assert (reader.NAME, whole.suffix) == ("deus", ".db" if (checkout / "store").exists() else ".log")


def test_a_folder_whose_name_has_signs_of_patterns(tmp_path):
    container(tmp_path, 0, 60, folder="chat[1]")
    write(tmp_path, "data/ipc/chat[1]/input/_close", b"")
    (finding,) = opened(tmp_path).findings
    assert (finding.code, finding.conversation_id) == ("leftover-close", "groups/chat[1]")


def test_what_the_host_put_aside_is_of_the_folder_in_its_name(tmp_path):
    messages_db(tmp_path)
    container(tmp_path, 0, 60)
    container(tmp_path, 0, 60, folder="chat-two", session=OTHER)
    write(tmp_path, "data/ipc/errors/chat-two-5.json", b"{")
    (finding,) = opened(tmp_path).findings
    assert (finding.code, finding.conversation_id) == ("failed-message", "groups/chat-two")


def outputs(root, *files, folder="output"):
    """Messages of containers: number, session, and when the file was written."""
    for number, session, at in files:
        path = write(
            root, f"data/ipc/chat/{folder}/{number}.json", json.dumps({"status": "partial", "newSessionId": session})
        )
        os.utime(path, ns=(0, 1_000_000 * epoch(at)))


def test_two_sessions_in_one_folder(tmp_path):
    container(tmp_path, 0, 60)
    outputs(tmp_path, (0, SESSION, 10), (1, OTHER, 20))
    outputs(tmp_path, (0, OTHER, 30), folder="one/output")
    assert told(opened(tmp_path)) == [("mixed-output", "warning")]


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ((10, 20, 30), []),
        ((40, 20, 30), ["message 0 was written at 09:00:40.0, 20.0 s after message 1",
                        "message 0 was written at 09:00:40.0, 10.0 s after message 2"]),
        ((20.5, 20, 30), []),  # a second is within what a disk's clock may be off
        ((9_000_000, 8_000_000, 30), []),  # copied long after
    ],
)  # fmt: skip
def test_numbers_that_begin_again_in_a_folder_in_use(tmp_path, times, found):
    container(tmp_path, 0, 60)
    outputs(tmp_path, *((number, SESSION, at) for number, at in enumerate(times)))
    reading = opened(tmp_path)
    assert reading.codes() == ["output-restart"] * len(found)
    for finding, words in zip(reading.findings, found, strict=True):
        assert finding.message.startswith(words)


def test_a_message_that_is_cut_off_is_damage(tmp_path):
    container(tmp_path, 0, 60)
    write(tmp_path, "data/ipc/chat/output/0.json", b'{"status":"succ')
    assert told(opened(tmp_path)) == [("bad-record", "error")]
