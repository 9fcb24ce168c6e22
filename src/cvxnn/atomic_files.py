"""Write whole files atomically: a reader sees the old file or the new one, never a part.

A file is written beside its place and put there when it is whole. A writer holds a lock on what it is writing, which
its end releases however it comes: what a killed writer left is told from the work of a live one, and removed by the
next writer of the same file.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_BINARY = getattr(os, "O_BINARY", 0)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raise ``ValueError`` where no file can be put: to say so before long work, not after it."""
    target = _place_of(path)
    if target.is_dir():
        raise ValueError(f"path must be a file to write; {str(target)!r} is a folder")
    if not target.parent.is_dir():
        raise ValueError(f"path must be in an existing folder; there is no folder {str(target.parent)!r}")


def require_file(path: str | os.PathLike[str]) -> None:
    """Raise ``FileNotFoundError`` where there is nothing to read."""
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {str(path)!r}")


def require_folder(folder: str | os.PathLike[str]) -> None:
    """Raise ``ValueError`` where no folder is or can be: to say so before long work, not after it."""
    directory = Path(folder).absolute()
    nearest = next(path for path in (directory, *directory.parents) if path.exists())
    if not nearest.is_dir():
        raise ValueError(f"folder must be a folder or a new name; {str(nearest)!r} is a file")


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the folder, made with its parents if need be.

    Raises
    ------
    ValueError
        If there is a file in its place.
    """
    require_folder(folder)
    directory = Path(folder)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, atomically and with its line ends as they are.

    Raises
    ------
    ValueError
        As `write_bytes`.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file atomically.

    Parameters
    ----------
    path : path-like
        In an existing folder. A file of that name is replaced.
    content : bytes
        All of it.

    Raises
    ------
    ValueError
        If the path is a folder, or its folder does not exist.
    """
    require_writable(path)
    with replacing(path) as stream:
        stream.write(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a stream whose content becomes the file when the block ends, and is dropped where it raises.

    A symbolic link stays one, and its target is replaced; a file keeps its mode. A device or a pipe is written to
    directly. What killed writers of the same file left beside it is removed.

    Raises
    ------
    OSError
        If no file can be put there.
    """
    if Path(path).exists() and not Path(path).is_file():
        with Path(path).open("wb") as direct:
            yield direct
        return
    target = _place_of(path)
    _remove_leftovers(target)
    temporary, stream = _new_beside(target)
    try:
        with stream:
            _keep_mode(target, temporary)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if sys.platform == "win32":
                stream.close()  # no open file can be renamed there
            # While it is locked: nobody takes it for what a killed writer left.
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _place_of(path: str | os.PathLike[str]) -> Path:
    """Return where a file is, which for a symbolic link is its target, there or not."""
    return Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give a new file the mode of the one it replaces, and its owner where that is allowed."""
    try:
        old, new = target.stat(), temporary.stat()
    except FileNotFoundError:
        return
    if sys.platform != "win32" and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with suppress(PermissionError):
            os.chown(temporary, old.st_uid, old.st_gid)
    temporary.chmod(stat.S_IMODE(old.st_mode))


def _new_beside(target: Path) -> tuple[Path, BinaryIO]:
    """Return a new file in the target's folder and its open stream, locked."""
    # Nobody else may read what replaces a file that nobody else may read, not even while it is written.
    mode = 0o600 if target.exists() else 0o666
    while True:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        stream = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode), "wb")
        _lock(stream.fileno(), wait=True)
        if temporary.exists():
            return temporary, stream
        # Another writer came between opening and locking, and took it for a leftover.
        stream.close()


def _remove_leftovers(target: Path) -> None:
    """Remove what killed writers left: files of their kind of name that nobody holds a lock on."""
    kind = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{32}}\.tmp")
    with suppress(OSError):  # where the folder cannot be listed, nothing is removed
        for path in [Path(entry.path) for entry in os.scandir(target.parent) if kind.fullmatch(entry.name)]:
            _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    with suppress(OSError):  # gone meanwhile, or another user's
        descriptor = os.open(path, os.O_RDWR | _BINARY)
        try:
            dead = _lock(descriptor, wait=False)
            if dead and sys.platform != "win32":
                path.unlink()
        finally:
            os.close(descriptor)
        if sys.platform == "win32":
            path.unlink()  # which the system refuses while a writer has it open


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Return whether a file could be locked; False where another process holds it, or nothing can be locked."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
