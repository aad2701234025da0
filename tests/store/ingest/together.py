"""One explorer of several on a directory: for every line it is given it ingests once and tells a digest of the rows.

usage: together.py TRACES CACHE; a line is the number of worker processes, or ``die N`` to be killed after N sources.
"""

from __future__ import annotations

import os
import signal
import sys
from hashlib import blake2b
from pathlib import Path

from explorer.store.ingest import Options, Progress, ingest
from tests.store.ingest.traces import Rows, rows


def digest(found: Rows) -> str:
    return blake2b(repr(found).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def main() -> None:
    traces, cache = map(Path, sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        most = int(line.split()[1]) if line.startswith("die") else None

        def die(progress: Progress, most: int | None = most) -> None:
            if most is not None and progress.phase == "reading" and progress.files_done >= most:
                os.kill(os.getpid(), signal.SIGKILL)

        jobs = 2 if most is not None else int(line)
        print(digest(rows(ingest([traces], Options(jobs, cache), die))), flush=True)


if __name__ == "__main__":
    main()
