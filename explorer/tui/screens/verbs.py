"""What the main screen does through dialogs: filter, sort, export, copy, help, and opening steps and findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from explorer.tui.questions import Questions
from explorer.tui.screens.sharers import Sharers
from explorer.tui.state import SORTS

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.findings import Explanation
    from explorer.store.queries import FindingRow, SortKey
    from explorer.tui.opened import Opened
    from explorer.tui.widgets.findings_list import FindingsList
    from explorer.tui.widgets.messages_view import MessagesView
    from explorer.tui.widgets.steps_grid import StepsGrid


class Verbs(Sharers):
    """The dialogs of the main screen. They are imported when they are first opened, to keep the first frame quick."""

    # Filter

    def action_filter(self) -> None:
        """Write a filter."""
        opened = self.opened
        if opened is None:
            self.nothing_yet()
            return

        def columns(cursor: Cursor) -> list[tuple[str, str]]:
            from explorer.store import queries

            return queries.filter_columns(cursor)

        def show(names: list[tuple[str, str]]) -> None:
            from explorer.tui.screens.filter import FilterScreen

            screen = FilterScreen(self.state.where or "", names, self._try_filter, self._drop_tree)
            self.app.push_screen(screen, self._filtered)

        self.questions.ask("dialog", opened.database, columns, show)

    def _try_filter(self, where: str, kept: Callable[[Opened], None], refused: Callable[[Exception], None]) -> None:
        opened = self.opened
        if opened is None:
            return

        def build(cursor: Cursor) -> Opened:
            from explorer.store import queries

            return opened.with_tree(queries.build_tree(opened.database, where, cursor))

        self.questions.ask("filter", opened.database, build, kept, refused, let_go=self._drop_tree)

    def _drop_tree(self, opened: Opened) -> None:
        """Free a tree that was only tried, or is shown no more."""

        def drop() -> None:
            from explorer.store import queries

            queries.drop_tree(opened.database, opened.tree)

        self.run_worker(drop, name=f"drop {opened.tree.table}", thread=True, exit_on_error=False)

    def _filtered(self, answer: tuple[str | None, Opened | None] | None) -> None:
        if answer is None or self.opened is None:
            return
        where, tried = answer
        self.loading_line.filter_by(where or "")
        if tried is not None:
            self._see_through(tried)
        elif where != self.state.where:
            self._try_filter(where or "", self._see_through, self._question_failed)

    def _see_through(self, opened: Opened) -> None:
        before = self.opened
        if before is None or before.database is opened.database:
            self.take(opened)
        else:  # more was read since
            self._try_filter(opened.tree.where or "", self._see_through, self._question_failed)
            before = opened
        if before is not None:
            self._drop_tree(before)

    # Sort

    def action_sort(self) -> None:
        """Choose a sort."""
        from explorer.tui.screens.menu import Choice, MenuScreen

        def note(key: str) -> str:
            if key != self.state.sort:
                return "latest first" if key == "start" else "largest first" if SORTS[cast("SortKey", key)][1] else ""
            return f"now {self.state.sort_words}; again turns it round"

        choices = [Choice(key, words, note(key), key == self.state.sort) for key, (words, _) in SORTS.items()]
        menu = MenuScreen("Sort the children of every node by", choices, "enter sorts   S turns round   escape closes")
        self.app.push_screen(menu, lambda key: self.sort_by(cast("SortKey", key)) if key else None)

    def action_apart(self) -> None:
        """Give agents that seem to be hidden in runs lines of their own, or show what is recorded."""
        self.state.apart = not self.state.apart
        if self.opened is not None:
            self.take(self.opened)

    # Export and copy

    def action_export(self) -> None:
        """Write runs as Parquet."""
        from explorer.tui.screens.export import ExportScreen

        if not self.nothing_yet() and self.opened is not None:
            name = self.paths[0].resolve().name.removesuffix(self.paths[0].suffix) or "traces"
            self.app.push_screen(ExportScreen(self.opened, f"{name}-runs"))

    def action_copy(self) -> None:
        """Choose what to copy."""
        from explorer.tui.copying import copy, copyables
        from explorer.tui.screens.menu import Choice, MenuScreen

        items = {item.id: item for item in copyables(self.node, self.step, self.paths, self.state.where)}

        def copied(key: str | None) -> None:
            if key is not None:
                copy(self.app, items[key].text, self._tell_copied)

        choices = [Choice(item.id, item.label, item.text[:200]) for item in items.values()]
        menu = MenuScreen("Copy", choices, "enter copies   escape closes")
        self.app.push_screen(menu, copied)

    def _tell_copied(self, message: str) -> None:
        self.notify(message, title="Copied")

    def _show_messages_soon(self, run_id: str, ordinal: int) -> None:
        self.call_later(self.show_messages, run_id, ordinal)

    def on_messages_view_copy_wanted(self, event: MessagesView.CopyWanted) -> None:
        """Copy a message. Named, not decorated, because the view's module loads later than this one."""
        from explorer.tui.copying import copy

        copy(self.app, event.text, self._tell_copied)

    # Opening steps and findings

    def on_steps_grid_step_chosen(self, event: StepsGrid.StepChosen) -> None:
        """Show one step. Named, not decorated, because the grid's module loads later than this one."""
        opened = self.opened
        if opened is None:
            return
        from explorer.tui.copying import copy
        from explorer.tui.screens.step import RECORD_LIMIT, StepScreen
        from explorer.tui.step_columns import LOOKS

        name = self.detail_pane.node.name if self.detail_pane.node else event.run_id
        helps = {name: look.help for name, look in LOOKS.items()}
        screen = StepScreen(
            f"Step {event.ordinal:,} of {event.fields.get('run') or name}",
            event.fields,
            helps,
            lambda text: copy(self.app, text, self._tell_copied),
            lambda: self._show_messages_soon(event.run_id, event.ordinal),
        )
        self.app.push_screen(screen)
        run_id, ordinal, database = event.run_id, event.ordinal, opened.database

        def read(_: Cursor) -> str | None:
            from explorer.store import queries

            return queries.record(database, run_id, ordinal, RECORD_LIMIT)

        Questions(screen, screen.show_error).ask("record", database, read, screen.show_record)

    def on_findings_list_finding_chosen(self, event: FindingsList.FindingChosen) -> None:
        """Explain a finding."""
        finding = event.finding

        def page(_: Cursor) -> Explanation | None:
            from explorer.store import findings

            return findings.EXPLANATIONS.get(finding.code)

        def show(page: Explanation | None) -> None:
            from explorer.tui.screens.finding import FindingScreen

            self.app.push_screen(FindingScreen(finding, page), lambda go: self._go_to_finding(finding) if go else None)

        if self.opened is not None:
            self.questions.ask("dialog", self.opened.database, page, show)

    def _go_to_finding(self, finding: FindingRow) -> None:
        if finding.node_id is None:
            return
        if finding.code.startswith("undelivered"):
            self.open_undelivered(finding.node_id, finding.run_id)
            return
        step = finding.step_ordinal

        def arrived(found: bool) -> None:
            if not found:
                self.notify("The filter hides the node of this finding.", severity="warning")
            elif step is not None:
                self.call_later(self.show_step, finding.run_id, step)

        self.tree_pane.go_to(finding.node_id, arrived)
        self.tree_pane.agents.focus()

    async def show_step(self, run_id: str | None, ordinal: int) -> None:
        """Show a step in the grid."""
        await self.detail_pane.aim(run_id, ordinal)
        self.show_details()

    async def action_finding(self, forward: bool) -> None:
        """Show the next or previous thing that failed or is doubtful: of the node, else of the next one with any."""
        node = self.node
        if node is not None and await self.detail_pane.step_trouble(node, forward):
            self.show_details()
        else:
            self.tree_pane.go_finding(forward, lambda _: self.call_later(self._show_trouble, forward))

    async def _show_trouble(self, forward: bool) -> None:
        node = self.node
        if node is None or not await self.detail_pane.step_trouble(node, forward):
            await self.detail_pane.choose("overview")  # the run as a whole failed
        self.show_details()

    # Help

    def action_help(self) -> None:
        """Show every key, those of the place one is at first."""
        from explorer.tui.screens.help import show_help

        show_help(self)
