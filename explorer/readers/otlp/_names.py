"""The names by which recorders call the same things, the current ones of OpenTelemetry first.

Sources: open-telemetry/semantic-conventions @384d6616 and semantic-conventions-genai @11069855 (``gen_ai.*``, also what
was renamed); Arize-ai/openinference spec/semantic_conventions.md @00e2b515 (``llm.*``, ``openinference.*``);
traceloop/openllmetry semconv_ai @0129a0a5 (``traceloop.*``, ``llm.usage.*``); strands-agents/sdk-python
src/strands/telemetry/tracer.py @006ad58f; the OpenTelemetry pages of Pydantic AI, Langfuse, LangSmith, MLflow and the
Vercel AI SDK (``ai.*``); Claude Code's traces (bare names).
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"

CONVERSATION = ("gen_ai.conversation.id",)
SESSION = (
    "session.id", "langfuse.session.id", "gen_ai.session.id", "traceloop.association.properties.session_id",
    "traceloop.association.properties.conversation_id", "langsmith.trace.session_id", "mlflow.trace.session",
    "gcp.vertex.agent.session_id", "ai.telemetry.metadata.sessionId",
)  # fmt: skip
"""A session stands for the conversation where none is named."""

AGENT_ID = ("gen_ai.agent.id", "agent.id", "agent_id")
AGENT_NAME = ("gen_ai.agent.name", "agent.name", "agent_name")
ENTITY_NAME = ("gen_ai.workflow.name", "traceloop.entity.name", "traceloop.workflow.name", "ai.telemetry.functionId")
AGENT_VERSION = ("gen_ai.agent.version",)
AGENT_DESCRIPTION = ("gen_ai.agent.description",)

REQUEST_MODEL = (
    "gen_ai.request.model", "llm.model_name", "llm.request.model", "langfuse.observation.model.name", "ai.model.id",
    "model_name", "model",
)  # fmt: skip
RESPONSE_MODEL = ("gen_ai.response.model", "llm.response.model", "ai.response.model")
PROVIDER = (
    "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "llm.vendor"
)  # fmt: skip
RESPONSE_ID = ("gen_ai.response.id", "llm.response.id", "ai.response.id", "request_id")
FINISH = (
    "gen_ai.response.finish_reasons", "llm.finish_reason", "llm.response.finish_reason", "ai.response.finishReason",
    "gen_ai.completion.0.finish_reason", "stop_reason",
)  # fmt: skip

INPUT = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
    "ai.usage.inputTokens", "ai.usage.promptTokens", "input_tokens",
)  # fmt: skip
OUTPUT = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
    "llm.usage.completion_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens", "output_tokens",
)  # fmt: skip
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens", "llm.token_count.prompt_details.cache_read",
    "llm.usage.cache_read_input_tokens", "ai.usage.cachedInputTokens", "cache_read_tokens",
)  # fmt: skip
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens", "llm.token_count.prompt_details.cache_write",
    "llm.usage.cache_creation_input_tokens", "cache_creation_tokens",
)  # fmt: skip
REASONING = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens", "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens", "ai.usage.reasoningTokens",
)  # fmt: skip
COST = (
    "gen_ai.usage.cost", "gen_ai.usage.cost_usd", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "operation.cost",
    "llm.cost.total", "llm.usage.total_cost", "litellm.cost.total", "cost_usd",
)  # fmt: skip
"""Dollars of a call, as far as recorders know prices."""
COST_DETAILS = "langfuse.observation.cost_details"
"""The same as JSON, with a ``total``."""
AGGREGATED = "gen_ai.aggregated_usage."
"""Of an agent what it spent itself, by a name that nobody adds to that of its calls (Pydantic AI)."""
USAGE_DETAILS = ("langfuse.observation.usage_details", "mlflow.chat.tokenUsage")
"""The whole usage as JSON."""
DETAILS = {
    "input": "input", "prompt_tokens": "input", "input_tokens": "input", "promptTokens": "input",
    "output": "output", "completion_tokens": "output", "output_tokens": "output", "completionTokens": "output",
    "cache_read_input_tokens": "read", "input_cached_tokens": "read", "input_cache_read": "read", "cache_read": "read",
    "cache_creation_input_tokens": "write", "input_cache_creation": "write", "cache_write": "write",
    "output_reasoning_tokens": "reasoning", "output_reasoning": "reasoning", "reasoning_tokens": "reasoning",
}  # fmt: skip
"""What the keys of ``USAGE_DETAILS`` mean."""

TOOL_NAME = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "tool_name", "traceloop.entity.name")
TOOL_CALL_ID = ("gen_ai.tool.call.id", "tool_call.id", "tool.call.id", "ai.toolCall.id", "tool_call_id", "tool_use_id")
TOOL_ARGUMENTS = (
    "gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "tool.parameters", "input.value",
    "langfuse.observation.input", "traceloop.entity.input", "mlflow.spanInputs",
)  # fmt: skip
TOOL_RESULT = (
    "gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", "output.value", "langfuse.observation.output",
    "traceloop.entity.output", "mlflow.spanOutputs",
)  # fmt: skip
TRANSFER_TARGET = ("gen_ai.transfer.target.name",)

INPUT_MESSAGES = (
    "gen_ai.input.messages", "llm.input_messages", "ai.prompt.messages", "pydantic_ai.all_messages",
    "all_messages_events",
)  # fmt: skip
OUTPUT_MESSAGES = ("gen_ai.output.messages", "llm.output_messages")
WHOLE_INPUT = (
    "gen_ai.prompt", "langfuse.observation.input", "input.value", "gcp.vertex.agent.llm_request", "ai.prompt",
    "mlflow.spanInputs", "traceloop.entity.input",
)  # fmt: skip
WHOLE_OUTPUT = (
    "gen_ai.completion", "langfuse.observation.output", "output.value", "gcp.vertex.agent.llm_response",
    "mlflow.spanOutputs", "traceloop.entity.output",
)  # fmt: skip
"""What a span was given and gave, in whatever shape its framework has."""
