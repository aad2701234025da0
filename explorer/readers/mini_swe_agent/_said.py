"""What was said in a run: the messages of its file, up to any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Finding
from explorer.readers import Message, Place
from explorer.readers._findings import Findings
from explorer.readers._openai._documents import whole_file
from explorer.readers._openai._items import shown, text_of
from explorer.readers._openai._said import said
from explorer.readers.mini_swe_agent._calls import extra_of


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the file is not there any more.
    """
    source_id, _, number = place.conversation_id.partition("//")
    step_at = {step.offset: step.ordinal for step in place.steps}
    seen = 0
    for document in whole_file(files[source_id], Findings(source_id)):
        if isinstance(document, Finding):
            continue
        seen += 1
        if seen == int(number or 1):
            names: dict[str, str] = {}
            for entry in document.entries:
                if isinstance(entry.message, dict):
                    yield from _told(entry.message, names, step_at.get(entry.offset))
            return


def _told(message: dict[str, object], names: dict[str, str], step: int | None) -> Iterator[Message]:
    extra = extra_of(message)
    failed = extra.get("returncode") not in (None, 0) or bool(extra.get("exception_info"))
    if message.get("role") == "exit":
        status = shown(extra.get("exit_status")) or None
        yield Message.of("user", "other", text_of(message.get("content")), "exit", note=status)
    elif message.get("role") == "user" and step is not None:  # a complaint about the format of an answer
        yield from _refused(extra, names, step)
        yield from said(message, names)
    elif message.get("role") == "user" and "returncode" in extra:
        yield Message.of("tool", "tool_result", text_of(message.get("content")), "bash", is_error=failed)
    else:
        yield from said(message, names, step, is_error=failed)


def _refused(extra: dict[str, object], names: dict[str, str], step: int) -> Iterator[Message]:
    """An answer that the recorder could not take."""
    note = "refused by the recorder: the model was not shown this again"
    response = extra.get("response")
    choices = response.get("choices") if isinstance(response, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    answer = first.get("message") if isinstance(first, dict) else response
    if isinstance(answer, dict):
        yield from said(answer, names, step, note=note)
    else:
        text = shown(answer or extra.get("model_response"))
        yield Message.of("assistant", "text", text, step_ordinal=step, note=note)
