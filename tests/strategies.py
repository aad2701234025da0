"""What Hypothesis makes up for several tests.

Its own text looks up the categories of all of Unicode first, which takes seconds in every process.
"""

from hypothesis import strategies as st


def texts(most: int, surrogates: bool = False) -> st.SearchStrategy[str]:
    """Texts of at most so many signs of any kind; with ``surrogates``, also of what is no text."""
    if surrogates:
        signs = st.integers(0, 0x10FFFF).map(chr)
    else:
        signs = st.integers(0, 0x10F7FF).map(lambda number: chr(number if number < 0xD800 else number + 0x800))
    return st.text(st.sampled_from('aé"\\\n{}[]:, ') | signs, max_size=most)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts(8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(4), inner, max_size=3),
    max_leaves=8,
)
"""Whatever JSON holds."""
