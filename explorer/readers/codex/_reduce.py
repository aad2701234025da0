"""A bundle's log, event by event, to threads and turns. Nothing in it is a reason to stop.

Format: openai/codex rollout-trace/src/{raw_event,reducer}.rs @b3cc2173. The recorder's own reducer gives up on the
first surprise; here each is a remark. Events are taken in the order of the file, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from explorer.model import RunStatus
from explorer.readers._prompts import PromptParts
from explorer.readers.codex._bundle import manifest_of
from explorer.readers.codex._compactions import Compactions
from explorer.readers.codex._draft import EventDraft, HandOff, Remark, ThreadDraft, TurnDraft, Where
from explorer.readers.codex._inferences import Inferences
from explorer.readers.codex._json import inner, text
from explorer.readers.codex._ledger import Ledger
from explorer.readers.codex._log import Entry, entries
from explorer.readers.codex._protocol import Protocol
from explorer.readers.codex._requests import Sighting
from explorer.readers.codex._tools import Tool, Tools

_VERSION = 1
_MOST_MISSED = 10_000
"""Numbers of one gap that are known again when they come after all."""

_STATUS: Mapping[str | None, RunStatus] = {
    "completed": "completed", "failed": "failed", "cancelled": "cancelled", "aborted": "cancelled",
    "running": "running",
}  # fmt: skip


class Result(NamedTuple):
    """What a child told its parent at the end of a turn."""

    edge_id: str
    child: str
    child_turn: str | None
    parent: str
    message: str
    at: int | None
    where: Where
    told: Where
    """Where the message stands."""


class Lifetime(NamedTuple):
    """What one bundle tells: a process lifetime of a conversation."""

    source_id: str
    trace_id: str | None
    started_at: int | None
    threads: dict[str, ThreadDraft]
    tools: list[Tool]
    """Those by which agents turn to others among them."""
    results: list[Result]
    sightings: list[Sighting]
    resumes: list[HandOff]
    remarks: list[Remark]


def reduce(path: Path, source_id: str, parts: PromptParts) -> Lifetime:
    """Everything that a bundle tells.

    Raises:
        OSError: its log cannot be read.
    """
    return Reducer(path, source_id, parts).run()


class Reducer:
    """Takes the events of one bundle."""

    def __init__(self, path: Path, source_id: str, parts: PromptParts) -> None:
        self.path = path
        self.source_id = source_id
        self.manifest = manifest_of(path)
        self.ledger = ledger = Ledger(path, source_id, self.manifest)
        self.inferences = inferences = Inferences(ledger, parts)
        self.tools = tools = Tools(ledger, inferences)
        self.compactions = compactions = Compactions(ledger)
        self.protocol = Protocol(ledger)
        self.results: dict[str, Result] = {}
        self.failed: dict[tuple[str, str | None], str] = {}
        """Turns of which their result tells that they failed."""
        self.started: set[str] = set()
        """Threads whose start is recorded."""
        self.resumed: list[tuple[ThreadDraft, int, Entry]] = []
        """Threads that were started again, and how many turns they had by then."""
        self.ended_with: dict[int, str] = {}
        self.abandoned: set[int] = set()
        """Turns that were open when their thread ended, by ``id``."""
        self.highest = 0
        self.missing = 0
        self.missed: set[int] = set()
        self.has_ended = False
        self.take: Mapping[str, Callable[[Entry], None]] = {
            "rollout_started": self._rollout_started,
            "rollout_ended": self._rollout_ended,
            "thread_started": self._thread_started,
            "thread_ended": self._thread_ended,
            "codex_turn_started": self._turn_started,
            "codex_turn_ended": self._turn_ended,
            "inference_started": inferences.started,
            "inference_completed": inferences.completed,
            "inference_failed": inferences.failed,
            "inference_cancelled": inferences.cancelled,
            "tool_call_started": tools.started,
            "mcp_tool_call_correlation_assigned": tools.correlated,
            "tool_call_runtime_started": tools.runtime,
            "tool_call_runtime_ended": tools.runtime,
            "tool_call_ended": tools.ended,
            "code_cell_started": tools.cell_started,
            "code_cell_initial_response": tools.cell_answered,
            "code_cell_ended": tools.cell_answered,
            "compaction_request_started": compactions.asked,
            "compaction_request_completed": compactions.ended,
            "compaction_request_failed": compactions.ended,
            "compaction_installed": compactions.installed,
            "agent_result_observed": self._result,
            "protocol_event_observed": self.protocol.observed,
            "other": self._other,
        }

    def run(self) -> Lifetime:
        """The whole log."""
        ledger = self.ledger
        if self.manifest.problem:
            ledger.remark("bad-record", "error", self.manifest.problem)
        strange: set[object] = set()
        for entry in entries(self.path, self.source_id, ledger.remarks):
            self._count(entry)
            if entry.version != _VERSION and entry.version not in strange:
                strange.add(entry.version)
                ledger.remark("unknown-kind", "info", f"schema_version is {entry.version!r}: read as 1", entry)
            take = self.take.get(entry.kind)
            if take is None:
                self._unknown(entry)
            else:
                take(entry)
        if not ledger.threads and ledger.root:
            ledger.threads[ledger.root] = ThreadDraft(ledger.root, self.source_id, start=self.manifest.started_at)
        if self.missing > 0:
            message = f"of the numbers up to {self.highest:,}, {self.missing:,} are not there"
            ledger.remark("seq-gap", "warning", message)
        self.tools.give_steps()
        self.compactions.finish()
        self._settle()
        manifest = self.manifest
        return Lifetime(
            self.source_id, manifest.trace_id, manifest.started_at, ledger.threads, self.tools.all,
            [*self.results.values()], self.inferences.requests.sightings, self._resumes(), ledger.remarks,
        )  # fmt: skip

    def _count(self, entry: Entry) -> None:
        """Numbers go up by one."""
        if entry.seq is None:
            return
        if entry.seq > self.highest:
            gap = range(self.highest + 1, entry.seq)
            self.missing += len(gap)
            self.missed.update(gap[:_MOST_MISSED])
            self.highest = entry.seq
        else:
            self.missing -= entry.seq in self.missed  # else it is there twice
            self.missed.discard(entry.seq)
            message = f"record {entry.seq:,} stands behind record {self.highest:,}"
            self.ledger.remark("repeated-sequence", "info", message, entry)

    # --- the rollout and its threads ---------------------------------------------------------------------------------

    def _rollout_started(self, entry: Entry) -> None:
        self.ledger.root = self.ledger.root or text(entry.fields, "root_thread_id")

    def _rollout_ended(self, _entry: Entry) -> None:
        self.has_ended = True

    def _thread_started(self, entry: Entry) -> None:
        ledger = self.ledger
        thread_id = text(entry.fields, "thread_id")
        if thread_id is None:
            ledger.remark("bad-field", "warning", "the start of a thread without an id", entry)
            return
        metadata = ledger.payload(entry, "metadata_payload")
        thread = ledger.threads.get(thread_id)
        if thread is None:
            thread = ledger.threads[thread_id] = ThreadDraft(thread_id, self.source_id, start=entry.at)
        elif thread_id in self.started:
            message = "it had been started before: what follows are runs of the same agent, resumed"
            ledger.remark("duplicate-thread-start", "warning", message, entry, thread_id)
            self.resumed.append((thread, len(thread.turns), entry))
        self.started.add(thread_id)
        source = inner(inner(metadata, "session_source"), "subagent")
        spawned = inner(source, "thread_spawn")
        thread.path = text(entry.fields, "agent_path") or text(metadata, "agent_path") or thread.path
        thread.nickname = text(metadata, "nickname") or thread.nickname
        thread.role = text(metadata, "agent_role") or thread.role
        thread.cwd = text(metadata, "cwd") or thread.cwd
        thread.parent_thread_id = text(spawned, "parent_thread_id") or thread.parent_thread_id
        thread.session_id = self.ledger.root or thread.session_id
        for name in ("model", "provider_name", "approval_policy", "sandbox_policy", "task_name", "rollout_path"):
            if told := text(metadata, name):
                thread.extra[name] = told
        if metadata and not spawned and thread_id != self.ledger.root:
            thread.parent_grade = "not_recorded"
        delegate = text(inner(metadata, "session_source"), "subagent") or text(source, "other")
        if delegate:
            thread.extra["delegate"] = delegate

    def _thread_ended(self, entry: Entry) -> None:
        thread = self.ledger.thread(entry, text(entry.fields, "thread_id"))
        thread.extra["thread_status"] = text(entry.fields, "status")
        for turn in thread.turns:
            if self.ledger.open.pop((thread.thread_id, turn.turn_id or ""), None) is turn:
                self.abandoned.add(id(turn))
                self.inferences.turn_ended(turn)

    def _turn_started(self, entry: Entry) -> None:
        thread = self.ledger.thread(entry, text(entry.fields, "thread_id") or entry.thread_id)
        turn_id = text(entry.fields, "codex_turn_id") or entry.turn_id
        if turn_id is None:
            self.ledger.remark("bad-field", "warning", "the start of a turn without an id", entry, thread.thread_id)
        elif (thread.thread_id, turn_id) in self.ledger.turns:
            message = f"turn {turn_id} had been started before"
            self.ledger.remark("repeated-record", "warning", message, entry, thread.thread_id, turn_id)
        else:
            self.ledger.begin(entry, thread, turn_id)

    def _turn_ended(self, entry: Entry) -> None:
        ledger, turn_id = self.ledger, text(entry.fields, "codex_turn_id") or entry.turn_id or ""
        thread_id = ledger.thread_of.get(turn_id)
        if thread_id and entry.thread_id and entry.thread_id != thread_id:
            message = f"the end of turn {turn_id} of thread {thread_id} in the name of thread {entry.thread_id}"
            ledger.remark("conflicting-thread", "warning", message, entry, thread_id, turn_id)
        turn = ledger.turn(entry, thread_id, turn_id)
        turn.end = entry.at
        self.ended_with[id(turn)] = text(entry.fields, "status") or "unknown"
        ledger.open.pop((thread_id or entry.thread_id or "", turn_id), None)
        self.inferences.turn_ended(turn)

    # --- what is told ------------------------------------------------------------------------------------------------

    def _result(self, entry: Entry) -> None:
        ledger, fields = self.ledger, entry.fields
        child, parent = text(fields, "child_thread_id"), text(fields, "parent_thread_id") or ledger.root or ""
        thread = ledger.thread(entry, child)
        turn_id = text(fields, "child_codex_turn_id")
        edge_id = text(fields, "edge_id") or f"edge:agent_result:{child}:{turn_id}:{parent}"
        raw = ledger.raw(entry, "carried_payload")
        carried = ledger.parsed(entry, raw, inner(fields, "carried_payload"))
        message = text(fields, "message") or text(carried, "message") or ""
        told = ledger.place(entry, "carried_payload", raw)
        result = Result(edge_id, thread.thread_id, turn_id, parent, message, entry.at, entry.where, told)
        known = self.results.setdefault(edge_id, result)
        if known is not result:
            is_same = known[1:4] == result[1:4]
            code = "repeated-record" if is_same else "duplicate-id"
            ledger.remark(code, "warning", f"{edge_id} is there twice", entry, thread.thread_id, turn_id)
            if not is_same:
                self.results[f"{edge_id}~{entry.where.line}"] = result
        status = carried.get("status") if carried else None
        if isinstance(status, dict) and "errored" in status:
            self.failed[thread.thread_id, turn_id] = str(status["errored"])[:1000]

    def _other(self, entry: Entry) -> None:
        kind, summary = text(entry.fields, "kind"), text(entry.fields, "summary")
        self.ledger.turn(entry).events.append(EventDraft("note", entry.at, kind, summary))
        self.ledger.remark("unknown-kind", "info", f"an event of kind {kind!r}, kept as a note", entry)

    def _unknown(self, entry: Entry) -> None:
        message = f"an event of type {entry.kind[:80]!r}, which is left out"
        self.ledger.remark("unknown-kind", "info", message, entry, entry.thread_id)

    # --- at the end --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Say of each turn how it ended. The recorder writes ``completed`` for turns that ended in an error too."""
        for thread in self.ledger.threads.values():
            for turn in thread.turns:
                turn.status, turn.status_detail = self._status(thread, turn)
                turn.model = next((step.model for step in turn.steps if step.model), None)

    def _status(self, thread: ThreadDraft, turn: TurnDraft) -> tuple[RunStatus, str | None]:
        word = self.ended_with.get(id(turn))
        reason = self.protocol.reasons.get(id(turn))
        if word is None:
            unknown = turn.turn_id is None or self.has_ended or id(turn) in self.abandoned
            return ("unknown", "no end is recorded, though its agent ended") if unknown else ("running", reason)
        status = _STATUS.get(word, "unknown")
        last = self.inferences.last.get(id(turn))
        error = self.failed.get((thread.thread_id, turn.turn_id)) or self.protocol.errors.get(id(turn))
        if error is None and last is not None and not last.is_completed:
            error = last.step.error
        if status == "completed" and error is not None:
            return "failed", error
        return status, reason or error or (None if word == status else word)

    def _resumes(self) -> list[HandOff]:
        """From the last turn before to the first one after each second start of a thread."""
        found = []
        for thread, number, entry in self.resumed:
            before, after = thread.turns[:number], thread.turns[number:]
            for turn in (after or before[-1:])[:1]:
                turn.events.append(EventDraft("resume", entry.at, "thread_started", "its agent was started again"))
            if before and after:
                of = thread.thread_id
                resume = HandOff("resume", of, before[-1].turn_id, of, after[0].turn_id, at=entry.at)
                resume.resolution = "thread"
                found.append(resume)
        return found
