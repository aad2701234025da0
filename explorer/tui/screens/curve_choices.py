"""What of a cache can be chosen: the unit of its size, whose KV cache it is, which conversations share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.screen import ModalScreen

from explorer.store.queries import Arrivals
from explorer.tui import humanize
from explorer.tui.curve_words import UNITS, View
from explorer.tui.screens.entry import EntryScreen
from explorer.tui.screens.menu import Choice, MenuScreen
from explorer.tui.sizes import blocks_in, bytes_in

if TYPE_CHECKING:
    from explorer.store.queries import CacheCurves, InUse, KvModel

_GAPS_MS = (30_000, 60_000, 300_000, 900_000, 3_600_000)
"""Mean times between random arrivals to choose from."""
_OTHER = "other"


class Found(NamedTuple):
    """What is shown, once it is there."""

    curves: CacheCurves
    use: InUse | None
    models: list[KvModel]


class CurveChoices(ModalScreen[None]):
    """The keys that choose."""

    view: View
    found: Found | None
    node_id: str | None

    def draw(self, keep_scroll: bool = True) -> None:
        """Lay the page out again."""
        raise NotImplementedError

    def play(self, arrivals: Arrivals | None) -> None:
        """Play one cache for all conversations, or none."""
        raise NotImplementedError

    def aim_at(self, blocks: int) -> None:
        """Put the cursor at a size."""
        raise NotImplementedError

    def action_unit(self) -> None:
        """Label the sizes in the next unit."""
        if self.found is None:
            return
        if self.found.curves.block_tokens is None:
            self.notify("How many tokens a block holds was not recorded, or differs.", timeout=3)
            return
        self.view.unit = UNITS[(UNITS.index(self.view.unit) + 1) % len(UNITS)]
        if self.view.unit == "GiB" and self.view.model is None:
            self.action_model()
        self.draw()

    def action_model(self) -> None:
        """Choose whose KV cache it is."""
        found, chosen = self.found, self.view.model
        if found is None:
            return
        choices = [
            Choice(
                model.name,
                model.name,
                f"{model.bytes_per_token / 1024:,.1f} KiB a token",
                chosen is not None and model.name == chosen[0],
            )
            for model in found.models
        ]
        choices.append(Choice(_OTHER, "another model", "enter the bytes that a token takes"))
        hint = "2 bytes for each value of the cache, by its published config.json   enter chooses"
        self.app.push_screen(MenuScreen("KV cache of", choices, hint), self._model_chosen)

    def _model_chosen(self, name: str | None) -> None:
        sizes = {model.name: model.bytes_per_token for model in self.found.models} if self.found else {}
        if name == _OTHER:
            screen = EntryScreen(
                "Bytes that a token takes in the KV cache",
                "131072, or 128k for 128 KiB",
                "2 x layers x KV heads x head dimension x bytes of a value",
                bytes_in,
            )
            self.app.push_screen(screen, self._bytes_entered)
        elif name is not None:
            self._take_model(name, sizes[name])
        elif self.view.model is None and self.view.unit == "GiB":
            self.view.unit = "tokens"
            self.draw()

    def _bytes_entered(self, size: int | None) -> None:
        if size is not None:
            self._take_model(f"{humanize.number(size)} bytes a token", size)
        else:
            self._model_chosen(None)

    def _take_model(self, name: str, size: int) -> None:
        self.view.model = (name, size)
        self.view.unit = "GiB"
        self.draw()

    def action_enter_size(self) -> None:
        """Put the cursor at a size that is written."""
        if self.found is None:
            return
        view, block_tokens = self.view, self.found.curves.block_tokens
        screen = EntryScreen(
            "How large is the cache?",
            "24 GiB, 1228 blocks, 1.2M tokens",
            f"A number alone is in {view.unit}; what holds half a block holds none of it.",
            lambda text: blocks_in(text, view, block_tokens),
        )
        self.app.push_screen(screen, self._size_entered)

    def _size_entered(self, blocks: int | None) -> None:
        if blocks is not None:
            self.aim_at(blocks)

    def action_arrivals(self) -> None:
        """Let all conversations share a cache, in the next way; or none."""
        if self.found is None:
            return
        if self.node_id is not None or self.found.curves.conversations < 2:
            self.notify("Conversations can share a cache where several are shown: everything that is open.", timeout=4)
            return
        now = self.view.arrivals
        if now is None:
            self.play(Arrivals("at_once"))
        elif now.order == "at_once":
            self.play(Arrivals("in_turn"))
        else:
            self.play(Arrivals("poisson") if now.order == "in_turn" else None)

    def action_gap(self, by: int) -> None:
        """Let random arrivals come in another mean time of each other."""
        now = self.view.arrivals
        if now is None or now.order != "poisson":
            self.notify("Only random arrivals have a mean time between them: a, until they are.", timeout=3)
            return
        at = _GAPS_MS.index(now.gap_ms) + by
        if 0 <= at < len(_GAPS_MS):
            self.play(now._replace(gap_ms=_GAPS_MS[at]))

    def action_seed(self) -> None:
        """Draw other random arrivals."""
        now = self.view.arrivals
        if now is None or now.order != "poisson":
            self.notify("Only random arrivals have a seed: a, until they are.", timeout=3)
        else:
            self.play(now._replace(seed=now.seed + 1))
