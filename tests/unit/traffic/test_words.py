import pytest

from dubbopy_cli.errors import UsageError
from dubbopy_cli.traffic import words

BOTH = ("v1", "v2")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["v1"], {"v1": 100}),
        (["v1=100"], {"v1": 100}),
        (["v1=90", "v2=10"], {"v1": 90, "v2": 10}),
        (["v2=100", "v1=0"], {"v2": 100, "v1": 0}),
    ],
)
def test_weights_are_read(given, meant):
    assert words.weights(given, BOTH) == meant


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the percentages are nothing = 0, not 100"),
        (["v1=90"], "the percentages are 90 = 90, not 100"),
        (["v1", "v2"], "'v1' is no share of a version"),
        (["v1=9.5", "v2=90.5"], "'v1=9.5' is no share of a version"),
        (["v1=-10", "v2=110"], "'v1=-10' is no share of a version"),
        (["v1=50", "v1=50"], "v1 is given twice"),
        (["v11"], "there is no version 'v11', only v1, v2. Did you mean 'v1'?"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(given, message):
    with pytest.raises(UsageError) as caught:
        words.weights(given, BOTH)
    assert caught.value.message == message


def test_nothing_deployed_is_said():
    with pytest.raises(UsageError, match="there is no version 'v1': nothing is deployed"):
        words.weights(["v1"], ())


def test_headers_are_read_in_lower_case():
    assert words.headers(["User=admin", "x-a=b=c", "empty="]) == {"user": "admin", "x-a": "b=c", "empty": ""}
    for wrong in (["user"], ["=x"], ["a b=c"], ["a=1", "A=2"]):
        with pytest.raises(UsageError):
            words.headers(wrong)
