"""A step of a trajectory: what is kept of it until its conversation is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from explorer.model import Grade
from explorer.readers._drafts import NO_USAGE, Tokens, Where
from explorer.readers._values import Fields, text_in, unix_ms

INLINED = "sidechain"
"""The agent of inlined steps that do not say whose they are."""


class Reference(NamedTuple):
    """The trajectory of a sub-agent, as a result names it."""

    trajectory_id: str | None
    path: str | None
    session_id: str | None


class Result(NamedTuple):
    """What came of a tool call, or of the step as a whole."""

    call_id: str | None
    has_content: bool
    is_error: bool | None
    references: Sequence[Reference]
    part: int


@dataclass(slots=True, eq=False)
class Noted:
    """A step as numbers; its texts as hashes, by which equal ones are known."""

    where: Where
    number: int | None = None
    at: int | None = None
    source: str | None = None
    model: str | None = None
    tokens: Tokens = NO_USAGE
    tokens_grade: Grade = "not_recorded"
    cost: float | None = None
    calls: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Id and tool of each."""
    results: list[Result] = field(default_factory=list)
    is_copy: bool = False
    llm_calls: int | None = None
    chain: str | None = None
    """Of a step that a converter has put in from a sub-agent: whose it is."""
    managed: Mapping[str, object] | None = None
    """What was done to the context here."""
    shown: str | None = None
    """The beginning of what a step says that manages the context."""
    parts: list[int] = field(default_factory=list)
    identity: int = 0
    """Equal for a step and its copy."""
    extra: Mapping[str, object] = field(default_factory=dict)
    complaints: Sequence[str] = ()

    @property
    def is_call(self) -> bool:
        """Whether a model was asked."""
        return self.source == "agent" and self.llm_calls != 0


def noted(record: dict[str, object], where: Where) -> Noted:
    """What a recorded step says; what is of a wrong type is a complaint and not recorded."""
    fields = Fields(record)
    step = Noted(where)
    step.number = fields.count("step_id")
    stamp = fields.text("timestamp")
    step.at = unix_ms(stamp)
    step.source = fields.text("source")
    step.model = fields.text("model_name")
    step.llm_calls = fields.count("llm_call_count", 10**6)
    step.is_copy = record.pop("is_copied_context", None) is True
    if stamp is not None and step.at is None:
        fields.complaints.append("timestamp is no time: counted as not recorded")
    _metrics(step, fields, record.pop("metrics", None))
    message, reasoning = record.pop("message", None), record.pop("reasoning_content", None)
    calls = [each for each in items(record.pop("tool_calls", None)) if isinstance(each, dict)]
    step.calls = [(text_in(each.get("tool_call_id")), text_in(each.get("function_name"))) for each in calls]
    observation = record.pop("observation", None)
    found = observation.get("results") if isinstance(observation, dict) else None
    step.results = [_result(each) for each in items(found) if isinstance(each, dict)]
    said = [(step.source, _hash(message))] if message else []
    step.parts = [hash(each) for each in (*said, *(_hash(each) for each in (reasoning, *calls) if each))]
    extra = record.pop("extra", None)
    if isinstance(extra, dict):
        managed = extra.get("context_management")
        step.managed = managed if isinstance(managed, dict) else None
        if extra.get("is_sidechain") is True:
            step.chain = text_in(extra.get("agent_id")) or INLINED
    if step.managed is not None:
        step.shown = message[:200] if isinstance(message, str) else None
    step.identity = hash((step.source, step.at, *step.parts, *(result.part for result in step.results)))
    effort = record.pop("reasoning_effort", None)
    step.extra = {
        "step_id": step.number, "reasoning_effort": effort if isinstance(effort, (str, int, float)) else None,
        "llm_call_count": step.llm_calls if step.llm_calls not in (None, 1) else None, "cost_usd": step.cost,
    }  # fmt: skip
    step.complaints = fields.complaints
    return step


def _metrics(step: Noted, fields: Fields, metrics: object) -> None:
    """Usage: the prompt with all that came from the cache, the answer with its reasoning."""
    if not isinstance(metrics, dict):
        return
    of = Fields(metrics)
    more = metrics.pop("extra", None)
    extra = Fields(more if isinstance(more, dict) else {})
    write, reasoning = extra.count("cache_creation_input_tokens"), extra.count("reasoning_tokens")
    prompt, cached = of.count("prompt_tokens"), of.count("cached_tokens")
    step.tokens = Tokens(prompt, cached, write, of.count("completion_tokens"), reasoning)
    step.cost = of.number("cost_usd")
    if any(each is not None for each in step.tokens):
        step.tokens_grade = "exact"
    if prompt is not None and (cached or 0) + (write or 0) > prompt:
        step.tokens_grade = "ambiguous"
        of.complaints.append(
            f"prompt_tokens is {prompt:,} and less than what of it came from or went to the cache ({cached or 0:,} and "
            f"{write or 0:,}): the recorder seems to leave that out; kept as recorded"
        )
    fields.complaints += [*of.complaints, *extra.complaints]


def _result(record: dict[str, object]) -> Result:
    extra = record.get("extra")
    more = extra if isinstance(extra, dict) else {}
    failed = record.get("is_error", more.get("is_error"))
    references = [_reference(each) for each in items(record.get("subagent_trajectory_ref")) if isinstance(each, dict)]
    content = record.get("content")
    return Result(
        text_in(record.get("source_call_id")), content is not None, failed if isinstance(failed, bool) else None,
        references, hash(("result", _hash(content))),
    )  # fmt: skip


def _reference(record: dict[str, object]) -> Reference:
    return Reference(*(text_in(record.get(key)) for key in ("trajectory_id", "trajectory_path", "session_id")))


def _hash(value: object) -> int:
    """Equal for equal content."""
    if isinstance(value, str):
        return hash(value)
    try:
        return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # nested more deeply than can be written
        return hash(repr(value))


def items(value: object) -> Iterator[object]:
    """The items of a list; one object that stands for a list of it is one."""
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield value
