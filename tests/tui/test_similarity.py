from explorer.tui.prefix_words import guides
from explorer.tui.similarity import by_similarity


def test_what_is_alike_stands_together_and_the_rest_in_its_order() -> None:
    alike = [
        [1.0, 0.1, 0.9, 0.0, 0.1],
        [0.1, 1.0, 0.1, 0.0, 0.8],
        [0.2, 0.1, 1.0, 0.0, 0.1],
        [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.1, 0.1, 0.1, 0.0, 1.0],
    ]
    assert by_similarity(alike) == [0, 2, 1, 4, 3]
    assert by_similarity([[0.0] * 3] * 3) == [0, 1, 2]
    assert by_similarity([]) == []


def test_a_tree_is_drawn_by_the_parents_of_its_lines() -> None:
    assert list(guides([None, 0, 1, 1, 0, None])) == ["", "├ ", "│ ├ ", "│ └ ", "└ ", ""]
