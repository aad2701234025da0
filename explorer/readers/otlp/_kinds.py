"""What a span is: a call of a model, an agent at work, a tool, or something else.

The operation's name says it; in the conventions that came before, a kind of span, each with words of its own. What has
neither is told by what only such spans have, or by how the conventions begin its name.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from explorer.readers.otlp._names import (
    AGENT_ID,
    AGENT_NAME,
    CONVERSATION,
    INPUT,
    OPERATION,
    PROVIDER,
    REQUEST_MODEL,
    SESSION,
)
from explorer.readers.otlp._values import Attributes

Kind: TypeAlias = Literal["model", "agent", "tool", "note", "other"]
"""A ``note`` is shown as an event of the run that it is in: embeddings, evaluations, guardrails, compactions."""

_OPERATIONS: dict[str, Kind] = {
    "chat": "model", "generate_content": "model", "text_completion": "model", "responses": "model",
    "chat.completions": "model", "text.completions": "model",
    "invoke_agent": "agent", "invoke_workflow": "agent", "realtime": "agent",
    "execute_tool": "tool", "retrieval": "tool", "search_memory": "tool", "update_memory": "tool",
    "create_memory": "tool", "delete_memory": "tool", "upsert_memory": "tool",
    "embeddings": "note", "create_agent": "note", "evaluate": "note",
}  # fmt: skip
_WORDS: dict[str, Kind] = {
    "llm": "model", "generation": "model", "chat_model": "model", "chat": "model", "completion": "model",
    "agent": "agent", "workflow": "agent",
    "tool": "tool", "retriever": "tool", "reranker": "tool", "rerank": "tool",
    "embedding": "note", "evaluator": "note", "guardrail": "note",
}  # fmt: skip
_KIND_NAMES = (
    "openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type", "langsmith.span.kind",
    "mlflow.spanType", "llm.request.type",
)  # fmt: skip
_VERCEL: dict[str, Kind] = {
    "ai.generateText": "agent", "ai.streamText": "agent", "ai.generateObject": "agent", "ai.streamObject": "agent",
    "ai.generateText.doGenerate": "model", "ai.streamText.doStream": "model",
    "ai.generateObject.doGenerate": "model", "ai.streamObject.doStream": "model",
    "ai.toolCall": "tool", "ai.embed.doEmbed": "note", "ai.embedMany.doEmbed": "note",
}  # fmt: skip
_NAMES: dict[str, Kind] = {
    "claude_code.interaction": "agent", "claude_code.llm_request": "model", "claude_code.tool": "tool",
    "agent run": "agent", "running tool": "tool",
}  # fmt: skip
_PREFIXES = tuple(f"{operation} " for operation in _OPERATIONS)


_TELLING = frozenset((
    OPERATION, *_KIND_NAMES, "ai.operationId", "gen_ai.tool.name", "gen_ai.tool.call.id", *AGENT_ID, *AGENT_NAME,
    *REQUEST_MODEL[:3], *PROVIDER[:2], *CONVERSATION, *SESSION,
))  # fmt: skip


def tells(name: str, recorded: object) -> bool:
    """Whether a span may be more than one of a database or a server, which are most: by the keys of its attributes."""
    if name in _NAMES or name[:7].lower() == "compact":
        return True
    try:
        return not _TELLING.isdisjoint([each["key"] for each in recorded])  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        return recorded is not None  # not as it should be: to be looked at one by one


def kind_of(name: str, attributes: Attributes) -> Kind:
    """What a span is, by its name and attributes."""
    named = _by_word(attributes) or _NAMES.get(name)
    if named:
        return named
    if "gen_ai.tool.name" in attributes or "gen_ai.tool.call.id" in attributes:
        return "tool"
    if is_compaction(name, attributes):
        return "note"
    if not any(key.startswith(("gen_ai.", "llm.")) for key in attributes):
        return "other"
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
    if prefix:
        return _OPERATIONS[prefix[:-1]]
    is_call = any(key in attributes for key in REQUEST_MODEL[:3]) and any(key in attributes for key in INPUT[:4])
    return "model" if is_call else "other"


def _by_word(attributes: Attributes) -> Kind | None:
    """What the recorder calls it."""
    operation = attributes.get(OPERATION)
    if isinstance(operation, str) and operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if isinstance(operation, str) and operation.startswith("invoke_"):  # a swarm, a graph
        return "agent"
    for key in _KIND_NAMES:
        word = attributes.get(key)
        if isinstance(word, str) and (kind := _WORDS.get(word.strip('"').lower())):
            return kind
    vercel = attributes.get("ai.operationId")
    return _VERCEL.get(vercel) if isinstance(vercel, str) else None


def is_compaction(name: str, attributes: Attributes) -> bool:
    """Whether a span tells of a context that was made smaller, by its name or operation."""
    operation = attributes.get(OPERATION)
    return name.lower().startswith("compact") or (isinstance(operation, str) and operation.startswith("compact"))
