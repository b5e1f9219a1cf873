"""Headers, the size of a form, and the language of a page."""

import io
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from cityauth import Account, safe_next
from cityauth.messages import LANGUAGES, negotiate
from flask_app import cookies
from flask_app.config import Config

MAX_BODY = 64 * 1024
"""Bytes of a form; more is answered with 413."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def flask_config(config: Config) -> dict[str, Any]:
    """Return Flask's settings for one installation."""
    return cookies.settings(config) | {
        "BASE_URL": config.base_url,
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "SECRET_KEY": config.keys.pages,
        "TRUSTED_HOSTS": list(config.hosts),
        # `forms.refuse_foreign` does more, and asks for no Referer, which some browsers never send.
        "WTF_CSRF_SSL_STRICT": False,
        # A form lives as long as the CSRF secret, which changes at every sign-in and sign-out.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def init_app(app: Flask, config: Config) -> None:
    """Check every request before a page sees it, and add the headers to every response."""
    if config.proxies:
        count = config.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # as Flask's documentation has it
            app.wsgi_app, x_for=count, x_proto=count, x_host=0, x_port=0, x_prefix=count
        )
    app.request_class = cookies.CappedRequest
    app.session_interface = cookies.PageSessions()
    app.before_request(_check_request)
    app.after_request(_add_headers)


def here() -> str:
    """Return the address of this page within its host, with the path prefix of a proxy and the query."""
    return request.root_path + request.full_path.rstrip("?")


def this_path() -> str:
    """Return the address of this page without its query: where its own form goes."""
    return request.root_path + request.path


def chosen_language(account: Account | None) -> str:
    """Return what was chosen from the menu, else the account's language, else what the browser asks for."""
    chosen = cookies.read("LANGUAGE_COOKIE")
    if chosen in LANGUAGES:
        return chosen
    return account.language if account else negotiate(request.headers.get("Accept-Language"))


def _check_request() -> None:
    """Refuse a path prefix that is no plain path, and a body that is too large though it does not say its length."""
    if request.root_path and safe_next(request.root_path, "") != request.root_path:
        raise SecurityError("the path prefix is no path of this host")
    if request.content_length is None and "wsgi.input_terminated" in request.environ:
        # Werkzeug cuts such a body at the limit and says nothing.
        body = request.environ["wsgi.input"].read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise RequestEntityTooLarge
        request.environ["wsgi.input"] = io.BytesIO(body)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" or response.status_code >= 400:  # noqa: PLR2004 - an error page is a page
        response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Accept-Language", "Cookie"))
        cookies.delete_unusable(response)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
