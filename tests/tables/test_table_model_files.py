"""Files of table models: nothing is lost, nothing foreign is taken."""

import dataclasses
import json

import numpy as np
import pytest

from cvxnn import ReLUNetwork, load_network
from cvxnn.model_files import read_model, write_model
from cvxnn.tables import fit_table, load_table_model
from cvxnn.tables.table_model_files import FILE_VERSION, KIND, UPGRADES


@pytest.fixture(scope="module")
def model(mixed_table):
    return fit_table(mixed_table, "y", tol=1e-2, test_size=0.25, impute=True)[0]


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "model.cvxnn"
    model.save(path)
    return model, path


def test_a_saved_model_comes_back_bit_for_bit(saved, mixed):
    model, path = saved
    loaded = load_table_model(path)
    np.testing.assert_array_equal(loaded.predict(mixed), model.predict(mixed))
    np.testing.assert_array_equal(loaded.training_rows, model.training_rows)
    for name in (f.name for f in dataclasses.fields(model)):
        if name not in ("network", "scaling", "training_rows"):
            assert getattr(loaded, name) == getattr(model, name), name
    assert loaded.is_training_problem(loaded.problem(mixed))
    assert repr(loaded) == repr(model)


def test_a_model_without_test_rows_comes_back(plain, tmp_path):
    model, _ = fit_table(plain, "y", tol=1e-2)
    model.save(tmp_path / "m")
    assert load_table_model(tmp_path / "m").test_scores is None


def test_saving_leaves_no_other_file(saved):
    _, path = saved
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_networks_and_table_models_are_not_taken_for_each_other(saved, tmp_path):
    _, path = saved
    with pytest.raises(ValueError, match="of kind 'table-model'"):
        load_network(path)
    ReLUNetwork([[1.0]], [1.0]).save(tmp_path / "network")
    with pytest.raises(ValueError, match="of kind 'relu-network'"):
        load_table_model(tmp_path / "network")


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_a_truncated_file_is_refused(saved, kept):
    _, path = saved
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="none or is damaged"):
        load_table_model(path)


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "text").write_text(json.dumps({"kind": KIND, "version": 1}))
    with pytest.raises(ValueError, match="none or is damaged"):
        load_table_model(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        load_table_model(tmp_path / "nowhere")


@pytest.mark.parametrize("lost", ["target", "columns", "certificate", "hidden", "x_mean"])
def test_a_file_that_lacks_a_part_is_refused_by_the_name_of_the_part(saved, lost):
    _, path = saved
    header, arrays = read_model(path, KIND, FILE_VERSION)
    header.pop(lost, None)
    arrays.pop(lost, None)
    write_model(path, KIND, FILE_VERSION, header, arrays)
    with pytest.raises(ValueError, match=f"is damaged.*{lost}"):
        load_table_model(path)


def test_a_newer_file_is_refused(saved):
    _, path = saved
    header, arrays = read_model(path, KIND, FILE_VERSION)
    write_model(path, KIND, FILE_VERSION + 1, header, arrays)
    with pytest.raises(ValueError, match="a newer release of cvxnn is needed"):
        load_table_model(path)


def test_a_file_of_version_1_predicts_as_before_and_knows_no_training_table(saved, mixed):
    model, path = saved
    header, arrays = read_model(path, KIND, FILE_VERSION)
    for name in ("fingerprint", "n_table_rows"):
        del header[name]
    del arrays["training_rows"]
    write_model(path, KIND, 1, header, arrays)
    loaded = load_table_model(path)
    np.testing.assert_array_equal(loaded.predict(mixed), model.predict(mixed))
    assert loaded.problem(mixed).n_samples == len(mixed)
    assert not loaded.is_training_problem(loaded.problem(mixed))


def test_a_file_of_version_2_knows_booleans_by_their_names(saved, mixed):
    model, path = saved
    header, arrays = read_model(path, KIND, FILE_VERSION)
    for column in header["columns"]:
        column.pop("values", None)
    write_model(path, KIND, 2, header, arrays)
    loaded = load_table_model(path)
    assert loaded.encoding == model.encoding
    assert [column.values for column in loaded.encoding.columns[1:]] == ["text", "booleans"]
    spelt = mixed.assign(flag=["TRUE" if flag else "FALSE" for flag in mixed["flag"]])
    np.testing.assert_array_equal(loaded.predict(spelt), model.predict(mixed))


def test_a_damaged_file_of_an_older_version_is_refused(saved):
    _, path = saved
    header, arrays = read_model(path, KIND, FILE_VERSION)
    del header["columns"]
    write_model(path, KIND, 2, header, arrays)
    with pytest.raises(ValueError, match=r"is damaged.*columns"):
        load_table_model(path)


def test_every_older_version_has_an_upgrade_rule():
    assert sorted(UPGRADES) == list(range(1, FILE_VERSION))
