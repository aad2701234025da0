"""The floors of the package: who may import whom, and what the quick commands must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "explorer"

FLOORS = {
    "model": set(),
    "readers": {"model"},
    "reuse": {"model"},
    "store": {"model", "readers", "reuse"},
    "tui": {"model", "store"},
}
"""Floor -> the other floors it may import."""

LIBRARIES = {
    "model": set(),
    "readers": {"orjson", "pyarrow"},
    "reuse": set(),
    "store": {"duckdb", "polars", "pyarrow", "numpy", "platformdirs", "watchfiles"},
    "tui": {"textual", "textual_fastdatatable", "rich", "pyarrow"},
}
"""Floor -> the packages from outside it may import."""

TUI_FLOORS = (
    {"__init__", "asked", "humanize", "keys_ahead", "text"},
    {"widgets.picker", "widgets.sheet"},
    {
        "answer_words", "bands", "catalog_words", "chart", "columns", "copying", "curve_words", "handoff_words",
        "hidden_words", "lane_cells", "lanes", "lines", "mean_words", "message_roll", "message_rows", "miss_words",
        "opened", "pace", "pair_words", "prefix_words", "questions", "reading", "recorded_text", "reel", "scope_words",
        "sharing_pages", "similarity", "sizes", "state", "step_columns", "time_scale", "timeline_words", "use_words",
    },
    {"widgets"},
    {"palette", "screens"},
    {"app"},
)  # fmt: skip
"""Inside ``tui`` arrows point down: each of these imports only what is above it here, or beside it."""


def imports(path):
    """Every module that a file names in an import, at any depth; with whether it stands at module level."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            packed = node.module == "explorer.tui"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if packed else [node.module]
        else:
            continue
        for name in names:
            yield name, id(node) in top


def modules(floor):
    """The path inside the package and the file of every module of a floor."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] == floor:
            yield parts, path


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_from_the_floors_below_it(floor):
    found = list(modules(floor))
    assert found
    for parts, path in found:
        for name, _ in imports(path):
            head, _, rest = name.partition(".")
            if head == "explorer":
                target = rest.split(".")[0]
                allowed = FLOORS[floor] | {floor, ""}  # the package itself gives the version
                assert target in allowed, f"{'/'.join(parts)} must not import {name}"
            elif head not in sys.stdlib_module_names:
                assert head in LIBRARIES[floor], f"{'/'.join(parts)} must not import {name}"


def test_formats_do_not_know_one_another():
    for parts, path in modules("readers"):
        for name, _ in imports(path):
            if name.startswith("explorer.readers."):
                target = name.split(".")[2]
                assert target.startswith("_") or target == parts[1], f"{'/'.join(parts)} must not import {name}"


def tui_floor(module):
    """The floor of a module by its name below ``explorer.tui``, its own or that of its package."""
    names = (".".join(module.split(".")[:2]), module.split(".")[0])
    floors = [number for name in names for number, floor in enumerate(TUI_FLOORS) if name in floor]
    assert floors, f"give {module} a floor in TUI_FLOORS"
    return floors[0]


def test_inside_the_tui_arrows_point_down():
    for parts, path in modules("tui"):
        module = ".".join(parts[1:])
        floor = tui_floor(module)
        for name, _ in imports(path):
            if name.startswith("explorer.tui."):
                target = name.removeprefix("explorer.tui.")
                assert tui_floor(target) <= floor, f"{module} must not import {target}"


def test_the_command_line_opens_a_floor_only_inside_the_command_that_needs_it():
    tops = [name for name, at_top in imports(PACKAGE / "cli" / "__init__.py") if at_top and name.startswith("explorer")]
    assert tops == ["explorer"]  # for the version


def test_screens_hold_no_sql():
    for parts, path in modules("tui"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = node.value.split()
                assert not (len(words) > 3 and words[0] in ("SELECT", "FROM", "WITH")), f"{'/'.join(parts)}: {words}"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--explain", "list"], []])
def test_quick_commands_load_no_heavy_library(arguments):
    script = (
        "import sys\n"
        "from explorer.cli import command\n"
        "try:\n"
        f"    command({arguments!r}, standalone_mode=False)\n"
        "except Exception: pass\n"
        "print(sorted({'textual', 'polars', 'duckdb', 'pyarrow', 'numpy'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.splitlines()[-1] == "[]"


def test_asking_readers_what_they_claim_loads_nothing_that_reads():
    script = (
        "import sys, pathlib\n"
        "from explorer.readers import claim, readers\n"
        "assert claim(pathlib.Path('a.txt'), b'{}') is None and len(readers()) > 9\n"
        "print(sorted(name for name in sys.modules if name.endswith(('._reading', '._said'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["[]"]


def test_a_worker_loads_no_storage_library():
    script = (
        "import sys\nfrom explorer.store.ingest import worker\n"
        "print(sorted({'textual', 'polars', 'duckdb', 'pyarrow', 'numpy', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
