"""Mailed links: the pages that ask for one, and the pages that one opens."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cityauth import (
    Done,
    LinkLive,
    LinkOutcome,
    LinkRefused,
    MailAwaited,
    MailerDown,
    MailOutcome,
    Problem,
    Refused,
    is_same_link,
    link_proof,
    link_token,
)
from cityauth.messages import Code
from flask_app import browser, cookies, forms
from flask_app.sign_in import MAX_ECHO, auth, client, entered, leave, see

blueprint = Blueprint("links", __name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mailed link.

    Attributes:
        cookie: Names the setting that names the cookie which holds the token.
        template: The page that a live link shows.
        anew: The endpoint where a person whose link is dead asks for a new one; ``None`` when nobody can.
        then: The endpoint that the person goes on to after the link was used.
        inspect: Looks at a token, and uses nothing up.
    """

    cookie: str
    template: str
    anew: str | None
    then: str
    inspect: Callable[[str], LinkOutcome]


RESET = Kind(
    "RESET_COOKIE",
    "new_password.html",
    "links.forgotten_page",
    "sign_in.identify_page",
    lambda token: auth().recovery.inspect(token, client=client()),
)
SIGN_UP = Kind(
    "SIGN_UP_COOKIE",
    "new_account.html",
    "links.sign_up_page",
    "sign_in.identify_page",
    lambda token: auth().accounts.inspect_sign_up(token, client=client()),
)
EMAIL = Kind(
    "EMAIL_COOKIE",
    "confirm_email.html",
    "own_account.own_settings",
    "sign_in.identify_page",
    lambda token: auth().accounts.inspect_email(token, client=client()),
)
UNDO = Kind(
    "UNDO_COOKIE",
    "undo_email.html",
    None,
    "links.forgotten_page",
    lambda token: auth().accounts.inspect_undo(token, client=client()),
)


# --- a link is asked for ------------------------------------------------------------------------------


def typed(field: str) -> str:
    """Return what was typed in *field*, as far as it is shown again."""
    return request.form.get(field, "")[:MAX_ECHO]


def asked(
    outcome: MailOutcome, field: str, again: Callable[[Problem], ResponseReturnValue], back: str
) -> ResponseReturnValue:
    """Show the answer to a request for a mail. It is the same for everybody, with or without an account.

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
        case Refused(problem=problem):
            return again(problem)


@blueprint.get("/forgotten")
def forgotten_page() -> ResponseReturnValue:
    """Show the page for a forgotten username or password."""
    return render_template("forgotten.html", entered="", problem=None, proof="")


@blueprint.post("/forgotten")
def request_reset() -> ResponseReturnValue:
    """Mail a link; from the password page and from that of a dead link, first show the form.

    The token of a link shows that the person reads the mailbox, and a session that the account is the person's own:
    then strangers' requests do not count.
    """
    token = link_token(request.form.get("proof")) or cookies.read(RESET.cookie) or ""

    def form(problem: Problem | None) -> str:
        return render_template("forgotten.html", entered=typed("identifier"), problem=problem, proof=token)

    if "fill" in request.form:
        return form(None)

    def again(problem: Problem) -> ResponseReturnValue:
        return form(problem), 422

    outcome = auth().recovery.request(entered("identifier"), proof=token or g.live, client=client())
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
    """Show what the opened link is for. Nothing is used up."""
    if "token" in request.args:
        return take_token(kind, link_token(request.args["token"]))
    token = cookies.read(kind.cookie)
    if token is None:
        return open_again(kind, Code.LINK_NOT_OPEN, 410)
    # The redirect before this page has looked already, and looks are counted.
    return link_page(kind, token, forms.looks().take(link_proof(token)) or kind.inspect(token))


def take_token(kind: Kind, token: str) -> ResponseReturnValue:
    """Move the token of a live link from the address into a cookie. Nothing else is ever kept in one."""
    outcome = kind.inspect(token)
    if not isinstance(outcome, LinkLive):
        return link_page(kind, token, outcome)
    forms.looks().keep(link_proof(token), outcome)
    response = see(browser.this_path())
    response.headers["Referrer-Policy"] = "no-referrer"
    cookies.keep(response, kind.cookie, token)
    return response


@blueprint.post("/new-password")
def set_password() -> ResponseReturnValue:
    """Set the new password."""
    return use(RESET, lambda token: auth().recovery.complete(token, entered("password"), client=client()))


@blueprint.post("/sign-up/confirm")
def create_account() -> ResponseReturnValue:
    """Create the account."""

    def confirm(token: str) -> Done | Refused | LinkRefused:
        return auth().accounts.confirm_sign_up(token, entered("name"), entered("password"), client=client())

    return use(SIGN_UP, confirm)


@blueprint.post("/settings/email/confirm")
def confirm_email() -> ResponseReturnValue:
    """Take the new address into use."""
    return use(EMAIL, lambda token: auth().accounts.confirm_email(token, client=client()))


@blueprint.post("/settings/email/undo")
def undo_email() -> ResponseReturnValue:
    """Restore the former address; what is left to do is to change the password."""
    return use(UNDO, lambda token: auth().accounts.undo_email(token, client=client()))


def use(kind: Kind, act: Callable[[str], Done | Refused | LinkRefused]) -> ResponseReturnValue:
    """Use the link whose page sent this form, and end the browser's session; else show the form again, or the reason.

    A second copy of the form waits for the first, and is told the same.
    """
    with forms.answers().turn() as answer:
        if answer.said:
            return leave(answer.then, answer.said)
        token = cookies.read(kind.cookie)
        if token is None:
            return open_again(kind, Code.LINK_NOT_OPEN, 410)
        if not is_same_link(token, request.form.get("link")):
            return open_again(kind, Code.LINK_REPLACED, 409)
        match outcome := act(token):
            case Done(notice=notice):
                answer.said, answer.then = notice.code, kind.then
                # Somebody else may be signed in here, of whom the message would be untrue.
                return leave(kind.then, notice.code)
            case LinkRefused():
                return link_page(kind, token, outcome)
            case Refused(problem=problem):
                field = "password" if problem.field == "password" else "name"
                return link_page(kind, token, kind.inspect(token), outcome.problems, field)


def say_again(answer: forms.Answer) -> ResponseReturnValue:
    """Say what was done with an earlier copy of this form, and do nothing."""
    flash(answer.said, "done")
    response = see(url_for(answer.then))
    cookies.forget(response, *cookies.LINK_COOKIES)
    return response


def open_again(kind: Kind, code: Code, status: int) -> ResponseReturnValue:
    """Ask the person to open the link from the mail again: this browser holds no link, or another one."""
    page = render_template("open_again.html", problem=Problem(code), anew=kind.anew)
    return page, status, {"Referrer-Policy": "no-referrer"}


def link_page(
    kind: Kind, token: str, outcome: LinkOutcome, problems: tuple[Problem, ...] = (), wrong: str = ""
) -> ResponseReturnValue:
    """Show a live link's form, with *problems* of the field *wrong*; or say that the link is dead."""
    if isinstance(outcome, LinkLive):
        shown = {"link": outcome, "proof": link_proof(token), "name": typed("name")}
        page = render_template(kind.template, **shown, problems=problems, wrong=wrong)
        status = 422 if problems else 200
    else:
        busy = outcome.problem.code == Code.THROTTLE_REQUEST  # then the link may still be good
        leads_to_password = not busy and kind in (RESET, UNDO)
        proof = link_token(token) if leads_to_password else ""
        shown = {"problem": outcome.problem, "anew": kind.anew, "busy": busy, "proof": proof}
        page = render_template("dead_link.html", **shown)
        status = 429 if busy else 410
    return page, status, {"Referrer-Policy": "no-referrer"}
