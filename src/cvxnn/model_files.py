"""Model files: plain arrays and a JSON header in one ``.npz`` container, versioned, written atomically.

Nothing in a model file is code: it is read with ``allow_pickle=False``. A file of an older version is brought up
to date by upgrade rules, one per version; a file of a newer version is refused.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atomic_files import replacing

Arrays = dict[str, NDArray[Any]]
Header = dict[str, Any]
Upgrade = Callable[[Header, Arrays], tuple[Header, Arrays]]

_HEADER = "cvxnn_header"
# What reading a foreign, truncated or altered file raises, from the zip container up to the JSON header.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_model(
    path: str | os.PathLike[str], kind: str, version: int, header: Header, arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a model file atomically: a reader sees the old file or the whole new one, never a part.

    Parameters
    ----------
    path : path-like
        Where to write; the name is kept as it is.
    kind : str
        What the file holds, checked on reading.
    version : int
        Version of the layout of this kind.
    header : dict
        JSON data.
    arrays : mapping of str to ndarray
        Numeric arrays.
    """
    text = json.dumps({**header, "kind": kind, "version": version})
    payload = {_HEADER: np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    with replacing(path) as stream:
        np.savez_compressed(stream, allow_pickle=False, **payload)


def read_model(
    path: str | os.PathLike[str], kind: str, version: int, upgrades: Mapping[int, Upgrade] | None = None
) -> tuple[Header, Arrays]:
    """Read a model file of a given kind, brought up to ``version`` by the upgrade rules.

    Parameters
    ----------
    path : path-like
        The file.
    kind : str
        The kind expected.
    version : int
        The version this release writes.
    upgrades : mapping of int to callable, optional
        ``upgrades[v](header, arrays)`` returns header and arrays of version ``v + 1``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a cvxnn model file, is truncated, is of another kind, or is newer than this release.
    """
    header, arrays = _read_container(Path(path))
    if header.get("kind") != kind:
        raise ValueError(f"path must be a file of kind {kind!r}; {path} is of kind {header.get('kind')!r}")
    found = header.get("version")
    if not isinstance(found, int) or not 1 <= found <= version:
        raise ValueError(
            f"path must be a {kind} file of version 1 to {version}; {path} has version {found!r}: "
            "a newer release of cvxnn is needed to read it"
        )
    for step in range(found, version):
        header, arrays = (upgrades or {})[step](header, arrays)
    return header, arrays


def kind_of_model(path: str | os.PathLike[str]) -> str:
    """Return the kind a model file says it is of.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a cvxnn model file or is truncated.
    """
    return str(_read_container(Path(path))[0].get("kind"))


def _read_container(path: Path) -> tuple[Header, Arrays]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            arrays: Arrays = {name: data[name] for name in data.files}
        header = json.loads(bytes(arrays.pop(_HEADER)).decode())
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise ValueError(f"path must be a cvxnn model file; {path} is none or is damaged ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"path must be a cvxnn model file; {path} has no header")
    return header, arrays
