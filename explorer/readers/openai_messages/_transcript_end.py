"""The agents of a recorded conversation and the conversation itself, once all of its messages have been read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explorer.model import PROMPT_PARTS, Agent, Conversation, Row, Run
from explorer.readers._openai._items import word
from explorer.readers._openai._usage import usage_of
from explorer.readers._values import as_json
from explorer.readers.openai_messages._transcript import Transcript

_MOST_EXTRA = 500
"""Characters of a text that is kept with a conversation."""


def closing(of: Transcript, title: str | None, fields: Mapping[str, object]) -> Iterator[Row]:
    """What comes last. ``fields`` is what is recorded beside the messages."""
    yield from of.unanswered()
    usage = usage_of(fields.get("usage")) if len(of.participants) == 1 else usage_of(None)
    model = word(fields.get("model"))
    for each in of.participants.values():
        yield Agent(each.agent_id, of.conversation_id, None, each.name, None, None, "exact")
        yield Run(
            run_id=each.run_id,
            conversation_id=of.conversation_id,
            agent_id=each.agent_id,
            ordinal=1,
            status="unknown",
            started_at=of.clock.moment(each.start_ms),
            ended_at=of.clock.moment(each.end_ms),
            start_ms=each.start_ms,
            end_ms=each.end_ms,
            time_grade="not_recorded" if each.start_ms is None else "exact",
            model=each.model or model,
            reported_input_tokens=usage.input_tokens,
            reported_output_tokens=usage.output_tokens,
            reported_note=None if usage.grade == "not_recorded" else "the usage beside the messages",
            grade="exact",
        )
    yield from of.findings.rest(of.conversation_id)
    plain = {
        key: value
        for key, value in fields.items()
        if type(value) in (int, float, bool) or (isinstance(value, str) and len(value) <= _MOST_EXTRA)
    }
    yield Conversation(
        conversation_id=of.conversation_id,
        source_id=of.source_id,
        format="openai-messages",
        title=title or of.title,
        started_at=of.clock.moment(0),
        ended_at=of.clock.moment(of.clock.end),
        block_scope=PROMPT_PARTS,
        steps_recorded=True,
        tool_calls_recorded=True,
        extra=as_json(plain),
    )
