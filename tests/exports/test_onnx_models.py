"""ONNX models: onnxruntime computes the network's function; files are whole, and read by older runtimes."""

import numpy as np
import pytest

from cvxnn import ReLUNetwork
from cvxnn.datasets import load_diabetes
from cvxnn.exports import to_onnx

NETWORK = ReLUNetwork([[1.0, -1.0], [0.5, 2.0]], [1.0, 2.0])


def test_without_onnx_the_extra_is_named(without):
    without("onnx")
    with pytest.raises(ImportError, match=r"pip install cvxnn\[onnx\]"):
        to_onnx(NETWORK)


@pytest.fixture(scope="module")
def onnx():
    return pytest.importorskip("onnx", reason="onnx is not installed: pip install cvxnn[onnx]")


@pytest.fixture(scope="module")
def run(onnx):
    """Give a function that runs a model, or a file, in onnxruntime."""
    onnxruntime = pytest.importorskip(
        "onnxruntime", reason="onnxruntime is not installed: pip install cvxnn[onnx]"
    )

    def run_model(model, columns):
        content = str(model) if not hasattr(model, "SerializeToString") else model.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return session.run(["prediction"], {"X": columns})[0]

    return run_model


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_onnxruntime_computes_the_networks_function(run, case, dtype):
    model = to_onnx(case.network, hidden_bias=case.hidden_bias, dtype=dtype)
    found = run(model, case.columns.astype(dtype))
    assert found.dtype == dtype
    assert found.shape == case.expected.shape
    assert np.all(np.abs(found - case.expected) <= case.tolerance(dtype))


def test_the_law_rejects_another_network(run, case):
    other = ReLUNetwork(case.network.hidden, case.network.output, case.network.offset * (1 + 1e-3))
    found = run(to_onnx(other, hidden_bias=case.hidden_bias), case.columns)
    assert np.any(np.abs(found - case.expected) > case.tolerance("float64"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_estimator_on_raw_data(run, diabetes_model, dtype):
    X = load_diabetes().X
    expected = diabetes_model.predict(X)
    found = run(to_onnx(diabetes_model.network_, hidden_bias=True, dtype=dtype), X.astype(dtype))[:, 0]
    assert np.max(np.abs(found - expected)) <= 1e-5 * np.max(np.abs(expected))


def test_any_number_of_rows(run):
    model = to_onnx(NETWORK)
    for n in (0, 1, 1000):
        assert run(model, np.ones((n, 2))).shape == (n, 1)


def test_a_file_is_whole_and_the_same(onnx, run, tmp_path):
    path = tmp_path / "network.onnx"
    path.write_text("something else")
    model = to_onnx(NETWORK, path)
    assert [file.name for file in tmp_path.iterdir()] == ["network.onnx"]
    assert onnx.load(path) == model
    assert run(path, np.array([[1.0, 1.0]])).tolist() == [[3.5]]
    to_onnx(NETWORK, str(path), dtype="float32")
    assert run(path, np.array([[1.0, 1.0]], dtype=np.float32)).tolist() == [[3.5]]


def test_a_path_where_no_file_can_be_is_refused(onnx, tmp_path):
    with pytest.raises(ValueError, match="path must be a file to write"):
        to_onnx(NETWORK, tmp_path)
    with pytest.raises(ValueError, match="path must be in an existing folder"):
        to_onnx(NETWORK, tmp_path / "nowhere" / "network.onnx")


def test_old_runtimes_read_it(onnx):
    model = to_onnx(NETWORK)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 16)]
    assert model.ir_version == 8
    assert {node.op_type for node in model.graph.node} == {"Gemm", "Relu"}


def test_onnxs_own_reference_agrees(onnx, case):
    from onnx.reference import ReferenceEvaluator

    model = to_onnx(case.network, hidden_bias=case.hidden_bias)
    (found,) = ReferenceEvaluator(model).run(None, {"X": case.columns})
    assert np.all(np.abs(found - case.expected) <= case.tolerance("float64"))


def test_bad_arguments_are_named(onnx):
    with pytest.raises(ValueError, match="dtype must be 'float64' or 'float32'; got 'float16'"):
        to_onnx(NETWORK, dtype="float16")
    with pytest.raises(ValueError, match="network must be a ReLUNetwork"):
        to_onnx("network.cvxnn")
