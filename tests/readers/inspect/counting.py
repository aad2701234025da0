"""Model calls in logs of Inspect by the json module alone; nothing here is shared with the reader."""

import json
import re
import zlib

import pyarrow as pa

DECODER = json.JSONDecoder()


def texts(path):
    """What every entry of an archive holds, by its own header, or the file itself."""
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        yield content.decode()
        return
    at = 0
    while content[at : at + 4] == b"PK\x03\x04":
        method, size = int.from_bytes(content[at + 8 : at + 10], "little"), content[at + 18 : at + 22]
        names = [int.from_bytes(content[at + n : at + n + 2], "little") for n in (26, 28)]
        at += 30 + sum(names)
        packed = content[at : at + int.from_bytes(size, "little")]
        at += int.from_bytes(size, "little")
        if method == 8:
            yield zlib.decompressobj(-15).decompress(packed).decode()
        elif method == 93:
            yield pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read().decode()
        else:
            yield packed.decode()


def calls(path):
    """Every model call that is whole, inside other events too."""
    for text in texts(path):
        for found in re.finditer(r'\{\s*"uuid"', text):
            try:
                event = DECODER.raw_decode(text, found.start())[0]
            except ValueError:
                continue
            if event.get("event") == "model":
                yield event


def counts(path):
    """Model calls, and their usage but for what Inspect's own cache answered."""
    steps = tokens_in = tokens_out = 0
    for call in calls(path):
        steps += 1
        usage = call["output"]["usage"]
        if not usage or call.get("cache") == "read":
            continue
        cached = sum(usage.get(f"input_tokens_cache_{kind}", 0) for kind in ("read", "write"))
        inclusive = usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        tokens_in += usage["input_tokens"] + (0 if inclusive else cached)
        tokens_out += usage["output_tokens"]
    return steps, tokens_in, tokens_out
