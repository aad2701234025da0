"""Pages of lines that lead on to each other, from who shares what down to one block and its readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from explorer.tui.questions import Questions
from explorer.tui.sharing_pages import Page, figure_page, passport_page
from explorer.tui.text import clean
from explorer.tui.widgets.key_line import HELP, KeyLine
from explorer.tui.widgets.picker import Aim, Picker
from explorer.tui.widgets.sheet import Sheet, wrapped

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database
    from explorer.tui.opened import Opened


class LinesScreen(ModalScreen["str | None"]):
    """A page, and below it what the line under the cursor tells. Answers with the node to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="sharing.choose", tooltip="The block, figure or run of the line"),
        Binding("w", "go", "its run", id="sharing.go", tooltip="Back to the tree of agents, at the run of the line"),
        Binding("escape,q", "close", "close", id="sharing.close"),
        HELP,
    ]

    def __init__(self, page: Page, database: Database, note: str = "") -> None:
        super().__init__()
        self.page = page
        self._database = database
        self._questions = Questions(self, self._failed)
        self._note = note
        """What holds of every page as long as not all is read, in the frame."""
        self._stale = False
        self._kept: Aim | None = None
        """The line that the cursor is to be on once what is asked again is there."""
        self.answer: Any = None
        """What the page asked for; None until it is there."""

    def compose(self) -> ComposeResult:
        """The lines in a frame."""
        with Vertical(classes="dialog whole"):
            yield Picker(id="lines")
            yield Sheet(id="tells")
            yield KeyLine()

    def on_mount(self) -> None:
        """Ask."""
        self.query_one("#tells").can_focus = False
        self.turn_to(self.page)

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._questions.drop_all()

    def turn_to(self, page: Page) -> None:
        """Show another page."""
        self.page = page
        frame = self.query_one(Vertical)
        frame.border_title, frame.border_subtitle = self.heading(page), self._note
        self.query_one(Picker).show_lines(lambda _: [([("working …", "note")], None)])
        database = self._database

        def ask(cursor: Cursor) -> Any:
            database.define_laboratory()
            return page.ask(cursor)

        self._questions.ask("page", database, ask, lambda answer: self.show_answer(page, answer))

    def renew(self, opened: Opened) -> None:
        """All is read now: if the page was opened before, ask again, at the latest when it is seen again."""
        if self._note:
            self._database, self._note, self._stale = opened.database, "", True
            if self.is_current:
                self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Ask again what was asked before all was read, and keep the line."""
        if self._stale:
            self._stale, self._kept = False, self.query_one(Picker).aim
            self.turn_to(self.page)

    def heading(self, page: Page) -> Content:
        """What stands in the frame."""
        return Content(clean(page.title))

    def show_answer(self, page: Page, answer: Any) -> None:
        """Show what came back for a page."""
        self.answer = answer
        picker = self.query_one(Picker)
        picker.show_lines(lambda width: page.lines(answer, width))
        kept, self._kept = self._kept, None
        same = (index for index, aim in enumerate(picker.aims) if kept is not None and aim[1:] == kept[1:])
        picker.cursor = next(same, page.start(picker.aims))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is opened where no line can be chosen."""
        return action not in ("choose", "go") or any(picker.aims for picker in self.query(Picker))

    def _failed(self, error: Exception) -> None:
        self.query_one(Picker).show_lines(lambda _: [([(clean(f"This could not be asked: {error}"), "error")], None)])

    @on(Picker.Moved)
    def _moved(self) -> None:
        aim = self.query_one(Picker).aim
        self.query_one("#tells", Sheet).show(lambda width: wrapped(aim.tells, width) if aim else [])

    def action_choose(self) -> None:
        """Open what the line under the cursor stands for."""
        aim = self.query_one(Picker).aim
        if aim is not None:
            self.open_aim(aim)

    def open_aim(self, aim: Aim) -> None:
        """Show what a figure is made of, or the passport of a block, or go to a run."""
        if aim.figure is not None:
            self.app.push_screen(LinesScreen(figure_page(aim.figure), self._database, self._note), self._go_on)
        elif aim.block is not None:
            self.app.push_screen(PassportScreen(*aim.block, self._database, self._note), self._go_on)
        elif aim.node_id is not None:
            self.dismiss(aim.node_id)

    def _go_on(self, node_id: str | None) -> None:
        if node_id is not None:
            self.dismiss(node_id)

    def action_go(self) -> None:
        """Go to the run of the line under the cursor."""
        aim = self.query_one(Picker).aim
        self.dismiss(aim.node_id if aim is not None else None)

    def action_help(self) -> None:
        """Show every key of this place."""
        from explorer.tui.screens.help import show_help

        show_help(self)

    def action_close(self) -> None:
        """Go nowhere."""
        self.dismiss(None)


class SharingScreen(LinesScreen):
    """Several pages about one node, each with a digit, which stand in the frame."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "page('1')", "ladder", show=False, id="sharing.ladder"),
        Binding("2", "page('2')", "siblings", show=False, id="sharing.siblings"),
        Binding("3", "page('3')", "conversation", show=False, id="sharing.conversation"),
        Binding("4", "page('4')", "mistakes", show=False, id="sharing.mistakes"),
        Binding("5", "page('5')", "hidden agents", show=False, id="sharing.hidden"),
        Binding("a", "apart", "hidden agents apart", id="sharing.apart"),
    ]

    def __init__(self, pages: Callable[[bool], Mapping[str, Page]], database: Database, note: str = "") -> None:
        self._make = pages
        self._apart = False
        self._opening = True
        self._pages = pages(False)
        super().__init__(next(iter(self._pages.values())), database, note)

    def heading(self, page: Page) -> Content:
        """Every page with its digit, this one marked."""
        names = ((f" {key} {each.title} ", "reverse" if each is page else "") for key, each in self._pages.items())
        return Content.assemble(*names)

    def show_answer(self, page: Page, answer: Any) -> None:
        """A node without siblings to compare opens with its conversation."""
        opening, self._opening = self._opening, False
        if opening and answer is None:
            self.turn_to(self._pages["3"])
        else:
            super().show_answer(page, answer)
            if self._apart and getattr(answer, "proposed", None) == 0:
                self.notify("No agents seem to be hidden in these runs.", timeout=3)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the pages that there are; hidden agents are told apart on those about prompts."""
        if action == "apart":
            return any(self._pages.get(key) is self.page for key in "123")
        if action == "page":
            return parameters[0] in self._pages
        return super().check_action(action, parameters)

    def action_page(self, key: str) -> None:
        """Turn to another page."""
        self.turn_to(self._pages[key])

    def action_apart(self) -> None:
        """Tell agents apart that seem to be hidden in runs, or show what is recorded."""
        self._apart = not self._apart
        key = next(key for key, page in self._pages.items() if page is self.page)
        self._pages = self._make(self._apart)
        self.turn_to(self._pages[key])


class PassportScreen(LinesScreen):
    """One block after the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "beside(1)", "next history", key_display="] [", id="sharing.next_block",
                tooltip="The next block that other prompts hold"),
        Binding("left_square_bracket", "beside(-1)", "previous", show=False, id="sharing.previous_block"),
    ]  # fmt: skip

    def __init__(self, namespace: str, block: int, database: Database, note: str = "") -> None:
        super().__init__(passport_page(namespace, block), database, note)
        self._namespace = namespace

    def action_beside(self, by: int) -> None:
        """Show the nearest block with another history."""
        if self.answer is not None:
            block = self.answer.last + 1 if by > 0 else self.answer.first - 1
            if block >= 0:
                self.turn_to(passport_page(self._namespace, block))
