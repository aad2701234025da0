"""What damage costs in a checkout: itself, and nothing else."""

import random
import shutil
from pathlib import Path

import pytest

from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.readers.claude_code.families import readings
from tests.readers.deus.checkout import READER, container, opened, told, usage, used, write
from tests.readers.reading import SAMPLES
from tests.readers.test_contract import assert_sound, changed

CHECKOUT = SAMPLES / "deus" / "checkout"
FILES = sorted(path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*") if path.is_file())


def test_damage_anywhere_in_a_checkout_costs_itself(tmp_path):
    """Containers are known by their logs: of those whose logs are whole, none is lost, moved or added."""
    shutil.copytree(CHECKOUT, tmp_path, dirs_exist_ok=True)
    whole = {run.native_run_id: (run.started_at, run.ended_at) for run in opened(tmp_path).runs}
    rng = random.Random("a checkout")
    for name in rng.sample(FILES, 14):
        content = (CHECKOUT / name).read_bytes()
        (tmp_path / name).write_bytes(
            changed(rng, content) if rng.random() < 0.5 else content[: rng.randrange(1 + len(content))]
        )
        for reading in readings(tmp_path, READER):
            assert_sound(reading)
            for run in reading.runs:
                if (run.native_run_id or "").startswith("container") and run.native_run_id != name.stem:
                    assert (run.started_at, run.ended_at) == whole[run.native_run_id], name
        (tmp_path / name).write_bytes(content)


@pytest.mark.parametrize(("cut", "codes"), [("Timestamp", 1), ("Duration", 1), ("Exit Code", 0), ("Prompt length", 0)])
def test_a_log_that_is_cut_off_keeps_what_it_has(tmp_path, cut, codes):
    name = container(tmp_path, 0, 60)
    path = tmp_path / "groups" / "chat" / "logs" / f"{name}.log"
    content = path.read_text()
    path.write_text(content[: content.index(cut)])
    reading = opened(tmp_path)
    assert told(reading) == [("truncated-record", "error")] * codes
    assert [run.native_run_id for run in reading.runs] == [name]


def test_a_line_without_a_time_is_bad_and_in_no_run(tmp_path):
    container(tmp_path, 0, 60)
    usage(tmp_path, used(1, 2, figures=(7, 0, 0, 7)) | {"ts": "soon"}, used(3, 4))
    reading = opened(tmp_path)
    assert [(each.code, each.line) for each in reading.findings] == [("bad-record", 1)]
    assert [run.reported_input_tokens for run in reading.runs] == [6]


def test_a_database_that_is_none_costs_itself(tmp_path):
    name = container(tmp_path, 0, 60)
    write(tmp_path, "store/messages.db", b"SQLite format 3\0 registered_groups task_run_logs group_folder")
    reading = opened(tmp_path)
    assert told(reading) == [("damaged-database", "error")]
    assert [run.native_run_id for run in reading.runs] == [name]


@pytest.mark.parametrize(
    ("directory", "conversations"),
    [
        ("groups/workshop", ["logs/container-2026-05-04T11-01-30-000Z.log"]),
        ("groups", ["groups/book-club", "groups/family-chat", "groups/night-desk", "groups/workshop"]),
        ("data/sessions", ["groups/book-club", "groups/family-chat", "groups/workshop"]),
        (
            "data/sessions/workshop/.claude/projects",
            ["-workspace-group/d3000000-0000-4000-8000-000000000001.jsonl"],
        ),
    ],
)
def test_a_part_of_a_checkout_opens_as_the_groups_that_it_has(directory, conversations, monkeypatch):
    monkeypatch.chdir(CHECKOUT / directory)
    for root in (CHECKOUT / directory, Path()):
        found = [each.conversation_id for reading in readings(root, READER) for each in reading.conversations]
        assert sorted(found) == conversations


def test_a_checkout_is_one_trace_and_read_again_only_when_something_changes(tmp_path):
    """Opened as users do: every file is listed, and what lies empty in a folder is read with something."""
    root = tmp_path / "deus"
    shutil.copytree(CHECKOUT, root)
    options = Options(jobs=0, cache_dir=tmp_path / "cache")

    def sources():
        database = Database(ingest([root], options, lambda _: None))
        try:
            answer = database.sql("SELECT source_id, status, message FROM sources ORDER BY source_id")
            return {row[0]: row[1:] for batch in answer.batches for row in batch}
        finally:
            database.close()

    found = sources()
    assert set(found) == {name.as_posix() for name in FILES}
    assert {status for status, _ in found.values()} == {"read"}
    assert found["data/ipc/night-desk/input/_close"][1] == "read with store/messages.db"
    manifest = next((tmp_path / "cache").rglob("manifest*"))
    before = manifest.stat().st_mtime_ns
    assert sources() == found
    assert manifest.stat().st_mtime_ns == before
    (root / "data" / "ipc" / "night-desk" / "input" / "_close").unlink()
    assert set(sources()) == set(found) - {"data/ipc/night-desk/input/_close"}
