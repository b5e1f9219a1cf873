"""The city's own pages, which do not belong to the sign-in."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import RequestRedirect

from cityauth import Problem, StoreError
from cityauth.errors import HasherBusyError
from cityauth.messages import Code, name_and_email, text
from flask_app import browser, forms
from flask_app.cases import Cases
from flask_app.devices import device
from flask_app.links import say_again
from flask_app.sign_in import next_page, see, signed_in_only
from flask_app.texts import words, written

blueprint = Blueprint("pages", __name__)

SIGNING_IN = ("sign_in.identify", "sign_in.submit_password", "sign_in.change_language")
"""Forms whose sender only wants to go on to the page in ``next``."""


@blueprint.app_context_processor
def vocabulary() -> dict[str, Any]:
    """Give every template the words, in the page's language."""
    language = g.get("language", "fi")
    return {
        "demo_mailbox": "mailbox" in current_app.blueprints,
        "device": device,
        "here": browser.here,
        "name_and_email": name_and_email,
        "say": lambda code, **params: text(code, language, **params),
        "sentences": lambda problems: sentences(problems, language),
        "this_path": browser.this_path,
        "words": lambda name: words(name, language),
        "written": lambda moment: written(moment, language),
    }


def sentences(problems: Problem | Sequence[Problem] | None, language: str) -> list[str]:
    """Return the texts of one problem, of several, or of none."""
    several = [problems] if isinstance(problems, Problem) else problems or []
    return [problem.text(language) for problem in several]


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """Show what the service is for."""
    return render_template("start.html")


@blueprint.get("/cases")
@signed_in_only
def my_cases() -> ResponseReturnValue:
    """Show the person's cases, from before the change of login too."""
    cases: Cases = current_app.extensions["cases"]
    return render_template("cases.html", cases=cases.of(g.live.account.id))


@blueprint.get("/guide")
def guide() -> ResponseReturnValue:
    """Show, step by step, how to sign in."""
    return render_template("guide.html")


@blueprint.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """Show the accessibility statement."""
    return render_template("accessibility.html")


@blueprint.app_errorhandler(CSRFError)
def form_expired(error: CSRFError) -> ResponseReturnValue:
    """Say that the page expired. A person who is signed in, or whose form was already done, goes on.

    Old forms stay on the screen in a second tab, and come back with the browser's back button.
    """
    if forms.carries_token() and not isinstance(error, forms.ForeignFormError):
        if answer := forms.answers().given():
            return say_again(answer)
        if g.live and request.endpoint in SIGNING_IN:
            return see(next_page())
        if g.live and request.blueprint == "own_account":
            flash(Code.CSRF_FAILED, "notice")
            return see(url_for("own_account.own_settings"))
    return _error_page(400, "expired")


@blueprint.app_errorhandler(sqlite3.OperationalError)
@blueprint.app_errorhandler(StoreError)
def interrupted(error: Exception) -> ResponseReturnValue:
    """Say that the service cannot answer now. No cookie is deleted: people stay signed in."""
    current_app.logger.error("nobody can be served: %s", error)
    return _error_page(503, "503", {"Retry-After": "60"})


@blueprint.app_errorhandler(HasherBusyError)
def busy(error: HasherBusyError) -> ResponseReturnValue:
    """Say in how many seconds it is worth a try: too many people sign in just now. No cookie is deleted."""
    current_app.logger.warning("somebody was sent away: %s", error)
    problem = Problem(Code.REQUEST_BUSY, {"seconds": error.retry_after})
    return _error_page(503, "503", {"Retry-After": str(error.retry_after)}, problem)


@blueprint.app_errorhandler(HTTPException)
def refused(error: HTTPException) -> ResponseReturnValue:
    """Show an error page in the person's language."""
    if isinstance(error, RequestRedirect):
        return error.get_response()
    if isinstance(error, SecurityError):  # sent to a host that is not ours: Flask builds no links for it
        return Response("400 Bad Request", 400, content_type="text/plain")
    status = error.code or 500
    name = {404: "404", 413: "413"}.get(status, "400" if status < 500 else "500")  # noqa: PLR2004 - statuses of HTTP
    return _error_page(status, name, {key: value for key, value in error.get_headers() if key == "Allow"})


def _error_page(
    status: int, name: str, headers: dict[str, str] | None = None, problem: Problem | None = None
) -> ResponseReturnValue:
    """Return the page, or JSON for a script that asks for it; *problem* says more than the city's own text."""
    if request.accept_mimetypes.best == "application/json":
        said = problem.text(g.language) if problem else words(f"error.{name}_text", g.language)
        told: dict[str, str | int] = {"status": status, "code": problem.code if problem else name, "message": said}
        return jsonify(told), status, headers or {}
    signing_in = request.blueprint == "sign_in" and not g.get("live")
    way_out = "sign_in.identify_page" if signing_in else "pages.start"
    return render_template("error.html", name=name, way_out=way_out, problem=problem), status, headers or {}
