"""What files of messages hold, by the json module alone."""

import json
from typing import NamedTuple


class Counts(NamedTuple):
    """Model calls, and their usage."""

    steps: int
    tokens_in: int
    tokens_out: int


def records_of(path):
    """The values of a file, a line each or one over all of it; lines that are none are left out."""
    text = path.read_text("utf-8")
    if text.startswith("["):
        return json.loads(text)
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            # Of a conversation that is cut off, the messages that are whole.
            at, messages = line.find('"messages": [') + len('"messages": ['), []
            while '"request"' not in line:
                try:
                    message, at = json.JSONDecoder().raw_decode(line, line.index("{", at))
                except ValueError:
                    break
                messages.append(message)
            found.append({"messages": messages})
    return [record for record in found if isinstance(record, dict)]


def usages(record):
    """The usage of each call that a record tells of."""
    if "messages" in record:
        return [each.get("usage", {}) for each in record["messages"] if each.get("role") == "assistant"]
    if "role" in record:
        return [record.get("usage", {})] if record["role"] == "assistant" else []
    response = record.get("response") or {}
    asked = record.get("request") or record.get("body") or {}
    if not ("custom_id" in record or "messages" in asked or "input" in asked):
        return []
    return [response.get("body", response).get("usage", {})]


def counts(path):
    """Each call once."""
    found = [usage for record in records_of(path) for usage in usages(record)]
    return Counts(
        len(found),
        sum(usage.get("prompt_tokens", 0) + usage.get("input_tokens", 0) for usage in found),
        sum(usage.get("completion_tokens", 0) + usage.get("output_tokens", 0) for usage in found),
    )
