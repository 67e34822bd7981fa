"""Parameters are declared once, and signature, constraints and documentation follow from that."""

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import sklid.estimators.encoder
import sklid.estimators.injective
import sklid.estimators.objective
import sklid.estimators.parameters
from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import GMVAE, VAE
from sklid.estimators.declaration import architecture, parameter, with_parameters
from sklid.validation import POSITIVE_INTEGER

every = pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering, LIDMVAEClustering, GMVAE])


@every
def test_every_parameter_is_documented_with_its_own_default(Estimator):
    section = Estimator.__doc__.split("Parameters\n----------\n")[1].split("\n\n")[0]
    documented = dict(re.findall(r"^(\w+) : .*, default=(.+)$", section, re.MULTILINE))
    signature = inspect.signature(Estimator).parameters
    assert list(documented) == list(signature)
    assert {name: ast.literal_eval(text) for name, text in documented.items()} == {
        name: each.default for name, each in signature.items()
    }


@every
def test_every_parameter_has_a_constraint(Estimator):
    assert Estimator._parameter_constraints.keys() == inspect.signature(Estimator).parameters.keys()


@pytest.mark.parametrize(
    ("Estimator", "first"),
    [
        (LIDVAE, ["n_components"]),
        (VAE, ["n_components"]),
        (LIDGMVAEClustering, ["k", "n_components"]),
        (LIDMVAEClustering, ["k", "n_components"]),
        (GMVAE, ["k", "n_components"]),
    ],
)
def test_few_parameters_may_be_given_by_position(Estimator, first):
    parameters = inspect.signature(Estimator).parameters.values()
    assert [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY] == first


def test_shared_parameters_are_declared_once_but_for_the_one_that_clusterings_have_a_default_of():
    declared = Counter()
    for name in ("parameters", "mixture_parameters", "objective", "encoder", "injective"):
        module = getattr(sklid.estimators, name)
        tree = ast.parse(Path(module.__file__).read_text())
        declared.update(node.target.id for node in ast.walk(tree) if isinstance(node, ast.AnnAssign))
    assert declared - Counter(set(declared)) == Counter(["kl_warmup"])
    assert declared.keys() >= inspect.signature(LIDGMVAEClustering).parameters.keys()


def test_baseline_has_one_default_of_its_own():
    own, shared = (inspect.signature(Estimator).parameters for Estimator in (VAE, LIDVAE))
    assert own.keys() < shared.keys()
    assert [name for name in own if own[name].default != shared[name].default] == ["encoder"]


def test_subclass_takes_parameters_over_and_adds_its_own():
    @with_parameters
    class Wider(LIDVAE):
        """Another estimator.

        Attributes
        ----------
        n_components_ : int
        """

        factor: int = parameter(
            default=3, kind="int", text="Of the width.", constraint=POSITIVE_INTEGER, shapes_model=True
        )

    model = Wider(2, factor=4, max_epochs=7)
    assert model.get_params()["factor"] == 4
    assert model.get_params()["max_epochs"] == 7
    assert architecture(model)["factor"] == 4
    assert "max_epochs" not in architecture(model)
    assert Wider.__doc__.index("factor : int, default=3") < Wider.__doc__.index("Attributes\n")
    with pytest.raises(ValueError, match="'factor' parameter of Wider"):
        model.set_params(factor=0).fit([[0.0], [1.0]])


def test_parameters_stand_before_whatever_section_follows_in_a_docstring():
    @with_parameters
    class Documented:
        """An estimator.

        References
        ----------
        A book.
        """

        factor: int = parameter(default=3, kind="int", text="Of the width.", constraint=POSITIVE_INTEGER)

    expected = ["An estimator.", "Parameters", "factor : int, default=3", "References", "A book."]
    assert [line for line in expected if line in Documented.__doc__] == expected
    places = [Documented.__doc__.index(line) for line in expected]
    assert places == sorted(places)
