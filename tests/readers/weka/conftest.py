"""Reading what a test writes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.readers.reading import Reading, line, read

RELATIVE_END = {"basis": "relative", "stamp": "end"}
"""What kv-cache-tester's times mean."""

ABSOLUTE_START = {"basis": "absolute", "stamp": "start"}
"""What the times of the Hugging Face corpora mean."""

Read = Callable[..., Reading]


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Write records, one a line, or bytes, and read them as the source ``s``."""

    def read_these(*records: Any, facts: Mapping[str, str] | None = None) -> Reading:
        path = tmp_path / "s"
        path.write_bytes(b"\n".join(record if isinstance(record, bytes) else line(record) for record in records))
        return read(path, "s", facts)

    return read_these
