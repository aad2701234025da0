"""What Codex inlines as images, and what stands for one."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from explorer.readers import _images
from explorer.readers._records import Buffer

LEAST: Final = 16 << 10
"""Characters of the shortest image that is cut out. It goes by the image alone, whatever it stands in."""

_MARKS: Final = (b";base64,", b'"result":"')
"""What an image comes behind: the beginning of a data URL, the field of an image that the model drew."""


def without_images(buffer: Buffer, start: int, end: int) -> bytes:
    """The JSON text between two places, with ``sha256:…`` for what each image of at least ``LEAST`` characters is."""
    return _images.without_images(buffer, start, end, _MARKS, LEAST, _digest)


def _digest(image: bytes) -> bytes:
    return b"sha256:" + sha256(image).hexdigest().encode()
