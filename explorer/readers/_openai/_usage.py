"""Tokens of one call, as Chat Completions, Responses and what is made to look like them count them."""

from __future__ import annotations

from typing import NamedTuple

from explorer.model import Grade
from explorer.readers._values import MOST_TOKENS, Fields


class Usage(NamedTuple):
    """Tokens as the schema has them: input with what caches held, output with reasoning; None where not recorded."""

    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    grade: Grade = "not_recorded"
    complaints: tuple[str, ...] = ()
    """What is wrong with its fields."""
    total: str | None = None
    """Why its own total is not the sum of both sides, if it is not."""


def usage_of(recorded: object) -> Usage:
    """The tokens of a ``usage`` object; of anything else none."""
    if not isinstance(recorded, dict):
        return Usage(complaints=() if recorded is None else ("usage is no object: counted as not recorded",))
    fields = Fields(dict(recorded))
    prompt, given = fields.count("prompt_tokens"), fields.count("input_tokens")
    completion, answer = fields.count("completion_tokens"), fields.count("output_tokens")
    details = _details(recorded, "prompt_tokens_details", "input_tokens_details")
    cached, written = details.count("cached_tokens"), fields.count("cache_creation_input_tokens")
    beside = fields.count("cache_read_input_tokens")
    beside = fields.count("prompt_cache_hit_tokens") if beside is None else beside  # DeepSeek's name for it
    reads = max(cached, beside) if cached is not None and beside is not None else cached if beside is None else beside
    reasoning = _details(recorded, "completion_tokens_details", "output_tokens_details").count("reasoning_tokens")
    sent, received = given if prompt is None else prompt, answer if completion is None else completion
    total, grade = fields.count("total_tokens", 2 * MOST_TOKENS), _grade(sent, received)
    held = (reads or 0) + (written or 0)
    if sent is not None and held and (_is_apart(recorded) or held > sent):
        # Anthropic counts what caches held apart; a wrapper that copies its count says less than it read.
        grade = "exact" if _is_apart(recorded) else "derived"
        total = None if total is None or total == sent + (received or 0) else total
        sent += held
    if received is not None and reasoning and sent is not None and total == sent + received + reasoning:
        received, grade = received + reasoning, "derived"  # some providers count reasoning apart
    wrong = None
    if total is not None and sent is not None and received is not None and total != sent + received:
        wrong = f"its usage says {total:,} tokens in total, and {sent:,} in and {received:,} out"
    return Usage(sent, reads, written, received, reasoning, grade, (*fields.complaints, *details.complaints), wrong)


def _is_apart(recorded: dict[str, object]) -> bool:
    """Whether it is counted as Anthropic's own API does: cache reads and writes beside the input."""
    return "prompt_tokens" not in recorded and "input_tokens_details" not in recorded and "input_tokens" in recorded


def _details(recorded: dict[str, object], *names: str) -> Fields:
    found = next((value for name in names if isinstance(value := recorded.get(name), dict)), {})
    return Fields(dict(found))


def _grade(*counts: int | None) -> Grade:
    return "exact" if any(count is not None for count in counts) else "not_recorded"
