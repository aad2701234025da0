"""Messages as OpenAI's APIs have them, one file in one of several shapes that no standard fixes.

Format: the API references of Chat Completions, Responses and Batch; the data sets that are made of them.

* A conversation on each line, or one in a file: ``messages`` beside what else is recorded. Where a line goes on from
  all of an earlier one, each is a call: that is a log (``_growing``).
* A message on each line, or a list of them: the file is one conversation.
* A request with its answer on each line, also of batches: the file is one conversation. What its requests repeat tells
  which of them go on from which; each such chain is an agent (``_chains``).

Of conversations, each message of an assistant is a step, its prompt what stands before it; assistants with names are
agents. Usage includes what caches held. What is not recorded, mostly times and tokens, is NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.openai_messages._layout import claims

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "messages", "read", "record"]

NAME = "openai-messages"
VERSION = 3
SELF_CONTAINED = True


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The recorded line of a step, or the text of one message of it.

    Raises:
        OSError: it cannot be read any more.
    """
    from explorer.readers.openai_messages._places import record

    return record(path, offset, length, limit)


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file."""
    from explorer.readers.openai_messages._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.openai_messages._said import messages

    return messages(files, place)
