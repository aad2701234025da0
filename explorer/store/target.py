"""Where something is written: never among the traces, never over what is there, and whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb


class ExportError(Exception):
    """Nothing was written. The message names the cause and the next step."""


class ExportCancelled(ExportError):
    """The caller asked to stop; nothing was left behind."""


def refuse_beside(target: Path, opened: Sequence[Path]) -> None:
    """Nothing is written among the traces.

    Raises:
        ExportError: the target lies there.
    """
    for path in opened:
        among = path if path.is_dir() else path.parent
        if target.resolve().is_relative_to(among.resolve()):
            raise ExportError(
                f"{target} lies among the traces in {among}, where nothing is written: choose another place"
            )


def refuse_existing(target: Path) -> None:
    """Nothing is written over.

    Raises:
        ExportError: the target is there, or the directory that it would be in is not.
    """
    parent = target.absolute().parent
    if not parent.is_dir():
        raise ExportError(f"{parent} is not a directory: create it, or choose another place")
    empty = target.suffix != ".parquet" and not target.is_symlink() and target.is_dir() and not any(target.iterdir())
    if os.path.lexists(target) and not empty:
        raise ExportError(f"{target} exists and is not overwritten: choose another name, or remove it first")


@contextmanager
def whole_or_nothing(target: Path) -> Iterator[Path]:
    """A place beside the target that takes the target's name when the block ends, and vanishes when it fails.

    Raises:
        ExportError: in place of what the disk or the database raise.
    """
    partial = target.absolute().parent / f".{target.name}.{secrets.token_hex(6)}.partial"
    try:
        yield partial
        refuse_existing(target)
        if target.is_dir():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise ExportError(_cause(target, error)) from error
    except duckdb.InterruptException:
        raise ExportCancelled("stopped; nothing was written") from None
    except duckdb.Error as error:
        raise ExportError(f"{target} was not written: {error}") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def _cause(target: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk for {target}: free some, or choose another disk; nothing was written"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{target} must not be written here ({error.strerror}): choose another place"
    return f"{target} was not written: {error.strerror or error}"
