"""Messages as OpenAI's APIs have them: data sets of conversations, and logs of a server that every agent talks to.

The server caches whole messages: of a prompt it had seen, with the tools before it, what leads is read from the cache.
A token is four characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]

START = 1_777_885_200
BRIEFING = (
    "The shop is a monorepo: cart, session, coupons, prices and a server. Tests are in tests/. Answer briefly. " * 4
)
LEAD = "You are the lead of a team of reviewers. Hand out one module each, then sum up what they found."
REVIEWER = "You are a reviewer. Read the module that you are given, and report what is wrong with it in one sentence."


def tool(name: str, *parameters: str) -> Fields:
    """A tool's definition."""
    properties = {each: {"type": "string"} for each in parameters}
    function = {"name": name, "parameters": {"type": "object", "properties": properties}}
    return {"type": "function", "function": function}


DELEGATE, READ_FILE = tool("delegate", "task"), tool("read_file", "path")


def call(call_id: str, name: str, **arguments: str) -> Fields:
    """A tool call in an answer."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def said(text: str | None, *calls: Fields) -> Fields:
    """An answer."""
    return {"role": "assistant", "content": text, **({"tool_calls": [*calls]} if calls else {})}


def lines(records: list[Fields]) -> bytes:
    """A file of one record a line."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@dataclass
class Server:
    """What answers, and logs."""

    clock: float = START
    log: list[Fields] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def usage(self, prompt: list[Fields], tools: list[Fields], answer: Fields) -> Fields:
        """Tokens of a call; the prompt is cached as far as it had been sent before."""
        sent = cached = 0
        path = ""
        for part in (*tools, *prompt):
            text = json.dumps(part)
            path, tokens = path + text, len(text) // 4
            cached += tokens if path in self.seen and sent == cached else 0
            self.seen.add(path)
            sent += tokens
        received = len(json.dumps(answer)) // 4
        return {
            "prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received,
            "prompt_tokens_details": {"cached_tokens": cached},
        }  # fmt: skip

    def complete(self, prompt: list[Fields], answer: Fields | None, seconds: float = 3.0, **more: Any) -> None:
        """A call, and its line in the log; without an answer it fails."""
        tools, number = more.pop("tools", []), len(self.log) + 1
        request = {"model": "gpt-5-mini", "messages": list(prompt)} | ({"tools": tools} if tools else {})
        line: Fields = {
            "start_time": self.clock,
            "end_time": self.clock + seconds,
            "request": request,
            "response": None,
        }
        self.clock += seconds
        if answer is None:
            line["error"] = {"message": "upstream connect error", "code": 503}
        else:
            reason = "tool_calls" if "tool_calls" in answer else "stop"
            choices = [{"index": 0, "finish_reason": reason, "message": {"refusal": None, **answer}}]
            choices += [{"index": n, "finish_reason": "stop", "message": each} for n, each in more.pop("also", [])]
            line["response"] = {
                "id": f"chatcmpl-{number}", "object": "chat.completion", "created": int(self.clock),
                "model": "gpt-5-mini-2026-01-15", "choices": choices, "usage": self.usage(prompt, tools, answer),
            }  # fmt: skip
        self.log.append(line | more)


@dataclass
class Agent:
    """A client that repeats all that was said."""

    server: Server
    system: str
    tools: list[Fields]
    messages: list[Fields] = field(default_factory=list)

    def ask(self, answer: Fields | None, *new: Fields, **more: Any) -> None:
        """The next call."""
        if not self.messages:
            self.messages.append({"role": "system", "content": self.system})
        self.messages += new
        self.server.complete(self.messages, answer, tools=self.tools, **more)
        if answer is not None:
            self.messages.append(answer)


def user(text: str) -> Fields:
    """What a user says."""
    return {"role": "user", "content": text}


def result(call_id: str, text: str) -> Fields:
    """What a tool gave back."""
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def review(server: Server, number: int, task: str, module: str, found: str) -> Agent:
    """A sub-agent: the briefing that all of them get, its task, a file, a report."""
    agent = Agent(server, REVIEWER, [READ_FILE])
    agent.ask(said(None, call(f"call_r{number}", "read_file", path=module)), user(BRIEFING), user(task))
    agent.ask(said(found), result(f"call_r{number}", f"# {module}\n" + f"def of_{module[:-3]}(): ...\n" * 8))
    return agent


def team() -> bytes:
    """A lead that hands out three modules to reviewers with one system prompt, one tool and one briefing."""
    server = Server()
    lead = Agent(server, LEAD, [DELEGATE])
    modules = [
        ("cart.py", "It sums an empty cart to None."),
        ("session.py", "Two sessions may get one id."),
        ("coupons.py", "A coupon is taken off twice if the page is loaded again."),
    ]
    tasks = [f"Review the module {module} for errors." for module, _ in modules]
    calls = [call(f"call_d{number}", "delegate", task=task) for number, task in enumerate(tasks)]
    lead.ask(said("One reviewer for each.", *calls), user(BRIEFING), user("Review the shop."))
    for number, (task, (module, found)) in enumerate(zip(tasks, modules, strict=True)):
        review(server, number, task, module, found)
    reports = [result(f"call_d{number}", found) for number, (_, found) in enumerate(modules)]
    lead.ask(said("Three errors, one in each module that was read."), *reports)
    return lines(server.log)


def rewritten() -> bytes:
    """What a log does not say outright: second tries, compaction, a branch, a beginning that changes."""
    server = Server()
    agent = Agent(server, LEAD, [READ_FILE])
    agent.ask(None, user("What is in prices.py?"))
    agent.ask(said(None, call("call_1", "read_file", path="prices.py")))
    agent.ask(said("It rounds prices to two digits, which loses cents."), result("call_1", "def price(): ...\n" * 20))
    branch = Agent(server, LEAD, [READ_FILE], agent.messages[:-1])
    branch.ask(said("Prices."), user("Say it in one word."))
    agent.ask(said("Summary: prices.py rounds to two digits and loses cents in sums."), user("Sum up what you know."))
    kept = Agent(server, LEAD, [READ_FILE])
    kept.ask(said("Round once, at the end."), user(f"{agent.messages[-1]['content']}\nWhat should be done about it?"))
    for minute in range(3):
        kept.messages[0] = {"role": "system", "content": f"{LEAD} It is 10:0{minute}."}
        kept.ask(said(f"Module {minute} has a sum as well, of its own kind."), user(f"And in module {minute}?"))
    title = [{"role": "system", "content": "Name the conversation."}, user("What is in prices.py?")]
    for answer in ("Prices", "Rounding of prices"):
        server.complete(title, said(answer))
    server.complete(
        [user("Toss a coin.")], said("Heads."), also=[(1, said("Tails."))],
    )  # fmt: skip
    server.complete([user("Go on."), said("An answer that was given before the log began."), user("And?")], said("No."))
    return lines(server.log)


def respond(number: int, previous: str | None, given: Any, output: list[Fields], **request: Any) -> Fields:
    """A call of the Responses API."""
    usage = {"input_tokens": 100 * number, "input_tokens_details": {"cached_tokens": 80 * (number - 1)}}
    usage |= {"output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 12}, "total_tokens": 100 * number + 20}
    asked = {"model": "gpt-5", "input": given, "previous_response_id": previous, **request}
    answer = {"id": f"resp_{number}", "object": "response", "created_at": START + 10 * number, "model": "gpt-5"}
    return {"request": asked, "response": {**answer, "status": "completed", "output": output, "usage": usage}}


def responses() -> bytes:
    """Requests that hold only what is new, and name the answer that they go on from; one names a lost one."""
    wanted = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "read_file", "arguments": "{}"}
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A shop."}]}
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "# shop"}
    return lines([
        respond(1, None, "What is this?", [thought, wanted], instructions="Look before you answer."),
        respond(2, "resp_1", [output], [message]),
        respond(3, "resp_2", [user("In one word?")], [message]),
        respond(4, "resp_0", [user("And now?")], [message]),
    ])  # fmt: skip


def batch_output() -> bytes:
    """Answers of a batch, without their requests; one of them failed."""
    server = Server()
    found: list[Fields] = []
    for number, text in enumerate(("positive", "negative", "neutral")):
        server.complete([user(f"Review {number}")], said(text))
        response = {"status_code": 200, "request_id": f"req_{number}", "body": server.log[-1]["response"]}
        found.append(
            {"id": f"batch_req_{number}", "custom_id": f"review-{number}", "response": response, "error": None}
        )
    found[1]["response"] = {"status_code": 429, "request_id": "req_1", "body": {"error": {"message": "rate limit"}}}
    return lines(found)


def batch_input() -> bytes:
    """Requests of a batch, without answers, with one system prompt."""
    asked = [{"role": "system", "content": "Say positive, negative or neutral."}]
    return lines([
        {
            "custom_id": f"review-{number}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "gpt-5-mini", "messages": [*asked, user(f"Review {number}: it works.")]},
        }
        for number in range(3)
    ])  # fmt: skip


def conversations() -> list[Fields]:
    """A data set: a tool that was asked, agents that talk in turn, a tool that never answered."""
    weather = [
        {"role": "system", "content": "You tell the weather."}, user("Is it raining in Oslo?"),
        said(None, call("call_1", "get_weather", city="Oslo")), result("call_1", "rain"), said("It is."),
    ]  # fmt: skip
    turns = [("planner", "First the cart."), ("critic", "And the tests?"), ("planner", "With the cart.")]
    talk = [user("Plan the work."), *({**said(text), "name": name} for name, text in turns)]
    old = [
        user("What time is it?"),
        {"role": "assistant", "content": None, "function_call": {"name": "clock", "arguments": "not JSON"}},
        {"role": "function", "name": "clock", "content": "ten"}, said("Ten."), said("Sharp."),
        said(None, call("call_9", "get_weather", city="Rome")),
    ]  # fmt: skip
    return [
        {"id": "weather-1", "messages": weather, "tools": [tool("get_weather", "city")]},
        {"id": "plan-1", "messages": talk},
        {"messages": old},
    ]


def chat() -> list[Fields]:
    """A conversation, a message on each line, with what each answer cost."""
    server, found = Server(), [{"role": "system", "content": BRIEFING}]
    for number, (asked, answer) in enumerate([("Hi", "Hello."), ("What is a cart?", "A list of what is bought.")]):
        found.append({**user(asked), "name": "ana", "created_at": START + 60 * number})
        plain = [{key: value for key, value in each.items() if key in ("role", "content")} for each in found]
        used = {"model": "gpt-5-mini", "usage": server.usage(plain, [], said(answer))}
        found.append({**said(answer), **used, "created_at": START + 60 * number + 4})
    return found


def files() -> Iterator[tuple[str, bytes]]:
    """Every sample: its path and its bytes."""
    yield "openai-messages/logs/team.jsonl", team()
    yield "openai-messages/logs/rewritten.jsonl", rewritten()
    yield "openai-messages/logs/responses.jsonl", responses()
    yield "openai-messages/logs/batch_input.jsonl", batch_input()
    yield "openai-messages/logs/batch_output.jsonl", batch_output()
    yield "openai-messages/conversations.jsonl", lines(conversations())
    yield "openai-messages/chat.jsonl", lines(chat())
    yield "openai-messages/list.json", json.dumps(conversations()[0]["messages"], indent=2).encode()
    whole = team().splitlines(keepends=True)
    damaged = [whole[0], b'{"request": {"model": 5}}\n', whole[1][:300] + b"\n", whole[2], b"7\n", whole[3][:-200]]
    yield "openai-messages/damaged/log.jsonl", b"".join(damaged)
    broken = lines(conversations()).replace(b'"It is."', b'"It is', 1)
    yield "openai-messages/damaged/conversations.jsonl", broken[:-120]
