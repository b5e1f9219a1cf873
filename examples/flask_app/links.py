"""Mailed links: the pages that ask for one, and the pages that one opens."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from cityauth import (
    Declined,
    Done,
    LinkDead,
    LinkLive,
    LinkOutcome,
    MailAwaited,
    MailerDown,
    MailOutcome,
    PasswordRejected,
    Problem,
)
from cityauth.messages import Code
from flask_app import browser
from flask_app.sign_in import MAX_ECHO, auth, client, entered, leave, see

MAX_TOKEN = 1024
"""Characters of a token that are kept: cityauth makes no longer ones."""

blueprint = Blueprint("links", __name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mailed link.

    Attributes:
        cookie: Names the setting that names the cookie which holds the token.
        template: The page that a live link shows.
        anew: The endpoint where a person whose link is dead asks for a new one; ``None`` when nobody can.
        inspect: Looks at a token, and uses nothing up.
    """

    cookie: str
    template: str
    anew: str | None
    inspect: Callable[[str | None], LinkOutcome]


RESET = Kind(
    "RESET_COOKIE",
    "new_password.html",
    "links.forgotten_page",
    lambda token: auth().recovery.inspect(token, client=client()),
)
SIGN_UP = Kind(
    "SIGN_UP_COOKIE",
    "new_account.html",
    "links.sign_up_page",
    lambda token: auth().accounts.inspect_sign_up(token, client=client()),
)
EMAIL = Kind(
    "EMAIL_COOKIE",
    "confirm_email.html",
    "own_account.own_settings",
    lambda token: auth().accounts.inspect_email(token, client=client()),
)
UNDO = Kind(
    "UNDO_COOKIE",
    "undo_email.html",
    None,
    lambda token: auth().accounts.inspect_undo(token, client=client()),
)


# --- a link is asked for ------------------------------------------------------------------------------


def typed(field: str) -> str:
    """Return what was typed in *field*, as far as it is shown again."""
    return request.form.get(field, "")[:MAX_ECHO]


def asked(
    outcome: MailOutcome, field: str, again: Callable[[Problem], ResponseReturnValue], back: str
) -> ResponseReturnValue:
    """Say what became of the mail: the same for everyone, whoever has an account.

    Args:
        outcome: The library's answer.
        field: What was typed in it is repeated, so that a slip of the finger is seen.
        again: Shows the form again with what is wrong with the text in it.
        back: The endpoint that the page leads back to.
    """
    match outcome:
        case MailAwaited(notice=notice):
            return render_template("mail_sent.html", notice=notice, back=back, typed=typed(field))
        case MailerDown(problem=problem):
            return render_template("mail_down.html", problem=problem, back=back), 503
        case Declined(problem=problem):
            return again(problem)


@blueprint.get("/forgotten")
def forgotten_page() -> ResponseReturnValue:
    """Ask who forgot the username or the password."""
    return render_template("forgotten.html", entered="", problem=None)


@blueprint.post("/forgotten")
def request_reset() -> ResponseReturnValue:
    """Mail a link; from the password page, first show the identifier that was given there."""
    if "fill" in request.form:
        return render_template("forgotten.html", entered=typed("identifier"), problem=None)

    def again(problem: Problem) -> ResponseReturnValue:
        return render_template("forgotten.html", entered=typed("identifier"), problem=problem), 422

    outcome = auth().recovery.request(entered("identifier"), client=client())
    return asked(outcome, "identifier", again, "sign_in.identify_page")


@blueprint.get("/sign-up")
def sign_up_page() -> ResponseReturnValue:
    """Ask for the address of a new account."""
    return render_template("sign_up.html", entered="", problem=None)


@blueprint.post("/sign-up")
def sign_up() -> ResponseReturnValue:
    """Mail a link to the address, or that it has an account already."""

    def again(problem: Problem) -> ResponseReturnValue:
        return render_template("sign_up.html", entered=typed("email"), problem=problem), 422

    outcome = auth().accounts.sign_up(entered("email"), client=client())
    return asked(outcome, "email", again, "sign_in.identify_page")


# --- a link comes back --------------------------------------------------------------------------------


@blueprint.get("/new-password", endpoint="new_password", defaults={"kind": RESET})
@blueprint.get("/sign-up/confirm", endpoint="new_account", defaults={"kind": SIGN_UP})
@blueprint.get("/settings/email/confirm", endpoint="email", defaults={"kind": EMAIL})
@blueprint.get("/settings/email/undo", endpoint="undo", defaults={"kind": UNDO})
def open_link(kind: Kind) -> ResponseReturnValue:
    """Take the token out of the address, then show what the link is for. Nothing is used up."""
    if "token" not in request.args:
        return link_page(kind, kind.inspect(browser.cookie(kind.cookie)))
    response = see(request.path)
    response.headers["Referrer-Policy"] = "no-referrer"
    browser.set_cookie(response, kind.cookie, request.args["token"][:MAX_TOKEN])
    return response


@blueprint.post("/new-password")
def set_password() -> ResponseReturnValue:
    """Set the new password."""
    token = browser.cookie(RESET.cookie)
    outcome = auth().recovery.complete(token, entered("password"), client=client())
    return used(RESET, outcome, "sign_in.identify_page")


@blueprint.post("/sign-up/confirm")
def create_account() -> ResponseReturnValue:
    """Create the account."""
    token = browser.cookie(SIGN_UP.cookie)
    outcome = auth().accounts.confirm_sign_up(token, entered("name"), entered("password"), client=client())
    return used(SIGN_UP, outcome, "sign_in.identify_page")


@blueprint.post("/settings/email/confirm")
def confirm_email() -> ResponseReturnValue:
    """Take the new address into use."""
    outcome = auth().accounts.confirm_email(browser.cookie(EMAIL.cookie), client=client())
    return used(EMAIL, outcome, "sign_in.identify_page")


@blueprint.post("/settings/email/undo")
def undo_email() -> ResponseReturnValue:
    """Restore the former address; what is left to do is to change the password."""
    outcome = auth().accounts.undo_email(browser.cookie(UNDO.cookie), client=client())
    return used(UNDO, outcome, "links.forgotten_page")


def used(kind: Kind, outcome: Done | Declined | PasswordRejected | LinkDead, then: str) -> ResponseReturnValue:
    """Go on to *then* when it was done, as nobody; else show the form again, or that the link is dead."""
    match outcome:
        case Done(notice=notice):
            # Somebody else may be signed in here, of whom the message would be untrue.
            return leave(then, notice.code)
        case Declined(problem=problem):
            return link_page(kind, kind.inspect(browser.cookie(kind.cookie)), (problem,), "name")
        case PasswordRejected(problems=problems):
            return link_page(kind, kind.inspect(browser.cookie(kind.cookie)), problems, "password")
        case LinkDead():
            return link_page(kind, outcome)


def link_page(
    kind: Kind, outcome: LinkOutcome, problems: tuple[Problem, ...] = (), wrong: str = ""
) -> ResponseReturnValue:
    """Show a live link's form, with *problems* of the field *wrong*; or say that the link is dead."""
    if isinstance(outcome, LinkLive):
        page = render_template(kind.template, link=outcome, problems=problems, wrong=wrong, name=typed("name"))
        status = 422 if problems else 200
    else:
        busy = outcome.problem.code == Code.THROTTLE_REQUEST  # then the link may still be good
        page = render_template("dead_link.html", problem=outcome.problem, anew=kind.anew, busy=busy)
        status = 429 if busy else 410
    return page, status, {"Referrer-Policy": "no-referrer"}
