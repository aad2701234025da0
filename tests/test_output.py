"""Tables on stdout."""

import pytest

from explorer.cli.output import Table, write

TITLE = "日本語のタイトルです"
MARKED = "e" + "\N{COMBINING ACUTE ACCENT}" * 100


def test_wide_text_is_whole_in_a_pipe_and_keeps_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(TITLE, 3, "a"), ("plain", 14, "b"), (MARKED, 5, "c")]
    write(Table(["题", "steps", "last"], iter([rows])), "table", {})
    head, rule, *lines = capsys.readouterr().out.splitlines()
    assert head == "题" + " " * 18 + "  steps  last"
    assert rule == "-" * 20 + "  -----  ----"
    assert lines[0] == f"{TITLE}      3  a"
    assert lines[1] == f"plain{' ' * 15}     14  b"
    assert lines[2] == f"{MARKED}{' ' * 19}      5  c"


def test_csv_has_nested_values_and_booleans_as_json_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    write(Table(["s", "yes", "none", "n"], iter([[({"a": [1, None]}, True, None, 1.5)]])), "csv", {})
    assert capsys.readouterr().out == 's,yes,none,n\n"{""a"": [1, null]}",true,,1.5\n'


def test_a_long_path_in_a_table_keeps_both_ends(capsys: pytest.CaptureFixture[str]) -> None:
    path = ["the title of the conversation", "main", "some agent", "run 2"]
    write(Table(["n", "path"], iter([[(1, path)]])), "table", {})
    last = capsys.readouterr().out.splitlines()[-1]
    assert '["the title' in last
    assert last.endswith('"run 2"]')
