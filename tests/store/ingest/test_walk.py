from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.readers import weka
from explorer.store.ingest import IngestError
from explorer.store.ingest.walk import Found, walk
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import messages, plain, rows, sources, write

as_root = pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")


def found(*roots: Path, is_trace: Callable[[Path], bool] = lambda _: False) -> dict[str, str | None]:
    """Source ids in order, with what is wrong with each."""
    return {each.source_id: each.problem for each in walk(roots, is_trace)}


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths that the system refuses to list or open, also to root."""
    refused: set[str] = set()
    scandir, open_ = os.scandir, Path.open

    def refuse(path: Any) -> None:
        if os.fspath(path) in refused:
            raise PermissionError(13, "Permission denied", os.fspath(path))

    def guarded_scandir(path: Any = ".") -> Any:
        refuse(path)
        return scandir(path)

    def guarded_open(path: Path, *args: Any, **kwargs: Any) -> Any:
        refuse(path)
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(os, "scandir", guarded_scandir)
    monkeypatch.setattr(Path, "open", guarded_open)
    return refused


def test_files_are_found_depth_first_by_name(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b.json", "a/z", "a/b/c", "a.json", "B", "c/d")))
    assert list(found(tmp_path)) == ["B", "a/b/c", "a/z", "a.json", "b.json", "c/d"]


def test_every_file_ends_in_sources(traces: Path, reading: Reading) -> None:
    write(traces / "a" / "trace.json", plain())
    touch(traces / "a" / "README", traces / ".hidden" / "x")
    (traces / "empty").touch()
    os.mkfifo(traces / "fifo")
    (traces / "lost").symlink_to("nowhere")
    (traces / "nothing inside").mkdir()
    assert sources(reading()) == {
        "a/trace.json": "read",
        "a/README": "skipped",
        ".hidden/x": "skipped",
        "empty": "skipped",
        "fifo": "skipped",
        "lost": "skipped",
    }


def test_every_source_that_is_not_read_has_a_finding(traces: Path, reading: Reading) -> None:
    touch(traces / "README")
    (traces / "blank.json").write_text(" \n\n")
    os.link(traces / "README", traces / "again")
    os.mkfifo(traces / "fifo")
    (traces / "lost").symlink_to("nowhere")
    found = {row["source_id"]: (row["code"], row["severity"]) for row in rows(reading())["findings"]}
    assert found == {
        "README": ("unknown-format", "info"),
        "again": ("same-file", "info"),
        "blank.json": ("empty-source", "info"),
        "fifo": ("unreadable-source", "info"),
        "lost": ("unreadable-source", "warning"),
    }


def test_a_link_to_a_directory_above_is_named_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "x")
    (tmp_path / "a" / "b" / "up").symlink_to("..")
    (tmp_path / "a" / "top").symlink_to(tmp_path)
    assert found(tmp_path) == {
        "a/b/x": None,
        "a/top": "the same directory as .",
        "a/b/up": "the same directory as a",
    }


def test_directories_that_all_link_to_each_other_are_entered_once(tmp_path: Path) -> None:
    names = [f"d{number:02}" for number in range(25)]
    for name in names:
        touch(tmp_path / name / "x")
        for other in names:
            (tmp_path / name / f"to-{other}").symlink_to(f"../{other}")
    everything = found(tmp_path)
    assert [name for name, problem in everything.items() if not problem] == [f"{name}/x" for name in names]
    assert len(everything) == 25 + 25 * 25


def test_a_link_to_itself_is_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert found(tmp_path) == {"loop": "a link that leads nowhere (Too many levels of symbolic links)"}


def test_a_second_name_of_a_file_is_not_counted_twice(traces: Path, reading: Reading) -> None:
    write(traces / "b.json", plain())
    os.link(traces / "b.json", traces / "c.json")
    (traces / "a.json").symlink_to("b.json")
    opening = reading()
    assert sources(opening) == {"a.json": "skipped", "b.json": "read", "c.json": "skipped"}
    assert messages(opening) == {"a.json": "the same file as b.json", "c.json": "the same file as b.json"}
    assert {row["code"] for row in rows(opening)["findings"]} == {"same-file"}
    assert len(rows(opening)["conversations"]) == 1


def test_a_file_keeps_its_own_name_when_somebody_links_to_it(tmp_path: Path) -> None:
    touch(tmp_path / "data" / "x")
    (tmp_path / "a-link").symlink_to("data")
    (tmp_path / "data" / "a-name").symlink_to("x")
    assert found(tmp_path) == {
        "data/x": None,
        "a-link": "the same directory as data",
        "data/a-name": "the same file as data/x",
    }


def test_a_link_that_leads_outside_is_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "deep" / "x", tmp_path / "file")
    (tmp_path / "opened").mkdir()
    (tmp_path / "opened" / "out").symlink_to("../elsewhere")
    (tmp_path / "opened" / "one").symlink_to("../file")
    assert found(tmp_path / "opened") == {"one": None, "out/deep/x": None}


def test_what_is_not_a_regular_file_is_never_opened(traces: Path, reading: Reading) -> None:
    """Opening a fifo that nobody writes to would wait for ever."""
    os.mkfifo(traces / "fifo.json")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(traces / "socket.json"))
        os.mkfifo(traces / "sources.parquet")
        assert messages(reading()) == dict.fromkeys(
            ("fifo.json", "socket.json", "sources.parquet"), "not a regular file"
        )
        assert messages(reading(traces / "fifo.json")) == {"fifo.json": "not a regular file"}


def test_a_directory_that_cannot_be_listed_is_a_source_that_failed(
    traces: Path, reading: Reading, forbidden: set[str]
) -> None:
    touch(traces / "closed" / "x")
    write(traces / "open.json", plain())
    forbidden.add(str(traces / "closed"))
    opening = reading()
    assert sources(opening) == {"closed": "failed", "open.json": "read"}
    assert messages(opening) == {"closed": "Permission denied"}


def test_a_file_that_cannot_be_opened_is_a_source_that_failed(
    traces: Path, reading: Reading, forbidden: set[str]
) -> None:
    write(traces / "a.json", plain(1))
    write(traces / "b.json", plain(2))
    forbidden.add(str(traces / "a.json"))
    opening = reading()
    assert sources(opening) == {"a.json": "failed", "b.json": "read"}
    assert messages(opening) == {"a.json": "Permission denied"}


@as_root
def test_permission_is_what_the_system_says_it_is(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain(1)).chmod(0)
    touch(traces / "closed" / "x")
    (traces / "closed").chmod(0)
    try:
        assert messages(reading()) == {"a.json": "Permission denied", "closed": "Permission denied"}
    finally:
        (traces / "closed").chmod(0o700)


def test_a_file_that_may_be_opened_again_is_read_then(traces: Path, reading: Reading, forbidden: set[str]) -> None:
    """Permission changes neither size nor time."""
    path = write(traces / "a.json", plain())
    forbidden.add(str(path))
    assert sources(reading()) == {"a.json": "failed"}
    forbidden.clear()
    assert sources(reading()) == {"a.json": "read"}


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_file_that_goes_while_others_are_read_is_a_source_that_failed(
    traces: Path, reading: Reading, jobs: int
) -> None:
    small = write(traces / "a.json", plain(1))
    write(traces / "b.json", plain(2, steps=40))
    found_when_read: list[bool] = []

    def lose(_: object) -> None:
        found_when_read.append(small.exists())
        small.unlink(missing_ok=True)

    opening = reading(jobs=jobs, progress=lose)
    assert found_when_read[0]
    assert sources(opening) == {"a.json": "failed", "b.json": "read"}
    assert messages(opening) == {"a.json": "No such file or directory"}


HOSTILE = {
    b"new\nline.json": "new\nline.json",
    b"esc\x1b[31m.json": "esc\x1b[31m.json",
    b"not utf8 \xff\xfe.json": r"not utf8 \xff\xfe.json",
    b"back\\slash.json": r"back\slash.json",
    "ünïcode \N{BUG}.json".encode(): "ünïcode \N{BUG}.json",
    b"-dash": "-dash",
    b" ": " ",
}


@pytest.mark.parametrize("jobs", [0, 1])
def test_hostile_names_are_read_and_named_as_text(traces: Path, reading: Reading, jobs: int) -> None:
    text = write(traces / "plain.json", plain()).read_bytes()
    (traces / "plain.json").unlink()
    for name in HOSTILE:
        if name.endswith(b".json"):
            Path(os.fsdecode(os.fsencode(traces) + b"/" + name)).write_bytes(text)
        else:
            touch(Path(os.fsdecode(os.fsencode(traces) + b"/" + name)))
    opening = reading(jobs=jobs)
    assert sources(opening) == {name: "read" if name.endswith(".json") else "skipped" for name in HOSTILE.values()}
    for source_id, path in opening.roots.items():
        assert path.exists(), source_id


def test_names_that_are_the_same_as_text_are_told_apart(tmp_path: Path) -> None:
    """The byte 0xff and the four characters that stand for it."""
    for name in (rb"a\xff", b"a\xff"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
        directory = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d" + name))
        directory.mkdir()
        touch(directory / "x")
    assert list(found(tmp_path)) == [r"a\xff", r"a\xff~", r"da\xff/x", r"da\xff/x~"]


def test_several_roots_are_told_apart_by_their_names(tmp_path: Path) -> None:
    touch(tmp_path / "one" / "x", tmp_path / "two" / "x", tmp_path / "file")
    assert list(found(tmp_path / "one", tmp_path / "two", tmp_path / "file")) == ["one/x", "two/x", "file"]


def test_roots_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "traces" / "x", tmp_path / "b" / "traces" / "x")
    assert list(found(tmp_path / "a" / "traces", tmp_path / "b" / "traces")) == ["traces/x", "traces/x~"]


def test_a_root_inside_another_or_given_twice_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path / "top" / "inner" / "x")
    top, inner = tmp_path / "top", tmp_path / "top" / "inner"
    assert found(top, inner) == {"top/inner/x": None, "inner": "the same directory as top/inner"}
    assert found(inner, top) == {"inner/x": None, "top/inner": "the same directory as inner"}
    assert found(top, top) == {"top/inner/x": None, "top": "the same directory as top"}


def test_the_directory_one_stands_in_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "top" / "inner" / "x")
    monkeypatch.chdir(tmp_path / "top" / "inner")
    assert list(found(Path())) == ["x"]
    assert list(found(Path(".."))) == ["inner/x"]
    assert list(found(Path(".."), Path())) == ["top/inner/x", "inner"]


def test_a_single_file_is_named_by_itself(traces: Path, reading: Reading) -> None:
    path = write(traces / "only.json", plain())
    write(traces / "other.json", plain())
    assert sources(reading(path)) == {"only.json": "read"}


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.symlink_to("nowhere")])
def test_a_path_that_does_not_exist_is_an_error_that_names_it(
    traces: Path, reading: Reading, make: Callable[[Path], None]
) -> None:
    make(traces / "missing")
    with pytest.raises(IngestError, match=r"missing: no such file or directory"):
        reading(traces / "missing")


def test_a_path_that_is_a_link_in_a_circle_is_an_error_that_says_so(traces: Path, reading: Reading) -> None:
    (traces / "loop").symlink_to("loop")
    with pytest.raises(IngestError, match=r"loop: Too many levels of symbolic links"):
        reading(traces / "loop")


def test_an_empty_directory_opens_with_nothing_in_it(traces: Path, reading: Reading) -> None:
    opening = reading()
    assert (opening.batches, opening.roots, opening.complete) == ([], {}, True)


def test_a_directory_that_is_one_trace_is_one_source(tmp_path: Path) -> None:
    touch(tmp_path / "bundle" / "a", tmp_path / "bundle" / "b", tmp_path / "x")
    found_ = list(walk([tmp_path], lambda path: path.name == "bundle"))
    assert [(each.source_id, each.is_directory) for each in found_] == [("bundle", True), ("x", False)]
    assert list(found(tmp_path / "bundle", is_trace=lambda path: True)) == ["."]


def test_directories_nest_deeper_than_python_recurses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path
    for _ in range(150):
        directory /= "d"
        directory.mkdir()
    touch(directory / "x")
    depth, frame = 0, sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        depth += 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 100)
    try:
        names = list(found(tmp_path))
    finally:
        sys.setrecursionlimit(limit)
    assert names == ["d/" * 150 + "x"]


def test_a_directory_that_goes_while_it_is_walked_is_a_source_that_failed(tmp_path: Path) -> None:
    touch(tmp_path / "a", tmp_path / "b" / "x", tmp_path / "c")

    def walked() -> Iterator[Found]:
        for each in walk([tmp_path], lambda _: False):
            if each.source_id == "a":
                (tmp_path / "b" / "x").unlink()
                (tmp_path / "b").rmdir()
            yield each

    assert {each.source_id: each.problem for each in walked()} == {
        "a": None, "b": "No such file or directory", "c": None,
    }  # fmt: skip


def test_a_reader_that_cannot_tell_a_format_costs_that_file_only(
    traces: Path, reading: Reading, scripted: None
) -> None:
    (traces / "a.txt").write_text("claim badly")
    write(traces / "b.json", plain())
    opening = reading()
    assert sources(opening) == {"a.txt": "failed", "b.json": "read"}
    assert messages(opening) == {"a.txt": "the readers cannot tell its format: RuntimeError: cannot tell"}


def test_of_text_in_utf_16_it_is_said_how_to_make_it_utf_8(traces: Path, reading: Reading) -> None:
    text = '{"messages": [{"role": "user", "content": "Hello."}]}\r\n'
    (traces / "le.jsonl").write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    (traces / "be.txt").write_bytes(b"\xfe\xff" + text.encode("utf-16-be"))
    found = {row["source_id"]: row for row in rows(reading())["findings"]}
    assert {name: (row["code"], row["severity"]) for name, row in found.items()} == {
        "le.jsonl": ("unknown-format", "warning"),
        "be.txt": ("unknown-format", "info"),
    }
    assert all("iconv -f UTF-16 -t UTF-8" in row["message"] for row in found.values())


def test_a_file_that_two_readers_claim_is_a_source_that_failed(
    traces: Path, reading: Reading, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weka, "claims", lambda path, head: head is not None)
    touch(traces / "both.scripted")
    assert sources(reading()) == {"both.scripted": "failed"}
    assert "claimed by" in messages(reading())["both.scripted"]
