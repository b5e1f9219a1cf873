"""The cookies of the service: their names, their flags, and which of them are taken."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

from cityauth import link_token
from cityauth.messages import LANGUAGES
from flask_app.config import Config

MAX_HEADER = 64 * 1024
"""Bytes of a Cookie header; a longer one is taken for none at all."""

CROWDED = 8 * 1024
"""Bytes of a Cookie header from which on other services' large cookies are deleted: most servers refuse twice that."""

LARGE = 1024
"""Bytes of a cookie that are large. Of this service's own cookies only Flask's may be larger."""

MAX_PAGES = 4096
"""Bytes of Flask's session cookie, as browsers keep them at most."""

LINK_COOKIES = ("EMAIL_COOKIE", "RESET_COOKIE", "SIGN_UP_COOKIE", "UNDO_COOKIE")
"""The settings that name the cookies of mailed links."""

OWN_COOKIES = (*LINK_COOKIES, "DEVICE_COOKIE", "LANGUAGE_COOKIE", "SESSION_COOKIE_NAME", "SIGN_IN_COOKIE")
"""The settings that name a cookie."""

_SESSION_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class CappedRequest(Request):
    """A request whose cookies are none when their header is larger than any server passes on."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies, in the order in which the browser sent them."""
        if len(self.headers.get("Cookie", "")) > MAX_HEADER:
            return ImmutableMultiDict()
        return super().cookies


class PageSessions(SecureCookieSessionInterface):
    """Flask's session cookie, with the same name prefix and path as the other cookies."""

    def get_cookie_name(self, app: Flask) -> str:
        """Return the cookie's name."""
        return name_of("SESSION_COOKIE_NAME", app)

    def get_cookie_path(self, app: Flask) -> str:
        """Return the cookie's path."""
        _ = app
        return path()


def settings(config: Config) -> dict[str, Any]:
    """Return Flask's settings that name the cookies and set their flags."""
    prefix = "" if config.plain_localhost else "__Host-"
    return {
        "DEVICE_COOKIE": f"{prefix}device",
        "EMAIL_COOKIE": f"{prefix}email-link",
        "LANGUAGE_COOKIE": f"{prefix}language",
        "RESET_COOKIE": f"{prefix}reset-link",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": f"{prefix}pages",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": not config.plain_localhost,
        "SIGN_IN_COOKIE": f"{prefix}cityauth",
        "SIGN_UP_COOKIE": f"{prefix}sign-up-link",
        "UNDO_COOKIE": f"{prefix}undo-link",
    }


def path() -> str:
    """Return the path of every cookie: the service's own, where it shares its host with others."""
    return request.root_path or "/"


def name_of(setting: str, app: Flask | None = None) -> str:
    """Return the name of the cookie that *setting* names.

    Browsers keep a cookie called ``__Host-`` only with the path ``/``; below a path prefix it is ``__Secure-``.
    """
    name: str = (app or current_app).config[setting]
    return name if path() == "/" else name.replace("__Host-", "__Secure-")


def _attributes() -> dict[str, Any]:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    return {"secure": secure, "httponly": True, "samesite": "Lax", "path": path()}


def keep(response: Response, setting: str, value: str, lifetime: timedelta | None = None) -> None:
    """Set the cookie that *setting* names, unread by scripts; by default until the browser closes."""
    response.set_cookie(name_of(setting), value, max_age=lifetime, **_attributes())


def forget(response: Response, *settings: str) -> None:
    """Delete the cookies that *settings* name."""
    for setting in settings:
        response.delete_cookie(name_of(setting), **_attributes())


def read(setting: str) -> str | None:
    """Return the value of the cookie that *setting* names.

    Returns ``None`` when there is none, when there are several of that name, and for a value that this
    service never sets.
    """
    values = request.cookies.getlist(name_of(setting))
    return values[0] if len(values) == 1 and _may_be_ours(setting, values[0]) else None


def _may_be_ours(setting: str, value: str) -> bool:
    if setting == "SIGN_IN_COOKIE":
        return bool(_SESSION_TOKEN.fullmatch(value))
    if setting == "LANGUAGE_COOKIE":
        return value in LANGUAGES
    if setting in (*LINK_COOKIES, "DEVICE_COOKIE"):
        return len(value) <= LARGE and value != "" and link_token(value) == value
    return len(value) <= MAX_PAGES


def delete_unusable(response: Response) -> Response:
    """Delete, with *response*, the cookies that no page can use.

    These are cookies under this service's names that it never set, or that came twice; and, when the header is
    so large that servers soon refuse it, the large cookies of others.
    """
    already = {header.partition("=")[0] for header in response.headers.getlist("Set-Cookie")}
    for name in dict.fromkeys(_unusable()):
        if name not in already:
            for place in _places(name):
                response.delete_cookie(name, **(_attributes() | {"path": place}))
    return response


def _unusable() -> Iterable[str]:
    own = {name_of(setting): setting for setting in OWN_COOKIES}
    crowded = len(request.headers.get("Cookie", "")) > CROWDED
    for name, values in request.cookies.lists():
        if name in own:
            if len(values) > 1 or not _may_be_ours(own[name], values[0]):
                yield name
        elif crowded and name and any(len(value) > LARGE for value in values):
            yield name


def _places(name: str) -> list[str]:
    """Return the paths at which a cookie of that *name* may have been set so that this page was sent it."""
    if name.startswith("__Host-"):
        return ["/"]
    parts = (request.root_path + request.path).split("/")[1:-1]
    above = ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return list(dict.fromkeys(["/", path(), *above]))[:8]
