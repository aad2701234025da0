"""How the tests run: on all cores, and with few examples of what Hypothesis invents unless more are asked for."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Processes that tests start find compiled modules, as they do where the package is installed; to compile all of them
# anew each time would take longer than what most of these processes do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
compiled = os.environ.setdefault(
    "PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir()) / "trace-explore-tests-compiled")
)
if sys.dont_write_bytecode:
    # Nor has pytest to rewrite the assertions of all modules anew, in each of its processes.
    sys.dont_write_bytecode, sys.pycache_prefix = False, compiled

# Without a deadline: no test may fail because the machine is busy.
settings.register_profile("everyday", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("everyday")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Files that are named run in one process, as they are done before more have started.

    Pictures are updated in one too: in several, none can know which pictures are left that no test draws any more.
    """
    return 0 if config.option.update_snapshots or all(".py" in each for each in config.args) else None
