"""Writes the sample traces beside this file, the same every time: ``python sample_traces/generate.py``.

Nothing here was recorded: each format has a module in ``generators`` that simulates agents and writes down what they do
as its recorder would. README.md says what each file is for and what to expect of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generators import FORMATS  # noqa: E402


def main(directory: Path) -> None:
    """Write every sample below a directory."""
    for files in FORMATS:
        for name, content in files():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


if __name__ == "__main__":
    main(HERE)
