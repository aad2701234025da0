"""A batch of mini-swe-agent: one agent per instance, its trajectory written anew after every step.

Every call's usage follows from the messages before it, a token for every four characters, and the prompt of a call is
cached but for what came since the one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]

START = 1_777_885_200
SYSTEM = "You are a helpful assistant that can interact with a computer. Answer with one command. " * 6
COMPLAINT = "Tool call error: found 0 tool calls, and exactly one is needed."


@dataclass
class Agent:
    """An agent at work on an instance."""

    instance: str
    model: str = "openai/gpt-5-mini"
    format: str = "mini-swe-agent-1.1"
    clock: float = START
    messages: list[Fields] = field(default_factory=list)
    calls: int = 0
    cost: float = 0.0
    cached: int = 0

    def begin(self, task: str) -> None:
        """The prompt."""
        self.messages += [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]

    def usage(self, answer: str) -> tuple[int, int, int]:
        """Tokens in, of these cached, and out."""
        told = sum(len(json.dumps({**each, "extra": None})) for each in self.messages) // 4
        cached, self.cached = self.cached, told
        return told, cached, 20 + len(answer) // 4

    def bill(self, tokens: tuple[int, int, int]) -> float:
        """What a call cost."""
        self.calls += 1
        cost = round((tokens[0] - 0.9 * tokens[1] + 4 * tokens[2]) * 2.5e-7, 8)
        self.cost = round(self.cost + cost, 8)
        return cost

    def answer(self, text: str, command: str | None, seconds: float = 4.0) -> None:
        """A call by the chat API; without a command its format is refused."""
        created, tokens = int(self.clock), self.usage(text + (command or ""))
        self.clock += seconds
        cost, number = self.bill(tokens), self.calls
        message: Fields = {"role": "assistant", "content": text}
        if command is not None:
            arguments = json.dumps({"command": command})
            function = {"name": "bash", "arguments": arguments}
            message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
        response = {
            "id": f"chatcmpl-{self.instance}-{number}", "object": "chat.completion", "created": created,
            "model": self.model.partition("/")[2],
            "choices": [{"index": 0, "finish_reason": "tool_calls" if command else "stop", "message": message}],
            "usage": {
                "prompt_tokens": tokens[0], "completion_tokens": tokens[2], "total_tokens": tokens[0] + tokens[2],
                "prompt_tokens_details": {"cached_tokens": tokens[1]},
                "completion_tokens_details": {"reasoning_tokens": 8},
            },
        }  # fmt: skip
        billed = {"response": response, "cost": cost, "timestamp": self.clock}
        if command is None:
            extra = {"interrupt_type": "FormatError", "n_actions": 0, "model_response": text, **billed}
            self.messages.append({"role": "user", "content": COMPLAINT, "extra": extra})
        else:
            actions = [{"command": command, "tool_call_id": f"call_{number}"}]
            self.messages.append({**message, "extra": {"actions": actions, **billed}})

    def respond(self, command: str, seconds: float = 5.0) -> None:
        """A call by the Responses API: its answer stands among the messages as it came."""
        created, tokens = int(self.clock), self.usage(command)
        self.clock += seconds
        cost, number = self.bill(tokens), self.calls
        call = {"call_id": f"call_{number}", "name": "bash", "arguments": json.dumps({"command": command})}
        self.messages.append({
            "id": f"resp_{self.instance}_{number}", "object": "response", "created_at": created, "status": "completed",
            "model": self.model.partition("/")[2],
            "output": [
                {"type": "reasoning", "id": f"rs_{number}", "summary": [{"type": "summary_text", "text": "Look."}]},
                {"type": "function_call", "id": f"fc_{number}", "status": "completed", **call},
            ],
            "usage": {
                "input_tokens": tokens[0], "output_tokens": tokens[2], "total_tokens": tokens[0] + tokens[2],
                "input_tokens_details": {"cached_tokens": tokens[1]},
                "output_tokens_details": {"reasoning_tokens": 8},
            },
            "extra": {
                "actions": [{"command": command, "tool_call_id": f"call_{number}"}], "cost": cost,
                "timestamp": self.clock,
            },
        })  # fmt: skip

    def observe(self, output: str, code: int = 0, exception: str | None = None, seconds: float = 1.5) -> None:
        """The result of the latest command."""
        self.clock += seconds
        content = f"<returncode>{code}</returncode>\n<output>\n{output}</output>"
        extra = {"raw_output": output, "returncode": code, "timestamp": self.clock, "exception_info": exception}
        if self.messages[-1].get("object") == "response":
            result: Fields = {"type": "function_call_output", "call_id": f"call_{self.calls}", "output": content}
        else:
            result = {"role": "tool", "tool_call_id": f"call_{self.calls}", "content": content}
        self.messages.append({**result, "extra": extra})

    def leave(self, status: str, submission: str = "") -> None:
        """The end."""
        self.clock += 0.5
        extra = {"exit_status": status, "submission": submission, "timestamp": self.clock}
        self.messages.append({"role": "exit", "content": submission or status, "extra": extra})

    def written(self, lost_calls: int = 0) -> bytes:
        """The file as it is now. Calls that raised are counted, and nothing of them is kept."""
        last = self.messages[-1].get("extra") or {}
        api = "litellm_response_model.LitellmResponseModel" if self._responds() else "litellm_model.LitellmModel"
        info: Fields = {
            "model_stats": {"instance_cost": self.cost, "api_calls": self.calls + lost_calls},
            "config": {
                "agent": {"step_limit": 0, "cost_limit": 3.0},
                "agent_type": "minisweagent.run.benchmarks.swebench.ProgressTrackingAgent",
                "model": {"model_name": self.model}, "model_type": f"minisweagent.models.{api}",
                "environment": {"cwd": "/testbed"},
                "environment_type": "minisweagent.environments.docker.DockerEnvironment",
            },
            "mini_version": "2.1.0", "exit_status": last.get("exit_status", ""),
            "submission": last.get("submission", ""),
        }  # fmt: skip
        root = {"info": info, "messages": self.messages, "trajectory_format": self.format}
        return json.dumps(root | {"instance_id": self.instance}, indent=1).encode()

    def _responds(self) -> bool:
        return any(message.get("object") == "response" for message in self.messages)


def clean() -> Agent:
    """An instance that is solved."""
    agent = Agent("shop__cart-7")
    agent.begin("The sum of an empty cart is wrong. Mend it.")
    agent.answer("I look around.", "ls")
    agent.observe("cart.py\ntests\n")
    agent.answer("Now the file.", "cat cart.py")
    agent.observe("def total(cart):\n    return sum(cart) or None\n")
    agent.answer("", "sed -i 's/ or None//' cart.py && pytest -q")
    agent.observe("3 passed\n", seconds=12.0)
    agent.answer("Done.", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git diff")
    agent.leave("Submitted", "diff --git a/cart.py b/cart.py\n")
    return agent


def limited() -> Agent:
    """Answers whose format is refused, a command that fails and one that takes too long, and a limit."""
    agent = Agent("shop__cart-8")
    agent.begin("Carts of two users are mixed up. Mend it.")
    agent.answer("I think that it is the session.", None)
    agent.answer("", "grep -rn cart_of session.py")
    agent.observe("", code=2)
    agent.answer("Perhaps there is a server.", None)
    agent.answer("", "python -m shop.server")
    agent.observe("", code=-1, exception="Command timed out after 60 seconds", seconds=60.0)
    agent.leave("LimitsExceeded")
    return agent


def responses() -> Agent:
    """The same agent on the Responses API."""
    agent = Agent("shop__cart-9", model="openai/gpt-5")
    agent.begin("Coupons are taken off twice. Mend it.")
    agent.respond("ls")
    agent.observe("coupons.py\n")
    agent.respond("cat coupons.py")
    agent.observe("def take(cart, coupon): ...\n")
    agent.respond("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git diff")
    agent.leave("Submitted", "diff --git a/coupons.py b/coupons.py\n")
    return agent


def half_written() -> bytes:
    """A file that was met while it was written."""
    agent = Agent("shop__cart-10")
    agent.begin("Prices have too many digits. Mend it.")
    for number in range(3):
        agent.answer("", f"sed -n {number}p prices.py")
        agent.observe(f"price_{number} = {number}\n")
    whole = agent.written()
    return whole[: whole.rindex(b'"raw_output"')]


def old() -> bytes:
    """As the first versions wrote it: no usage, an answer as a text, commands in the answers' text alone."""
    messages: list[Fields] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Make a file."}]
    for text in ("```bash\ntouch a\n```", "```bash\necho COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\n```"):
        response = f"ModelResponse(id='chatcmpl-1', choices=[Choices(message={text!r})])"
        messages.append({"role": "assistant", "content": text, "extra": {"response": response}})
        messages.append({"role": "user", "content": "Observation: {'output': '', 'returncode': 0}"})
    info = {
        "exit_status": "Submitted", "submission": "", "mini_version": "1.14.0",
        "model_stats": {"instance_cost": 0.0031, "api_calls": 3},
    }  # fmt: skip
    return json.dumps({"info": info, "messages": messages, "trajectory_format": "mini-swe-agent-1"}, indent=2).encode()


def files() -> Iterator[tuple[str, bytes]]:
    """Every sample: its path and its bytes."""
    agents = [clean(), limited(), responses()]
    for agent, lost in zip(agents, (0, 1, 0), strict=True):
        yield f"mini-swe-agent/batch/{agent.instance}/{agent.instance}.traj.json", agent.written(lost)
    yield "mini-swe-agent/batch/shop__cart-10/shop__cart-10.traj.json", half_written()
    patches = {
        agent.instance: {
            "model_name_or_path": agent.model, "instance_id": agent.instance,
            "model_patch": agent.messages[-1]["extra"]["submission"],
        }
        for agent in agents
    }  # fmt: skip
    yield "mini-swe-agent/batch/preds.json", json.dumps(patches, indent=2).encode()
    statuses = "instances_by_exit_status:\n  LimitsExceeded:\n  - shop__cart-8\n  Submitted:\n  - shop__cart-7\n"
    yield "mini-swe-agent/batch/exit_statuses_1777885200.25.yaml", f"{statuses}  - shop__cart-9\n".encode()
    log = "2026-05-04 09:00:00,120 - minisweagent - INFO - Running on 4 instances...\n"
    yield "mini-swe-agent/batch/minisweagent.log", log.encode()
    yield "mini-swe-agent/old/local.traj.json", old()
