"""A program in a pseudo-terminal: when does it paint, and how long after a key?"""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

PAINTED_BYTES = 1_500
"""Output after which a screen has been painted: more than the sequences that set a terminal up."""


class Terminal:
    """Runs a command in a terminal of 120 × 40."""

    def __init__(self, command, environment=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.begin = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"} | (environment or {}),
        )
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def output(self, seconds):
        """What is printed within this time, as soon as something is."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        with contextlib.suppress(OSError):
            return os.read(self.master, 1 << 16) if ready else b""
        return b""

    def first_paint(self):
        """Seconds from the start of the process to its first frame."""
        painted = 0
        while painted < PAINTED_BYTES:
            painted += len(self.output(30))
        return time.perf_counter() - self.begin

    def read_until(self, text, seconds=120):
        """Read on until ``text`` has been printed."""
        seen, limit = b"", time.perf_counter() + seconds
        while text not in seen:
            assert time.perf_counter() < limit, seen[-2000:]
            seen = seen[-4096:] + self.output(1)

    def settle(self, quiet=0.25):
        """Read on until nothing comes for a while."""
        while self.output(quiet):
            pass

    def key_to_paint(self, key):
        """Seconds from a key to the first output it leads to."""
        self.settle(0.12)
        begin = time.perf_counter()
        os.write(self.master, key)
        assert self.output(5), "nothing was painted"
        return time.perf_counter() - begin
