"""Samples of which no events are recorded, only the messages at their end: each answer was a call of a model."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.readers._drafts import CallDraft, StepDraft, Where
from explorer.readers._prompts import Prompt, PromptParts
from explorer.readers.inspect._events import asked_by, digest_of
from explorer.readers.inspect._noted import NotedCall, NotedStep, Transcript

KEPT = "messages"
"""What the extra of such a step names as its record."""


def take_messages(transcript: Transcript, parts: PromptParts, messages: Iterable[tuple[object, Where]]) -> None:
    """Take in what was said: answers as steps without usage or times, results as calls."""
    prompt = Prompt(parts)
    for message, where in messages:
        if isinstance(message, dict):
            role, model, name, call_id = (
                value if isinstance(value := message.get(key), str) and value else None
                for key in ("role", "model", "function", "tool_call_id")
            )
            if role == "assistant":
                draft = StepDraft(where, model=model, prompt=prompt.stretches(), extra={"record": KEPT})
                transcript.steps.append(NotedStep(draft, None, [], None, asked_by(message)))
            elif role == "tool":
                failed = isinstance(message.get("error"), dict)
                call = CallDraft(where, None, call_id, name, None, None, failed, True)
                transcript.calls.append(NotedCall(call, None, None, ""))
        prompt.add(digest_of(message))
