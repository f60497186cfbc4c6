"""The checks of scikit-learn and of imbalanced-learn, on every method that features and labels serve.

All checks run on a few methods of every kind, and on the others those whose rows, numbers or classes are unusual: all
else is the estimator's business, which is one and the same.
"""

from unittest import SkipTest

import pytest
from sklearn.utils import estimator_checks as sklearn

from tamis.sklearn import EXPECTED_FAILURES, TamisSampler, TamisSelector

imblearn = pytest.importorskip("imblearn.utils.estimator_checks")

IN_FULL = ("random", "stratified-random", "facility-location", "k-center")
SELECTORS = [TamisSelector(method, budget=5) for method in IN_FULL]
OTHERS = [TamisSelector(method, budget=5) for method in TamisSelector.methods() if method not in IN_FULL]
BY_MATRIX = TamisSelector("graph-cut", budget=5, metric="precomputed")
SAMPLER = TamisSampler("stratified-random", budget=0.1, random_state=1)
UNUSUAL = """
    check_fit2d_1sample check_fit2d_1feature check_fit1d check_estimators_dtypes check_dtype_object
    check_positive_only_tag_during_fit check_estimators_nan_inf check_estimators_empty_data_messages
    check_estimators_pickle check_f_contiguous_array_estimator check_readonly_memmap_input
    check_samplers_fit check_samplers_fit_resample check_samplers_preserve_dtype check_samplers_multiclass_ova
""".split()

pytestmark = pytest.mark.filterwarnings("ignore:.*(are taken as|chooses no others):UserWarning")


def expected(estimator):
    return EXPECTED_FAILURES


def unusual(generate):
    found = [pair for estimator in OTHERS for pair in generate(estimator) if pair[1].func.__name__ in UNUSUAL]
    return [pytest.param(*pair, id=f"{pair[0].method}-{pair[1].func.__name__}") for pair in found]


@sklearn.parametrize_with_checks([*SELECTORS, BY_MATRIX], expected_failed_checks=expected)
def test_scikit_learn(estimator, check):
    check(estimator)


@imblearn.parametrize_with_checks(SELECTORS, expected_failed_checks=expected)
def test_imbalanced_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), unusual(sklearn.estimator_checks_generator))
def test_scikit_learn_unusual(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), unusual(imblearn.estimator_checks_generator))
def test_imbalanced_learn_unusual(estimator, check):
    check(estimator)


@sklearn.parametrize_with_checks([SAMPLER])
def test_a_sampler_fails_nothing_of_scikit_learn(estimator, check):
    check(estimator)


@imblearn.parametrize_with_checks([SAMPLER])
def test_a_sampler_fails_nothing_of_imbalanced_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("selector", [SELECTORS[0], SAMPLER], ids=repr)
def test_names_of_columns(selector):
    """A check that scikit-learn and imbalanced-learn keep for their own estimators."""
    sklearn.check_dataframe_column_names_consistency("TamisSelector", selector)


def test_few_failures_are_expected_and_each_happens():
    assert 0 < len(EXPECTED_FAILURES) <= 5
    failed = {}
    for generate in (sklearn.estimator_checks_generator, imblearn.estimator_checks_generator):
        for estimator, check in generate(SELECTORS[0]):
            try:
                check(estimator)
            except SkipTest:
                continue
            except Exception as error:
                failed[check.func.__name__] = str(error)
    assert sorted(failed) == sorted(EXPECTED_FAILURES)
    assert "has 20 rows, and rows were chosen among 80" in failed["check_fit_idempotent"]


def test_nothing_is_hidden_from_the_checks():
    """Ours is asked what its own sampler is, but for sparse matrices, texts and missing values."""
    peer = pytest.importorskip("imblearn.under_sampling").RandomUnderSampler(random_state=0)
    asked, of_peer = ({check.func.__name__ for _, check in imblearn.estimator_checks_generator(one)}
                      for one in (SELECTORS[0], peer))  # fmt: skip
    assert of_peer - asked == {"check_samplers_sparse", "check_samplers_string", "check_samplers_nan"}
    assert len(asked) >= 14
    found = {check.func.__name__ for _, check in sklearn.estimator_checks_generator(SELECTORS[0])}
    assert set(UNUSUAL) <= found | asked and "check_transformer_general" in found
