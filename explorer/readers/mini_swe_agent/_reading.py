"""The rows of one file."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import Finding, Row
from explorer.readers import HEAD_BYTES, Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._openai._documents import whole_file
from explorer.readers.mini_swe_agent._closing import closing
from explorer.readers.mini_swe_agent._layout import aside, is_trajectory
from explorer.readers.mini_swe_agent._trajectory import Trajectory


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of a trajectory; of what lies beside trajectories none, and why."""
    with source.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not is_trajectory(head) and (reason := aside(source.path, head)) is not None:
        yield Report(0, aside=reason)
        return
    findings = Findings(source.source_id)
    number = 0
    for document in whole_file(source.path, findings):
        if isinstance(document, Finding):
            yield document
        else:
            number += 1
            trajectory = Trajectory(source.source_id, number, document, findings)
            yield from trajectory.rows()
            yield from closing(trajectory)
    yield from findings.rest()
    yield Report(findings.bad_records)
