"""Keys that are typed ahead: each waits until what the one before it opened can take it."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from textual.app import App
from textual.events import Event, Key, Paste

_LONGEST = 3.0
"""Seconds that keys wait at most, should something go on and on."""
_LOOK = 0.001
"""Seconds between two looks at whether they may go on."""


class KeysAhead(App[int]):
    """Textual sends a key on at once: what follows one that opens a dialog would act below it, or be lost."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[Key | Paste] = deque()

    async def on_event(self, event: Event) -> None:
        """Let a key wait behind those before it."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded and (self._ahead or self._is_busy):
            self._ahead.append(event)
            if len(self._ahead) == 1:
                self.run_worker(self._catch_up(), name="keys", group="keys")
        else:
            await super().on_event(event)

    @property
    def _is_busy(self) -> bool:
        """Whether a key may be on its way, from what has the keys up to here, or a screen has no widgets yet."""
        screen = self.screen
        way = (screen.focused or screen).ancestors_with_self
        return not screen.is_mounted or any(each.message_queue_size for each in way)

    async def _catch_up(self) -> None:
        until = monotonic() + _LONGEST
        while self._ahead and self.is_running:
            while self._is_busy and monotonic() < until:
                await asyncio.sleep(_LOOK)
            # Those that come meanwhile are behind it.
            await super().on_event(self._ahead[0])
            self._ahead.popleft()
