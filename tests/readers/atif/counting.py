"""Steps of trajectories by the json module alone; nothing here is shared with the reader."""

import json
import re

DECODER = json.JSONDecoder()


def steps(path):
    """Every step of a file that is whole, wherever it stands."""
    text = path.read_text("utf-8", "replace")
    for found in re.finditer(r'\{\s*"step_id"', text):
        try:
            yield DECODER.raw_decode(text, found.start())[0]
        except ValueError:
            continue


def counts(path):
    """Model calls, input and output."""
    calls = [step for step in steps(path) if step["source"] == "agent" and step.get("llm_call_count") != 0]
    metrics = [call.get("metrics", {}) for call in calls]
    sums = [
        sum(each[name] for each in metrics if type(each.get(name)) is int and each[name] >= 0)
        for name in ("prompt_tokens", "completion_tokens")
    ]
    return len(calls), *sums
