"""Hand-offs between the threads of a conversation, from what each one's rollout tells of its own side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from explorer.model import EdgeKind, Grade
from explorer.readers.codex._draft import HandOff, Remark
from explorer.readers.codex._traffic import AgentCall, Delivery, Final, Traffic

_HEADER = "Message Type: FINAL_ANSWER"
_TASK = "Message Type: NEW_TASK"
_PAYLOAD = "\nPayload:\n"


MOST_LOOKED_AT = 1_000
"""Deliveries among which the one of a call is looked for: they come in the order of the calls, or nearly."""


class Tree:
    """The threads of a conversation, by every name that they go by."""

    def __init__(self, threads: Sequence[Traffic]) -> None:
        self.threads = threads
        self.by_id = {each.thread.thread_id: each for each in threads}
        self._by_path: dict[str, list[Traffic]] = {}
        for each in threads:
            self._by_path.setdefault(self.path_of(each), []).append(each)
        self._inboxes: dict[tuple[str, str], list[Delivery]] = {}
        for each in threads:
            for delivery in each.deliveries:
                name = delivery.letter.author if delivery.letter else delivery.sender or ""
                self._inboxes.setdefault((each.thread.thread_id, name), []).append(delivery)

    def inbox(self, receiver: Traffic, sender: Traffic) -> list[Delivery]:
        """What a thread got from another one and nothing is matched with yet, by any name of the other."""
        names = {self.path_of(sender), sender.thread.thread_id} - {""}
        boxes = [self._inboxes.get((receiver.thread.thread_id, name), []) for name in sorted(names)]
        for box in boxes:
            while box and box[0].taken:  # mostly they are matched in order
                del box[0]
        return [delivery for box in boxes for delivery in islice(box, MOST_LOOKED_AT) if not delivery.taken]

    def path_of(self, each: Traffic) -> str:
        """The path by which others write to a thread; a root has none of its own."""
        return each.thread.path or ("/root" if each.thread.parent_thread_id is None else "")

    def find(self, name: str | None, sender: Traffic) -> Traffic | None:
        """Whom an agent means: by thread, by path, or by a path below its own."""
        if name is None:
            return None
        if name in self.by_id:
            return self.by_id[name]
        paths = [name] if name.startswith("/") else [f"{self.path_of(sender)}/{name}"]
        for path in paths:
            found = self._by_path.get(path, [])
            if len(found) == 1:
                return found[0]
        return None


def hand_offs(threads: Sequence[Traffic]) -> tuple[list[HandOff], list[Remark]]:
    """Every hand-off, those between the same two in order; and what never arrived."""
    tree = Tree(threads)
    told = [hand_off for sender in threads for hand_off in _asked(tree, sender)]
    found: list[HandOff] = list(told)
    remarks: list[Remark] = []
    for child in threads:
        parent = tree.by_id.get(child.thread.parent_thread_id or "")
        if not child.spawned or child.thread.parent_thread_id is None:
            continue
        for final in child.finals:
            hand_off = _returned(tree, child, parent, final)
            found.append(hand_off)
            if hand_off.delivered is False:
                who = child.thread.path or child.thread.nickname or child.thread.thread_id
                message = f"{who} ended this turn with an answer that never shows up in its parent's record"
                where = final.where
                remarks.append(Remark(
                    "undelivered-result", "warning", message, where.source_id, where.line,
                    child.thread.thread_id, final.turn.turn_id,
                ))  # fmt: skip
    found += _unasked(tree, told)
    return found, remarks


# --- what was asked ------------------------------------------------------------------------------------------------


def _asked(tree: Tree, sender: Traffic) -> Iterator[HandOff]:
    for call in sender.calls.values():
        receiver = tree.by_id.get(call.thread_id or "") or tree.find(call.path or call.target, sender)
        thread_id = call.thread_id or (receiver.thread.thread_id if receiver else None)
        grade: Grade = "exact" if call.thread_id else "derived"
        path = call.path or (receiver.thread.path if receiver else None) or call.target
        if call.kind in ("spawn", "resume") and thread_id:
            call.tool.child_thread_id = thread_id
        hand_off = HandOff(
            call.kind, sender.thread.thread_id, call.turn.turn_id, thread_id, to_path=path, call_id=call.tool.call_id,
            at=call.at, grade=grade if thread_id else "not_recorded", asked=call.where,
            resolution="thread" if receiver else "pending", sealed=call.is_sealed,
        )  # fmt: skip
        if receiver is not None and call.kind != "close":
            _deliver(tree, hand_off, call, sender, receiver)
        yield hand_off


def _deliver(tree: Tree, hand_off: HandOff, call: AgentCall, sender: Traffic, receiver: Traffic) -> None:
    """Find what the receiver got of it."""
    names = (tree.path_of(receiver), receiver.thread.thread_id)
    letters = [each for each in tree.inbox(receiver, sender) if each.letter and each.letter.recipient in names]
    got = next((each for each in letters if each.letter and each.letter.holds(call.message)), None)
    if got is None and call.kind == "spawn" and (call.is_sealed or not call.message):
        got = next((each for each in letters if not _is_final(each)), None)
    if got is not None:
        got.taken = True
        hand_off.to_turn, hand_off.got = got.turn.turn_id, got.where
        hand_off.delivered, hand_off.resolution = True, "item"
        hand_off.sealed = hand_off.sealed or bool(got.letter and got.letter.sealed)
        return
    for text, where, turn in receiver.prompts:
        if call.message and text == call.message:
            hand_off.to_turn, hand_off.got = turn.turn_id, where
            hand_off.delivered, hand_off.resolution = True, "item"
            return
    own = [turn for turn in receiver.thread.turns if not turn.is_replay]
    if call.kind == "spawn" and own:
        hand_off.to_turn = own[0].turn_id


def _is_final(delivery: Delivery) -> bool:
    return delivery.letter is not None and delivery.letter.text.startswith(_HEADER)


# --- what came back ------------------------------------------------------------------------------------------------


def _returned(tree: Tree, child: Traffic, parent: Traffic | None, final: Final) -> HandOff:
    """The answer of a child's turn, and where its parent got it."""
    hand_off = HandOff(
        "result", child.thread.thread_id, final.turn.turn_id, child.thread.parent_thread_id, at=final.at,
        asked=final.where, resolution="thread" if parent else "pending", grade="exact",
    )  # fmt: skip
    if parent is None:
        return hand_off
    hand_off.to_path = tree.path_of(parent) or None
    candidates = [each for each in tree.inbox(parent, child) if each.letter is None or _is_final(each)]
    got = next((each for each in candidates if _answers(each, final.text)), None)
    if got is None and not final.text:
        got = next(iter(candidates), None)
    if got is None:
        cut = parent.is_cut and (parent.last_at is None or final.at is None or parent.last_at <= final.at)
        hand_off.delivered = None if cut else False
        hand_off.resolution = "pending"
        return hand_off
    got.taken = True
    for each in candidates:  # a tool and a notice may both bring it, and the tool each time it is called
        each.taken = each.taken or (each.letter is None and each.text == got.text)
    hand_off.to_turn, hand_off.at, hand_off.got = got.turn.turn_id, got.at, got.where
    hand_off.delivered, hand_off.resolution = True, "item"
    return hand_off


def _answers(delivery: Delivery, text: str) -> bool:
    if delivery.letter is None:
        return delivery.text is None or delivery.text == text
    _, found, payload = delivery.letter.text.partition(_PAYLOAD)
    return payload.strip() == text.strip() if found and not delivery.letter.sealed else True


def _unasked(tree: Tree, told: Sequence[HandOff]) -> Iterator[HandOff]:
    """Of which no call is recorded, as the sender's file is not there or lacks it: letters, and spawns."""
    spawned = {each.to_thread for each in told if each.kind == "spawn"}
    for receiver in tree.threads:
        for each in receiver.deliveries:
            if each.taken:
                continue
            name = each.letter.author if each.letter else each.sender
            sender, kind = tree.find(name, receiver), _kind_of(each, receiver, spawned)
            sender_id = sender.thread.thread_id if sender else None
            if kind == "spawn":
                sender_id = sender_id or receiver.thread.parent_thread_id
            yield HandOff(
                kind, sender_id, None, receiver.thread.thread_id, each.turn.turn_id, at=each.at, delivered=True,
                resolution="item", grade="derived" if sender else "not_recorded", got=each.where,
                sealed=bool(each.letter and each.letter.sealed),
            )  # fmt: skip
    for child in tree.threads:
        thread = child.thread
        if child.spawned and thread.thread_id not in spawned:
            own = [turn for turn in thread.turns if not turn.is_replay]
            first, known = own[0].turn_id if own else None, thread.parent_thread_id in tree.by_id
            yield HandOff(
                "spawn", thread.parent_thread_id, None, thread.thread_id, first, thread.path, at=thread.start,
                resolution="thread", grade="derived" if known else "not_recorded",
            )  # fmt: skip


def _kind_of(delivery: Delivery, receiver: Traffic, spawned: set[str | None]) -> EdgeKind:
    """What a letter is that nobody's call is known to have sent; the first task of a child is its spawn."""
    if delivery.letter is None or _is_final(delivery):
        return "result"
    if not delivery.letter.text.startswith(_TASK):
        return "message"
    if receiver.spawned and receiver.thread.thread_id not in spawned:
        spawned.add(receiver.thread.thread_id)
        return "spawn"
    return "assign"
