"""The sessions of the files that are read together, filled record by record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson

from explorer.readers._claude_code._content import CHAINED, FIELDS, figures, milliseconds, notice, word
from explorer.readers._claude_code._conversation import SYNTHETIC, record_of
from explorer.readers._claude_code._draft import Agent, Remark, Session, sidechain, teammate
from explorer.readers._claude_code._layout import Name, name_of
from explorer.readers._claude_code._lines import Damage, Where, lines
from explorer.readers._claude_code._prompt import Conversing
from explorer.readers._claude_code._teams import mate_of
from explorer.readers._claude_code._workflow import Workflow
from explorer.readers._prompts import PromptParts
from explorer.readers._values import many

LONGEST_META, LONGEST_NOTE = 1 << 20, 64 << 20

TRANSCRIPTS = "session", "agent"
"""The kinds of files that hold what was said."""

_TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle", "agent-name": "agentName"}


class Family:
    """Sessions that are read together and number their prompts together.

    With ``teams`` a session may be that of a teammate, who has been started by another session.
    """

    def __init__(self, teams: bool = False, parts: PromptParts | None = None) -> None:
        self.teams, self.parts = teams, PromptParts() if parts is None else parts
        self.sessions: dict[str, Session] = {}
        self.metas: dict[tuple[str | None, str], dict[str, object]] = {}
        """By session, if the directory tells it, and agent."""
        self.workflows: dict[tuple[str | None, str], Workflow] = {}
        """By session, if the directory tells it, and run."""
        self.summaries: list[tuple[str, str]] = []
        """The record at the end of what is summed up, and how."""
        self.silent: list[str] = []
        """Transcripts in which nothing was said: all that they hold are titles, states or snapshots."""
        self.damage: list[tuple[str, Damage]] = []
        self.foreign: dict[tuple[str, str], tuple[int, int]] = {}
        """Records of another session than the file's, by file and session: how many, and the first line."""

    def read(self, path: Path, source_id: str) -> None:
        """Take in a file.

        Raises:
            OSError: it cannot be read.
        """
        name = name_of(source_id)
        if name.kind in ("meta", "workflow"):
            self._note(path, source_id, name)
            return
        file = Transcript(self, source_id, name)
        take = file.take
        for line in lines(path, source_id):
            if type(line) is Damage:
                self.damage.append((source_id, line))
            elif name.kind == "journal":
                self._journal(name, *line)
            else:
                take(*line)
        if name.kind in TRANSCRIPTS:
            self.close(file)

    def close(self, file: Transcript) -> None:
        """A transcript has been read to its end."""
        if not file.told:
            self.silent.append(file.source_id)
        for session_id, number in file.twice.items():
            message = f"{many(number, 'record')} had been recorded before, here or in another file: each counts once"
            self.sessions[session_id].remarks.append(Remark("recorded-twice", "info", message, file.source_id, None))

    def _note(self, path: Path, source_id: str, name: Name) -> None:
        """The description of an agent, or how a workflow ended."""
        with path.open("rb") as opened:
            content = opened.read(LONGEST_META if name.kind == "meta" else LONGEST_NOTE)
        try:
            fields = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
        except ValueError as error:
            self.damage.append((source_id, Damage(1, "bad-record", f"not a JSON object: {error}")))
            return
        if not isinstance(fields, dict):
            return
        if name.agent_id:
            self.metas[name.session_id, name.agent_id] = fields
        elif name.workflow:
            self._workflow(name).take(fields, Where(source_id, 0, len(content), 1))

    def _journal(self, name: Name, where: Where, record: dict[str, object]) -> None:
        """An agent of a workflow was started, or came to a result."""
        agent_id = word(record.get("agentId"))
        if agent_id is not None and name.workflow is not None:
            self._workflow(name).started.setdefault(agent_id, where)

    def _workflow(self, name: Name) -> Workflow:
        key = name.session_id, name.workflow or ""
        return self.workflows.setdefault(key, Workflow(key[1]))

    def session(self, session_id: str, source_id: str) -> Session:
        """The session of this id."""
        found = self.sessions.get(session_id)
        if found is None:
            found = self.sessions[session_id] = Session(session_id, source_id, self.parts)
        return found


class Transcript:
    """One transcript on the way into its sessions."""

    def __init__(self, family: Family, source_id: str, name: Name) -> None:
        self.family, self.source_id, self.name = family, source_id, name
        self.session_id: str | None = None
        """Of the latest record that names one."""
        self.told = False
        """Whether any record has a place in a conversation."""
        self.twice: Counter[str] = Counter()
        """Records that had been read before, by session."""
        self.leans = False
        """Whether other files that are read before it might have told more of what its records are of."""
        self._latest: tuple[object, object, Agent] | None = None
        """Session and agent id of the latest record that is of no sidechain without a name, and who that is."""

    def take(self, where: Where, record: dict[str, object]) -> None:
        """One record."""
        kind = record.get("type")
        if kind not in CHAINED:
            self._aside(kind, self._session_of(where, record), where, record)
            return
        self.told = True
        uuid = record.get("uuid")
        if type(uuid) is not str or not uuid:
            uuid = None
        agent = self._agent(where, record, uuid)
        session = agent.session
        if kind == "progress":
            self._progress(agent, record)
        if uuid is not None:
            if uuid in session.of_record:
                self.twice[session.session_id] += 1
                if kind == "assistant":
                    self.repeated(agent, record, "repeated record")
                return
            session.of_record[uuid] = agent
        if session.cwd is None:
            _envelope(session, record)
        record_of(agent, kind, record, uuid, milliseconds(record.get("timestamp")), where)

    def _session_of(self, where: Where, record: dict[str, object]) -> str:
        """The session that a record names, else that of the one before it, else by the file."""
        session_id = record.get("sessionId")
        if type(session_id) is not str or not session_id:
            return self.session_id or self.name.session_id or self.name.agent_id or "unnamed"
        if self.name.kind == "session" and self.name.session_id not in (None, session_id):
            key = self.source_id, session_id
            records, first = self.family.foreign.get(key, (0, where.line))
            self.family.foreign[key] = records + 1, first
        self.session_id = session_id
        return session_id

    def _agent(self, where: Where, record: dict[str, object], uuid: str | None) -> Agent:
        """Who a record is of: by its own word, by the file, or a sidechain by the record that it hangs on."""
        agent_id, session_id = record.get("agentId"), record.get("sessionId")
        inside = record.get("isSidechain") is True and self.name.agent_id is None and not agent_id
        latest = self._latest
        if (
            latest is not None
            and latest[0] == session_id == self.name.session_id
            and latest[1] == agent_id
            and not inside
        ):
            return latest[2]
        session = self.family.session(self._session_of(where, record), self.source_id)
        if inside:
            return self._sidechain(session, where, record, uuid)
        if type(agent_id) is not str or not agent_id:
            agent_id = self.name.agent_id
        agent = self._named(session, f"agent-{agent_id}", agent_id) if agent_id else self._main(session, record)
        self._latest = session_id, record.get("agentId"), agent
        return agent

    def _main(self, session: Session, record: dict[str, object]) -> Agent:
        """Whose session it is: a teammate's if the first of its records says so."""
        if session.teammate is not None:
            return session.teammate
        mate = mate_of(record) if self.family.teams and session.main is None else None
        if mate is None:
            return self._named(session, "main", None)
        agent = self._named(session, teammate(session.session_id), mate)
        agent.own_session = session.session_id
        return agent

    def _sidechain(self, session: Session, where: Where, record: dict[str, object], uuid: str | None) -> Agent:
        """An agent within its session's file: that of the record before, else the latest, else a new one."""
        parent = record.get("parentUuid")
        if type(parent) is str:
            agent = session.of_record.get(parent)
            if agent is not None and not agent.is_main:
                return agent
            self.leans = True
            latest = next((each for each in reversed(session.agents.values()) if not each.is_main), None)
            if latest is not None:
                return latest
        return self._named(session, sidechain(uuid, where), None)

    def _named(self, session: Session, name: str, native_id: str | None) -> Agent:
        agent = session.agents.get(name)
        if agent is None:
            agent = session.agents[name] = Agent(
                session, name, native_id, name == "main", self.source_id, Conversing(session.parts)
            )
            agent.workflow = self.name.workflow
        return agent

    def _progress(self, agent: Agent, record: dict[str, object]) -> None:
        """News of a sub-agent name it, and hold copies of its records."""
        data = record.get("data")
        if type(data) is not dict or data.get("type") != "agent_progress":
            return
        child, call = word(data.get("agentId")), word(record.get("parentToolUseID"))
        if child and call:
            agent.session.named.setdefault(child, call)
        message = data.get("message")
        if type(message) is dict:
            self.repeated(agent, message, "embedded copy")

    @staticmethod
    def repeated(agent: Agent, record: dict[str, object], reason: str) -> None:
        """Usage that has been counted, or will be, where it belongs."""
        message = record.get("message")
        usage = message.get("usage") if type(message) is dict else None
        if type(usage) is dict and type(message) is dict and message.get("model") != SYNTHETIC:
            sums = agent.copies.setdefault(reason, [0] * (1 + len(FIELDS)))
            sums[0] += 1
            for index, figure in enumerate(figures(usage)[: len(FIELDS)], 1):
                sums[index] += figure or 0

    def _aside(self, kind: object, session_id: str, where: Where, record: dict[str, object]) -> None:
        """Records without a place in the conversation."""
        if kind == "summary":
            leaf, text = word(record.get("leafUuid")), word(record.get("summary"))
            if leaf and text:
                self.family.summaries.append((leaf, text))
        elif kind == "queue-operation":
            content = record.get("content")
            found = notice(content) if type(content) is str else None
            if found and found[1]:
                self.family.session(session_id, self.source_id).named.setdefault(found[0], found[1])
        elif kind == "continued-in":
            session = self.family.session(session_id, self.source_id)
            session.continued_in = word(record.get("continuedInSessionId"))
        elif kind in _TITLES:
            title = word(record.get(_TITLES[str(kind)]))
            if title:
                self.family.session(session_id, self.source_id).title = title
        elif type(kind) is str:
            return
        elif session_id not in self.family.sessions:
            self.leans = True
        else:
            message = "a record without a type: nothing is known of it"
            self.family.sessions[session_id].remarks.append(
                Remark("unknown-kind", "info", message, self.source_id, where.line)
            )


def _envelope(session: Session, record: dict[str, object]) -> None:
    """What every record says of its session."""
    session.cwd = word(record.get("cwd"))
    session.branch = session.branch or word(record.get("gitBranch"))
    session.version = session.version or word(record.get("version"))
    session.team = session.team or word(record.get("teamName"))
    session.background = session.background or record.get("sessionKind") == "bg"
    forked = record.get("forkedFrom")
    if type(forked) is dict:
        session.forked_from = word(forked.get("sessionId"))
