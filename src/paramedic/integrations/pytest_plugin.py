"""The pytest plugin: ``def test_model(paramedic): paramedic.check(model, loss, batch)``.

With ``pytest --paramedic`` such a test becomes one test per assertion, and each is passed, failed (the text is the
finding) or skipped (with the reason). Without the option it is one test that makes them all. Neither pytest nor this
file imports torch until a test asks for the fixture.
"""

from __future__ import annotations

from typing import Any

import pytest

# As in model_tests.ASSERTIONS, which a test holds them to; written out because that module imports torch.
NAMES = (
    "overfits-a-batch",
    "loss-at-chance",
    "gradients-reach-every-parameter",
    "no-leak-between-samples",
    "no-causal-leak",
    "initialization-healthy",
    "loss-sane",
    "same-output-in-eval",
    "state-dict-round-trip",
)
ALL = "all"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("paramedic")
    group.addoption(
        "--paramedic", action="store_true", help="one test for each assertion of tests that use the fixture `paramedic`"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "paramedic" in metafunc.fixturenames and metafunc.config.getoption("--paramedic"):
        metafunc.parametrize("paramedic", NAMES, indirect=True)


class Checker:
    """What the fixture gives. name: the assertion of this test id, or ALL."""

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, model: Any, loss: Any, batch: Any, *, causal: bool = False, skip: tuple[str, ...] = ()) -> None:
        """Make the assertion of this test id, or all of them. Nothing of the caller's is changed.

        causal: outputs may depend on earlier positions only. skip: names of assertions that do not hold on purpose.
        """
        from paramedic.checks.check import NotApplicable
        from paramedic.integrations.model_tests import ASSERTIONS, subject

        unknown = set(skip) - set(ASSERTIONS)
        if unknown:
            raise ValueError(f"no assertion is called {sorted(unknown)[0]!r}; known: {', '.join(ASSERTIONS)}")
        failures = []
        for name in ASSERTIONS if self.name == ALL else (self.name,):
            if name in skip:
                if self.name != ALL:
                    pytest.skip("left out by the test")
                continue
            try:
                with subject(model, loss, batch, causal) as it:
                    ASSERTIONS[name](it)
            except NotApplicable as reason:
                if self.name != ALL:
                    pytest.skip(f"not applicable: {reason}")
            except AssertionError as error:
                failures.append(f"{name}: {error}")
        if failures:
            pytest.fail("\n".join(failures), pytrace=False)

    def diagnose(self, model: Any, loss: Any, train_loader: Any, val_loader: Any = None, optimizer: Any = None,
                 **options: Any) -> Any:  # fmt: skip
        """A short training of a copy, examined in full: fails with the report if there is a fault; returns it."""
        import paramedic

        if self.name not in (ALL, NAMES[0]):
            pytest.skip("diagnosed under the first test id")
        report = paramedic.diagnose(model, loss, train_loader, val_loader, optimizer, **options)
        if report.exit_code("fault"):
            pytest.fail(str(report), pytrace=False)
        return report


@pytest.fixture
def paramedic(request: pytest.FixtureRequest) -> Checker:
    """``paramedic.check(model, loss, batch)`` and ``paramedic.diagnose(model, loss, train_loader)``."""
    return Checker(getattr(request, "param", ALL))
