"""How facts are laid out where there is little room."""

from explorer.store.queries import Fact
from explorer.tui.widgets.overview import lay_out_facts


def lines(*facts: tuple[str, str | int], width: int) -> list[str]:
    told = [Fact("As recorded", label, value, "", "exact", "as recorded") for label, value in facts]
    return ["".join(text for text, _ in row).rstrip() for row in lay_out_facts(told, width)]


def test_a_long_label_leaves_room_for_values_that_are_texts() -> None:
    path = "/home/u/.codex/sessions/2026/09/21/rollout-2026-09-21T16-26-40-01a10000.jsonl"
    shown = lines(("a label as long as nobody would have thought it", 1_234_567_890), ("path", path), width=55)
    assert shown[1:3] == [" a label as long as nobody would have thought it", f"{'1,234,567,890':>42}"]
    first, *more = shown[4:8]
    assert first.split()[0] == "path"
    assert first.split()[1] + "".join(row.strip() for row in more[:3]) == path
