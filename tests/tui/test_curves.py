"""The pages about caches: exact figures under the cursor, and every way to look at them."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from explorer.model import Row
from explorer.store.queries import CacheCurves, Causes, Curve, Misses
from explorer.tui.curve_words import Unit, View, size_page, time_page
from explorer.tui.miss_words import misses_page
from explorer.tui.screens.curves import CurvesScreen
from explorer.tui.screens.entry import EntryScreen
from explorer.tui.screens.main import MainScreen
from explorer.tui.sizes import blocks_in, bytes_in
from explorer.tui.widgets.sheet import Row as Line
from tests.store.world import agent, blocks, conversation, reuse, run, source, step
from tests.tui.conftest import NARROW, Opener, drive, press, screen_text

MINUTE = 60_000


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CurvesScreen, "REST", 0)


def two_conversations() -> list[Row]:
    """Both say 0 to 9 twice, six minutes apart; the name of one would be markup."""
    rows: list[Row] = [source()]
    for name, title in (("c", "one [/foo]"), ("d", "two")):
        rows += [conversation(name, title=title), agent(name, conversation_id=name, name="main")]
        rows += [run(name, name, conversation_id=name)]
        for ordinal in (1, 2):
            rows += [step(name, ordinal, start_ms=(ordinal - 1) * 6 * MINUTE, input_tokens=640, offset=ordinal)]
            rows += blocks(name, ordinal, (0, 10), namespace=name)
            rows += [reuse(name, ordinal, 10, own=10 * (ordinal - 1), fresh=10 * (2 - ordinal))]
    return rows


async def words(pilot: Pilot[int], *keys: str) -> str:
    await press(pilot, *keys)
    return " ".join(screen_text(pilot).replace("│", " ").split())


def test_the_cursor_reads_off_what_a_size_hits_and_why_the_rest_misses(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        text = await words(pilot, "r", "C")
        assert "Caches: one [/foo] and below" in text
        assert "▲ 9 blocks = 576 tokens" in text
        assert "45.0 % of blocks 9 of 20" in text
        assert "E evicted 5.0 %" in text
        text = await words(pilot, "right")
        assert "▲ 10 blocks = 640 tokens" in text
        assert "LRU 50.0 % of blocks 10 of 20 50.0 % of input tokens 640 of 1,280" in text
        assert "E evicted 0.0 %" in text
        assert "1228 blocks" in await words(pilot, "equals_sign", "type:some", "enter")
        pilot.app.screen.query_one(Input).value = ""
        text = await words(pilot, "type:200 tokens", "enter")
        assert "▲ 3 blocks = 192 tokens" in text
        assert "LRU 15.0 % of blocks 3 of 20" in text
        text = await words(pilot, "2", "8*H")
        assert "5m 0.0 %" in text
        assert "1h 50.0 %" in text
        text = await words(pilot, "3")
        assert "X expired 50.0 %" in text
        assert "main" in text
        assert "one [/foo] 10 10 10 10 10 1" in await words(pilot, "4")
        text = await words(pilot, "5")
        assert "same agent 10 50.0 % 640 50.0 % 50.0 %" in text
        assert "measured – –" in text
        await press(pilot, "a", "escape")
        assert isinstance(pilot.app.screen, MainScreen)

    drive(opener(two_conversations()), script)


def test_all_conversations_share_a_cache_and_say_how_they_begin(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        assert "Each of 2 conversations has a cache of its own." in await words(pilot, "escape", "C")
        text = await words(pilot, "a")
        assert "2 conversations on one cache: all begin at once." in text
        assert "LRU hits all that can be hit, 50.0 %, from 20 blocks on." in text
        text = await words(pilot, "a")
        assert "each begins when the one before it has ended" in text
        assert "from 10 blocks on" in text
        text = await words(pilot, "a", "plus", "n")
        assert "at random (Poisson), one in 15m00s on average" in text
        assert "seed 1" in text
        assert "Each of 2" in await words(pilot, "a")

    drive(opener(two_conversations()), script, NARROW)


def test_sizes_are_in_gib_of_a_model_or_of_bytes_that_are_entered(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await words(pilot, "C", "b", "b")
        await press(pilot, *["j"] * 5, "enter")
        assert "576 tokens = 0.0703 GiB (llama-3.1-8b)" in screen_text(pilot)
        await press(pilot, "g", "G", "end", "enter")
        assert isinstance(pilot.app.screen, EntryScreen)
        await press(pilot, "type:nothing", "enter")
        assert "Write a whole number" in screen_text(pilot)
        pilot.app.screen.query_one(Input).value = ""
        await press(pilot, "type:1 M", "enter")
        assert "576 tokens = 0.562 GiB (1,048,576 bytes a token)" in screen_text(pilot)

    drive(opener(two_conversations()), script, (80, 18))  # where the page scrolls, too


@pytest.mark.parametrize(
    ("text", "size"),
    [("131072", 131_072), ("128k", 131_072), ("128 KiB", 131_072), ("0.5M", 524_288), ("70,272", 70_272), ("0", None),
     ("-1", None), ("1e9", None), ("", None), ("9" * 20, None)],
)  # fmt: skip
def test_bytes_are_read_as_they_are_written(text: str, size: int | None) -> None:
    found = bytes_in(text)
    assert (found if isinstance(found, int) else None) == size


@pytest.mark.parametrize(
    ("text", "unit", "blocks"),
    [("1228", "blocks", 1_228), ("1,228 Blocks", "tokens", 1_228), ("1.2M tokens", "blocks", 18_750),
     ("1228", "tokens", 19), ("24", "GiB", 3_072), ("24 GiB", "blocks", 3_072), ("24GB", "blocks", 2_861),
     ("512 MiB", "tokens", 64), ("63 tokens", "blocks", "less than a block"), ("many", "tokens", "1228 (in tokens)"),
     ("-3", "blocks", "24 GiB"), ("", "blocks", "24 GiB")],
)  # fmt: skip
def test_a_size_of_cache_is_read_as_it_is_written(text: str, unit: Unit, blocks: int | str) -> None:
    # 64 tokens of 128 KiB are 8 MiB a block.
    found = blocks_in(text, View(1, unit=unit, model=("llama-3.1-8b", 131_072)), 64)
    assert found == blocks if isinstance(blocks, int) else blocks in str(found)


def test_a_size_that_cannot_be_told_in_blocks_says_what_is_missing() -> None:
    assert "choose one first" in str(blocks_in("24 GiB", View(1), 64))
    assert "write blocks" in str(blocks_in("24 GiB", View(1), None))
    assert blocks_in("24", View(1), None) == 24


def curve(*points: tuple[int, int]) -> Curve:
    """Steps: from each value on, so many hits in all."""
    return Curve([at for at, _ in points], [0] * len(points), [-hits for _, hits in points], None, None)


def curves(**other: object) -> CacheCurves:
    made = CacheCurves(
        1, 4, 100, None, None, chained=True, is_whole=True, lru=curve((10, 20), (1000, 80)),
        optimal=curve((10, 60), (1000, 80)), kept=curve((1_000, 10), (3 * 3_600_000, 80)),
    )  # fmt: skip
    return made._replace(**other)  # type: ignore[arg-type]


def lines(rows: list[Line]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def test_lru_and_the_best_choice_are_told_apart_without_colour() -> None:
    shown = lines(list(size_page(View(500), curves(), None, None, 66, 20)))
    plot = [line[6:] for line in shown if "┤" in line or "│" in line]
    below, above = [line[20] for line in plot], [line[-1] for line in plot]
    assert below.count("░") == 2  # of seven lines 20 % are 1.4, of which the second is begun, and 60 % are 4.2
    assert above.count("█") in (5, 6)
    assert "░" not in above
    assert any("▲ 500 blocks" in line for line in shown)
    assert not any("tokens" in line for line in shown)
    assert any("  LRU    20.0 % of blocks  20 of 100" in line for line in shown)
    assert any("  best   60.0 % of blocks  60 of 100" in line for line in shown)


def test_what_limits_the_figures_is_said() -> None:
    part = "\n".join(lines(list(size_page(View(500), curves(is_whole=False, chained=False), None, None, 200, 20))))
    assert "LRU may hit more of these" in part
    assert "a bound out of reach" in part


def test_the_times_of_services_are_marked_and_told() -> None:
    shown = lines(list(time_page(View(500), curves(), 100, 20)))
    axis = next(line for line in shown if "5m" in line and "1h" in line)
    for name in ("5m", "1h"):
        assert "┊" in {line[axis.index(name) :][:1] for line in shown}
    assert any(line.startswith("  5m     10.0 %") for line in shown)
    assert "cannot be told" in lines(list(time_page(View(500), curves(kept=None), 100, 20)))[0]


def test_every_line_fits_the_width_it_is_laid_out_for() -> None:
    causes = Causes(4, 100, 20, 10, 40, 10, 5, 15, 0.25)
    missed = Misses(causes, [("an agent with a name that is rather long " * 3, causes)], 1, [(None, causes)], [])
    for width in (74, 112):
        for page in (
            size_page(View(500), curves(), None, missed, width, 20),
            time_page(View(500), curves(), width, 20),
            misses_page(View(500), curves(), missed, width),
        ):
            assert max(map(len, lines(list(page)))) <= width
