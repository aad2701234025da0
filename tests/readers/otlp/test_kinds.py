"""What spans are, by the words of those who write them."""

import pytest

from explorer.readers.otlp._kinds import kind_of, tells


@pytest.mark.parametrize(
    ("name", "attributes", "kind"),
    [
        ("x", {"gen_ai.operation.name": "text_completion"}, "model"),
        ("x", {"gen_ai.operation.name": "chat.completions"}, "model"),
        ("x", {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"}, "note"),
        ("x", {"gen_ai.operation.name": "retrieval"}, "tool"),
        ("x", {"gen_ai.operation.name": "invoke_swarm"}, "agent"),
        ("execute_event_loop_cycle", {"gen_ai.operation.name": "execute_event_loop_cycle"}, "other"),
        ("execute_tool f", {"gen_ai.provider.name": "p"}, "tool"),
        ("execute_tool f", {"db.system": "pg"}, "other"),
        ("running tool", {"gen_ai.tool.name": "f"}, "tool"),
        ("agent run", {"agent_name": "a", "gen_ai.usage.input_tokens": 3}, "agent"),
        ("call_llm", {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3}, "model"),
        ("call_llm", {"gen_ai.request.model": "m"}, "other"),
        ("x", {"openinference.span.kind": "RERANKER"}, "tool"),
        ("x", {"openinference.span.kind": "CHAIN"}, "other"),
        ("x", {"openinference.span.kind": "GUARDRAIL"}, "note"),
        ("x", {"traceloop.span.kind": "workflow"}, "agent"),
        ("x", {"traceloop.span.kind": "task"}, "other"),
        ("x", {"llm.request.type": "rerank"}, "tool"),
        ("x", {"langfuse.observation.type": "generation"}, "model"),
        ("x", {"mlflow.spanType": '"CHAT_MODEL"'}, "model"),
        ("x", {"langsmith.span.kind": "llm"}, "model"),
        ("ai.generateText.doGenerate", {"ai.operationId": "ai.generateText.doGenerate"}, "model"),
        ("compaction", {}, "note"),
        ("GET /", {"gen_ai.operation.name": 3, "openinference.span.kind": ["LLM"]}, "other"),
    ],
)
def test_a_span_is_what_its_recorder_calls_it(name, attributes, kind):
    assert kind_of(name, attributes) == kind
    recorded = [{"key": key, "value": {}} for key in attributes]
    assert tells(name, recorded) or kind == "other"
