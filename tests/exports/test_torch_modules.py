"""PyTorch modules: the same function there and back, foreign ones refused, trained ones certified and improved."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, certify, train
from cvxnn.datasets import load_diabetes
from cvxnn.exports import from_torch, to_torch

NETWORK = ReLUNetwork([[1.0, -1.0], [0.5, 2.0]], [1.0, 2.0])


def test_without_torch_the_extra_is_named(without):
    without("torch")
    with pytest.raises(ImportError, match=r"pip install cvxnn\[torch\]"):
        to_torch(NETWORK)
    with pytest.raises(ImportError, match=r"pip install cvxnn\[torch\]"):
        from_torch(None)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install cvxnn[torch]")


def evaluate(torch, module, columns):
    dtype = next(module.parameters()).dtype
    return module(torch.tensor(columns, dtype=dtype)).detach().numpy()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_module_computes_the_networks_function(torch, case, dtype):
    module = to_torch(case.network, hidden_bias=case.hidden_bias, dtype=dtype)
    found = evaluate(torch, module, case.columns)
    assert found.dtype == dtype
    assert found.shape == case.expected.shape
    assert np.all(np.abs(found - case.expected) <= case.tolerance(dtype))


def test_there_and_back_keeps_every_bit(torch, case):
    network = from_torch(to_torch(case.network, hidden_bias=case.hidden_bias))
    np.testing.assert_array_equal(network.hidden, case.network.hidden)
    np.testing.assert_array_equal(network.output.reshape(case.network.output.shape), case.network.output)
    np.testing.assert_array_equal(network.offset, case.network.offset)


def test_there_and_back_in_single_precision_rounds_once(torch, case):
    network = from_torch(to_torch(case.network, hidden_bias=case.hidden_bias, dtype="float32"))
    np.testing.assert_array_equal(network.hidden, case.network.hidden.astype(np.float32))
    assert network.hidden.dtype == np.float64


def test_the_law_rejects_a_module_without_the_hidden_bias(torch, case):
    hidden = case.network.hidden * (np.arange(case.network.n_features) < case.columns.shape[1])[:, None]
    faulty = to_torch(
        ReLUNetwork(hidden, case.network.output, case.network.offset), hidden_bias=case.hidden_bias
    )
    found = evaluate(torch, faulty, case.columns)
    is_wrong = np.any(np.abs(found - case.expected) > case.tolerance("float32"))
    assert is_wrong == (case.hidden_bias and case.network.n_neurons > 0)


def test_an_estimator_on_raw_data(torch, diabetes_model):
    X = load_diabetes().X
    module = to_torch(diabetes_model.network_, hidden_bias=True)
    expected = diabetes_model.predict(X)
    found = evaluate(torch, module, X)[:, 0]
    assert np.max(np.abs(found - expected)) <= 1e-6 * np.max(np.abs(expected))
    ones = np.ones((len(X), 1))
    assert from_torch(module).predict(np.hstack([X, ones])).tolist() == expected.tolist()


def test_layers_are_plain_and_can_train_on(torch):
    module = to_torch(NETWORK, hidden_bias=True)
    assert [type(layer) for layer in module] == [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]
    assert (module[0].in_features, module[0].out_features, module[2].out_features) == (1, 2, 1)
    assert sorted(module.state_dict()) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in module.parameters())
    assert all(parameter.is_contiguous() for parameter in module.parameters())  # some file formats ask for it
    assert sorted(to_torch(NETWORK).state_dict()) == ["0.weight", "2.bias", "2.weight"]
    copy = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1)).double()
    copy.load_state_dict(module.state_dict())
    assert evaluate(torch, copy, [[0.3]]) == evaluate(torch, module, [[0.3]])


def test_a_networks_weights_are_not_shared_with_the_module(torch):
    module = to_torch(NETWORK)
    network = from_torch(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(network.hidden, NETWORK.hidden)
    np.testing.assert_array_equal(network.output, NETWORK.output)


def test_random_numbers_are_left_alone(torch):
    state = torch.get_rng_state()
    to_torch(NETWORK, hidden_bias=True)
    assert torch.equal(torch.get_rng_state(), state)


def test_torchs_own_names_of_precisions(torch):
    assert to_torch(NETWORK, dtype=torch.float32)[0].weight.dtype == torch.float32
    assert to_torch(NETWORK, dtype=torch.float64)[0].weight.dtype == torch.float64
    with pytest.raises(ValueError, match="dtype must be 'float64' or 'float32'; got 'float16'"):
        to_torch(NETWORK, dtype=torch.float16)


@pytest.mark.parametrize(
    ("first_bias", "last_bias"), [(False, False), (False, True), (True, False), (True, True)]
)
def test_biases_of_a_module_say_what_its_network_takes(torch, rng, first_bias, last_bias):
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 5, bias=first_bias), torch.nn.ReLU(), torch.nn.Linear(5, 2, bias=last_bias)
    )
    network = from_torch(module)
    columns = rng.standard_normal((7, 3)).astype(np.float32)
    X = np.hstack([columns, np.ones((7, 1))]) if first_bias else columns
    assert network.n_features == X.shape[1]
    # Outputs are sums of some ten terms of size 1, in float32.
    np.testing.assert_allclose(network.predict(X), evaluate(torch, module, columns), rtol=0, atol=1e-6)
    assert np.any(network.offset != 0) == last_bias


def test_a_bias_of_zero_is_a_bias(torch):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    torch.nn.init.zeros_(module[0].bias)
    assert from_torch(module).hidden[3].tolist() == [0.0, 0.0]


def foreign_modules(nn):
    class Squared(nn.Linear):
        def forward(self, x):
            return super().forward(x) ** 2

    class Doubled(nn.Sequential):
        def forward(self, x):
            return 2 * super().forward(x)

    layers = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    return {
        r"got Sequential\(Linear, Tanh, Linear\)": nn.Sequential(layers[0], nn.Tanh(), layers[2]),
        r"got Sequential\(Linear, ReLU, Linear, ReLU, Linear\)": nn.Sequential(
            *layers, nn.ReLU(), nn.Linear(1, 1)
        ),
        r"got Sequential\(Linear, LeakyReLU, Linear\)": nn.Sequential(layers[0], nn.LeakyReLU(), layers[2]),
        r"got Sequential\(LazyLinear, ReLU, Linear\)": nn.Sequential(nn.LazyLinear(3), *layers[1:]),
        r"got Sequential\(Squared, ReLU, Linear\)": nn.Sequential(Squared(2, 3), *layers[1:]),
        r"got Doubled\(Linear, ReLU, Linear\)": Doubled(*layers),
        "got Sequential$": nn.Sequential(),
        "got Linear$": layers[0],
        "got ndarray$": np.zeros((2, 3)),
        "its first gives 3 neurons, its last takes 4": nn.Sequential(*layers[:2], nn.Linear(4, 1)),
        "weights of torch.float32 or torch.float64; got torch.bfloat16": nn.Sequential(*layers).bfloat16(),
    }


def test_other_modules_are_refused_by_what_they_are(torch):
    for message, module in foreign_modules(torch.nn).items():
        with pytest.raises(ValueError, match=f"module must .*{message}"):
            from_torch(module)


def test_weights_that_are_not_finite_are_refused(torch):
    module = to_torch(NETWORK)
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="hidden must be finite"):
        from_torch(module)


@pytest.fixture(scope="module")
def descended(torch):
    """Train a module by a few steps of Adam on a problem with hidden bias and output offset."""
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((40, 2))
    y = np.abs(columns[:, 0]) - columns[:, 1] + 0.1 * rng.standard_normal(40)
    problem = Problem(np.column_stack([columns, np.ones(40)]), y, beta=0.5, output_offset=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Linear(2, 20), torch.nn.ReLU(), torch.nn.Linear(20, 1))
    inputs, targets = torch.tensor(columns).float(), torch.tensor(y).float()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(100):
        loss = objective(module, inputs, targets, problem.beta)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return problem, module, objective(module, inputs, targets, problem.beta).item()


def objective(module, inputs, targets, beta):
    penalised = (module[0].weight, module[0].bias, module[2].weight)
    decay = beta / 2 * sum((parameter**2).sum() for parameter in penalised)
    return 0.5 * ((module(inputs)[:, 0] - targets) ** 2).sum() + decay


def test_a_network_trained_by_torch_is_certified(descended):
    problem, module, reached = descended
    certificate = certify(problem, from_torch(module), max_seconds=5)
    # torch summed 40 + 80 squares in float32.
    assert certificate.objective == pytest.approx(reached, rel=1e-5)
    assert 0 < certificate.lower_bound < certificate.objective
    assert not certificate.proven


def test_a_network_trained_by_torch_is_improved(descended):
    problem, module, _ = descended
    network = from_torch(module)
    start = problem.objective(network)
    on_its_patterns = train(problem, patterns=network.patterns(problem.X)).certificate
    everywhere = train(problem, max_seconds=10).certificate
    assert on_its_patterns.objective < start
    assert everywhere.proven
    # To a relative gap of 1e-3 no other network is better, so not those on the patterns of the descent either.
    assert everywhere.objective * (1 - 1e-3) <= on_its_patterns.objective < start
    assert everywhere.objective < start


def test_a_module_with_an_output_offset_needs_a_problem_that_has_one(descended):
    problem, module, _ = descended
    with pytest.raises(ValueError, match="network must have no offset"):
        certify(Problem(problem.X, problem.y, problem.beta), from_torch(module))
    with pytest.raises(ValueError, match="network must take 2 features; it takes 3"):
        certify(Problem(problem.X[:, :2], problem.y, problem.beta, output_offset=True), from_torch(module))
