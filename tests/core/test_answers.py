"""A problem is a value: equal, hashable, unchangeable, and it speaks three languages."""

import copy
import dataclasses

import pytest

from cityauth.core.answers import Problem, Refused
from cityauth.core.links import LinkRefused
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


def test_every_refusal_is_one_of_a_family() -> None:
    """A caller may look for any refusal by one name, and a refused link is still told from another refusal."""
    short, common = Problem(Code.PASSWORD_TOO_SHORT, {"minimum": 15}), Problem(Code.PASSWORD_COMMON)
    refused = Refused(short, (common,))
    assert refused.problems == (short, common)
    assert refused != Refused(short)
    link = LinkRefused(Problem(Code.LINK_INVALID))
    assert isinstance(link, Refused)
    assert link.problems == (link.problem,)
    assert link != Refused(link.problem)
    assert copy.copy(refused) == refused


def test_a_problem_names_the_field_that_it_is_about() -> None:
    """A page shows each problem beside its field; what is about no field names none."""
    fields = {
        Code.LOGIN_MALFORMED_EMPTY: "identifier",
        Code.IDENTIFIER_NOT_EMAIL: "identifier",
        Code.PASSWORD_COMMON: "password",
        Code.PASSWORD_WRONG_CURRENT: "current_password",
        Code.NAME_EMPTY: "display_name",
    }
    for code, field in fields.items():
        assert Problem(code).field == field
    for code in (Code.LOGIN_REFUSED, Code.SESSION_ENDED, Code.PASSWORD_CHANGED, Code.NAME_CHANGED, Code.LINK_INVALID):
        assert Problem(code).field == ""
