"""Model files: exact, plain data, atomic, upgraded when old, refused by name when foreign, damaged or newer."""

from __future__ import annotations

import json
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest

from cvxnn import GatedReLUNetwork, ReLUNetwork, load_network
from cvxnn.model_files import kind_of_model, read_model, write_model
from cvxnn.networks import FILE_VERSION

network = ReLUNetwork([[1.0, -2.0], [0.5, 3.0]], [1.0, -1.0], [0.25])


def header_bytes(**header):
    return np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)


def write_raw(path, header, **arrays):
    """Write a container as another program would."""
    np.savez(path, cvxnn_header=header_bytes(**header), **arrays)


def test_header_and_arrays_come_back(tmp_path):
    path = tmp_path / "m.npz"
    arrays = {"a": np.arange(3.0), "b": np.array([[True], [False]]), "c": np.array([1, 2], dtype=np.int32)}
    write_model(path, "thing", 3, {"note": "π", "size": 2}, arrays)
    assert kind_of_model(path) == "thing"
    header, found = read_model(path, "thing", 3)
    assert header == {"note": "π", "size": 2, "kind": "thing", "version": 3}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tolist() == array.tolist()


@pytest.mark.parametrize("name", ["model", "model.npz", "model.v1.cvxnn", "a b.npz"])
def test_the_name_is_kept_as_it_is(tmp_path, name):
    network.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    network.save(str(tmp_path / name))
    assert load_network(str(tmp_path / name)).hidden.tolist() == network.hidden.tolist()


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "nothing.npz")


FOREIGN = {
    "empty": b"",
    "text": b"hidden = [[1.0]]\n",
    "pickle": pickle.dumps({"hidden": [[1.0]]}),
    "half a zip header": b"PK\x03\x04",
    "npy": b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117)
    + b"\n"
    + bytes(8),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    for read in (load_network, kind_of_model):
        with pytest.raises(
            ValueError, match=r"path must be a cvxnn model file; .*foreign is none or is damaged"
        ):
            read(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="path must be a cvxnn model file"):
        load_network(tmp_path)


def test_an_archive_of_other_things_is_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", hidden=np.ones((1, 1)))
    with zipfile.ZipFile(tmp_path / "texts.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    for name in ("arrays.npz", "texts.zip"):
        with pytest.raises(ValueError, match="path must be a cvxnn model file"):
            load_network(tmp_path / name)


@pytest.mark.parametrize("header", [b"[1, 2]", b"3", b'"relu-network"', b"{not json", b"\xff\xfe"])
def test_a_header_that_is_no_header_is_refused(tmp_path, header):
    path = tmp_path / "m.npz"
    np.savez(path, cvxnn_header=np.frombuffer(header, dtype=np.uint8))
    with pytest.raises(ValueError, match="path must be a cvxnn model file"):
        load_network(path)


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    network.save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    path = tmp_path / "part.npz"
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"path must be a cvxnn model file; .* is none or is damaged"):
            load_network(path)


def test_a_file_with_changed_bytes_is_refused_or_read_as_it_was(tmp_path):
    network.save(tmp_path / "whole.npz")
    whole = bytearray((tmp_path / "whole.npz").read_bytes())
    path = tmp_path / "changed.npz"
    for place in range(0, len(whole), 5):
        changed = whole.copy()
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        try:
            loaded = load_network(path)
        except ValueError as error:
            assert "path must be" in str(error)  # noqa: PT017
        else:  # a byte that no reader looks at, such as a time stamp
            assert loaded.hidden.tolist() == network.hidden.tolist()


class Explosive:
    """Sets a mark when it is unpickled."""

    exploded = False

    def __reduce__(self):
        return (setattr, (Explosive, "exploded", True))


def test_a_pickle_inside_is_refused_and_never_run(tmp_path):
    path = tmp_path / "m.npz"
    header = header_bytes(kind="relu-network", version=FILE_VERSION)
    hidden = np.empty((1, 1), dtype=object)
    hidden[0, 0] = Explosive()
    np.savez(
        path, allow_pickle=True, cvxnn_header=header, hidden=hidden, output=np.ones(1), offset=np.zeros(1)
    )
    for read in (load_network, kind_of_model):
        with pytest.raises(ValueError, match="path must be a cvxnn model file"):
            read(path)
    assert not Explosive.exploded
    with np.load(path, allow_pickle=True) as data:  # the mine is live: NumPy would have run it
        data["hidden"]
    assert Explosive.exploded


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"[Oo]bject arrays"):
        write_model(tmp_path / "m.npz", "thing", 1, {}, {"a": np.array([{}], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_another_kind_is_refused(tmp_path):
    path = tmp_path / "m.npz"
    write_model(path, "scaler", 1, {}, {"a": np.zeros(1)})
    with pytest.raises(ValueError, match=r"path must be a network's model file; .* is of kind 'scaler'"):
        load_network(path)
    with pytest.raises(ValueError, match=r"path must be a file of kind 'thing'; .* is of kind 'scaler'"):
        read_model(path, "thing", 1)


@pytest.mark.parametrize("version", [FILE_VERSION + 1, 99, 0, -1, "2", 1.5, None])
def test_a_version_of_another_release_is_refused(tmp_path, version):
    path = tmp_path / "m.npz"
    write_raw(path, {"kind": "relu-network", "version": version}, hidden=np.ones((1, 1)), output=np.ones(1))
    message = f"path must be a relu-network file of version 1 to {FILE_VERSION}; .* has version {version!r}"
    with pytest.raises(ValueError, match=message):
        load_network(path)


@pytest.mark.parametrize(("output", "offset"), [(np.ones(2), [0.0]), (np.ones((2, 3)), [0.0, 0.0, 0.0])])
def test_version_1_had_no_offset(tmp_path, output, offset):
    path = tmp_path / "old.npz"
    hidden = np.array([[1.0, 2.0]])
    write_raw(path, {"kind": "relu-network", "version": 1}, hidden=hidden, output=output)
    loaded = load_network(path)
    assert isinstance(loaded, ReLUNetwork)
    assert loaded.offset.tolist() == offset
    assert loaded.output.tolist() == output.tolist()
    write_raw(path, {"kind": "gated-relu-network", "version": 1}, hidden=hidden, gates=hidden, output=output)
    assert isinstance(load_network(path), GatedReLUNetwork)


def test_upgrades_run_in_order_and_only_those_needed(tmp_path):
    path, ran = tmp_path / "m.npz", []

    def rule(step):
        return lambda header, arrays: (ran.append(step), ({**header, "version": step + 1}, arrays))[1]

    write_raw(path, {"kind": "thing", "version": 2})
    header, _ = read_model(path, "thing", 4, {step: rule(step) for step in (1, 2, 3)})
    assert ran == [2, 3]
    assert header["version"] == 4


def test_missing_weights_are_named(tmp_path):
    path = tmp_path / "m.npz"
    write_raw(path, {"kind": "relu-network", "version": FILE_VERSION}, output=np.ones(1))
    with pytest.raises(ValueError, match="lacks hidden, offset"):
        load_network(path)


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("function", ["numpy.savez_compressed", "os.fsync", "pathlib.Path.replace"])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, function, error):
    path = tmp_path / "m.npz"
    network.save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(function, fail)
    with pytest.raises(type(error)):
        ReLUNetwork([[9.0]], [9.0]).save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


def test_a_write_in_progress_does_not_show(tmp_path, monkeypatch):
    """A reader that comes just before the end of a write sees the whole old file."""
    path, seen = tmp_path / "m.npz", []
    network.save(path)
    fsync = os.fsync

    def read_meanwhile(descriptor):
        seen.append(load_network(path).hidden.tolist())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", read_meanwhile)
    ReLUNetwork([[9.0]], [9.0]).save(path)
    assert seen == [network.hidden.tolist()]
    assert load_network(path).hidden.tolist() == [[9.0]]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX files")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, mask):
    old = os.umask(mask)
    try:
        network.save(tmp_path / "m.npz")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "m.npz").stat().st_mode) == 0o666 & ~mask


def test_a_folder_that_does_not_exist_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        network.save(tmp_path / "no" / "m.npz")
