"""Every picture of a screen belongs to a test that draws it."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def test_every_picture_has_its_test() -> None:
    """Where tests run in several processes, nobody else would notice one that is left over."""
    pictures = list(HERE.rglob("__snapshots__/*/*.svg"))
    assert pictures
    for picture in pictures:
        name, _, case = picture.stem.partition("[")
        source = (picture.parents[2] / f"{picture.parent.name}.py").read_text("utf-8")
        assert f"def {name}(" in source, picture
        assert not case or f'id="{case.removesuffix("]")}"' in source, picture
