"""Answers that went into the prompts of agents beside the chat: of these hand-offs only the prompt tells.

The orchestrator of several agents (sliamh11/Deus @512774fd, src/multi-agent) keeps nothing of who waited for whom. The
prompt of an agent has the answer of each that it needed below ``--- Context from <task> ---``, and the IPC folder of
its container is called ``multi-agent-<task>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from explorer.model import Edge
from explorer.readers._claude_code._draft import Run
from explorer.readers._claude_code._lines import Where
from explorer.readers.deus._draft import Life
from explorer.readers.deus._runs import Runs

_KEY = "multi-agent-"
_CONTEXT = re.compile(r"^--- Context from (.{1,200}?) ---\s*$", re.MULTILINE)


def contexts(runs: Runs, run_id: Callable[[Life], str], start: int | None) -> Iterator[Edge]:
    """From the run of each task that began last before, to the one that had its answer in its prompt."""
    of_task: dict[str, list[Life]] = {}
    for life in runs.lives:  # in order of start
        if life.ipc_key is not None and life.ipc_key.startswith(_KEY):
            of_task.setdefault(life.ipc_key.removeprefix(_KEY), []).append(life)
    for life in (life for lives in of_task.values() for life in lives):
        run = runs.run_of[life]
        for task in _needed(run):
            known = [each for each in of_task.get(task, ()) if (each.start or 0) < (life.start or 0)]
            if known and start is not None and life.start is not None:
                sent, received = runs.run_of[known[-1]].last, run.asked
                yield Edge(
                    f"context:{run_id(life)}:{task}", "message", run_id(known[-1]), run_id(life), None,
                    life.start - start, True, "derived", "item", *_place(sent), *_place(received),
                )  # fmt: skip


def _needed(run: Run) -> list[str]:
    """The tasks whose answers are in the prompt of a session's first run."""
    prompt = run.agent.session.first_prompt
    if prompt is None or run is not run.agent.runs[0]:
        return []
    return list(dict.fromkeys(_CONTEXT.findall(prompt)))


def _place(where: Where | None) -> tuple[str | None, int | None, int | None]:
    return where[:3] if where is not None else (None, None, None)
