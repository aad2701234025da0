"""What the README promises is there."""

import re
from pathlib import Path

from click.testing import CliRunner

from explorer import model
from explorer.cli import command
from explorer.readers import readers

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def section(title):
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_two_commands_are_single_lines_that_install_first():
    lines = [line for line in section("Start").splitlines() if line.startswith("pip install")]
    assert lines == [
        "pip install . && trace-explore sample_traces/",
        "pip install -e '.[test]' && python -m pytest",
    ]


def test_the_schema_names_every_table_and_column():
    listed = {}
    for line in section("Schema").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and cells[1].startswith("`"):
            listed[cells[1].strip("`")] = re.findall(r"`(\w+)`", cells[3])
    assert listed == {
        name: [c.name for c in model.columns(table)] for name, table in (model.ALL_TABLES | model.COMPUTED).items()
    }


def test_the_table_of_formats_names_every_reader():
    names = re.findall(r"^\| (\S+) \|", section("Formats"), flags=re.M)
    assert set(readers()) <= set(names)


def test_the_command_line_section_names_every_option():
    text = section("Command line")
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert option in text, option
    result = CliRunner().invoke(command, ["--help"])
    for option in set(re.findall(r"--[a-z-]+", text)):
        assert option in result.output, option


def test_the_views_it_names_can_be_asked():
    from explorer.store.database import Database, Opening

    database = Database(Opening([], {}))
    views = re.findall(r"`(\w+)`", README.split("Views over all of them:", 1)[1].split("\n\n", 1)[0])
    for view in views:
        if "_" in view and not view.startswith("total_"):
            assert list(database.sql(f"FROM {view}").batches) == []
    database.close()


def test_the_pictures_are_there():
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
