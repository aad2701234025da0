"""Reading what a test writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.readers.codegraff.writing import database
from tests.readers.reading import Reading, read

Read = Callable[..., Reading]


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Write rows of events and conversations and read them as the source ``s``."""

    def read_these(events: Any = (), conversations: Any = (), **more: Any) -> Reading:
        return read(database(tmp_path / ".forge.db", events, conversations, **more), "s", reader="codegraff")

    return read_these
