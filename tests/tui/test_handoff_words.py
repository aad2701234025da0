"""Hand-offs in words: lines of the list, both ends of one, recorded texts and what of them is encrypted."""

from __future__ import annotations

import json

from explorer.store.queries import Exchange, HandOff, HandOffs, Party, Passage, Read
from explorer.tui.handoff_words import columns_for, heading, lay_out_end, line, title_of
from explorer.tui.recorded_text import lay_out, parsed, sealed
from explorer.tui.widgets.sheet import Row, row_width

TOKEN = "gAAAAA" + "Bk3_-" * 12 + "=="

SPAWN = HandOff("e1", "spawn", "p", "c", "p", "c", "planner", "counter c1", 7_294, True, "task", None, "item", "exact")
RESULT = HandOff("e2", "result", "c", "p", "c", "p", "counter c1", "planner", 30_085, False, None, False, "pending",
                 "derived")  # fmt: skip
ASKER = Party("p", "p", "planner", "completed", 4, 5_000, 538, 36_100, 900, None)
DOER = Party("c", "c", "counter c1", "failed", 1, None, None, None, 1_200, 800)
CALL, FIRST, LAST = (Passage(basis, 1, "a", at, 1) for at, basis in enumerate(("tool_call", "first_step", "last_step")))


def lines_of(rows: list[Row]) -> list[str]:
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def said(text: str, width: int = 40) -> list[str]:
    values = parsed(text)
    return lines_of(list(lay_out(values, sealed(values), width)))


def end(exchange: Exchange, which: str, texts: dict[Passage, Read] | None, width: int = 70) -> list[str]:
    return lines_of(list(lay_out_end(exchange, "asker" if which == "asker" else "doer", texts, width)))


class TestRecordedText:
    def test_json_is_names_and_values_and_texts_keep_their_lines(self) -> None:
        record = json.dumps({"a": 1, "b": {"c": "one\ntwo"}, "d": [{"e": None}], "f": list(range(20)), "g": {}})
        assert said(record, 60) == [
            "a: 1", "b:", "  c:", "    one", "    two", "d:", "  -", "    e: null",
            "f: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 8 more]", "g: {}",
        ]  # fmt: skip

    def test_json_in_a_text_is_laid_out_too_and_lines_of_json_one_below_the_other(self) -> None:
        assert said('{"arguments":"{\\"path\\":\\"x\\"}"}\n{"b":2}') == ["arguments:", "  path: x", "", "b: 2"]

    def test_json_stands_between_lines_of_text(self) -> None:
        assert said('// payloads/4.json\n{\n "a": 1\n}\n// payloads/5.json\n[1] and more\n{"b": 2}') == [
            "// payloads/4.json", "", "a: 1", "", "// payloads/5.json", "[1] and more", "", "b: 2"
        ]  # fmt: skip

    def test_anything_else_is_shown_as_it_stands(self) -> None:
        assert said('not {json\nat all: "') == ["not {json", 'at all: "']
        assert said("[" * 5_000) != []

    def test_no_row_is_wider_than_the_page_and_nothing_harmful_is_in_it(self) -> None:
        record = json.dumps({"long name " * 9: ["x" * 90, "\x1b[31m\u202e"]})
        rows = list(lay_out(parsed(record), set(), 30))
        assert max(map(row_width, rows)) <= 30
        assert not {"\x1b", "\u202e"} & set("".join(lines_of(rows)))

    def test_what_is_encrypted_is_told_by_its_name_or_its_looks_and_only_its_beginning_is_shown(self) -> None:
        assert said(json.dumps({"encrypted_content": "CIPHER-A"}), 70) == [
            "encrypted_content: encrypted, 8 characters: CIPHER-A"
        ]
        assert said(json.dumps({"message": TOKEN}), 70) == ["message: encrypted, 68 characters: gAAAAABk3_-Bk3_…"]
        assert said(json.dumps({"content": "MVKAR1:aGk/+w=="}), 70) == [
            "content: encrypted, 15 characters: MVKAR1:aGk/+w=="
        ]
        assert sealed(parsed(json.dumps({"content": "MVKAR1: the mark of it"}))) == set()
        assert (
            sealed(parsed(json.dumps({"encrypted_function_args": [], "message": "gAAAA is how they begin"}))) == set()
        )


class TestBothEnds:
    def test_the_one_who_asked_has_the_call_and_what_became_of_it(self) -> None:
        exchange = Exchange(SPAWN, RESULT, ASKER, DOER, CALL, FIRST, LAST, CALL)
        assert heading(exchange) == "spawn and result: planner → counter c1"
        assert end(exchange, "asker", {CALL: Read('{"task":"count"}')}) == [
            "planner",
            "completed, 4 steps, in 5.0k out 538, 36.1s",
            "",
            "Asked",
            "spawn at +7.294s from the start, with the tool task",
            "– delivery not recorded; followed to the item that the receiver's",
            "model saw",
            "By the record of the tool call:",
            "count",
            "",
            "Got back",
            "result at +30.085s from the start (that of the run: none of its own",
            "recorded)",
            "U never arrived; pending: nothing of the receiver shows it; between",
            "whom follows by a rule",
            "What came back stands with the call, in its record, if the recorder",
            "kept it.",
            "",
            "The record of what was asked",
            "task: count",
        ]

    def test_what_was_said_comes_before_the_record_and_once(self) -> None:
        use = {"type": "tool_use", "id": "t1", "input": {"to": "c", "message": "Count.", "content": "Count."}}
        other = {"type": "tool_use", "id": "t2", "input": {"prompt": "something else"}}
        sent = json.dumps({"uuid": "u", "type": "assistant", "message": {"model": "m", "content": [use, other]}})
        back = json.dumps({"cwd": "/", "message": {"content": [{"tool_use_id": "t1", "content": [{"text": "42"}]}]}})
        got = Passage("edge", None, "a", 9, 1)
        exchange = Exchange(SPAWN._replace(call="t1"), RESULT, ASKER, DOER, CALL, None, None, got)
        shown = end(exchange, "asker", {CALL: Read(sent), got: Read(back)})
        said, records = shown[: shown.index("The record of what was asked")], shown[shown.index("Got back") :]
        assert said.count("Count.") == 1 and "42" in said
        assert not any("uuid" in line or "something else" in line for line in said)
        assert "uuid: u" in records and "cwd: /" in records

    def test_what_was_asked_is_not_taken_for_the_answer_beside_it(self) -> None:
        again = CALL._replace(basis="edge")
        exchange = Exchange(SPAWN, None, ASKER, DOER, again, None, None, CALL)
        whole = {"input": {"prompt": "Count."}, "output": "42"}
        for record, answer in (
            (whole, "42"),
            ({"input": whole["input"]}, "What came back stands with the call, in its record, if the recorder"),
        ):
            text = Read(json.dumps(record))
            shown = end(exchange, "asker", {again: text, CALL: text})
            back = shown[shown.index("Got back") : shown.index("The record of what was asked")]
            assert answer in back and "Count." not in back

    def test_what_got_lost_is_nowhere_in_the_record_of_its_receiver(self) -> None:
        exchange = Exchange(SPAWN, RESULT, ASKER, DOER, CALL, FIRST, LAST, None)
        assert end(exchange, "asker", {})[-1] == "Nothing in the record of this run shows it."
        unsaid = exchange._replace(answer_sent=None)
        assert end(unsaid, "doer", {})[-1] == "The recording has no text of it."

    def test_the_other_has_its_first_and_last_word_and_says_what_stands_for_them(self) -> None:
        exchange = Exchange(SPAWN, None, ASKER, DOER, CALL, FIRST, LAST, CALL)
        shown = end(exchange, "doer", {FIRST: Read("{}"), LAST: Read("42", said=True)}, 200)
        assert shown[1] == "failed, 1 step, in – out –, –"
        assert shown[6:8] == [
            "No record of its own; the run's first step, 1, a prompt of 1.2k tokens, 800 of them written by who asked, "
            "or above:",
            "{}",
        ]
        assert shown[9:] == ["Answered", "The last of what the run said:", "42"]

    def test_texts_on_their_way_and_texts_that_cannot_be_had(self) -> None:
        exchange = Exchange(SPAWN, None, ASKER, None, CALL, None, None, None)
        assert end(exchange, "asker", None)[8] == "reading …"
        assert end(exchange, "asker", {CALL: Read(None, "It is gone.")})[8] == "It is gone."
        doer = end(exchange, "doer", {})
        assert doer[0] == "(not recorded)"
        assert doer[-1] == "No record of an answer."

    def test_what_one_end_tells_to_be_encrypted_is_so_at_the_other(self) -> None:
        got = Passage("edge", None, "a", 1, 1)
        exchange = Exchange(SPAWN, None, ASKER, DOER, CALL, got, None, None)
        texts = {CALL: Read('{"message":"CIPHER-A"}'), got: Read('{"encrypted_content":"CIPHER-A"}')}
        assert "message: encrypted, 8 characters: CIPHER-A" in end(exchange, "asker", texts)

    def test_nothing_comes_back_of_a_message(self) -> None:
        note = SPAWN._replace(kind="message")
        assert end(Exchange(note, None, ASKER, DOER, CALL, None, None, None), "doer", {})[-1] == (
            "Nothing comes back of this."
        )


class TestLines:
    def shown(self, width: int, *listed: HandOff) -> list[str]:
        columns = columns_for(listed, width)
        return [columns.head(), *("".join(text for text, _ in line(one, columns)).rstrip() for one in listed)]

    def test_a_line_says_who_when_what_and_whether_it_arrived_without_colour(self) -> None:
        assert self.shown(120, SPAWN, RESULT) == [
            "   from start  kind     from         to          delivery       followed  grade       tool",
            "–     +7.294s  spawn    planner    → counter c1  not recorded   item      exact       task",
            "U   ~+30.085s  result   counter c1 → planner     never arrived  pending   derived     –",
        ]

    def test_on_a_narrow_screen_who_and_whether_it_arrived_stay(self) -> None:
        long = RESULT._replace(sender="a sender of a very long name", receiver="a receiver of one")
        shown = self.shown(78, long)
        assert max(map(len, shown)) <= 78
        assert "never arrived" in shown[1]
        assert "a sender…ong name → a receiver of one" in shown[1]  # siblings differ at the ends of their names

    def test_only_what_there_is_has_a_column(self) -> None:
        assert "followed" not in self.shown(120, SPAWN._replace(resolution=None))[0]

    def test_the_title_counts_what_never_arrived(self) -> None:
        assert title_of(HandOffs([SPAWN], 1_200, 0), "planner") == "Hand-offs of planner: 1,200"
        assert title_of(HandOffs([RESULT], 1, 1), "planner") == "Hand-offs of planner: 1, 1 never arrived"
