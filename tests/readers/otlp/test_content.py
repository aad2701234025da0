"""What models were shown and said, in every way in which recorders write that down; names as in their sources."""

import json

import pytest

from explorer.readers import reader_of
from explorer.readers.otlp._content import Content
from tests.readers.otlp.spans import agent, chat, reading, tool, value

ASKED = [("system", "text", "be brief"), ("user", "text", "list files"), ("assistant", "tool_call", '{"p":"."}')]
"""What most of them hold as a prompt, up to the answer of the tool."""
ANSWERED = [*ASKED, ("tool", "tool_result", "a.py")]
SAID = [("assistant", "text", "one file")]

ARGUMENTS = '{"p":"."}'
OPENAI = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "list files"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": ARGUMENTS}}
    ]},
    {"role": "tool", "tool_call_id": "c1", "content": "a.py"},
]  # fmt: skip
ANTHROPIC = [
    {"role": "user", "content": "list files"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "ls", "input": {"p": "."}}]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "a.py"}]}
    ]},
]  # fmt: skip
GENAI = [
    {"role": "user", "parts": [{"type": "text", "content": "list files"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "ls", "arguments": {"p": "."}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "a.py"}]},
]
GENAI_SAID = [{"role": "assistant", "parts": [{"type": "text", "content": "one file"}], "finish_reason": "stop"}]
SYSTEM = [{"type": "text", "content": "be brief"}]
CONVENTIONS = {
    "gen_ai.system_instructions": SYSTEM, "gen_ai.input.messages": GENAI, "gen_ai.output.messages": GENAI_SAID,
}  # fmt: skip

NUMBERED = {
    "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "be brief", "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": '[{"type": "text", "text": "list files"}]', "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "c1", "gen_ai.prompt.2.tool_calls.0.name": "ls",
    "gen_ai.prompt.2.tool_calls.0.arguments": ARGUMENTS, "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": "a.py", "gen_ai.prompt.3.tool_call_id": "c1",
    "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "one file",
}  # fmt: skip
CALL = "llm.input_messages.2.message.tool_calls.0.tool_call"
OPENINFERENCE = {
    "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "be brief",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "list files",
    "llm.input_messages.2.message.role": "assistant", f"{CALL}.id": "c1", f"{CALL}.function.name": "ls",
    f"{CALL}.function.arguments": ARGUMENTS, "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.tool_call_id": "c1", "llm.input_messages.3.message.content": "a.py",
    "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "one file",
    "input.value": "not this",
}  # fmt: skip
VERCEL = {
    "ai.prompt.messages": json.dumps([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "list files"}]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "ls", "args": {"p": "."}}
        ]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1", "toolName": "ls", "result": "a.py"}
        ]},
    ]),
    "ai.response.text": "one file",
}  # fmt: skip
LANGFUSE = {"langfuse.observation.input": json.dumps({"messages": OPENAI}), "langfuse.observation.output": "one file"}
GEMINI = {
    "gcp.vertex.agent.llm_request": json.dumps({"system_instruction": "be brief", "contents": [
        {"role": "user", "parts": [{"text": "list files"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "ls", "args": {"p": "."}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "ls", "response": "a.py"}}]},
    ]}),
    "gcp.vertex.agent.llm_response": json.dumps({"content": {"role": "model", "parts": [{"text": "one file"}]}}),
}  # fmt: skip
LANGCHAIN = {
    "input.value": json.dumps({"messages": [[
        {"lc": 1, "type": "constructor", "id": ["x"], "kwargs": {"type": "system", "content": "be brief"}},
        {"type": "human", "content": "list files"},
        {"type": "ai", "content": "", "tool_calls": [{"name": "ls", "args": {"p": "."}, "id": "c1"}]},
        {"type": "tool", "content": "a.py", "tool_call_id": "c1"},
    ]]}),
    "output.value": "one file",
}  # fmt: skip
LOGFIRE = {"events": json.dumps([
    *({"event.name": f"gen_ai.{each['role']}.message", **each} for each in OPENAI),
    {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "one file"}},
])}  # fmt: skip


def event(name, **attributes):
    return {"name": name, "attributes": [{"key": key, "value": value(each)} for key, each in attributes.items()]}


STRANDS = [
    event("gen_ai.user.message", content=json.dumps([{"text": "list files"}])),
    event("gen_ai.assistant.message", content=json.dumps([
        {"toolUse": {"toolUseId": "c1", "name": "ls", "input": {"p": "."}}}
    ])),
    event("gen_ai.tool.message", content=json.dumps([
        {"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "a.py"}]}}
    ])),
    event("gen_ai.choice", finish_reason="end_turn", message=json.dumps([{"text": "one file"}])),
]  # fmt: skip
AS_JSON = {key: json.dumps(each) for key, each in CONVENTIONS.items()}
DETAILS = [event("gen_ai.client.inference.operation.details", **AS_JSON)]


def bare(said):
    return [(each.role, each.kind, each.text) for each in said]


@pytest.mark.parametrize(
    ("attributes", "events", "prompt"),
    [
        pytest.param(CONVENTIONS, [], ANSWERED, id="conventions, structured"),
        pytest.param(AS_JSON, [], ANSWERED, id="as json"),
        pytest.param({}, DETAILS, ANSWERED, id="in an event"),
        pytest.param(NUMBERED, [], ANSWERED, id="openllmetry"),
        pytest.param(OPENINFERENCE, [], ANSWERED, id="openinference"),
        pytest.param(VERCEL, [], ANSWERED, id="vercel"),
        pytest.param(LANGFUSE, [], ANSWERED, id="langfuse"),
        pytest.param(GEMINI, [], ANSWERED, id="adk"),
        pytest.param(LANGCHAIN, [], ANSWERED, id="langchain"),
        pytest.param(LOGFIRE, [], ANSWERED, id="logfire"),
        pytest.param({}, STRANDS, ANSWERED[1:], id="strands"),
        pytest.param(
            {"gen_ai.prompt": json.dumps(ANTHROPIC), "gen_ai.completion": "one file"}, [], ANSWERED[1:], id="anthropic"
        ),
    ],
)
def test_a_prompt_and_an_answer_are_the_same_however_they_are_written(attributes, events, prompt):
    content = Content({"events": events}, attributes)
    assert bare(content.prompt()) == prompt
    assert bare(content.answer()) == SAID
    called = [each for each in content.prompt() if each.kind in ("tool_call", "tool_result")]
    assert [each.call_id for each in called] == ["c1", "c1"]


def test_tools_come_first_and_what_is_no_text_is_named():
    tools = [{"type": "function", "name": "ls"}]
    parts = [
        {"type": "reasoning", "content": "hm"}, {"type": "blob", "mime_type": "image/png", "content": "AAAA"},
        {"type": "new", "x": 1},
    ]  # fmt: skip
    content = Content({}, {
        "gen_ai.tool.definitions": json.dumps(tools), "gen_ai.input.messages": [{"role": "user", "parts": parts}],
    })  # fmt: skip
    assert [(each.kind, each.text, each.name, each.note) for each in content.prompt()] == [
        ("other", '{"type":"function","name":"ls"}', "ls", "a tool it has"), ("reasoning", "hm", None, None),
        ("image", "", None, "image/png"), ("other", '{"type":"new","x":1}', None, "new"),
    ]  # fmt: skip


def test_both_sides_of_a_hand_off_can_be_read(tmp_path):
    given = {"gen_ai.tool.call.arguments": '{"file": "a"}', "gen_ai.tool.call.result": "it is short"}
    found = reading(
        tmp_path, agent("1", "lead"), tool("2", "ask", "1", "c", attributes=given), agent("3", "r", "2"),
        chat("4", "3", attributes=CONVENTIONS),
    )  # fmt: skip
    spawn, result = found.edges
    texts = [
        reader_of("otlp").record(tmp_path / source_id, offset, length, 1 << 20)
        for edge in (spawn, result)
        for source_id, offset, length in (
            (edge.sent_source_id, edge.sent_offset, edge.sent_length),
            (edge.received_source_id, edge.received_offset, edge.received_length),
        )
    ]
    assert texts == [b'{"file": "a"}', b"list files", b"one file", b"it is short"]
    assert (spawn.resolution, result.resolution) == ("item", "item")
