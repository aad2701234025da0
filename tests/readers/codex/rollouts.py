"""Session rollouts for tests: written line by line as Codex does, and what a conversation of them is read as."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from explorer.readers._prompts import PromptParts
from explorer.readers.codex._draft import StepDraft, ThreadDraft, TurnDraft, Usage
from explorer.readers.codex._rollout import Rollouts, reduce_rollouts

T0 = 1_790_000_000_000
ROOT, CHILD, OTHER = (f"01a10000-0000-7000-8000-0000000000{end}" for end in ("aa", "b1", "b2"))


def usage(input_tokens: int, output: int, cached: int = 0, reasoning: int = 0) -> dict[str, int]:
    """A usage as Codex writes it."""
    return {
        "input_tokens": input_tokens, "cached_input_tokens": cached, "cache_write_input_tokens": 0,
        "output_tokens": output, "reasoning_output_tokens": reasoning, "total_tokens": input_tokens + output,
    }  # fmt: skip


ZERO = usage(0, 0)


def estimate(tokens: int) -> dict[str, int]:
    """What a compaction leaves, as it is estimated: only the total."""
    return ZERO | {"total_tokens": tokens}


def plus(*usages: dict[str, int]) -> dict[str, int]:
    """Their sum."""
    return {name: sum(each[name] for each in usages) for name in ZERO}


class Rollout:
    """A file while it is written."""

    def __init__(self, thread: str = ROOT, paginated: bool = False, start: int = T0, **meta: Any) -> None:
        self.thread, self.paginated, self.at, self.ordinal = thread, paginated, start, 0
        self.lines: list[bytes] = []
        if meta.pop("has_meta", True):
            self.meta(thread, **meta)

    def line(self, kind: str, payload: dict[str, Any], after: int = 100) -> Rollout:
        """Any line, so many milliseconds after the one before."""
        self.at += after
        stamp = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.at)
        text: dict[str, Any] = {"timestamp": stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        if self.paginated:
            text["ordinal"] = self.ordinal
            self.ordinal += 1
        self.lines.append(json.dumps(text | {"type": kind, "payload": payload}, separators=(",", ":")).encode())
        return self

    def meta(self, thread: str, **fields: Any) -> Rollout:
        """A session_meta; of another thread where history was copied."""
        usual = {"session_id": ROOT, "id": thread, "timestamp": "2026-09-21T14:13:20.000Z", "cwd": "/p",
                 "source": "cli", "model_provider": "openai", "base_instructions": {"text": "Help."}}  # fmt: skip
        mode = {"history_mode": "paginated"} if self.paginated else {}
        return self.line("session_meta", {k: v for k, v in (usual | mode | fields).items() if v is not None}, 0)

    def event(self, name: str, **fields: Any) -> Rollout:
        """An event_msg."""
        return self.line("event_msg", {"type": name, **fields})

    def item(self, kind: str, **fields: Any) -> Rollout:
        """A response_item."""
        return self.line("response_item", {"type": kind, **fields})

    def user(self, text: str) -> Rollout:
        """A message of the user's."""
        return self.item("message", role="user", content=[{"type": "input_text", "text": text}])

    def says(self, text: str) -> Rollout:
        """A message of the model's."""
        return self.item("message", role="assistant", content=[{"type": "output_text", "text": text}])

    def call(self, call_id: str, name: str = "shell", **arguments: Any) -> Rollout:
        """A call of a tool."""
        return self.item("function_call", name=name, arguments=json.dumps(arguments), call_id=call_id)

    def output(self, call_id: str, output: Any = "done") -> Rollout:
        """What came of it."""
        return self.item("function_call_output", call_id=call_id, output=output)

    def letter(self, author: str, recipient: str, text: str, sealed: str | None = None) -> Rollout:
        """A message between agents."""
        content = [{"type": "input_text", "text": text}]
        content += [{"type": "encrypted_content", "encrypted_content": sealed}] if sealed else []
        return self.item("agent_message", author=author, recipient=recipient, content=content)

    def begins(self, turn: str, model: str = "gpt-demo") -> Rollout:
        """A turn begins."""
        self.event("task_started", turn_id=turn)
        return self.line("turn_context", {"turn_id": turn, "cwd": "/p", "model": model, "effort": "low"})

    def ends(self, turn: str, text: str | None = None, **fields: Any) -> Rollout:
        """A turn ends."""
        return self.event("task_complete", turn_id=turn, last_agent_message=text, **fields)

    def count(self, total: dict[str, int], last: dict[str, int] | None) -> Rollout:
        """A token_count."""
        return self.event("token_count", info={"total_token_usage": total, "last_token_usage": last}, rate_limits=None)

    def record(
        self, spent: dict[str, int], response: str, turn: str | None = None, thread: str | None = None
    ) -> Rollout:
        """A token_usage_record."""
        fields = {"thread_id": thread or self.thread, "turn_id": turn, "response_id": response, "usage": spent}
        return self.line("token_usage_record", fields)

    def bytes(self) -> bytes:
        """The file."""
        return b"".join(line + b"\n" for line in self.lines)

    def write(self, directory: Path, rollout: str | None = None, stamp: str = "2026-09-21T16-00-00") -> Path:
        """Put it where Codex would."""
        path = directory / f"rollout-{stamp}-{self.thread}{f'_{rollout}' if rollout else ''}.jsonl"
        path.write_bytes(self.bytes())
        return path


def child_meta(parent: str = ROOT, path: str = "/root/count", forked: bool = True) -> dict[str, Any]:
    """The fields of a session_meta by which a thread is a child."""
    spawn = {"parent_thread_id": parent, "depth": 1, "agent_path": path, "agent_nickname": "Kepler"}
    meta: dict[str, Any] = {"source": {"subagent": {"thread_spawn": spawn}}, "parent_thread_id": parent}
    return meta | {"agent_path": path} | ({"forked_from_id": parent} if forked else {})


def read(*paths: Path) -> Rollouts:
    """The rollouts of one conversation."""
    return reduce_rollouts([(path, path.name) for path in paths], PromptParts())


def thread(found: Rollouts, thread_id: str = ROOT) -> ThreadDraft:
    """The only thread with this id."""
    (one,) = [each for each in found.threads if each.thread_id == thread_id]
    return one


def own_turns(draft: ThreadDraft) -> list[TurnDraft]:
    """The turns that count."""
    return [turn for turn in draft.turns if not turn.is_replay]


def own_steps(draft: ThreadDraft) -> list[StepDraft]:
    """The steps that count."""
    return [step for turn in own_turns(draft) for step in turn.steps if not step.is_replay]


def spent(draft: ThreadDraft) -> list[tuple[int | None, int | None] | None]:
    """Input and output of each of these steps; None where they are not known."""
    return [step.usage and (step.usage.input_tokens, step.usage.output) for step in own_steps(draft)]


def codes(found: Rollouts) -> list[str]:
    """The codes of the remarks, in order."""
    return [remark.code for remark in found.remarks]


def as_usage(fields: dict[str, int]) -> Usage:
    """A usage as it is read."""
    names = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
    return Usage(*(fields[name] for name in names), fields["reasoning_output_tokens"])
