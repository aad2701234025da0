"""The walk through a document: what is whole is found, with damage around it."""

import json
import re

from explorer.readers._walk import Walk

KNOWN = re.compile(rb'"(?:list|end|name)"\s*:')
BEGINS = re.compile(rb'\{\s*"n"\s*:')


def told(content, longest=1 << 20):
    """The numbers of the records of each object, and its last field; what was noted."""
    walk = Walk(content, longest=longest)
    found = []
    for _ in walk.objects():
        numbers, end = [], None
        for key in walk.members(KNOWN):
            if key == "list":
                numbers = [piece.value["n"] for piece in walk.records(BEGINS, KNOWN) if isinstance(piece.value, dict)]
            elif key == "end":
                end = walk.value()
        found.append((numbers, end))
    return found, [(damage.offset, damage.code) for damage in walk.damage]


def document(*records, end=7, **fields):
    return json.dumps({"name": "x", "list": [*records], **fields, "end": end}).encode()


def test_what_is_whole_is_told_with_all_that_is_stepped_over():
    other = {"deep": [[{"list": [{"n": 9}]}], '"}]\\']}
    content = document({"n": 1, "t": 'a"}]\\'}, {"n": 2, "o": [{}, {"n": 8}]}, other=other)
    assert told(content) == ([([1, 2], 7)], [])
    assert told(content + b"\n \n" + document({"n": 3}) + b"\n") == ([([1, 2], 7), ([3], 7)], [])


def test_a_broken_record_costs_itself():
    content = document({"n": 1}, {"n": 2, "t": "x"}, {"n": 3}, {"n": 4})
    at = content.index(b'{"n": 2')
    for broken in (b'{"n": 2, "t": x"}', b'{"n": 2, "t": "x}', b'"n": 2, "t": "x"}', b'{"n": 2, "t": "x"', b'{"n" 2}'):
        found, damage = told(content.replace(b'{"n": 2, "t": "x"}', broken))
        assert found == [([1, 3, 4], 7)], broken
        assert damage and all(offset >= at - 1 for offset, _ in damage), broken


def test_what_is_damaged_at_the_end_of_a_list_does_not_cost_what_follows_it():
    content = document({"n": 1}, {"n": 2})
    assert told(content.replace(b'{"n": 2}]', b'{"n": }'))[0] == [([1], 7)]


def test_a_cut_is_told_once_and_all_before_it_is_there():
    content = document({"n": 1}, {"n": 2}, {"n": 3})
    for cut in range(1, len(content)):
        found, damage = told(content[:cut])
        ends = [content.index(b'{"n": %d}' % n) + 8 for n in (1, 2, 3)]
        assert found[0][0] == [n for n, end in enumerate(ends, 1) if end <= cut]
        assert len(damage) == 1


def test_a_record_beyond_what_is_built_costs_itself():
    content = document({"n": 1}, {"n": 2, "t": "x" * 100}, {"n": 3})
    assert told(content, longest=64)[0] == [([1, 3], 7)]


def test_a_file_that_is_nothing_but_damage_ends():
    for noise in (b'{"list":[' + b'{"n":' * 2_000, b"{" * 5_000, b'{"list":[' + b'{"n":1]' * 2_000, b'"' * 5_000):
        _, damage = told(noise)
        assert damage
