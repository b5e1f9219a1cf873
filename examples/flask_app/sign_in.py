"""The adapter: everything that a Flask service needs to sign people in with cityauth."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, assert_never

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as browser_state
from flask.typing import ResponseReturnValue

from cityauth import (
    Authenticated,
    CityAuth,
    ClientContext,
    LoginStep,
    OpenedSession,
    PasswordRequired,
    Refused,
    safe_next,
)
from cityauth.messages import LANGUAGES, Code
from flask_app import browser, cookies

P = ParamSpec("P")

MAX_ECHO = 254
"""Characters of a refused identifier that are shown again: no e-mail address is longer."""

blueprint = Blueprint("sign_in", __name__)


def auth() -> CityAuth:
    """Return the application's `CityAuth`."""
    library: CityAuth = current_app.extensions["cityauth"]
    return library


def client() -> ClientContext:
    """Say where the request comes from, for the audit trail and the list of sessions."""
    return ClientContext(request.remote_addr, request.user_agent.string, g.language)


def entered(field: str) -> object:
    """Return the text sent in *field*, or a list, for cityauth to refuse, when it was sent repeatedly."""
    values = request.form.getlist(field)
    return values if len(values) > 1 else "".join(values)


def next_page() -> str:
    """Return where the person wanted to go, if that is a page of ours."""
    return safe_next(request.values.get("next"), url_for("pages.my_cases"), within=request.root_path)


def see(location: str) -> Response:
    """Send the browser on with a GET."""
    return make_response(redirect(location, code=303))


@blueprint.before_app_request
def find_session() -> None:
    """Set ``g.live`` to the live session or ``None``, and ``g.language`` to the page's language."""
    g.live, g.language = None, browser.chosen_language(None)
    if request.endpoint != "static":
        g.live = auth().sessions.check(cookies.read("SIGN_IN_COOKIE"))
        g.language = browser.chosen_language(g.live and g.live.account)


def signed_in_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Show *view* to those who are signed in; send others to sign in, and then back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.live:
            return view(*args, **kwargs)
        if cookies.read("SIGN_IN_COOKIE"):
            flash(Code.SESSION_ENDED, "notice")
        wanted = browser.here() if request.method == "GET" else None
        return see(url_for("sign_in.identify_page", next=wanted))

    return guarded


def keep_session(response: Response, opened: OpenedSession) -> None:
    """Give the browser the session's token, for as long as the person chose."""
    lifetime = current_app.config["REMEMBERED"] if opened.session.remembered else None
    cookies.keep(response, "SIGN_IN_COOKIE", opened.token.get_secret_value(), lifetime)


def leave(then: str, said: str) -> Response:
    """End the browser's session, delete its cookies, and go on to *then* with the message *said*."""
    auth().sessions.sign_out(cookies.read("SIGN_IN_COOKIE"), client=client())
    browser_state.clear()  # and with it the CSRF secret
    flash(said, "done")
    response = see(url_for(then))
    cookies.forget(response, "SIGN_IN_COOKIE", *cookies.LINK_COOKIES)
    return response


def answer(step: LoginStep) -> ResponseReturnValue:
    """Show the page of *step*. A form shown again has the status 422, so that browsers do not save its password.

    Above a limit it has the status 429, and says when to try again.
    """
    match step:
        case Authenticated(session=opened, device_token=device):
            browser_state.clear()  # and with it the CSRF secret
            response = see(next_page())
            keep_session(response, opened)
            if device is not None:
                cookies.keep(response, "DEVICE_COOKIE", device.get_secret_value(), current_app.config["DEVICE_KNOWN"])
            cookies.forget(response, *cookies.LINK_COOKIES)  # whoever opened them may be somebody else
            return response
        case PasswordRequired(problem=problem, retry_after=retry_after):
            page = render_template("password.html", step=step, problem=problem, next=next_page())
            if retry_after is not None:
                return page, 429, {"Retry-After": str(retry_after)}
        case Refused(problem=problem):
            typed = request.form.get("identifier", "")[:MAX_ECHO]
            page = render_template("identify.html", entered=typed, problem=problem, next=next_page())
        case _:
            assert_never(step)
    return page, 422 if problem else 200


@blueprint.get("/login")
def identify_page() -> ResponseReturnValue:
    """Show the identify page."""
    if g.live:
        return see(next_page())
    return render_template("identify.html", entered="", problem=None, next=next_page())


@blueprint.post("/login")
def identify() -> ResponseReturnValue:
    """Take the identifier and ask for the password; the page is the same for every identifier."""
    return answer(auth().login.identify(entered("identifier")))


@blueprint.get("/login/password")
def password_page() -> ResponseReturnValue:
    """Show the identify page: the password page is only the answer to an identifier."""
    return see(url_for("sign_in.identify_page"))


@blueprint.post("/login/password")
def submit_password() -> ResponseReturnValue:
    """Take the password, and the identifier as it stands in the form now."""
    step = auth().login.submit_password(
        entered("pending"),
        entered("password"),
        identifier=entered("identifier"),
        remember="remember" in request.form,
        client=client(),
        session_token=cookies.read("SIGN_IN_COOKIE"),
        device_token=cookies.read("DEVICE_COOKIE"),
    )
    return answer(step)


@blueprint.post("/logout")
def sign_out() -> ResponseReturnValue:
    """End the session, and delete the browser's cookies."""
    return leave("pages.start", Code.SESSION_SIGNED_OUT)


@blueprint.post("/language")
def change_language() -> ResponseReturnValue:
    """Change the language and stay on the page; in the middle of signing in, with what was typed.

    Mails to whoever is signed in will be in that language, too.
    """
    chosen = request.form.get("language")
    g.language = chosen if chosen in LANGUAGES else g.language
    if g.live and g.live.account.language != g.language:
        auth().accounts.set_language(g.live, g.language, client=client())
    response = make_response(identify() if "identifier" in request.form else see(next_page()))
    cookies.keep(response, "LANGUAGE_COOKIE", g.language)
    return response
