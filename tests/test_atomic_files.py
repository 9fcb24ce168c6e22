"""Files are written whole or not at all."""

import os

import pytest

from cvxnn.atomic_files import require_writable, write_bytes, write_text


def test_text_and_bytes_are_kept_as_they_are(tmp_path):
    write_text(tmp_path / "t", "π\r\n\n")
    assert (tmp_path / "t").read_bytes() == "π\r\n\n".encode()
    write_bytes(str(tmp_path / "t"), b"\x00\xff\n")
    assert (tmp_path / "t").read_bytes() == b"\x00\xff\n"
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_bytes(tmp_path / "t", b"old")

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        write_bytes(tmp_path / "t", b"new")
    assert (tmp_path / "t").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("check", [require_writable, lambda path: write_bytes(path, b"")])
def test_where_no_file_can_be_is_said(tmp_path, check):
    with pytest.raises(ValueError, match=r"path must be a file to write; .* is a folder"):
        check(tmp_path)
    with pytest.raises(ValueError, match="path must be in an existing folder; there is no folder"):
        check(tmp_path / "nowhere" / "t")
