"""First-order methods against loops over scalars, and against PyTorch where it is installed."""

import numpy as np
import pytest

from cvxnn.dynamics.descent.methods import Adagrad, Adam, GradientDescent, Method, Momentum, decaying


def test_steps_decay_by_their_power():
    schedule = decaying(0.75, 10.0)
    assert schedule(0) == 1.0
    assert schedule(10**7) / schedule(10**6) == pytest.approx(10**-0.75, rel=1e-4)
    assert decaying(0.0)(10**6) == 1.0


@pytest.mark.parametrize(("power", "offset", "name"), [(-1.0, 1.0, "power"), (1.0, 0.0, "offset")])
def test_numbers_out_of_range_are_refused(power, offset, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        decaying(power, offset)


STEP, N_STEPS = 0.05, 40
CURVATURES = (3.0, 0.5, 1e-3)


def descend(method: Method, point, gradient=lambda x: np.array(CURVATURES) * x):
    """Return the path of a method on a quadratic."""
    memory, path = method.start((point,)), [point]
    for _ in range(N_STEPS):
        (direction,), memory = method.direction((gradient(point),), memory)
        point = point - STEP * direction
        path.append(point)
    return np.array(path)


def plain(x, g, s, t):
    return x - STEP * g, s


def momentum(x, g, v, t):
    v = 0.8 * v + g
    return x - STEP * v, v


def nesterov(x, g, v, t):
    v = 0.8 * v + g
    return x - STEP * (g + 0.8 * v), v


def adam(x, g, s, t):
    first, second = s if s else (0.0, 0.0)
    first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
    up, down = first / (1 - 0.9**t), (second / (1 - 0.99**t)) ** 0.5
    return x - STEP * up / (down + 1e-8), (first, second)


def adagrad(x, g, s, t):
    s = s + g * g
    return x - STEP * g / (s**0.5 + 1e-10), s


CASES = [
    (GradientDescent(), plain),
    (Momentum(0.8), momentum),
    (Momentum(0.8, nesterov=True), nesterov),
    (Adam(0.9, 0.99), adam),
    (Adagrad(), adagrad),
]
IDS = ["plain", "momentum", "nesterov", "adam", "adagrad"]


@pytest.mark.parametrize(("method", "rule"), CASES, ids=IDS)
def test_methods_follow_their_formula_number_by_number(method, rule):
    start = np.array([1.0, -2.0, 3.0])
    path = descend(method, start)
    for i, curvature in enumerate(CURVATURES):
        x, state = float(start[i]), 0.0
        for t in range(1, N_STEPS + 1):
            x, state = rule(x, curvature * x, state, t)
            assert path[t, i] == pytest.approx(x, rel=1e-11)


@pytest.mark.parametrize(("method", "rule"), CASES, ids=IDS)
def test_no_method_is_another_one(method, rule):
    """A planted fault: each formula rejects every other method."""
    path = descend(method, np.array([1.0, -2.0, 3.0]))
    for other, _ in CASES:
        if other != method:
            assert np.max(np.abs(descend(other, path[0])[-1] - path[-1])) > 1e-3


@pytest.mark.parametrize(("method", "rule"), CASES, ids=IDS)
def test_methods_agree_with_torch(method, rule):
    torch = pytest.importorskip("torch")
    optimizers = {
        plain: lambda p: torch.optim.SGD(p, STEP),
        momentum: lambda p: torch.optim.SGD(p, STEP, momentum=0.8),
        nesterov: lambda p: torch.optim.SGD(p, STEP, momentum=0.8, nesterov=True),
        adam: lambda p: torch.optim.Adam(p, STEP, betas=(0.9, 0.99)),
        adagrad: lambda p: torch.optim.Adagrad(p, STEP),
    }
    start = np.array([1.0, -2.0, 3.0])
    x = torch.tensor(start, requires_grad=True)
    optimizer = optimizers[rule]([x])
    for _ in range(N_STEPS):
        optimizer.zero_grad()
        (0.5 * torch.tensor(CURVATURES, dtype=torch.float64) * x**2).sum().backward()
        optimizer.step()
    # Adam divides by the root in another order there.
    np.testing.assert_allclose(descend(method, start)[-1], x.detach().numpy(), rtol=1e-9)


def test_memory_is_passed_not_kept():
    method, gradient = Momentum(0.5), (np.ones(2),)
    memory = method.start(gradient)
    first = method.direction(gradient, memory)[0][0]
    again = method.direction(gradient, memory)[0][0]
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(1.0), r"momentum must be in \[0, 1\)"),
        (lambda: Adam(beta1=1.5), r"beta1 must be in \[0, 1\)"),
        (lambda: Adam(beta2=-0.1), "beta2 must be"),
        (lambda: Adam(epsilon=0.0), "epsilon must be a finite number > 0"),
        (lambda: Adagrad(epsilon=-1.0), "epsilon must be"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
