"""Whose child each thread is, and in which conversation."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.readers.codex._draft import Remark, ThreadDraft


class Tree:
    """The threads by their recorded parents, without those parents that cannot be."""

    def __init__(self, threads: Mapping[str, ThreadDraft]) -> None:
        self.remarks: list[Remark] = []
        self.parents: dict[str, str] = {}
        self._threads = threads
        for thread in threads.values():
            parent_id = thread.parent_thread_id
            if parent_id is None:
                continue
            if parent_id not in threads:
                self._remark(thread, "unknown-parent", f"its parent {parent_id} is in no source that was opened")
            elif parent_id == thread.thread_id:
                self._remark(thread, "self-parent", "it is recorded as its own parent")
            elif self._is_above(thread.thread_id, parent_id):
                self._remark(thread, "parent-cycle", f"its parent {parent_id} is below it")
            else:
                self.parents[thread.thread_id] = parent_id
        self.roots = {thread_id: self._root(thread_id) for thread_id in threads}
        """The thread that each one's conversation is named after."""

    def _remark(self, thread: ThreadDraft, code: str, message: str) -> None:
        self.remarks.append(Remark(code, "warning", message, thread.source_id, None, thread.thread_id))

    def _is_above(self, thread_id: str, parent_id: str) -> bool:
        """Whether a thread is above its parent."""
        above: str | None = parent_id
        while above is not None and above != thread_id:
            above = self.parents.get(above)
        return above is not None

    def _root(self, thread_id: str) -> str:
        while thread_id in self.parents:
            thread_id = self.parents[thread_id]
        top = self._threads[thread_id]
        # A thread whose parent is not here still knows the session that it is of.
        return (top.session_id or top.parent_thread_id or thread_id) if top.parent_thread_id else thread_id
