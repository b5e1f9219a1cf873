"""A problem is a value: equal, hashable, unchangeable, and it speaks three languages."""

import copy
import dataclasses

import pytest

from cityauth.core.answers import Problem
from cityauth.errors import UsageError
from cityauth.messages import Code


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fi", "Olet kirjautunut ulos."),
        ("sv", "Du har loggat ut."),
        ("en", "You have signed out."),
        ("de", "You have signed out."),
    ],
)
def test_a_problem_speaks_the_language_it_is_asked_in(language: str, said: str) -> None:
    """The language is chosen where the text is shown; an unknown one reads as English (B-66)."""
    assert Problem(Code.SESSION_SIGNED_OUT).text(language) == said


def test_params_stand_in_the_text() -> None:
    """The values of a problem are put into its text."""
    problem = Problem(Code.LOGIN_IDENTIFIER_RETIRED, {"email": "a•••@example.com"})
    assert "a•••@example.com" in problem.text("sv")


def test_a_missing_param_is_the_callers_mistake() -> None:
    """A problem without the values of its text raises instead of showing a broken sentence."""
    with pytest.raises(UsageError, match="minimum"):
        Problem(Code.PASSWORD_TOO_SHORT).text("fi")


def test_the_code_is_a_plain_string_too() -> None:
    """A host may compare the code with its stable value."""
    assert Problem(Code.LOGIN_REFUSED).code == "login.refused"


def test_equal_problems_hash_alike() -> None:
    """Problems are equal by value, whatever the order of the params, and can be keys."""
    one = Problem(Code.PASSWORD_TOO_LONG, {"maximum": 64, "minimum": 15})
    other = Problem(Code.PASSWORD_TOO_LONG, {"minimum": 15, "maximum": 64})
    assert one == other
    assert len({one, other, Problem(Code.PASSWORD_TOO_LONG), Problem(Code.PASSWORD_EMPTY)}) == 3


def test_a_problem_never_changes() -> None:
    """Neither the problem nor its params can be written, nor through the mapping that it was made from."""
    given = {"minimum": 15}
    problem = Problem(Code.PASSWORD_TOO_SHORT, given)
    given["minimum"] = 1
    assert problem.params == {"minimum": 15}
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.code = Code.PASSWORD_EMPTY  # type: ignore[misc]
    with pytest.raises(TypeError):
        problem.params["minimum"] = 1  # type: ignore[index]
    assert not hasattr(problem, "__dict__")


def test_a_problem_can_be_copied() -> None:
    """A problem can be copied whole, as frameworks do with what they keep for the next page."""
    problem = Problem(Code.PASSWORD_TOO_SHORT, {"minimum": 15})
    assert copy.deepcopy(problem) == problem
    assert copy.deepcopy(problem).params == problem.params
