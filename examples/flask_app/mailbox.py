"""The demo mailbox: a page that shows the mails which a real service would send."""

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from cityauth import MemoryMailer
from cityauth.core.mail import as_html

SHOWN = 50
"""Mails on the page, the newest first."""

blueprint = Blueprint("mailbox", __name__, url_prefix="/mailbox")


def mailbox() -> MemoryMailer:
    """Return the application's mailbox."""
    kept: MemoryMailer = current_app.extensions["mailbox"]
    return kept


@blueprint.get("")
def mails() -> ResponseReturnValue:
    """Show all mails. Use it only for a demo on your own computer."""
    newest = list(reversed(mailbox().sent()))[:SHOWN]
    return render_template("mailbox.html", mails=newest)


@blueprint.get("/<mail_id>")
def mail(mail_id: str) -> ResponseReturnValue:
    """Show one mail as a mail program shows its HTML."""
    found = next((one for one in mailbox().sent() if one.id == mail_id), None) or abort(404)
    return as_html(found.content, found.language)
