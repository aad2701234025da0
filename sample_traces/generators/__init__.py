"""One module per format: ``files()`` gives the names and bytes of its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from generators import (
    atif,
    blocks,
    claude_code,
    codegraff,
    codex,
    codex_rollouts,
    deus,
    graff,
    inspect,
    maverick,
    mini_swe_agent,
    openai_messages,
    otlp,
    weka,
)

FORMATS: list[Callable[[], Iterator[tuple[str, bytes]]]] = [
    weka.files, graff.files, maverick.files, codegraff.files, codex.files, codex_rollouts.files,
    claude_code.files, deus.files, blocks.files, atif.files, inspect.files, mini_swe_agent.files,
    openai_messages.files, otlp.files,
]  # fmt: skip
