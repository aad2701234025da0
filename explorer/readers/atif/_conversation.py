"""A root trajectory with everything below it, as a conversation."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import PROMPT_PARTS, Conversation, EventKind, Finding, Row
from explorer.readers._drafts import AgentDraft, CallDraft, Draft, Happening, RunDraft, StepDraft
from explorer.readers._prompts import GrowingParts, Prompt
from explorer.readers._values import as_json, key_part, many, moment, text_in
from explorer.readers.atif._doubts import order
from explorer.readers.atif._family import Family, Link, descendants
from explorer.readers.atif._step import Noted
from explorer.readers.atif._totals import reported
from explorer.readers.atif._trajectory import Trajectory
from explorer.readers.atif._trial import Trial

_BEGINS_ANEW = frozenset(("replace", "truncate"))
"""Boundaries of a compaction behind which the prompt is another one."""

_NO_STATUS = "trajectories record no status"


class Telling:
    """Makes the draft of one conversation."""

    def __init__(self, conversation_id: str, root: Trajectory, family: Family, trial: Trial | None) -> None:
        self.root, self.family, self.trial = root, family, trial
        times = [step.at for each in descendants(family, root) for step in each.steps if step.at is not None]
        self.draft = Draft(conversation_id, min(times, default=None))
        self._end = max(times, default=None)
        self._parts = GrowingParts()  # agents that are inlined take turns
        self.runs: dict[Trajectory, RunDraft] = {}
        self.inlined: dict[Trajectory, list[RunDraft]] = {}
        """The runs of agents whose steps a converter has put among those of a trajectory."""
        self.replays: dict[Trajectory, int] = {}
        self._of_step: dict[Noted, RunDraft] = {}
        self._calls: dict[tuple[RunDraft, str | None], CallDraft] = {}

    def rows(self) -> Iterator[Row]:
        """All rows of the conversation but for findings, its own last."""
        for each in descendants(self.family, self.root):
            self._tell(each, self.family.links.get(each))
        for each, run in self.runs.items():
            run.reported = reported(each, run, self.inlined.get(each, []), self._below(each))
        if self.trial is not None:
            run, (reward, error) = self.runs[self.root], self.trial.ending
            run.reward, run.status, run.detail = reward, "failed" if error else "completed", error
        self.draft.number()
        yield from self.draft.rows()

    def conversation(self) -> Conversation:
        """The conversation's own row."""
        root, trial = self.root, self.trial
        return Conversation(
            conversation_id=self.draft.conversation_id,
            source_id=root.file.source_id,
            format="atif",
            title=(trial.name if trial else None) or root.text("session_id") or root.text("trajectory_id"),
            group_name=trial.task if trial else None,
            started_at=moment(self.draft.start),
            ended_at=moment(self._end),
            block_scope=PROMPT_PARTS,
            steps_recorded=True,
            tool_calls_recorded=True,
            extra=as_json({
                "schema_version": root.text("schema_version"),
                "notes": root.text("notes"), "rewards": trial.rewards or None if trial else None,
                "times": "when a step began; not when it ended" if self.draft.start is not None else "none recorded",
            }),
        )  # fmt: skip

    def _below(self, each: Trajectory) -> list[RunDraft]:
        """The runs of sub-agents that are trajectories, with what is inlined in them."""
        found, waiting = [], [each]
        while waiting:
            below = [
                other for other in self.family.below.get(waiting.pop(), ()) if not self.family.links[other].continues
            ]
            waiting += below
            found += [run for other in below for run in (self.runs[other], *self.inlined[other])]
        return found

    # --- a trajectory ------------------------------------------------------------------------------------------------

    def _tell(self, each: Trajectory, link: Link | None) -> None:
        run = self.runs[each] = self._run(each, link)
        earlier = (
            {step.identity for step in link.parent.steps if step.at is not None} if link and link.continues else set()
        )
        chains: dict[str, tuple[RunDraft, Prompt]] = {}
        prompt = self._opening(each)
        for step in each.steps:
            here, context = run, prompt
            if step.chain is not None:
                here, context = chains.get(step.chain) or chains.setdefault(
                    step.chain, self._chain(each, run, step.chain)
                )
            self._of_step[step] = here
            if step.at is not None and not step.is_copy:
                here.start = step.at if here.start is None else min(here.start, step.at)
                here.end = step.at if here.end is None else max(here.end, step.at)
            if step.source == "user" and here.asked is None and not step.is_copy:
                here.asked = step.where
            if step.managed is not None:
                context = self._managed(each, here, step, context)
                if here is run:
                    prompt = context
                else:
                    chains[step.chain or ""] = here, context
            is_copy = step.is_copy or step.identity in earlier
            self._step(each, here, step, context, is_copy)
            self.replays[each] = self.replays.get(each, 0) + (is_copy and step.is_call)
        self.inlined[each] = [inlined for inlined, _ in chains.values()]

    def _run(self, each: Trajectory, link: Link | None) -> RunDraft:
        about = each.of("agent")
        name, version = (value if isinstance(value := about.get(key), str) else None for key in ("name", "version"))
        native = each.text("trajectory_id") or each.text("session_id")
        parent = self._parent(link)
        if link is not None and link.continues:
            agent = self.runs[link.parent].agent
        else:
            key = key_part(each.text("trajectory_id") or name or "agent")
            above = parent.agent if parent else None
            label = (each.text("trajectory_id") or each.text("session_id")) if parent else None
            of_context = link is not None and link.step is not None and link.step.managed is not None
            agent = self.draft.agent(
                key, name, parent=above, parent_grade=link.grade if link else "exact", version=version, label=label,
                helper="compaction" if of_context else None,
            )  # fmt: skip
        run = RunDraft(agent, parent, native=native, detail=_NO_STATUS)
        agent.runs.append(run)
        model, notes = about.get("model_name"), each.text("notes")
        run.request_model = model if isinstance(model, str) and model else None
        run.extra = {
            "file": each.file.source_id, "byte": each.offset, "session_id": each.text("session_id"),
            "notes": notes if each is not self.root else None,
        }  # fmt: skip
        if link is not None and link.continues:
            run.goes_on = self.runs[link.parent]
        elif link is not None and parent is not None:
            run.spawn = self._calls.get((parent, link.call_id)) if link.call_id else None
            run.sent = link.step.where if link.step else None
            if run.spawn is not None and run.spawn.child is None:
                run.spawn.child = run
            if link.has_content and link.step is not None:
                run.answer = link.step.where
                run.status, run.detail = "completed", "its result is in the trajectory that started it"
        return run

    def _parent(self, link: Link | None) -> RunDraft | None:
        if link is None:
            return None
        if link.continues:
            return self.runs[link.parent].parent
        return self._of_step.get(link.step, self.runs[link.parent]) if link.step else self.runs[link.parent]

    def _chain(self, each: Trajectory, run: RunDraft, chain: str) -> tuple[RunDraft, Prompt]:
        """An agent whose steps stand among those of the one that started it."""
        agent = self.draft.agent(key_part(chain), chain, parent=run.agent, parent_grade="derived", label="inlined")
        found = RunDraft(agent, run, native=chain, detail=_NO_STATUS)
        found.extra = {"file": each.file.source_id, "byte": each.offset, "inlined": chain}
        agent.runs.append(found)
        return found, Prompt(self._parts)

    # --- a step ------------------------------------------------------------------------------------------------------

    def _opening(self, each: Trajectory) -> Prompt:
        prompt = Prompt(self._parts)
        if (tools := each.of("agent").get("tool_definitions")) is not None:
            prompt.add(("tools", repr(tools)))
        return prompt

    def _managed(self, each: Trajectory, run: RunDraft, step: Noted, context: Prompt) -> Prompt:
        """A compaction is an event of the run, and where it says so a new prompt begins."""
        managed = step.managed or {}
        kind, boundary = text_in(managed.get("type")), text_in(managed.get("boundary"))
        words = ", ".join(filter(None, (kind, boundary)))
        happened: EventKind = "note" if kind == "injection" else "compaction"
        run.events.append(Happening(happened, step.at, words or None, step.shown))
        return self._opening(each) if boundary in _BEGINS_ANEW else context

    def _step(self, each: Trajectory, run: RunDraft, step: Noted, prompt: Prompt, is_copy: bool) -> None:
        draft = None
        if step.is_call:
            draft = StepDraft(
                step.where, step.at, request_model=run.request_model, model=step.model or run.request_model,
                tokens=step.tokens, tokens_grade=step.tokens_grade, is_replay=is_copy, prompt=prompt.stretches(),
                extra=step.extra,
            )  # fmt: skip
            run.steps.append(draft)
        for part in step.parts:
            prompt.add(part)
        answers = {result.call_id: result for result in step.results}
        for call_id, name in step.calls if draft or not is_copy else ():
            result = answers.get(call_id) or (answers.get(None) if len(step.calls) == 1 else None)
            call = CallDraft(
                step.where, draft, call_id, name, step.at, None, result.is_error if result else None,
                result is not None,
            )  # fmt: skip
            run.calls.append(call)
            self._calls[run, call_id] = call
        for result in step.results:
            prompt.add(result.part)
            known = self._calls.get((run, result.call_id))
            if known is not None and not known.is_answered:  # some writers give a result a step later
                known.is_answered, known.is_error = True, result.is_error
            elif known is None and result.call_id is not None and not is_copy:
                each.unpaired.append((step.where.offset, result.call_id))

    # --- what is doubtful --------------------------------------------------------------------------------------------

    def findings(self) -> Iterator[Finding]:
        """What has to be known of the recording."""
        for each, run in self.runs.items():
            findings, here = each.file.findings, (self.draft.conversation_id, self._key(run.agent), run.run_id)
            for line, complaint in each.complaints:
                yield from findings.at("bad-field", "warning", complaint, line, *here)
            if number := self.replays.get(each):
                message = f"{many(number, 'step')} copied from what it goes on from: shown, and not counted again"
                yield from findings.at("replayed-history", "info", message, None, *here)
            yield from order(each, here)
        for each, name in self.family.missing:
            if (known := self.runs.get(each)) is not None:
                here = (self.draft.conversation_id, self._key(known.agent), known.run_id)
                message = f"the trajectory {name[:200]!r} is named, and not among what was opened"
                yield from each.file.findings.at("missing-transcript", "warning", message, None, *here)

    def _key(self, agent: AgentDraft) -> str:
        return f"{self.draft.conversation_id}/{agent.key}"
