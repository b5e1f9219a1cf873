"""The file of a plan: what is written is read again, and whatever was changed is named by its line."""

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.accounts import AccountId
from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.plan_builder import PlanBuilder
from cityauth.core.plan_file import PlanReader, parse_line
from cityauth.core.similarity import AddressWarning
from cityauth.errors import PlanError
from cityauth.policy.realms import Phase

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BEGIN = PlanHeader("plan", "1.0", "", NOON, 0, {}, Phase.EMAIL_PREFERRED, exempt=("official",))


def built(lines: Iterable[PlanLine], begin: PlanHeader = BEGIN) -> list[str]:
    """The lines of the file that a plan of these accounts makes."""
    out = io.BytesIO()
    builder = PlanBuilder(io.BytesIO(), out)
    builder.add([(line, line.account) for line in lines])
    builder.finish(begin, lambda _: None)
    return out.getvalue().decode("ascii").splitlines(keepends=True)


def ready(account: str, address: str, external_id: str | None = None) -> PlanLine:
    """An account that moves to an address."""
    return PlanLine(
        AccountId(account),
        external_id or f"e{account}",
        AccountClass.READY,
        identifier=address,
        key=f"1:{address}",
        contact=address,
        action=StepAction.MOVE,
    )


THREE = [ready("a", "anna@example.com"), ready("b", "bo@example.com"), ready("c", "cecilia@example.com")]


def test_a_line_is_as_the_documents_have_it() -> None:
    """An account's line begins with the documented fields, in their order."""
    line = json.loads(built(THREE)[1])
    assert list(line.items())[:6] == [
        ("account", "a"),
        ("external_id", "ea"),
        ("class", "ready"),
        ("reasons", []),
        ("identifier", "anna@example.com"),
        ("with", []),
    ]


def test_the_header_counts() -> None:
    """The header says how many accounts are in each class, how many have a warning, and what is done."""
    lines = [*THREE, PlanLine(AccountId("d"), None, AccountClass.NO_EMAIL, ("no_email",), action=StepAction.KEEP)]
    header = PlanReader(built([*lines, ready("e", "anna+x@example.com"), ready("f", "f@gmial.com")])).header
    assert header.accounts == 6
    assert {name: count for name, count in header.classes.items() if count} == {"ready": 5, "no_email": 1}
    assert {name: count for name, count in header.warnings.items() if count} == {"plus_twin": 2, "typo_domain": 1}
    assert header.actions == {StepAction.MOVE: 5, StepAction.KEEP: 1}
    assert (header.plan_id, header.version, header.at, header.phase) == ("plan", "1.0", NOON, Phase.EMAIL_PREFERRED)
    assert header.exempt == ("official",)


texts = st.text(max_size=8)
own_texts = st.none() | texts
plan_lines = st.builds(
    PlanLine,
    account=texts.filter(bool).map(AccountId),
    external_id=own_texts,
    account_class=st.sampled_from(AccountClass),
    reasons=st.lists(st.sampled_from([one.value for one in AccountClass]), max_size=2).map(tuple),
    identifier=own_texts,
    collides_with=st.lists(texts, max_size=2).map(tuple),
    key=own_texts,
    contact=own_texts,
    phase=st.none() | st.sampled_from(Phase),
    action=st.none() | st.sampled_from(StepAction),
    decision=st.none() | st.sampled_from(Decision),
    collision=st.none() | st.sampled_from(Collision),
    similar=st.just(()),
    right_domain=st.none(),
)


@given(st.lists(plan_lines, unique_by=lambda line: line.account, max_size=5))
def test_what_is_written_is_read(lines: list[PlanLine]) -> None:
    """Every line is read as it was given, but for the warnings that the plan adds."""
    lines = sorted(lines, key=lambda line: line.account)
    read = list(PlanReader(built(lines)))
    warnings = set(AddressWarning)
    plain = [
        line._replace(reasons=tuple(one for one in line.reasons if one not in warnings), similar=(), right_domain=None)
        for line in read
    ]
    assert plain == lines


def test_warnings_stand_after_the_reasons() -> None:
    """What resembles is named on both sides, and a misspelt domain with what was probably meant."""
    lines = [*THREE, ready("d", "ann@gmial.com"), ready("e", "anna+x@example.com")]
    read = {line.account: line for line in PlanReader(built(lines))}
    assert read[AccountId("a")].reasons == read[AccountId("e")].reasons == (AddressWarning.PLUS_TWIN,)
    assert (read[AccountId("a")].similar, read[AccountId("e")].similar) == (("ee",), ("ea",))
    misspelt = read[AccountId("d")]
    assert (misspelt.reasons, misspelt.right_domain) == ((AddressWarning.TYPO_DOMAIN,), "gmail.com")
    assert misspelt.collision is Collision.TYPO
    assert all(line.account_class is AccountClass.READY for line in read.values())


def test_the_digests_depend_on_what_they_should() -> None:
    """The population's digest depends on the accounts alone, the plan's also on the header."""
    one, other = PlanReader(built(THREE)).header, PlanReader(built(THREE, replace(BEGIN, plan_id="other"))).header
    changed = PlanReader(built([*THREE, ready("d", "dora@example.com")])).header
    assert one.population == other.population != changed.population
    assert one.digest != other.digest


def damaged(number: int, change: Callable[[list[str]], object]) -> str:
    """The sentence about a plan of three accounts that was changed; it must name the line of that number."""
    lines = built(THREE)
    change(lines)
    with pytest.raises(PlanError) as caught:
        list(PlanReader(lines))
    assert caught.value.line == number
    assert f"line {number}" in str(caught.value) or number == len(lines) + 1
    return str(caught.value)


def edit(number: int, was: str, now: str) -> Callable[[list[str]], object]:
    """Replace a text in one line."""

    def change(lines: list[str]) -> None:
        assert was in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(was, now)

    return change


@pytest.mark.parametrize(
    ("number", "change"),
    [
        pytest.param(3, edit(3, "bo@example.com", "eve@example.com"), id="an address"),
        pytest.param(3, edit(3, '"ready"', '"exempt"'), id="a class"),
        pytest.param(2, edit(2, '"check":"', '"check":"0'), id="a checksum"),
        pytest.param(3, lambda lines: lines.pop(2), id="a line left out"),
        pytest.param(2, lambda lines: lines.pop(1), id="the first line left out"),
        pytest.param(2, lambda lines: lines.reverse() or lines.insert(0, lines.pop()), id="the lines reversed"),
        pytest.param(3, lambda lines: lines.insert(2, lines[1]), id="a line doubled"),
        pytest.param(3, lambda lines: lines.insert(2, "\n"), id="an empty line"),
        pytest.param(3, lambda lines: lines.insert(2, "x" * 2_000_000), id="a long line"),
        pytest.param(4, lambda lines: lines.__setitem__(3, lines[3][:40]), id="a line cut"),
        pytest.param(4, edit(4, "cecilia@example.com", "cec\u00edlia@example.com"), id="a letter beyond ASCII"),
        pytest.param(5, lambda lines: lines.append(lines[3]), id="a line added"),
        pytest.param(1, edit(1, '"email_preferred"', '"email_only"'), id="the phase"),
        pytest.param(1, edit(1, '"official"', ""), id="the exempt realms"),
        pytest.param(1, edit(1, '"format": 1', '"format": 2'), id="the form"),
        pytest.param(1, edit(1, '"plan": "plan", ', ""), id="the plan"),
        pytest.param(1, edit(1, '"accounts": 3', '"accounts": -1'), id="the number of accounts"),
        pytest.param(4, edit(1, '"accounts": 3', '"accounts": 2'), id="one account fewer"),
        pytest.param(1, edit(1, "2026-05-04", "yesterday"), id="no moment"),
        pytest.param(1, edit(1, '["official"]', '"official"'), id="a realm for a list"),
        pytest.param(1, edit(1, '"plan": "plan"', '"plan": 7'), id="a number for a name"),
        pytest.param(1, edit(1, '"no_email"', '"no_mail"'), id="an unknown class"),
        pytest.param(1, edit(1, "+00:00", ""), id="the moment"),
        pytest.param(1, edit(1, '"email_preferred"', '"some_day"'), id="an unknown phase"),
        pytest.param(1, edit(1, '"exempt": 0', '"exempt": "none"'), id="a count"),
        pytest.param(1, lambda lines: lines.pop(0), id="no header"),
        pytest.param(1, lambda lines: lines.__setitem__(0, "{"), id="half a header"),
        pytest.param(1, lambda lines: lines.__setitem__(0, "[" * 50_000), id="deep nesting"),
        pytest.param(1, lambda lines: lines.clear(), id="nothing"),
    ],
)
def test_a_changed_plan_is_refused_by_line(number: int, change: Callable[[list[str]], object]) -> None:
    """A line that was edited, left out, moved or doubled is named, and so is a header that is another one."""
    assert damaged(number, change)


def test_a_truncated_plan_is_refused() -> None:
    """A plan that ends too early is named with the line after which it ends, at whatever line that is."""
    assert damaged(4, lambda lines: lines.pop()) == "the plan ends after line 3, and its header says 4 lines"
    assert damaged(2, lambda lines: lines.__delitem__(slice(1, None)))


def test_a_plan_of_another_form_says_so() -> None:
    """A plan of another release's form is refused with what to do."""
    sentence = damaged(1, edit(1, '"format": 1', '"format": 2'))
    assert sentence == "line 1: the plan has form 2, and this release reads form 1; make it again"


def test_an_account_stands_in_a_plan_once() -> None:
    """A plan that was made with one account twice is refused at the second one."""
    with pytest.raises(PlanError, match="line 3: the account 'a' stands there twice"):
        list(PlanReader(built([THREE[0], THREE[0]])))


def test_a_field_of_the_wrong_type_is_refused() -> None:
    """A line whose checksum is right and whose fields are not names the field."""
    odd = THREE[0]._replace(external_id="e", right_domain="x")
    text = built([odd])[1].replace('"external_id":"e"', '"external_id":[7]').replace('"right_domain"', '"rihgt"')
    with pytest.raises(PlanError, match="line 9: the field 'external_id' is not as a plan has it"):
        parse_line(text, 9)
    with pytest.raises(PlanError, match="line 9 has an unknown field 'rihgt'"):
        parse_line(text.replace("[7]", '"e"'), 9)
    plain = built(THREE)[1]
    for field, value in (("class", '"lost"'), ("phase", "[7]"), ("action", '"jump"')):
        broken = re.sub(rf'"{field}":("\w+"|null)', f'"{field}":{value}', plain)
        with pytest.raises(PlanError, match=f"line 9: the field '{field}' is not as a plan has it"):
            parse_line(broken, 9)
    with pytest.raises(PlanError, match="line 9: the field 'key' is missing"):
        parse_line(text.replace('"key"', '"yek"').replace("[7]", "null"), 9)
