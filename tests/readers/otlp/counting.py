"""Model calls of OTLP files and their tokens by the json module alone; nothing here is shared with the reader."""

import json
import re

DECODER = json.JSONDecoder()
BEGINS = re.compile(r'("scope":\s*)(?=\{)|(?=\{\s*"traceId")')
CALLS = ({"chat", "text_completion", "generate_content"}, {"LLM"}, {"chat", "completion"})
KINDS = ("gen_ai.operation.name", "openinference.span.kind", "llm.request.type")
OTHERS = ("invoke_agent", "execute_tool", "AGENT", "TOOL", "agent", "tool")


def number(value):
    """A count; None for what is none."""
    return int(value) if str(value).isdigit() else None


def attributes(span):
    """Plain values by key."""
    return {each["key"]: next(iter(each["value"].values())) for each in span.get("attributes", [])}


def spans(path):
    """Every span of a file that is whole, wherever it stands, with its scope."""
    text, at, scope = path.read_text("utf-8", "replace"), 0, None
    while found := BEGINS.search(text, at):
        try:
            value, at = DECODER.raw_decode(text, found.end())
        except ValueError:
            at = found.end() + 1
            continue
        if found[1]:
            scope = value["name"]
        else:
            yield scope, value


def counts(path):
    """Model calls, each once and the innermost of those inside each other, with input and output."""
    of = {}
    for scope, span in spans(path):
        of.setdefault((span["traceId"], span["spanId"]), (scope, span, attributes(span)))

    def is_call(found):
        return any(found.get(name) in words for name, words in zip(KINDS, CALLS, strict=True))

    around = set()
    for trace, span_id in of:
        if is_call(of[trace, span_id][2]):
            above = of.get((trace, of[trace, span_id][1].get("parentSpanId")))
            while above and not any(above[2].get(name) in OTHERS for name in (*KINDS, "traceloop.span.kind")):
                if is_call(above[2]):
                    around.add((trace, above[1]["spanId"]))
                above = of.get((trace, above[1].get("parentSpanId")))
    calls = [(scope, found) for key, (scope, _, found) in of.items() if is_call(found) and key not in around]

    def one(found, *names):
        return next((count for name in names if (count := number(found.get(name))) is not None), None)

    read = [
        (
            scope,
            one(found, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt") or 0,
            sum(
                one(found, *names) or 0
                for names in (
                    ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
                    ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"),
                )
            ),
            one(found, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
            or 0,
        )
        for scope, found in calls
    ]
    exclusive = {scope for scope, whole, cached, _ in read if cached > whole}
    tokens_in = sum(whole + (cached if scope in exclusive else 0) for scope, whole, cached, _ in read)
    return len(read), tokens_in, sum(out for *_, out in read)
