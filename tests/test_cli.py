"""The command line as a script sees it: data on stdout, narration on stderr, exit codes."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from explorer.cli import main

ROOT = Path(__file__).parent.parent
HOSTILE = "\x1b]52;c;ZXZpbA==\x07[/b]\u202e\x9b31m"


def request(t, tokens, ids, **more):
    return {"t": t, "type": "n", "model": "m", "in": tokens, "out": 10, "hash_ids": ids, "api_time": 1.0} | more


def trace(title, requests, **more):
    return {"id": title, "models": ["m"], "block_size": 64, "hash_id_scope": "local", "requests": requests} | more


@pytest.fixture
def traces(tmp_path):
    """Two conversations: one alone (3 steps, 640 tokens in), one with a sub-agent that shares two blocks."""
    folder = tmp_path / "traces"
    folder.mkdir()
    alone = trace(
        "alone", [request(0, 128, [1, 2], api_time=1.5), request(5, 192, [1, 2, 3]), request(9, 320, [1, 2, 3, 4, 5])]
    )
    child = {
        "t": 12.0, "type": "subagent", "agent_id": "agent_001", "subagent_type": "Explore", "status": "completed",
        "duration_ms": 10_000, "total_tokens": 202, "tool_use_count": 1, "requests": [request(0.0, 192, [1, 2, 3])],
    }  # fmt: skip
    family = trace("family", [request(0, 128, [1, 2]), child, request(20, 192, [1, 2, 4])])
    (folder / "alone.json").write_text(json.dumps(alone))
    (folder / "family.json").write_text(json.dumps(family))
    return folder


@pytest.fixture
def started(tmp_path):
    """Starts the explorer in a process of its own, as a shell does."""

    def call(*arguments, check=None):
        done = subprocess.run(
            [sys.executable, "-m", "explorer", *map(str, arguments)],
            capture_output=True, text=True, timeout=60, cwd=ROOT, stdin=subprocess.DEVNULL,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        if check is not None:
            assert done.returncode == check, done.stderr
        return done

    return call


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command line in this process, and reads in it too: the same without starting Python over and over."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TRACE_EXPLORE_DEBUG", "1")
    monkeypatch.chdir(ROOT)

    def call(*arguments, check=None):
        monkeypatch.setattr(sys, "argv", ["trace-explore", *map(str, arguments), "--jobs", "0"])
        with pytest.raises(SystemExit) as left:
            main()
        done = Done(left.value.code, *capsys.readouterr())
        if check is not None:
            assert done.returncode == check, done.stderr
        return done

    return call


def rows(done):
    return json.loads(done.stdout)["rows"]


def test_the_summary_adds_up_what_the_files_say(run, traces):
    answer = json.loads(run(traces, "--summary", "--format", "json", check=0).stdout)
    assert answer["schema_version"] == 1
    assert answer["omitted"] == dict.fromkeys(
        ("sources_skipped", "sources_failed", "conversations_filtered_out", "runs_filtered_out", "findings_elsewhere"),
        0,
    )
    alone, family, total = answer["rows"]
    assert (alone["title"], alone["steps"], alone["input_tokens"], alone["output_tokens"]) == ("alone", 3, 640, 30)
    assert (family["agents"], family["sub_agents"], family["steps"], family["input_tokens"]) == (2, 1, 3, 512)
    assert (alone["blocks"], alone["hit_own"], alone["hit_ancestor"]) == (10, 5, 0)
    assert (family["blocks"], family["hit_own"], family["hit_ancestor"]) == (8, 2, 2)
    assert total["conversation_id"] is None
    assert (total["steps"], total["input_tokens"], total["reuse"]) == (6, 1152, 9 / 18)
    assert alone["tool_calls"] is None  # this format does not record them


def test_into_a_pipe_a_path_alone_gives_the_summary(started, traces):
    lines = started(traces, check=0).stdout.splitlines()
    assert lines[0].split()[:3] == ["conversation", "agents", "steps"]
    assert lines[2].split()[0] == "alone"
    assert lines[-1].startswith("2 conversations")


def test_every_format_carries_the_same_rows(run, traces):
    expected = rows(run(traces, "--summary", "--format", "json", check=0))
    lines = run(traces, "--summary", "--format", "jsonl", check=0).stdout.splitlines()
    assert [json.loads(line) for line in lines] == expected
    table = list(csv.DictReader(io.StringIO(run(traces, "--summary", "--format", "csv", check=0).stdout)))
    assert [row["steps"] for row in table] == [str(row["steps"]) for row in expected]
    assert table[0]["tool_calls"] == ""


def test_where_keeps_runs_and_says_how_many_it_left_out(run, traces):
    answer = json.loads(run(traces, "--summary", "--format", "json", "--where", "is_sub_agent", check=0).stdout)
    assert [row["title"] for row in answer["rows"]] == ["family", None]
    assert answer["rows"][0]["steps"] == 1
    assert answer["omitted"]["runs_filtered_out"] == 2


def test_a_mistake_in_a_filter_is_pointed_at(run, traces):
    done = run(traces, "--summary", "--where", "steps > 2 AND tokns > 5", check=1)
    assert done.stdout == ""
    *_, line, caret = done.stderr.splitlines()
    assert line[caret.index("^") :].startswith("tokns")


def test_sql_answers_one_query_that_reads(run, traces):
    done = run(
        traces, "--sql", "SELECT title, steps FROM conversation_totals ORDER BY title", "--format", "json", check=0
    )
    assert rows(done) == [{"title": "alone", "steps": 3}, {"title": "family", "steps": 3}]


@pytest.mark.parametrize("query", ["COPY (SELECT 1) TO 'x.csv'", "SELEC", ";"])
def test_sql_that_does_not_just_read_is_refused(run, traces, query, tmp_path):
    done = run(traces, "--sql", query, check=1)
    assert done.stdout == ""
    assert done.stderr.startswith("trace-explore: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "traces"]


def test_check_lists_findings_and_fails_only_for_errors(run, traces):
    done = run(traces, "--check", "--format", "json", check=0)
    assert [row["code"] for row in rows(done)] == ["repaired-time"]
    (traces / "broken.json").write_bytes((traces / "alone.json").read_bytes()[:-40])
    done = run(traces, "--check", "--format", "json", check=1)
    first = rows(done)[0]
    assert (first["severity"], first["code"], first["source_id"], first["line"]) == (
        "error", "truncated-record", "broken.json", 1,
    )  # fmt: skip
    assert "1 error, " in run(traces, "--check", check=1).stderr


def test_what_cannot_be_read_has_an_exit_code_of_its_own(run, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there are no files" in run(empty, "--summary", check=3).stderr
    assert "there are no files" in run(empty, "--check", check=3).stderr
    (empty / "notes.txt").write_text("hello")
    assert "no reader knows this format" in run(empty, "--summary", check=3).stderr
    done = run(tmp_path / "nowhere", "--summary", check=3)
    assert "no such file or directory" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--summary", "--check", "x"],
        ["x", "--check", "--where", "true"],
        ["x", "--format", "xml"],
        ["x", "--at", " "],
        ["--explain", "nix"],
    ],
)
def test_wrong_usage_is_2(run, arguments):
    done = run(*arguments, check=2)
    assert done.stdout == ""


def test_explain_has_a_page_for_a_code_and_a_list(run):
    assert "repaired-time" in run("--explain", "list", check=0).stdout
    (row,) = map(json.loads, run("--explain", "unknown-format", "--format", "jsonl", check=0).stdout.splitlines())
    assert (row["code"], row["severity"]) == ("unknown-format", "info or warning")
    page = run("--explain", "repaired-time", check=0).stdout
    assert "What was seen" in page and "Why it matters" in page and "What was done" in page


def test_no_control_character_of_a_trace_is_written(run, traces):
    evil = trace(HOSTILE, [request(0, 128, [1, 2], model=HOSTILE)])
    (traces / "evil.json").write_text(json.dumps(evil))
    asked = (["--summary"], ["--check"], ["--sql", "SELECT * FROM run_totals"])
    for mode, format_ in [*((mode, "table") for mode in asked), (asked[1], "json"), (asked[2], "jsonl")]:
        done = run(traces, *mode, "--format", format_)
        assert not any(character in done.stdout + done.stderr for character in "\x1b\x07\x9b\u202e")


def test_a_table_shows_the_beginning_of_json_and_says_so(run, traces):
    value = json.dumps({"note": "x" * 100})
    query = f"SELECT '{value}' AS extra, 'end' AS what"
    done = run(traces, "--sql", query, check=0)
    assert value[:30] in done.stdout and value not in done.stdout and "end" in done.stdout
    assert "1 JSON value cut short; --format json" in done.stderr
    for format_ in ("csv", "json", "jsonl"):
        done = run(traces, "--sql", query, "--format", format_, check=0)
        assert "x" * 100 in done.stdout and "cut short" not in done.stderr
    assert value in run(traces, "--sql", f"SELECT '{value}' AS extra", check=0).stdout


def test_columns_of_one_name_are_all_there(run, traces):
    query = "SELECT 1 AS n, 2 AS n, 3 AS n_1, 4 AS n"
    assert rows(run(traces, "--sql", query, "--format", "json", check=0)) == [{"n": 1, "n_2": 2, "n_1": 3, "n_3": 4}]
    assert run(traces, "--sql", query, check=0).stdout.split("\n")[2].split() == ["1", "2", "3", "4"]


def test_rows_of_many_lines_of_a_terminal_have_a_line_for_each_value(run, traces, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = run(traces, "--sql", "FROM run_totals ORDER BY steps", check=0).stdout.splitlines()
    assert lines[0].startswith("--- row 1 ")
    assert [line.split()[1] for line in lines if line.startswith("steps ")] == ["1", "2", "3"]
    assert len(run(traces, "--sql", "SELECT run_id, steps FROM run_totals", check=0).stdout.splitlines()) == 5


def test_an_export_opens_again_with_the_same_numbers(run, traces, tmp_path):
    out = tmp_path / "out"
    done = run(traces, "--export", f"{out}/", check=0)
    assert done.stdout == ""
    again = rows(run(out, "--summary", "--format", "json", check=0))
    assert again == rows(run(traces, "--summary", "--format", "json", check=0))
    assert run(traces, "--export", f"{out}/").returncode == 1  # never overwritten
    run(traces, "--export", tmp_path / "runs.parquet", "--where", "steps > 2", check=0)
    query = f"SELECT run_id FROM read_parquet('{tmp_path / 'runs.parquet'}')"
    import duckdb

    assert duckdb.sql(query).fetchall() == [("alone.json/main/1",)]


def test_nothing_is_written_beside_the_traces(started, run, traces):
    before = {path: path.stat().st_mtime_ns for path in traces.rglob("*")}
    started(traces, "--summary", check=0)
    run(traces, "--check")
    assert {path: path.stat().st_mtime_ns for path in traces.rglob("*")} == before


def test_a_reader_of_our_output_that_has_enough_is_no_error(traces, tmp_path):
    query = f"{sys.executable} -m explorer {traces} --sql 'SELECT * FROM range(1000000)' --format csv"
    script = f"({query}; echo exit $? >&2) | head -1"
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(script, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment)
    assert done.stdout == "range\n"
    assert done.stderr == "exit 0\n"


@pytest.mark.parametrize("by_duckdb", [False, True])
def test_an_interrupt_while_it_is_answered_is_no_mistake_of_ours(by_duckdb, tmp_path):
    script = f"""
import os, signal, time
from explorer.cli import main
from explorer.store.database import Database
def asked(self, query):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted") if {by_duckdb} else KeyboardInterrupt  # as DuckDB does
Database.sql = asked
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "sample_traces/weka", "--check"], capture_output=True, text=True,
        cwd=ROOT, timeout=60, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (130, "")
    assert "mistake" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b",
        "FROM range(1000000000000)",
    ],
)
def test_an_interrupt_ends_a_long_query_wherever_it_is(query, tmp_path):
    script = """
import os, signal, sys, threading
from explorer.cli import main
from explorer.store import database
ask = database.ask
def asked(cursor, query):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    return ask(cursor, query)
database.ask = asked
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "sample_traces/weka", "--sql", query, "--format", "csv"], text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, timeout=60,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (130, "")


def test_an_interrupt_stops_the_reading_with_130(traces, tmp_path):
    fields = json.dumps(trace("large", []))[:-2].encode()
    one = json.dumps(request(0, 640_000, list(range(10_000)))).encode()
    with (traces / "large.json").open("wb") as file:
        file.write(fields + one)
        for _ in range(4_000):
            file.write(b"," + one)
        file.write(b"]}")
    script = "print('up', flush=True); from explorer.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(traces), "--summary"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, stdin=subprocess.DEVNULL,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert process.stdout.readline() == "up\n"
    import psutil

    parent = psutil.Process(process.pid)
    while not parent.children() and process.poll() is None:
        pass  # until it reads
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in err and "Traceback" not in err
