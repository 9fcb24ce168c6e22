"""Files are written whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from cvxnn.atomic_files import replacing, require_writable, write_bytes, write_text

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and signals of POSIX")


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


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays_one_and_its_target_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "t", tmp_path / "link"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert (names(tmp_path), names(tmp_path / "far")) == (["far", "link"], ["t"])


@POSIX
def test_a_link_into_nowhere_is_refused_before_long_work(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "t")
    with pytest.raises(ValueError, match=r"there is no folder '.*nowhere'"):
        require_writable(tmp_path / "link")


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_a_file_keeps_its_mode_and_is_never_more_open_than_it(tmp_path, mode):
    path = tmp_path / "t"
    path.touch()
    path.chmod(mode)
    with replacing(path) as stream:
        stream.write(b"new")
        (written,) = (p for p in tmp_path.iterdir() if p.name.endswith(".tmp"))
        assert stat.S_IMODE(written.stat().st_mode) & ~mode == 0
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


@POSIX
def test_a_new_file_has_the_mode_of_any_other(tmp_path):
    write_bytes(tmp_path / "t", b"")
    (tmp_path / "plain").touch()
    assert (tmp_path / "t").stat().st_mode == (tmp_path / "plain").stat().st_mode


@POSIX
def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_bytes(tmp_path / "pipe", b"through")
    reader.join(timeout=10)
    assert read == [b"through"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


# Opens the file and waits, in a process that imports nothing else.
WRITER = """
import sys
from cvxnn.atomic_files import replacing
with replacing(sys.argv[1]) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "t")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


@POSIX
def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path, writer):
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    (left,) = names(tmp_path)
    assert left.endswith(".tmp")
    (tmp_path / ".t.tmp").touch()
    (tmp_path / f".other.{'0' * 32}.tmp").touch()
    write_bytes(tmp_path / "t", b"whole")
    # Files of other names are no leftovers of this one.
    assert names(tmp_path) == [f".other.{'0' * 32}.tmp", ".t.tmp", "t"]


@POSIX
def test_the_work_of_a_live_writer_is_left_alone(tmp_path, writer):
    write_bytes(tmp_path / "t", b"first")
    assert (tmp_path / "t").read_bytes() == b"first"
    assert len(names(tmp_path)) == 2
    writer.communicate()  # and now it ends, and its file replaces the other
    assert writer.returncode == 0
    assert (tmp_path / "t").read_bytes() == b"half"
    assert names(tmp_path) == ["t"]


@POSIX
def test_many_writers_of_one_file_leave_one_whole_file(tmp_path):
    contents = [bytes([k]) * 10_000 for k in range(8)]

    def write(content):
        for _ in range(20):
            write_bytes(tmp_path / "t", content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["t"]
    assert (tmp_path / "t").read_bytes() in contents
