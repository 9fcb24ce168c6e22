"""Write whole files atomically: a reader sees the old file or the new one, never a part."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raise ``ValueError`` where no file can be put: to say so before long work, not after it."""
    target = Path(path)
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

    Raises
    ------
    OSError
        If no file can be put there.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
