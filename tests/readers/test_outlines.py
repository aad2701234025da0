"""Finding where records begin and end, without building them and without trusting them."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.readers import _records
from explorer.readers._outlines import MAX_DEPTH, outlines
from explorer.readers._records import Forget, open_bytes
from explorer.readers._scan import MAX_SKIPPED_VALUE
from tests.strategies import VALUES


def walk(text):
    """The outlines of a text, by the key ``rs``."""
    return list(outlines(text if isinstance(text, bytes) else text.encode(), "rs"))


def only(text):
    (outline,) = walk(text)
    return outline


def records(text, outline=None):
    """The text of each record of the only outline."""
    content = text if isinstance(text, bytes) else text.encode()
    outline = only(content) if outline is None else outline
    return [content[slice(*outline.span(index))].decode() for index in range(len(outline))]


def reasons(outline):
    return [damage.reason for damage in outline.damage]


# --- what is in order ------------------------------------------------------------------------------------------------


def test_an_outline_has_the_fields_and_the_places_of_the_records():
    text = '{"id":"x","rs":[{"a":1},{"a":2,"b":"two"}],"end":{"k":[1,2]}}'
    outline = only(text)
    assert outline.fields == {"id": "x", "end": {"k": [1, 2]}}
    assert records(text) == ['{"a":1}', '{"a":2,"b":"two"}']
    assert (outline.offset, outline.end) == (0, len(text))
    assert not outline.damage


def test_an_outline_without_the_array_says_so():
    outline = only('{"id":"x"}')
    assert not outline.has_array
    assert not outline.damage
    assert only('{"rs":[]}').has_array
    assert not only('{"rs":{"a":1}}').has_array


def test_records_that_hold_the_array_again_are_outlines_in_the_outline():
    text = '{"rs":[{"a":1},{"n":1,"rs":[{"b":1},{"n":2,"rs":[]},{"b":2}],"m":3},{"a":2}]}'
    outline = only(text)
    assert len(outline) == 3
    assert list(outline.nested) == [1]
    inner = outline.nested[1]
    assert inner.fields == {"n": 1, "m": 3}
    assert records(text, inner) == ['{"b":1}', '{"n":2,"rs":[]}', '{"b":2}']
    assert inner.nested[1].has_array
    assert len(inner.nested[1]) == 0


@pytest.mark.parametrize(
    "record",
    [
        '{"a":"}"}',
        '{"a":"{"}',
        '{"a":"]"}',
        '{"a":"[\\""}',
        '{"a":"\\\\"}',
        '{"a":"\\"}\\","}',
        '{"a":{"b":{"c":[1,{"d":"}"}]}}}',
        '{"a":[{"b":1},{"b":2}]}',
        '{"a":[[1,2],[3]],"b":[]}',
        '{"a":["x","]"],"b":null}',
        '{"rs":"text"}',
        '{"a":"\\"rs\\":["}',
        '{ "a" : 1 , "b" : [ 1 , 2 ] }',
        "{}",
        '{"a":-1.5e-7,"b":true,"c":"\\u005d"}',
        '{"hash_ids":[' + ",".join(map(str, range(100))) + '],"b":["]"]}',
    ],
)
def test_any_sign_may_stand_in_a_record(record):
    text = '{"rs":[{"before":1},' + record + ',{"behind":1}],"id":"x"}'
    assert records(text) == ['{"before":1}', record, '{"behind":1}']
    assert only(text).fields == {"id": "x"}
    assert not only(text).damage


keys = st.sampled_from(["a", "b", "id", "\u00e9", '"', "\\", "]}", ""])
plain = st.dictionaries(keys, VALUES, max_size=4)
styles = st.sampled_from(
    [
        {"separators": (",", ":")},
        {},
        {"indent": 2},
        {"indent": 0},
        {"indent": "\t", "ensure_ascii": False},
        {"separators": (" , ", " : ")},
    ]
)


@given(plain, st.lists(plain, max_size=5), plain, styles)
def test_whatever_json_writes_is_outlined(before, inside, behind, style):
    text = json.dumps({"z": 0} | before | {"rs": inside} | behind, **style).encode()
    outline = only(text)
    assert not outline.damage
    assert outline.fields == {"z": 0} | before | behind
    assert [json.loads(record) for record in records(text, outline)] == inside


@given(
    st.lists(st.lists(plain, max_size=3), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"])
)
def test_lines_are_outlined_one_by_one(files, end):
    text = end.join(json.dumps({"id": n, "rs": inside}) for n, inside in enumerate(files)).encode()
    found = walk(text)
    assert [outline.fields for outline in found] == [{"id": n} for n in range(len(files))]
    assert [[json.loads(record) for record in records(text, each)] for each in found] == files


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\ufeff", "\ufeff \r\n"])
def test_nothing_is_in_nothing(text):
    assert walk(text) == []


def test_a_byte_order_mark_is_passed_over():
    assert records('\ufeff{"rs":[{"a":1}]}') == ['{"a":1}']


def test_an_array_of_objects_is_taken_object_by_object():
    text = b' [ {"id":1,"rs":[{"a":1}]} ,\n {"id":2,"rs":[{"a":2}]}\n] \n'
    found = walk(text)
    assert [outline.fields["id"] for outline in found] == [1, 2]
    assert [records(text, outline) for outline in found] == [['{"a":1}'], ['{"a":2}']]
    assert not any(outline.damage for outline in found)


def test_two_objects_may_share_a_line():
    assert [outline.fields["id"] for outline in walk('{"id":1,"rs":[]} {"id":2,"rs":[]}{"id":3,"rs":[]}')] == [1, 2, 3]


def test_records_may_stand_on_lines_of_their_own():
    text = '{"id":1,"rs":[\n{"a":1},\n{"a":2}\n]}\n{"id":2,"rs":[\n{"a":3}\n]}\n'
    found = walk(text)
    assert [records(text, outline) for outline in found] == [['{"a":1}', '{"a":2}'], ['{"a":3}']]
    assert not any(outline.damage for outline in found)


def test_a_missing_or_doubled_comma_between_records_costs_nothing():
    assert records('{"rs":[{"a":1} {"a":2},,{"a":3},]}') == ['{"a":1}', '{"a":2}', '{"a":3}']


# --- damage ----------------------------------------------------------------------------------------------------------

THREE = ['{"a":1,"b":"x"}', '{"a":2,"b":"y"}', '{"a":3,"b":"z"}']


def three(middle=THREE[1], end="]}"):
    return '{"id":"i","rs":[' + ",".join([THREE[0], middle, THREE[2]]) + end


@pytest.mark.parametrize(
    "middle",
    [
        '{"a":2,"b":"y"',
        '{"a":2,"b":"y"]',
        '{"a":2,"b":"y}',
        '{"a":2,"b":y"}',
        '{"a":2,b":"y"}',
        '"a":2,"b":"y"}',
        'x"a":2,"b":"y"}',
        '{"a":2}"b":"y"}',
        '{"a":[2,"b":"y"}',
        '{"a":{2,"b":"y"}',
        '{"a":2,"b":"y"}}',
        '{"a":,"b":[}',
        '{"a":["x"},',
        '{"a":"\\"}',
        "null",
        "17",
        '"text"',
        "[1,2]",
    ],
)
def test_a_damaged_record_costs_itself(middle):
    text = three(middle)
    outline = only(text)
    assert records(text)[0] == THREE[0]
    assert records(text)[-1] == THREE[2]
    assert len(outline) <= 3
    assert len(outline) < 3 or records(text)[1] == middle
    assert outline.damage or len(outline) == 3
    assert outline.fields["id"] == "i"


def test_a_place_that_could_not_be_read_is_noted_with_its_byte():
    text = three('{"a":2,"b:"y"}')
    (damage,) = only(text).damage
    assert damage.code == "bad-record"
    assert text.index('{"a":2') < damage.offset < text.index(THREE[2])


def test_behind_damage_records_may_be_anothers():
    assert only(three()).unsure_from is None
    assert only(three('{"a":2,"b:"y"}')).unsure_from == 1


@pytest.mark.parametrize("cut", range(1, len(three())))
def test_a_cut_keeps_the_records_before_it(cut):
    text = three()[:cut]
    outline = only(text)
    whole = [record for record in THREE if record in text]
    assert records(text) == whole
    assert [damage.code for damage in outline.damage] == ["truncated-record"]
    assert outline.end == cut


def test_a_line_that_was_cut_off_never_runs_on_into_the_next():
    line = '{"id":"i","rs":[{"a":[1,2],"b":{"c":["x"]}},{"n":[1,2,3]}],"t":{"u":[4]}}'
    for cut in range(1, len(line) - 1):
        text = f"{line}\n{line[:cut]}\n{line}\n"
        found = walk(text)
        assert [outline.offset for outline in found] == [0, len(line) + 1, len(line) + cut + 2], cut
        assert not found[0].damage
        assert found[1].damage
        assert not found[2].damage
        assert records(text, found[2]) == records(text, found[0])


def test_records_on_lines_of_their_own_survive_damage_between_them():
    rows = [f'{{"a":{n},"b":"x"}}' for n in range(6)]
    broken = [*rows[:2], '{"a":2,"b:"x"}', *rows[3:]]
    text = '{"id":1,"rs":[\n' + ",\n".join(broken) + '\n]}\n{"id":2,"rs":[]}'
    first, second = walk(text)
    assert records(text, first) == rows[:2] + rows[3:]
    assert second.fields == {"id": 2}


def test_what_is_no_object_is_damage_and_the_next_line_is_read():
    found = walk('rubbish\n[1,2]\n{"id":1,"rs":[]}\n17\n')
    assert [(outline.fields, len(outline.damage)) for outline in found] == [({}, 1), ({"id": 1}, 0), ({}, 1)]


def test_zeros_at_the_end_of_a_file_are_damage_of_their_own():
    whole, rest = walk(three().encode() + bytes(100))
    assert len(whole) == 3
    assert not whole.damage
    assert reasons(rest) == ["not a JSON object"]


def test_a_field_that_is_not_json_costs_the_field():
    outline = only('{"id":1x,"k":"kept","rs":[{"a":1}]}')
    assert outline.fields == {"k": "kept"}
    assert len(outline) == 1
    assert len(outline.damage) == 1


def test_a_damaged_head_does_not_cost_the_records():
    text = '{"id":"i,"k":5,"rs":[{"a":1},{"a":2}],"end":1}'
    assert records(text) == ['{"a":1}', '{"a":2}']
    assert only(text).fields["end"] == 1
    assert only(text).damage


def test_a_damaged_head_of_an_inner_list_does_not_cost_its_records():
    text = '{"rs":[{"a":1},{"n":"i,"k":5,"rs":[{"b":1},{"b":2}],"m":1},{"a":2}]}'
    outline = only(text)
    assert len(outline) == 3
    assert records(text, outline.nested[1]) == ['{"b":1}', '{"b":2}']
    assert outline.nested[1].fields["m"] == 1
    assert len(outline.nested[1].damage) == 1


def test_an_object_that_closes_too_early_is_read_on():
    text = '{"id":"i"}"rs":[{"a":1},{"a":2}]}'
    assert records(text) == ['{"a":1}', '{"a":2}']
    assert reasons(only(text)) == ["the object ends before its line does"]


def test_a_last_record_without_its_brace_does_not_take_the_list_with_it():
    text = '{"rs":[{"n":1,"rs":[{"b":1,"c":2},{"b":3,"c":4],"m":5},{"a":1}]}'
    outline = only(text)
    inner = outline.nested[0]
    assert records(text, inner) == ['{"b":1,"c":2}']
    assert inner.fields == {"n": 1, "m": 5}
    assert records(text, outline)[1] == '{"a":1}'


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH - 1])
def test_lists_inside_each_other_are_followed(depth):
    text = '{"rs":[' * (depth + 1) + '{"a":1}' + "]}" * (depth + 1)
    outline = only(text)
    for _ in range(depth):
        outline = outline.nested[0]
    assert records(text, outline) == ['{"a":1}']


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("unit", ['{"rs":[', '{"rs":[{"a":1},', "[", "{", '{"x":', '{"x":[', '{"x":{"y":[{'])
def test_nesting_without_end_is_damage_and_no_exhausted_stack(unit, closed):
    closing = unit.translate(str.maketrans("[{", "]}", '"rs:xya1,'))[::-1]
    times = 1_050 // sum(map(unit.count, "[{")) + 1  # deeper than Python's stack
    text = '{"id":"i","rs":[{"a":1},' + unit * times + (closing * times + "]}" if closed else "")
    outline = walk(text)[0]
    assert outline.damage
    assert outline.fields["id"] == "i"
    assert records(text, outline)[0] == '{"a":1}'


def test_a_value_longer_than_is_looked_for_is_damage():
    long = "x" * (MAX_SKIPPED_VALUE + 1)
    outline = only('{"id":"' + long + '","rs":[{"a":1}]}')
    assert records('{"id":"' + long + '","rs":[{"a":1}]}', outline) == ['{"a":1}']
    assert "longer than" in reasons(outline)[0]


def test_a_long_text_in_a_plain_record_is_no_damage():
    text = '{"rs":[{"a":"' + "x" * (MAX_SKIPPED_VALUE + 1) + '"},{"b":1}]}'
    assert len(only(text)) == 2
    assert not only(text).damage


@pytest.mark.parametrize(
    "unit",
    [
        b'{"a":["},', b'{"a":[1,', b'{"a":[1},', b'{"a":1,', b'{"a":[{"', b'\\"', b"\n", b"\n{", b'"rs":[{', b'{"x":[{',
        b"}", b"]", b"}]", b"{{{", b'},{"t":1,"x":[{"', b'{"rs":[]}', b'{"n":1,"rs":[{"b":1}]', b'"', b'"\\', b" ",
        b'{"rs":["x":[{\n',
        b'"a":[1,2,{"b":["x"],', b'["n":1,"rs":[{"a":1}]}{"rs":[', b"{\n", b'{"a":1}', b'"rs":[]},"n":5\n{',
    ],
)  # fmt: skip
@pytest.mark.parametrize("head", [b"", b'{"rs":[', b'{"rs":[{"a":1},', b'{"rs":[{"n":1,"rs":[{"x":['])
def test_a_file_that_is_nothing_but_damage_ends(head, unit):
    """Each of these took time by its square, or an endless loop, with some reading that seemed natural."""
    text = head + unit * (5_000 // len(unit))
    for outline in walk(text):
        assert outline.end <= len(text)


def test_damaged_places_are_bounded_in_number():
    text = b'{"rs":[' + b'{"a":[1},' * 200_000
    assert sum(len(outline.damage) for outline in walk(text)) < 20_000


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_bytes_of_any_kind_end(before, behind):
    for outline in walk(before + b'{"rs":[{"a":1}' + behind):
        assert outline.offset < outline.end


def test_mapped_bytes_are_outlined_as_read_ones_are(tmp_path, monkeypatch):
    monkeypatch.setattr(_records, "MAP_ABOVE", 0)
    monkeypatch.setattr(Forget, "STRIDE", 4096)
    text = "\n".join(three(end=f'],"n":{n}}}') for n in range(400)).encode() + b"\n" + three()[:-9].encode()
    path = tmp_path / "file"
    path.write_bytes(text)
    with open_bytes(path) as buffer:
        found = list(outlines(buffer, "rs"))
        assert found == walk(text)
        assert [buffer[slice(*outline.span(1))] for outline in found] == [THREE[1].encode()] * 401


def test_spans_of_a_large_outline_follow_each_other():
    text = '{"rs":[' + ",".join(f'{{"a":{n}}}' for n in range(5000)) + "]}"
    outline = only(text)
    assert len(outline) == 5000
    assert all(a[1] + 1 == b[0] for a, b in pairwise(outline.span(n) for n in range(5000)))
