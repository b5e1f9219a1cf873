"""What a wrong clock does to pages: a form that was opened before the clock jumped, and a link that was mailed before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from flask_app.tests.service import ERKKI, NEW, Service, Visitor, ask
from flask_app.tests.test_own_account import signed_in

AHEAD = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=30)]


@contextmanager
def clock(jump: timedelta) -> Iterator[None]:
    """Let the clock be wrong by *jump* for the time of the block."""
    with time_machine.travel(datetime.now(UTC) + jump):
        yield


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_form_of_a_clock_that_went_back_changes_nothing_until_it_is_opened_again(
    own_service: Service, ahead: timedelta
) -> None:
    """A form that was opened at a time that now lies ahead is told to be old, and a new page works at once (A9)."""
    visitor = Visitor(own_service)
    with clock(ahead):
        visitor.get("/login")
    assert visitor.send("/login", identifier=ERKKI.email).status_code == 400
    assert visitor.heading == "Sivu vanhentui"
    visitor.sign_in(ERKKI.email, ERKKI.password)
    assert visitor.heading == "Omat asiat"


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_settings_form_of_a_clock_that_went_back_changes_nothing(own_service: Service, ahead: timedelta) -> None:
    """The session of that time has ended, the form changes nothing, and the person can sign in again (A9)."""
    with clock(ahead):
        visitor = signed_in(own_service)
    visitor.send("/settings/name", name="Somebody Else")
    assert visitor.get("/settings").request.path == "/login"
    visitor = signed_in(own_service)
    assert ERKKI.name in visitor.page.text


@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(hours=1)])
def test_a_form_for_a_used_link_stays_used(own_service: Service, back: timedelta) -> None:
    """A clock that goes back lets nobody send the form of a link that was used, from no page that is still open (A9)."""
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    old = visitor.form("/new-password")
    visitor.send("/new-password", password=NEW)
    with clock(-back):
        assert visitor.post("/new-password", old | {"password": f"{NEW} 2"}).status_code in {400, 410}
    visitor = Visitor(own_service)
    visitor.sign_in(ERKKI.email, NEW)
    assert visitor.heading == "Omat asiat"


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=30)])
def test_a_link_of_a_clock_that_was_far_ahead_is_replaced_at_once(own_service: Service, ahead: timedelta) -> None:
    """The page refuses the link of that time, and the new link that the person asks for sets the password (A9)."""
    with clock(ahead):
        visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
        early = own_service.link(ERKKI.email)
    assert visitor.get(early).status_code == 410
    visitor = ask(own_service, "/forgotten", identifier=ERKKI.email)
    visitor.get(own_service.link(ERKKI.email))
    assert visitor.send("/new-password", password=NEW).status_code == 200
    visitor.sign_in(ERKKI.email, NEW)
    assert visitor.heading == "Omat asiat"
