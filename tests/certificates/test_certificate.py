import pytest

from cvxnn.certificates import make_certificate


def test_gap_and_verdict():
    certificate = make_certificate(2.0, 1.5, tol=0.25, method="exact sweep", scope="network")
    assert (certificate.gap, certificate.relative_gap, certificate.proven) == (0.5, 0.25, True)
    assert certificate.search_violation is None


def test_negative_bound_is_zero():
    certificate = make_certificate(2.0, -3.0, tol=0.1, method="norm bound", scope="network")
    assert (certificate.lower_bound, certificate.relative_gap, certificate.proven) == (0.0, 1.0, False)


def test_zero_objective_has_no_gap():
    assert make_certificate(0.0, 0.0, tol=0.0, method="norm bound", scope="network").proven


def test_rounding_above_the_objective_is_clipped():
    certificate = make_certificate(1.0, 1.0 + 1e-12, tol=0.0, method="exact sweep", scope="network")
    assert (certificate.lower_bound, certificate.gap) == (1.0, 0.0)


@pytest.mark.parametrize("bound", [1.0 + 1e-6, float("nan")])
def test_contradiction_is_refused(bound):
    with pytest.raises(ArithmeticError, match="lower bound"):
        make_certificate(1.0, bound, tol=1e-3, method="exact sweep", scope="network")


def test_printing_tells_scope_proof_and_search_apart():
    options = {"tol": 1e-3, "method": "joint dual SDP"}
    network = str(make_certificate(2.0, 1.0, scope="network", search_violation=0.01, **options))
    program = str(make_certificate(2.0, 1.0, scope="program", **options))
    assert "all activation patterns" in network
    assert "joint dual SDP" in network
    assert "not a proof" in network
    assert "given patterns only" in program
    assert "not a proof" not in program
    assert len(network.splitlines()) <= 3
