"""What passes between the service and the browser besides pages: cookies, headers, the language."""

from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response, current_app, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

from cityauth.core.account import Account
from cityauth.messages import LANGUAGES, negotiate
from flask_app.config import Config

MAX_BODY = 64 * 1024
"""Bytes of a form; more is answered with 413 before it is read."""

MAX_COOKIES = 8 * 1024
"""Bytes of a Cookie header; a longer one is taken for none at all."""

LINK_COOKIES = ("EMAIL_COOKIE", "RESET_COOKIE", "SIGN_UP_COOKIE", "UNDO_COOKIE")
"""The settings that name the cookies of mailed links."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: over TLS, Flask-WTF checks that a form was sent from one of our own pages.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class CappedRequest(Request):
    """A request whose cookies are none when their header is huge."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies, in the order in which the browser sent them."""
        if len(self.headers.get("Cookie", "")) > MAX_COOKIES:
            return ImmutableMultiDict()
        return super().cookies


def flask_config(config: Config) -> dict[str, Any]:
    """Return Flask's settings for one installation."""
    prefix = "" if config.plain_localhost else "__Host-"
    return {
        "EMAIL_COOKIE": f"{prefix}email-link",
        "LANGUAGE_COOKIE": f"{prefix}language",
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "RESET_COOKIE": f"{prefix}reset-link",
        "SECRET_KEY": config.keys.pages,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": f"{prefix}pages",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": not config.plain_localhost,
        "SIGN_IN_COOKIE": f"{prefix}cityauth",
        "SIGN_UP_COOKIE": f"{prefix}sign-up-link",
        "TRUSTED_HOSTS": list(config.hosts),
        "UNDO_COOKIE": f"{prefix}undo-link",
        # A form lives as long as the CSRF secret, which changes at every sign-in and sign-out.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def init_app(app: Flask) -> None:
    """Cap the cookies of every request and add the headers to every response."""
    app.request_class = CappedRequest
    app.after_request(_add_headers)


def _attributes() -> dict[str, Any]:
    return {"secure": current_app.config["SESSION_COOKIE_SECURE"], "httponly": True, "samesite": "Lax"}


def set_cookie(response: Response, setting: str, value: str, lifetime: timedelta | None = None) -> None:
    """Set the cookie that *setting* names, unread by scripts; by default until the browser closes."""
    response.set_cookie(current_app.config[setting], value, max_age=lifetime, **_attributes())


def forget_cookie(response: Response, setting: str) -> None:
    """Delete the cookie that *setting* names."""
    response.delete_cookie(current_app.config[setting], **_attributes())


def forget_links(response: Response) -> None:
    """Delete every mailed link's token, which the next person at the computer must not find."""
    for setting in LINK_COOKIES:
        forget_cookie(response, setting)


def cookie(setting: str) -> str | None:
    """Return the value of the cookie that *setting* names, or ``None`` when there is not exactly one."""
    values = request.cookies.getlist(current_app.config[setting])
    return values[0] if len(values) == 1 else None


def chosen_language(account: Account | None) -> str:
    """Return what was chosen from the menu, else the account's language, else what the browser asks for."""
    chosen = cookie("LANGUAGE_COOKIE")
    if chosen in LANGUAGES:
        return chosen
    return account.language if account else negotiate(request.headers.get("Accept-Language"))


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" or response.status_code >= 400:  # noqa: PLR2004 - an error page is a page
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Accept-Language", "Cookie"))
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
