"""What the findings mean: one page per code, for ``--explain CODE``.

Codes are permanent. Readers make the findings of one record or one source; ``findings.sql`` has the rules that need
more than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.model import Severity


class Explanation(NamedTuple):
    """The page of one code."""

    code: str
    severity: Severity
    """The worst it is reported with."""
    title: str
    seen: str
    """What in the recording makes the finding."""
    why: str
    """Why it matters to somebody who reads the numbers."""
    did: str
    """What was done with the data in question."""
    do: str
    """What the reader of the page can do."""

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Headings and what is below them."""
        return (
            ("What was seen", self.seen),
            ("Why it matters", self.why),
            ("What was done", self.did),
            ("What you can do", self.do),
        )


_PAGES = (
    Explanation(
        "unknown-format",
        "info",
        "no reader knows this file",
        "None of the formats recognises the beginning of the file.",
        "If it is a trace, nothing of it is in any number. If it is a README or an image, nothing is lost.",
        "The file is listed among the sources as skipped and nothing is read from it.",
        "Look at the file. If it is a trace of a format that should be known, its beginning differs from what the "
        "reader expects: report it with the first lines of the file. A new format is one module in explorer/readers.",
    ),
    Explanation(
        "unreadable-source",
        "error",
        "a file could not be read",
        "The operating system refused to open or read the file, or reading it failed as a whole.",
        "Nothing, or only the part before the failure, is in the numbers.",
        "The source is listed as failed (or partial) with the reason; all other sources are read.",
        "Check permissions and the disk, and open the directory again: a source that has changed is read again.",
    ),
    Explanation(
        "empty-source",
        "info",
        "a file without content",
        "The file has no bytes, or nothing but white space.",
        "A recorder that was stopped before its first write leaves such a file: a conversation may be missing.",
        "The file is listed among the sources as skipped.",
        "Nothing, unless you expected a trace in it.",
    ),
    Explanation(
        "same-file",
        "info",
        "a file that is there twice",
        "Two paths lead to the same file, by a link or because it was given twice.",
        "Read twice, everything in it would be counted twice.",
        "It is read once; the other path is listed among the sources as skipped.",
        "Nothing.",
    ),
    Explanation(
        "lone-companion",
        "info",
        "a file that is read with another one, which is not opened",
        "The file belongs to another one on the disk, as a write-ahead log does to its database, and only it was "
        "opened.",
        "By itself it cannot be read: what is in it is in no number.",
        "The file is listed among the sources as skipped.",
        "Open the file that the message names, or the directory that holds both.",
    ),
    Explanation(
        "bad-record",
        "error",
        "a record could not be read",
        "A line or an object is not what the format says: not JSON, or of another shape.",
        "It is missing from every sum of its run, its agent and its conversation.",
        "The record is left out and everything else in the file is read. After a hundred of a kind in one file, the "
        "rest is counted.",
        "The finding has the file and the line. Compare with what the recorder should have written there.",
    ),
    Explanation(
        "bad-field",
        "warning",
        "a field of a record is not what it should be",
        "A recorded value is of a wrong type, negative, or larger than anything it could count.",
        "Taken as it stands it would make a wrong total; left out, it is missing from the sums of its run.",
        "The field counts as not recorded; the rest of the record is kept.",
        "The finding has the file, the line and the value. Compare with what the recorder should have written there.",
    ),
    Explanation(
        "truncated-record",
        "error",
        "a record is cut off",
        "The file ends inside a record.",
        "The recorder was stopped or the copy is not complete: the last steps are missing, and a run may look open.",
        "Everything before the cut is read, and whole parts of the cut record are kept where the format allows it.",
        "Copy the file again, or take the missing end as lost.",
    ),
    Explanation(
        "replayed-history",
        "info",
        "steps that were copied from another recording",
        "A file begins with steps of another file's history, as forks and resumed conversations do.",
        "Counted twice, they would multiply the tokens of every resumed conversation.",
        "The copies are shown, marked as replayed, and counted nowhere but in replayed_steps.",
        "Nothing. Use replayed_steps to see how much of a file is history.",
    ),
    Explanation(
        "unfinished-record",
        "info",
        "the record at the end is being written",
        "The file ends in the middle of a record, and it has changed within the last seconds while it was followed.",
        "A recorder at work writes piece by piece: what is missing is most likely still to come.",
        "All records before it were read. The file is read again when it changes, and once more when it has been quiet "
        "for ten seconds; if the record is still cut off then, it is reported as truncated.",
        "Nothing.",
    ),
    Explanation(
        "total-mismatch",
        "warning",
        "a recorded total differs from the sum of the steps",
        "The recorder wrote down a sum (of steps, tokens or tool calls) and it is not what the steps of the same run "
        "or conversation add up to.",
        "One of the two is wrong: steps are missing from the file, are counted twice, or the recorder sums something "
        "else, such as the final context of a sub-agent instead of all its calls.",
        "Both are kept: ours in steps, input_tokens and so on, the recorder's in reported_*. Ours are shown where "
        "every step has the figure, else the recorder's.",
        "Look for bad records in the same source first. If there are none, find out what the recorder sums.",
    ),
    Explanation(
        "repaired-time",
        "info",
        "times that were moved by a documented rule",
        "A recorded time is not what its name says; for instance, the time of a sub-agent is that of its result and "
        "not of its start, which shows over all files of a corpus together.",
        "Taken as it stands, sub-agents would start when they ended, and overlaps and reuse between siblings would be "
        "computed in a wrong order.",
        "The start was computed (end less duration). The times have the grade derived, and the recorded time is kept "
        "as an event of the run and shown in its overview.",
        "Nothing, unless you know the times to be right: then report it with the file.",
    ),
    Explanation(
        "orphan-agent",
        "warning",
        "a recorded parent cannot be one",
        "The parent of an agent or a run is not in the recording or not told by it, belongs to another conversation, "
        "is the agent itself, or following parents leads in a circle.",
        "The agent's tokens are in its conversation's total but in no parent's, and it counts as nobody's sibling.",
        "The agent is shown directly below its conversation, or below the main agent if it is certainly of that one's "
        "session, with everything below it, and counted once.",
        "If the parent's file exists elsewhere, open a directory that holds both.",
    ),
    Explanation(
        "open-run",
        "warning",
        "a run without an end",
        "The recorder says that the run is going on, and no end is recorded.",
        "Its numbers may still grow, or its end was lost with the recorder.",
        "Its duration runs to the end of its last step. Everything recorded is counted.",
        "If the recorder is still at work, reload. Otherwise take the run as cut off.",
    ),
    Explanation(
        "duplicate-id",
        "warning",
        "an id that stands for two things",
        "Two agents of one file have the same id, or two hand-offs or terminals between different agents.",
        "Merged, they would be one agent with the steps, the tokens and the reuse of both.",
        "They are told apart by their order in the file: the second gets ~2 behind its id, and so on.",
        "Nothing. What refers to the id from outside may mean either of them.",
    ),
    Explanation(
        "duplicate-block",
        "warning",
        "a block id twice in one prompt",
        "The list of block ids of one prompt holds an id more than once.",
        "An id is to stand for a whole prefix, and a prefix cannot repeat inside itself: ids of contents, or a broken "
        "list. The number of distinct blocks is then smaller than the number of blocks.",
        "The prompt is kept as recorded. Distinct blocks count it once, blocks count it every time.",
        "See whether the conversation is also not-prefix-chained.",
    ),
    Explanation(
        "run-collision",
        "warning",
        "runs that were recorded under one key",
        "Several runs of one agent definition were at work together and wrote under the same conversation and agent, "
        "with the same sequence numbers: siblings of one fan-out, or two processes on one conversation.",
        "Read by their key they are one run with the steps, the tokens and the reward of all. Whoever compares "
        "versions of an agent by such runs compares noise.",
        "They are told apart: by the conversation whose messages hold a call's id, by calls and their results, by "
        "numbers that only one of them can go on from, and by what each end counts and times. Each step has its "
        "grade; one that fits several runs is given to one of them and names all in its candidates. The sums of "
        "each run are those of its own end. The finding has the merged numbers beside the true ones.",
        "Trust the sums. Take steps graded ambiguous as those of one of their candidates. A recorder that stamps a run "
        "id on every event leaves nothing to tell apart.",
    ),
    Explanation(
        "seq-gap",
        "warning",
        "numbers that no record has",
        "A recorder counts its records up by one, and some of the numbers are missing.",
        "Records were not written or were deleted: calls are missing, and what follows may be another run's.",
        "Nothing is filled in. What follows the gap is graded derived.",
        "See whether the run's own count (reported_tool_calls) tells how many are missing.",
    ),
    Explanation(
        "dropped-records",
        "warning",
        "records that the recorder itself says it dropped",
        "At its end a recorder wrote down how many of its own records it could not write.",
        "What they would have told is not in any number.",
        "Nothing is filled in. If exactly so many numbers are missing, the finding names them.",
        "Nothing: the recorder knew, and went on.",
    ),
    Explanation(
        "spliced-record",
        "error",
        "a record that another one was written into",
        "A line begins with a part of one record and goes on with the whole of another, because two writers had one "
        "file or one of them lost its place.",
        "The record that was cut short is missing from every sum.",
        "The record that is whole is read as if it had a line of its own. The other one is left out.",
        "The finding has the line. Let each writer have a file, or write each line at once.",
    ),
    Explanation(
        "missing-end",
        "warning",
        "something that began and was never written to its end",
        "A process without the record of its end, a turn without its closing record though the process went on, or "
        "calls of a sub-agent that was never written down, which recorders do when it ends.",
        "It was killed, is still at work, or its last record was lost: its outcome is not known, and what the recorder "
        "adds up at the end is missing.",
        "Everything recorded is shown and counted. Calls of sub-agents that were never written down are put "
        "together by their label, below the turn in which they began; if several had that label, they are one.",
        "If the recorder is still at work, reload.",
    ),
    Explanation(
        "late-parent",
        "info",
        "a sub-agent recorded below a later turn than its own",
        "The recorder looks up the parent of a sub-agent when it ends, and by then another turn had begun. By its "
        "start it belongs to an earlier one.",
        "Read as recorded, a sub-agent in the background burdens a turn that did not ask for it.",
        "It is shown below the turn that was going on when it began, and graded derived. Its result goes to the "
        "recorded one, which was there to take it.",
        "Nothing.",
    ),
    Explanation(
        "capped-tools",
        "warning",
        "a list of tool calls that is as long as such lists get",
        "The recorder lists the first 64 tool calls of a run and no more, and there is no trace that has each of them.",
        "There may have been any number beyond: the run's tool calls and tool errors are a lower bound.",
        "The listed calls are shown, without times.",
        "Keep the operational trace (.graff/traces) with the lineage.",
    ),
    Explanation(
        "missing-start",
        "warning",
        "something without its start",
        "Records tell of a run, an agent, a model call or a tool call, and that of its start is not there.",
        "What the start alone tells is not known: the version of the agent, the model, whose it was.",
        "It is shown from its first record on, with what that and its end tell. What only ends, and of which nothing "
        "tells whose it was, is left out.",
        "Nothing: databases of the first day have such runs, and a lost row or line leaves one.",
    ),
    Explanation(
        "unpaired-result",
        "warning",
        "a result of a tool that nobody had called",
        "A result is recorded, and no call with its id is open in the run.",
        "The call was not written, or it is another run's and this one's is lost.",
        "It is shown as a tool call without a start.",
        "Look for a seq-gap or a run-collision at the same run.",
    ),
    Explanation(
        "repeated-call-id",
        "info",
        "one id for several calls",
        "The provider gave no ids, or gave the same one again, so that an id does not tell calls apart.",
        "Durations and results that go by the id alone would be wrong.",
        "A result goes with the call right before it, else with the first open call of its id.",
        "Nothing.",
    ),
    Explanation(
        "unknown-kind",
        "info",
        "a record of a kind that is not known",
        "The recorder is of another version than the reader knows.",
        "What it means is not in any number.",
        "It is kept with its kind where something can be kept of it, else counted.",
        "Report it with the record.",
    ),
    Explanation(
        "kind-mismatch",
        "warning",
        "a record that says two things of its kind",
        "The column and the content of a row name different kinds.",
        "One of the two was changed by hand or by a defect.",
        "The content counts, as it does for the recorder itself.",
        "Look at the record.",
    ),
    Explanation(
        "unclear-prefix",
        "warning",
        "copied history whose end cannot be told",
        "A file begins with the copied lines of another thread, and nothing in it marks the first line of its own: no "
        "ordinal, no change of settings, no turn that another agent triggered, no turn that the other file lacks.",
        "Counted, the other thread's tokens would be counted twice; left out, this one's own are missing.",
        "From the end of the marked copies on, everything is shown, and tokens by the counter are NULL with the grade "
        "ambiguous. Tokens in records that name the thread are counted.",
        "Open the file that it was forked from together with it: a turn that is not in there is this thread's own.",
    ),
    Explanation(
        "unclear-counter",
        "warning",
        "tokens that a cumulative counter leaves open",
        "The recorder writes running totals. Here one begins above zero without the file that tells why, or goes back "
        "without beginning again, so that what was added is not the difference of two totals.",
        "The tokens of these steps may be too many or too few.",
        "What the recorder says of the last call is taken, or nothing, with the grade ambiguous.",
        "Open the file that the thread was forked from together with it. Look for bad records above the step.",
    ),
    Explanation(
        "counter-restart",
        "info",
        "a cumulative counter that went back",
        "A running total of tokens is lower than the one before it.",
        "Taken for growth, the difference would be negative, and the sum too low.",
        "What was counted before stays counted; of the call at the restart, its own usage counts. After an overflow of "
        "the context the counter is 0, which counts nothing.",
        "Nothing.",
    ),
    Explanation(
        "stale-copy",
        "info",
        "a second copy of a recording",
        "The same recording is there twice: in the archive and outside, or compressed and not.",
        "Read twice, everything in it would be counted twice.",
        "The one outside the archive is read, and of these the one that is not compressed; the other one is not.",
        "Nothing.",
    ),
    Explanation(
        "reverted-history",
        "info",
        "turns that were taken back",
        "A thread was set back to an earlier point and goes on in another file.",
        "Its later prompts do not hold these turns, but their tokens were spent.",
        "They are shown and counted, marked as reverted. What the later file repeats is shown as replayed.",
        "Nothing.",
    ),
    Explanation(
        "missing-history",
        "warning",
        "a recording that goes on from another one, which is not read with it",
        "The file names another one that holds what came before it: the file is not opened, or it is another "
        "conversation's, as when a user goes on from there in a new one.",
        "Its prompts seem shorter than they were, and what they share with others is understated. Its first count of "
        "tokens may be the other file's last.",
        "Nothing is filled in.",
        "Look at the end of the other recording for what the first prompt held.",
    ),
    Explanation(
        "clock-backwards",
        "info",
        "a clock that went back",
        "A record written later bears an earlier time, by more than a second.",
        "Durations across that place are wrong, and runs may seem to overlap that did not.",
        "The times are kept as recorded; the order is that of writing.",
        "Nothing: clocks are set.",
    ),
    Explanation(
        "self-parent",
        "warning",
        "an agent recorded as its own parent",
        "The recorded parent is the agent's own name, and no other run of that name was open when it began.",
        "Names stand for definitions, so a parent and its child may share one; here there is nobody it could be.",
        "The run is shown directly below its conversation.",
        "Nothing.",
    ),
    Explanation(
        "unknown-parent",
        "warning",
        "a parent that is not in the recording",
        "A run names a parent of which no run was open, or an agent began a conversation that no call names.",
        "Its tokens are in no parent's total.",
        "It is shown directly below its conversation, or as a conversation of its own.",
        "If the parent's recording exists elsewhere, open both.",
    ),
    Explanation(
        "parent-cycle",
        "warning",
        "parents that lead back to the run",
        "Following the recorded parents of a run leads in a circle.",
        "None of them can be above the others.",
        "The run is shown directly below its conversation, and counted once.",
        "Report it with the recording.",
    ),
    Explanation(
        "lost-child-ids",
        "warning",
        "a call that does not name the agents it ran",
        "One agent of a batch failed, and the result of the call is an error text instead of the conversations of all.",
        "Which runs are those of the call is then not recorded.",
        "They are found by title and time where messages are stored, else by name and time, and graded so.",
        "Nothing.",
    ),
    Explanation(
        "damaged-database",
        "error",
        "a part of a database could not be read",
        "Pages of the database are damaged or cut off, or it is no database any more.",
        "The rows that lie there are missing from every sum.",
        "They are left out and everything else is read. The file and its folder are not touched.",
        "The finding names the rows. Copy the database again, or let SQLite's recovery at a copy of it.",
    ),
    Explanation(
        "changed-while-read",
        "warning",
        "a database that was written to while it was read",
        "Its size or time changed between the beginning and the end of the reading.",
        "Rows that were added meanwhile may be missing.",
        "What was read is shown.",
        "Read it again (ctrl+r).",
    ),
    Explanation(
        "overlapping-runs",
        "warning",
        "attempts at one goal that were at work together",
        "Two processes were given the same goal at once: one attempt had not ended when the next began.",
        "Records name the goal and not the attempt. Where attempts follow each other, time tells them apart; here it "
        "cannot for everything, and a sum over one of them may hold work of the other.",
        "An agent belongs to the attempt within which everything of it lies. Where that is true of several, its "
        "steps are graded ambiguous and name all of them in their candidates.",
        "Trust the sums of each attempt, which are the recorder's own.",
    ),
    Explanation(
        "stray-events",
        "warning",
        "records outside every run of their goal",
        "Their times lie before the first run began, after the last had ended, or between two.",
        "Which run they belong to is not recorded: the row of a run was deleted, a run ended without saying so, or a "
        "clock was set.",
        "They are counted where the rest of their agent is; what has no such rest, at the last run before them.",
        "Look whether a run is missing from the recording.",
    ),
    Explanation(
        "ambiguous-parent",
        "warning",
        "an agent that several others may have spawned",
        "Nothing names the parent, and more than one agent was at work, or had a call open, that may have spawned it.",
        "Totals with everything below are wrong for the agents in question if it was another one.",
        "It is shown below the one that began last; its parent is graded ambiguous. Totals of the whole run hold "
        "either way.",
        "Nothing. Keep the audit log, or the first posts of every agent, and there is less to guess.",
    ),
    Explanation(
        "repeated-sequence",
        "info",
        "numbers that start again within a file",
        "A record has a lower number than one before it, or the same: several processes appended to the same file, "
        "each counting from 1, or lines were moved.",
        "Sorted by these numbers, as a recorder's own replay may do, records of several processes are mixed.",
        "The file is read in the order of writing.",
        "Nothing.",
    ),
    Explanation(
        "sealed-text",
        "info",
        "text that was encrypted at rest",
        "Titles, contents or whole files are there in a form that only the recorder's key opens.",
        "Tools and outcomes that stand in such text are not known, so that steps and states may be missing.",
        "It is shown as sealed. Numbers, times and names, which are not encrypted, are used.",
        "Have the recorder export the goal, and open the export.",
    ),
    Explanation(
        "legacy-checkpoints",
        "warning",
        "saved states that do not say of which run they are",
        "The table of checkpoints is of its first shape, without episode_id. It is created only if there is none, so "
        "a newer recorder never brings it up to date.",
        "Attempts at one goal share their keys, so a state of one could be taken for another's; and a newer recorder "
        "asks for a column that is not there, so that nothing can be resumed.",
        "The states are shown with the run whose agent they name. None counts as resumable.",
        "Drop the table once nothing in it is needed: the recorder creates it anew.",
    ),
    Explanation(
        "unstable-checkpoint-key",
        "warning",
        "saved states that no later process looks for",
        "They are saved under the full name of an agent, whose end is drawn anew by every process.",
        "A process that resumes has another name, finds nothing, and begins again from the start.",
        "The states are shown with the run of that name. None counts as resumable.",
        "Use a recorder that saves under role and depth alone.",
    ),
    Explanation(
        "foreign-checkpoint",
        "warning",
        "a saved state of another goal's run",
        "A goal was forked: the state was copied to the new goal with the run of the old one.",
        "Resumed, the fork writes its end and what it spent into the old goal's run, whose figures are then of both, "
        "and has none of its own.",
        "Both are shown, with an edge between them, and a note at the figures of either.",
        "Take the figures of the old run with care.",
    ),
    Explanation(
        "orphan-checkpoint",
        "warning",
        "a saved state without the run or the goal that it is of",
        "Its run or its goal is not in the recording, or it is saved under a name that a resume never asks for: that "
        "of another root than the orchestrator.",
        "It takes room and is of no use: the goal begins again with a new run.",
        "It is shown, with the reason, and counts as not resumable unless a resume would take it all the same.",
        "Nothing, unless you expected to resume from it.",
    ),
    Explanation(
        "duplicate-checkpoint",
        "warning",
        "several saved states under one key",
        "Goal, run, agent and step are the same. Nothing in the table forbids it: two processes saved the same step.",
        "Which of them a resume takes depends on the order of the rows.",
        "All are shown; the one written last counts as what a resume takes.",
        "Look for overlapping-runs at the same goal.",
    ),
    Explanation(
        "interrupted-step",
        "warning",
        "a saved state that ends in the middle of a step",
        "The last answer asks for tools, and there is no result of them behind it.",
        "The process was killed while the tools ran. Whether they had done something is not recorded, and a resume "
        "asks for them again, or fails, as a model refuses such messages.",
        "The state is shown with the number of calls that wait.",
        "See what the tools had done before you resume.",
    ),
    Explanation(
        "missing-payload",
        "error",
        "a file of the recording that is not there",
        "A record names a file beside it that holds what was asked or answered, and that cannot be read: it was never "
        "written, was deleted, or is larger than 96 MiB.",
        "Tokens, a prompt or a hand-off may be missing that stand in it and nowhere else.",
        "What the record itself tells is kept; what the file would have told counts as not recorded.",
        "The finding has the line of the record and the name of the file. Copy the whole directory again.",
    ),
    Explanation(
        "unsafe-path",
        "error",
        "a record that names a file outside of the recording",
        "The path of a payload is absolute, climbs out of its directory, or is a link to somewhere else.",
        "A trace from elsewhere could make its reader open any file.",
        "The file is not opened; what it would have told counts as not recorded.",
        "Do not trust the recording, unless you moved it together by links yourself.",
    ),
    Explanation(
        "repeated-record",
        "warning",
        "a record that can stand once and stands twice",
        "The start of a turn, a model call, a tool call or a compaction with this id had been recorded before.",
        "Either something was written twice and would be counted twice, or one id stands for two things.",
        "A turn, a compaction or a result is there once all the same. A model call or a tool call is shown twice, and "
        "what follows belongs to the second.",
        "Compare the two lines: the finding has the second one.",
    ),
    Explanation(
        "duplicate-thread-start",
        "warning",
        "an agent that was started a second time",
        "An agent that had been closed was resumed and wrote its start again. The recorder's own reducer gives up on "
        "it.",
        "Read as a new agent, it would lose its history and its parent would have a child too many.",
        "It is the same agent: what follows are further runs of it, with a resume between them.",
        "Nothing.",
    ),
    Explanation(
        "undelivered-result",
        "warning",
        "a result that never arrived",
        "An agent's result for its parent was recorded, and no later prompt of the parent holds it.",
        "The parent went on without it: the tokens of the child were spent for nothing, or the recording ends before "
        "the parent looked.",
        "The edge is shown as not delivered.",
        "See what the parent did after the time of the finding, and whether its run goes on.",
    ),
    Explanation(
        "partial-prompt",
        "warning",
        "a prompt of which only the end is known",
        "A request holds what is new and names the answer that it goes on from, and that answer, or what led to it, is "
        "not in the recording.",
        "What it shares with other prompts cannot be told.",
        "Its tokens count. It has no blocks, and neither have those that go on from it.",
        "Look for a missing payload of the same agent before it.",
    ),
    Explanation(
        "conflicting-thread",
        "warning",
        "a record that names two agents",
        "A record belongs to one agent by its own fields, and to another one by its turn or its envelope.",
        "A model call may be counted with the wrong agent.",
        "The record's own field counts.",
        "Look at the record.",
    ),
    Explanation(
        "state-differs",
        "info",
        "the recorder's own reduction tells something else",
        "A bundle holds a state.json, made of its records by the recorder, and it says something else than what was "
        "read.",
        "It may be older than the last records; or one of the two readings is wrong.",
        "The records count. state.json is only compared.",
        "Have it made again (codex debug trace-reduce), and report what still differs.",
    ),
    Explanation(
        "recorded-twice",
        "info",
        "something that two recordings tell of",
        "The same turns of the same agents are in two sources: a bundle and session files, or two bundles.",
        "Counted from both, every token would be there twice.",
        "Each turn is taken from one of them, a bundle before session files as it holds the requests themselves; what "
        "only the other one has is added from there. The finding says what came from which.",
        "Nothing.",
    ),
    Explanation(
        "unconfirmed-output",
        "info",
        "output that may have grown after it was recorded",
        "A model call is recorded block by block while its answer comes, each time with the output so far. No record "
        "of these calls has a stop reason, so the last one may have been written before the answer was whole.",
        "Their output is a lower bound: up to two thirds of it were lost in some versions of the recorder. Input and "
        "cache figures are not concerned.",
        "The highest figure counts. The steps' tokens are graded derived, with output_unconfirmed in extra; "
        "counting_audit says how many there are.",
        'Read the output of such runs as "at least". Where the provider\'s own bill is at hand, trust that.',
    ),
    Explanation(
        "no-turns",
        "info",
        "a transcript in which nothing was said",
        "The file holds titles of other sessions, settings or snapshots, and no record of a conversation: the recorder "
        "was ended before anybody said anything, or what was said is gone.",
        "There is no conversation to show for it.",
        "Its titles are given to the sessions that they name, if these are opened too.",
        "Nothing, unless you expected a conversation in it.",
    ),
    Explanation(
        "missing-transcript",
        "warning",
        "an agent that was started and whose transcript is not there",
        "The result of a call names the agent that it started, and no file has records of it.",
        "What the agent spent is in no number.",
        "The call is shown without an agent below it.",
        "Copy the directory of the session as well, with its subagents, and open the directory above.",
    ),
    Explanation(
        "missing-record",
        "info",
        "a record that goes on from one that is not there",
        "It names the record before it by id, and there is none with this id: a line was lost, or the history before "
        "it was never written to this file.",
        "If a line was lost, so is what stood in it.",
        "The record goes on from what stands before it in the file.",
        "Look for damaged lines before it in the findings.",
    ),
    Explanation(
        "foreign-lines",
        "info",
        "records of one session in the file of another",
        "A transcript is named after its session, and holds records with the id of another one: an older recorder "
        "went on with a resumed session in a new file, or wrote to the wrong one.",
        "Counted by files, the sums of two sessions are wrong.",
        "Each record is counted with the session that it names.",
        "Nothing.",
    ),
    Explanation(
        "concurrent-writers",
        "warning",
        "two at work on one transcript",
        "The user went back and said something else, and afterwards the branch that had been left went on: two "
        "windows, or two processes, had resumed the same session.",
        "Neither saw what the other did. Read as one conversation, it contradicts itself, and the recorder goes on "
        "with one of the branches only.",
        "All calls count. The prompt of each is made of its own branch.",
        "Find out what resumed the session a second time; fork it instead.",
    ),
    Explanation(
        "copied-agent",
        "warning",
        "an agent with the model calls of another one",
        "More than half of its calls have the message and request ids of another agent of the session: the recorder "
        "wrote one answer into several transcripts.",
        "A sum over files counts these calls once for each of them.",
        "They count with the agent that had them first, and are shown as replayed with the others.",
        "Nothing.",
    ),
    Explanation(
        "numbering-gap",
        "warning",
        "block ids that no prompt holds",
        "Builders number blocks in the order in which they first appear. Here new ids jump ahead, over ids that occur "
        "nowhere, in the order of the file, with parents first, and by start time alike.",
        "Prompts that used the missing ids are not in the file: steps were dropped, or the trace is a part of a longer "
        "one. What they had written cannot count as present, so reuse is understated.",
        "Nothing is changed. The overview of the conversation has the audit for all three orders.",
        "Look for the rest of the conversation in another file.",
    ),
    Explanation(
        "namespace-reset",
        "warning",
        "block ids that start again lower",
        "A new id is below the highest so far and does not continue the last new one. It is a warning when that "
        "happens in every order of the steps, and an information when there is an order in which it never does.",
        "A restart in every order means that two numberings are mixed: equal ids need not be equal blocks, and reuse "
        "between the parts is not real. In the order of the file alone it only tells that the builder numbered all "
        "calls of a parent before those of its sub-agents.",
        "Nothing is changed: ids are compared over the whole conversation, as its scope says.",
        "For the warning, see the audit in the overview, and whether private-namespace names an agent.",
    ),
    Explanation(
        "private-namespace",
        "warning",
        "a sub-agent that seems to have a block numbering of its own",
        "The distinct ids of a sub-agent are exactly base, base + 1, …, like its parent's from the same base; one of "
        "the two sets holds the other; and ids that the sub-agent came to after its first prompt are also the "
        "parent's. In one numbering by first appearance an agent's own additions bear new ids.",
        "If each agent was numbered on its own, equal ids of the two are not equal blocks: what the agent seems to "
        "share with its parent and its siblings is not real.",
        "Nothing is changed: it is a suspicion. A parent that took over its sub-agent's whole context looks the same.",
        "Compare the first prompts of the two agents. If the numberings are private, ask for a trace with one "
        "numbering per file; reuse across agents cannot be had from this one.",
    ),
    Explanation(
        "not-prefix-chained",
        "warning",
        "a block id that does not stand for a prefix",
        "The same id occurs at two positions of prompts, or behind two different ids.",
        "A cache serves a block only behind the same prefix. If an id names a block's content alone, equal ids do not "
        "mean a hit, and shared blocks overstate what a prefix cache would hold.",
        "Hits are still counted as the leading ids that were there before. The finding, and hits and prefix_hits of "
        "namespace_audit, have beside them how many of these stood behind the very same ids before.",
        "Where the two differ, trust prefix_hits, and the first-step prefix of siblings more than their shared blocks.",
    ),
)

EXPLANATIONS: dict[str, Explanation] = {page.code: page for page in _PAGES}
"""Every code that can be found, with its page."""
