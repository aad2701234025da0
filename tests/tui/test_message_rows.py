"""Messages as rows, laid out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from explorer.store.queries import Message, Written
from explorer.tui.message_rows import Context, Row, lay_out, marked, row_with
from tests.tui.test_hostile import EVIL


def said(text: str, role: Any = "assistant", kind: Any = "text", **more: Any) -> Message:
    return Message.of(role, kind, text, **more)


def rows(message: Message, width: int = 40, folded: bool = True, context: Context | None = None) -> list[str]:
    return [plain(row) for row in lay_out(message, width, folded, context or Context())]


def plain(row: Row) -> str:
    return "".join(text for text, _ in row)


def test_a_message_says_who_speaks_then_what_then_leaves_a_line() -> None:
    assert rows(said("one two\n  three", "user")) == ["› user", "  one two", "    three", ""]
    assert rows(said("hello", "agent", name="scout to main"))[0] == "@ agent scout to main"


def test_the_step_that_wrote_it_and_its_tokens_stand_at_the_right() -> None:
    context = Context(Written(14_200, 12_000, 310, None))
    assert rows(said("x", step_ordinal=3), 60, context=context)[0] == (
        "◆ assistant  step 3          in 14.2k  cached 12.0k  out 310"
    )
    # In ever fewer words where there is little room, which end with a sign that there are more, and that alone.
    fewer = rows(said("x", step_ordinal=3), 46, context=context)[0]
    assert fewer == "◆ assistant  step 3" + "in 14.2k  out 310  …".rjust(27)
    assert rows(said("x", step_ordinal=3), 30, context=context)[0] == "◆ assistant  step 3" + "…".rjust(11)
    plain = Context(Written(14_200, None, 310, None))
    assert rows(said("x", step_ordinal=3), 46, context=plain)[0].endswith("  in 14.2k  out 310")
    assert "in" not in rows(said("x", step_ordinal=3), 60, context=Context(Written(None, None, None, None)))[0]


def test_arguments_are_laid_out_by_name() -> None:
    call = said('{"path":"/a","lines":[1,2],"text":"one\\ntwo"}', kind="tool_call", name="write")
    assert rows(call) == [
        "→ calls write", "  path: /a", "  lines: [1, 2]", "  text: ", "    one", "    two", "",
    ]  # fmt: skip
    assert lay_out(call, 40, True, Context())[1] == [("  path:", "key"), (" /a", "plain")]


def test_arguments_that_are_no_object_are_shown_as_they_are() -> None:
    for text in ("{broken", "[1]", "*** Begin Patch", '{"cut": "o'):
        assert rows(said(text, kind="tool_call", name="t"))[1:] == [f"  {text}", ""]


def test_the_tools_of_a_model_stand_one_on_a_line() -> None:
    tools = (
        '[{"type":"function","name":"shell","description":"Run a\\n command.","parameters":{}},'
        '{"type":"function","function":{"name":"plan"}},{"type":"web_search"},'
        '{"type":"namespace","name":"agents","tools":[{"name":"spawn","description":"Start one."}]}]'
    )
    assert rows(said(tools, "system", "other", name="tools")) == [
        "§ system tools", "  shell: Run a command.", "  plan: ", "  web_search: ", "  agents: ",
        "  agents.spawn: Start one.", "",
    ]  # fmt: skip
    for text in ('[{"name":"shell"},7]', "[]", '[{"cut": '):
        assert rows(said(text, "system", "other"))[1:] == [f"  {text}", ""]


def test_a_result_tells_failure_and_what_it_was_for_when_its_call_is_elsewhere() -> None:
    result = said("no such file", "tool", "tool_result", name="read", is_error=True)
    assert rows(result)[0] == "← result of read  ✗ error"
    call = said('{"path":"/a"}', kind="tool_call", name="read")
    assert rows(result, context=Context(asked=call))[1:3] == ["  for path: /a", "  no such file"]


def test_what_is_empty_or_no_text_says_so() -> None:
    assert rows(said("", "tool", "tool_result", name="t"))[1] == "  (empty)"
    assert rows(said("", kind="reasoning", note="encrypted")) == ["∴ reasoning  (encrypted)", ""]
    assert rows(said("", "user", "image", note="image/png")) == ["▣ image of the user  (image/png)", ""]
    assert rows(said("", kind="reasoning", note="encrypted by the provider"))[1] == "  (encrypted by the provider)"


@pytest.mark.parametrize(("kind", "shown"), [("tool_result", 8), ("text", 24), ("reasoning", 0)])
def test_what_is_long_is_folded_and_the_rest_counted(kind: Any, shown: int) -> None:
    text = "\n".join(f"line {i}" for i in range(1, 101))
    found = rows(said(text, kind=kind), 60)
    assert found[1:-2] == [f"  line {i}" for i in range(1, shown + 1)]
    more = "more lines" if shown else "lines"
    assert found[-2] == f"  … {100 - shown} {more}, {len(text)} characters in all  space"
    assert rows(said(text, kind=kind), folded=False)[1:-1] == [f"  line {i}" for i in range(1, 101)]


def test_little_more_than_a_fold_is_not_folded() -> None:
    text = "\n".join("abcdefghijk")  # 11 lines: 8, and as many more as the fold would take with its line
    assert len(rows(said(text, "tool", "tool_result"))) == 13
    assert len(rows(said(f"{text}\nl", "tool", "tool_result"))) == 11


def test_a_line_without_end_is_folded_without_laying_out_all_of_it() -> None:
    found = rows(said("x" * 60_000), 40)
    assert len(found) == 1 + 24 + 2
    assert all(cell_len(row) <= 60 for row in found)


def test_what_was_not_read_is_counted() -> None:
    message = Message("tool", "tool_result", "abc", 1_000_003)
    assert rows(message, 80)[2] == "  … 1,000,000 more characters are in the source and not shown"


def test_hostile_text_stays_in_its_cells() -> None:
    call = said('{"\\u001b[2J\\n":"\\u202egnp\\ud800"}', kind="tool_call", name=EVIL, note=EVIL)
    for message in (call, said(EVIL, name=EVIL), said(EVIL, kind="reasoning")):
        for folded in (True, False):
            for row in rows(message, 30, folded):
                assert row.isprintable()
                assert cell_len(row) <= 30 or "space" in row


def test_marks_stand_where_the_text_is_whatever_its_case() -> None:
    row: Row = [("a Needle, a needle", "plain")]
    assert marked(row, "needle") == [
        ("a ", "plain"), ("Needle", "match"), (", a ", "plain"), ("needle", "match"),
    ]  # fmt: skip
    assert marked(row, "") == row
    assert row_with([[("x", "plain")], row], "needle") == 1
    assert row_with([row], "hay") is None
    broken = lay_out(said("far and away from here"), 10, True, Context())
    assert [plain(row) for row in broken] == ["◆ assista…"[:10], "  far and", "  away", "  from", "  here", ""]
    assert row_with(broken, "away from") == 2
