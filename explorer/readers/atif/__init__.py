"""ATIF, the Agent Trajectory Interchange Format of Harbor, versions 1.0 to 1.7: one JSON file a trajectory.

Format: ATIF RFC v1.4 (OpenAgentsInc/openagents docs/atif/0001 @d39efb6f) and v1.7 (a copy of Harbor's rfcs/0001); what
writers make of it: evalstate/fast-agent @610a2f57, Harbor's converters.

A trajectory is a run, and an agent one or several that continue each other; sub-agents are trajectories inside it, or
files that it names, which are read together with it. Steps of the source ``agent`` are model calls, but for those that
say that no model was asked; the others are what the model was shown. A time is that at which a step began: when it
ended, and how long a tool took, is not recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.atif._head import claims, links

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "links", "messages", "read"]

NAME = "atif"
VERSION = 1
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of a trajectory with those that belong to it."""
    from explorer.readers.atif._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.atif._said import messages

    return messages(files, place)
