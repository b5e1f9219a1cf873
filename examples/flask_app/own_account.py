"""Own settings: what a signed-in person does with the own account."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from flask import Blueprint, Response, current_app, flash, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cityauth import Account, Authenticated, Done, LiveSession, Problem, Refused
from cityauth.messages import Code
from flask_app import cookies
from flask_app.cases import Cases
from flask_app.links import asked, typed
from flask_app.sign_in import auth, client, entered, keep_session, leave, see, signed_in_only

T = TypeVar("T")

blueprint = Blueprint("own_account", __name__, url_prefix="/settings")

PASSED_ON = ("email", "understood")
"""Fields of a form that waits while its sender confirms the password."""


@blueprint.get("")
@signed_in_only
def own_settings() -> ResponseReturnValue:
    """Show the person's own details and sessions, and the forms that change them."""
    return settings_page()


def settings_page(form: str = "", *problems: Problem) -> ResponseReturnValue:
    """Show the settings, with what is wrong with what was sent from *form*."""
    account = g.live.account
    shown = {"sessions": auth().sessions.list(g.live), "login_name": login_name(account)}
    page = render_template("settings.html", **shown, form=form, problems=problems, typed=typed)
    return page, 422 if problems else 200


def login_name(account: Account) -> str | None:
    """Return what the person signs in with: an official's username, or else the address."""
    record = auth().accounts.show(account.id) if account.realm == "official" else None
    held = record.account_identifiers if record else ()
    names = [one.identifier for one in held if one.status == "active" and one.identifier.kind == "username"]
    return names[0].shown if names else account.contact


def done(notice: Problem) -> Response:
    """Show the settings again, and say what was done."""
    flash(notice.code, "done")
    return see(url_for("own_account.own_settings"))


def freshly(act: Callable[[LiveSession], T], show: Callable[[T], ResponseReturnValue]) -> Response:
    """Do *act* and *show* its answer. If the session is not fresh, ask for the password first."""
    opened = None
    if "password" in request.form:
        step = auth().sessions.confirm(g.live, entered("password"), client=client())
        if isinstance(step, Refused):
            return make_response(confirm_page(step.problem), 422)
        opened, g.live = step.session, LiveSession(step.session.session, step.account)
    outcome = act(g.live)
    if isinstance(outcome, Refused) and outcome.problem.code == Code.REAUTH_REQUIRED:
        return make_response(confirm_page())
    response = make_response(show(outcome))
    if opened and g.live:
        keep_session(response, opened)
    return response


def confirm_page(problem: Problem | None = None) -> str:
    """Ask for the password, and keep what was sent until then."""
    kept = {name: request.form[name] for name in PASSED_ON if name in request.form}
    return render_template("confirm.html", kept=kept, problem=problem)


@blueprint.post("/email")
@signed_in_only
def change_email() -> ResponseReturnValue:
    """Mail a link to the new address."""
    return freshly(
        lambda live: auth().accounts.change_email(live, entered("email"), client=client()),
        lambda outcome: asked(
            outcome, "email", lambda problem: settings_page("email", problem), "own_account.own_settings"
        ),
    )


@blueprint.post("/password")
@signed_in_only
def change_password() -> ResponseReturnValue:
    """Change the password; every other session ends, and this one goes on under a new token."""
    outcome = auth().accounts.change_password(g.live, entered("current"), entered("new"), client=client())
    match outcome:
        case Authenticated(session=opened):
            response = done(Problem(Code.PASSWORD_CHANGED))
            keep_session(response, opened)
            return response
        case Refused(problem=problem):
            return settings_page("new" if problem.field == "password" else "current", *outcome.problems)


@blueprint.post("/name")
@signed_in_only
def change_name() -> ResponseReturnValue:
    """Change the name that the pages show."""
    match auth().accounts.set_name(g.live, entered("name"), client=client()):
        case Done(notice=notice):
            return done(notice)
        case Refused(problem=problem):
            return settings_page("name", problem)


@blueprint.post("/language")
@signed_in_only
def change_own_language() -> ResponseReturnValue:
    """Change the language of pages and mails."""
    match auth().accounts.set_language(g.live, entered("language"), client=client()):
        case Done(notice=notice):
            response = done(notice)
            cookies.keep(response, "LANGUAGE_COOKIE", request.form["language"])
            return response
        case Refused(problem=problem):
            return settings_page("language", problem)


@blueprint.post("/sessions/close")
@signed_in_only
def close_session() -> ResponseReturnValue:
    """End one of the person's own sessions, named by its handle."""
    return closed(auth().sessions.close(g.live, request.form.get("handle", ""), client=client()))


@blueprint.post("/sessions/close-others")
@signed_in_only
def close_other_sessions() -> ResponseReturnValue:
    """End all of the person's sessions but this one."""
    return closed(auth().sessions.close_all(g.live, keep=True, client=client()))


def closed(outcome: Done | Refused) -> ResponseReturnValue:
    """Show the answer to ending sessions."""
    match outcome:
        case Done(notice=notice):
            return done(notice)
        case Refused(problem=problem):
            return settings_page("sessions", problem)


@blueprint.get("/data")
@signed_in_only
def own_data() -> ResponseReturnValue:
    """Give the person everything that is stored of them, the city's cases included."""
    cases: Cases = current_app.extensions["cases"]
    stored = auth().accounts.export(g.live)
    if isinstance(stored, Refused):
        return settings_page("sessions", stored.problem)
    own = {**stored, "cases": [asdict(case) for case in cases.of(g.live.account.id)]}
    response = Response(json.dumps(own, ensure_ascii=False, indent=2, default=str), content_type="application/json")
    response.headers.set("Content-Disposition", "attachment", filename="cityauth.json")
    return response


@blueprint.get("/delete")
@signed_in_only
def delete_page() -> ResponseReturnValue:
    """Ask the person to confirm."""
    return render_template("delete.html", unticked=False)


@blueprint.post("/delete")
@signed_in_only
def delete_account() -> ResponseReturnValue:
    """Erase the account. The cases stay in the city's register, as the law requires."""
    if "understood" not in request.form:
        return render_template("delete.html", unticked=True), 422

    def show(outcome: Done | Refused) -> ResponseReturnValue:
        match outcome:
            case Refused(problem=problem):
                return settings_page("delete", problem)
            case Done(notice=notice):
                g.live = None
                return leave("pages.start", notice.code)

    return freshly(lambda live: auth().accounts.delete(live, client=client()), show)
