"""What of each prompt is new: most go on from the one before and its answer."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.readers.inspect._events import digest_of, references
from explorer.readers.inspect._noted import Reference
from explorer.readers.inspect._prompting import behind
from explorer.readers.inspect._texts import Texts


class Following:
    """Goes from prompt to prompt. Those that refer to a pool are not built again for what they have in common."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._references: Sequence[Reference] = ()
        self._seen: list[int] = []  # the latest prompt, hashed
        self._answer: int | None = None

    def new(self, event: dict[str, object]) -> tuple[list[object], bool]:
        """The messages of a prompt that the one before did not have, and whether it is another one altogether."""
        given, referred = event.get("input"), references(event.get("input_refs"))
        more = None if given or not self._references else behind(self._references, referred)
        if more is not None:
            added = [message for first, last in more for message in self._texts.messages(first, last)]
            digests = [digest_of(message) for message in added]
            self._seen += digests
            known = int(bool(digests) and digests[0] == self._answer)
            self._references = referred
            return added[known:], False
        if isinstance(given, list) and given:
            prompt = given
        else:
            prompt = [message for first, last in referred for message in self._texts.messages(first, last)]
        before = self._seen if self._answer is None else [*self._seen, self._answer]
        self._seen = [digest_of(message) for message in prompt]
        pairs = enumerate(zip(self._seen, before, strict=False))
        same = next((n for n, (one, other) in pairs if one != other), min(len(self._seen), len(before)))
        self._references = () if given else referred
        return prompt[same:], bool(before) and same < len(before)

    def answered(self, answer: object) -> None:
        """What came of the latest prompt."""
        self._answer = digest_of(answer) if answer else None
