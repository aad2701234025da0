"""What the shares of a source tell together."""

from pathlib import Path

from explorer.readers import Report
from explorer.store.ingest.begun import Begun
from explorer.store.ingest.walk import Found
from explorer.store.ingest.worker import Chunk, Task


def test_bad_records_add_up_over_shares_in_the_source_and_in_its_parts():
    begun = Begun(Task("r", "weka", "a", "a", {}), Found(Path("a"), "a", 1, 1, False, None), [], open=2)
    begun.add(Chunk("r", {}, 0, {"a": 2}, Report(1, bad_of_parts={"b": 1, "c": 1}), None))
    begun.add(Chunk("r", {}, 0, {"a": 1}, Report(2, bad_of_parts={"b": 3}), "gone"))
    assert (begun.open, begun.records, begun.failure) == (0, {"a": 3}, "gone")
    assert (begun.report.bad_records, begun.report.bad_of_parts) == (3, {"b": 4, "c": 1})
