"""Which files are trajectories, and which lie beside them without telling anything of a run."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_INFO = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"info"\s*:\s*\{')
_MARK = re.compile(rb'"(?:model_stats|mini_version)"\s*:|"agent_type"\s*:\s*"minisweagent\.')
_FORMAT = re.compile(rb'"trajectory_format"\s*:\s*"mini-swe-agent-')
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")

_PREDICTION = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*"[^"\\]+"\s*:\s*\{\s*"model_name_or_path"\s*:\s*(?:"[^"\\]*"|null)\s*,'
    rb'\s*"instance_id"\s*:\s*"[^"\\]*"\s*,\s*"model_patch"\s*:'
)
_STATUSES = re.compile(rb"\s*instances_by_exit_status\s*:")
_LOG = re.compile(rb"\S+ \S+ - minisweagent\S* - [A-Z]+ - ")

_ASIDE = {
    "predictions": "the patches of a batch of mini-swe-agent: what its runs did is in their .traj.json",
    "statuses": "the exit statuses of a batch of mini-swe-agent: each is in its run's .traj.json as well",
    "log": "the log of a batch of mini-swe-agent: what its runs did is in their .traj.json",
}


def claims(path: Path, head: bytes | None) -> bool:
    """A trajectory, by ``trajectory_format`` or by an ``info`` at its beginning; or what a batch leaves beside them."""
    return head is not None and (is_trajectory(head) or aside(path, head) is not None)


def is_trajectory(head: bytes) -> bool:
    """Whether it begins like a trajectory: the name of its format may come at the end of a long file."""
    if _INFO.match(head) and _MARK.search(head):
        return True
    return b'"mini-swe-agent-' in head and _OBJECT.match(head) is not None and _FORMAT.search(head) is not None


def aside(path: Path, head: bytes) -> str | None:
    """Why a file of a batch has nothing that can be shown; None for any other."""
    kind = None
    if path.suffix == ".json" and _PREDICTION.match(head):
        kind = "predictions"
    elif path.suffix in (".yaml", ".yml") and _STATUSES.match(head):
        kind = "statuses"
    elif path.suffix == ".log" and _LOG.match(head):
        kind = "log"
    return _ASIDE[kind] if kind else None


def batch_of(source_id: str) -> str | None:
    """The directory of the batch that an instance's file lies in, as far as it is below the opened one."""
    place = PurePosixPath(source_id)
    if len(place.parts) > 2 and place.name.startswith(f"{place.parent.name}."):
        return place.parent.parent.name
    return None
