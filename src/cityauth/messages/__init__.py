"""Everything that cityauth says to a person, in Finnish, Swedish and English.

A text is found by a stable code: `Code` for outcomes, `Label` for the words of pages, `Mail` for mails. The
library ships the words of pages too, so that every service says the same. A service puts its own words in their
place with `Texts`. The ``.po`` files beside this file hold the texts; their message ids are the codes.
"""

from cityauth.messages.catalogue import FALLBACK, LANGUAGES, Param, negotiate, text, validity
from cityauth.messages.codes import Code
from cityauth.messages.labels import Label
from cityauth.messages.mails import Mail, MailContent
from cityauth.messages.names import mask_email, mask_login_name, name_and_email
from cityauth.messages.texts import Texts, write

__all__ = [
    "FALLBACK",
    "LANGUAGES",
    "Code",
    "Label",
    "Mail",
    "MailContent",
    "Param",
    "Texts",
    "mask_email",
    "mask_login_name",
    "name_and_email",
    "negotiate",
    "text",
    "validity",
    "write",
]
