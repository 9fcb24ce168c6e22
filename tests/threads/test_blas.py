"""BLAS on one thread while anybody is inside, and what it was before afterwards."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from cvxnn import Problem, train
from cvxnn.threads import blas
from cvxnn.threads.blas import cores, on_one_blas_thread, single_threaded_blas


def settings():
    """The settings of the libraries that have threads: two, where they were just set to two."""
    found = [
        library.num_threads for library in ThreadpoolController().select(user_api="blas").lib_controllers
    ]
    return {number for number in found if number > 1} or {1}


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if settings() != {2}:
            pytest.skip("a BLAS whose threads cannot be set")
        yield


def test_blas_settings_limit_walks_and_come_back(two_blas_threads):
    with single_threaded_blas as outer, single_threaded_blas as inner:
        assert outer == inner == min(cores(), 2)
        assert settings() == {1}
    assert settings() == {2}
    with threadpool_limits(limits=1, user_api="blas"), single_threaded_blas as allowed:
        assert allowed == 1
    assert settings() == {2}


def test_who_came_first_may_leave_first(two_blas_threads):
    entered, leave, seen = threading.Event(), threading.Event(), []

    def second():
        with single_threaded_blas:
            entered.set()
            leave.wait(10)
            seen.append(settings())

    other = threading.Thread(target=second)
    with single_threaded_blas:
        other.start()
        entered.wait(10)
    seen.append(settings())
    leave.set()
    other.join(10)
    assert seen == [{1}, {1}]
    assert settings() == {2}


def test_decorated_functions_are_inside(two_blas_threads):
    @on_one_blas_thread
    def seen(*args, **kwargs):
        """Return what it sees."""
        return args, kwargs, settings()

    assert seen(1, key=2) == ((1,), {"key": 2}, {1})
    assert settings() == {2}
    assert (seen.__name__, seen.__doc__) == ("seen", "Return what it sees.")


def test_decorated_generators_are_inside_while_they_compute(two_blas_threads):
    closed = []

    @on_one_blas_thread
    def steps(n):
        try:
            for _ in range(n):
                yield settings()
        finally:
            closed.append(settings())

    for inner in steps(3):
        assert (inner, settings()) == ({1}, {2})
    started = steps(2)
    next(started)
    started.close()
    assert closed == [{1}, {1}]
    assert settings() == {2}


def test_an_error_sets_back(two_blas_threads):
    @on_one_blas_thread
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert settings() == {2}


class OpenMpBlas:
    """A library in which each thread has a setting of its own."""

    threading_layer = "openmp"

    def __init__(self):
        self.numbers = threading.local()

    def get_num_threads(self):
        return getattr(self.numbers, "number", 4)

    def set_num_threads(self, number):
        self.numbers.number = number


def test_where_threads_have_settings_of_their_own_each_sets_back_its_own(monkeypatch):
    library, seen = OpenMpBlas(), []
    monkeypatch.setattr(blas, "blas_libraries", lambda: [library])
    inside, leave = threading.Event(), threading.Event()

    def second():
        with single_threaded_blas, single_threaded_blas:
            seen.append(library.get_num_threads())
            inside.set()
            leave.wait(10)
        seen.append(library.get_num_threads())

    other = threading.Thread(target=second)
    with single_threaded_blas as allowed:
        assert allowed == min(cores(), 4)
        other.start()
        inside.wait(10)
        assert library.get_num_threads() == 1
    assert library.get_num_threads() == 4  # although the other thread is still inside
    leave.set()
    other.join(10)
    assert seen == [1, 4]


def test_libraries_that_come_later_are_found(monkeypatch):
    looks = []

    class Controller:
        lib_controllers = ()

        def select(self, user_api):
            looks.append(user_api)
            return self

    monkeypatch.setattr(blas, "ThreadpoolController", Controller)
    blas._libraries_beside.cache_clear()
    try:
        blas.blas_libraries()
        blas.blas_libraries()
        assert len(looks) == 1
        for name in ("scipy.linalg", "cvxpy"):
            monkeypatch.delitem(blas.sys.modules, name, raising=False)
        blas.blas_libraries()
        assert len(looks) == 2
    finally:
        blas._libraries_beside.cache_clear()


def test_every_number_of_blas_threads_gives_the_same_network():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    problem = Problem(X, np.abs(X[:, 0]) + 0.1 * rng.standard_normal(60), beta=1.0)
    networks = []
    for number in (1, 2):
        with threadpool_limits(limits=number, user_api="blas"):
            networks.append(train(problem, prove=False).network)
    assert np.array_equal(networks[0].hidden, networks[1].hidden)
    assert np.array_equal(networks[0].output, networks[1].output)
