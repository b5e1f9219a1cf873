"""Everything that cityauth says to a person, in Finnish, Swedish and English.

A text is found by a stable code: `Code` for outcomes, `Label` for the words of pages, `Mail` for letters. The
library ships the words of pages too, so that every adapter says the same. The ``.po`` beside this file hold
the texts; their message ids are the codes.
"""

from cityauth.messages.catalogue import FALLBACK, LANGUAGES, Param, text, validity
from cityauth.messages.codes import Code
from cityauth.messages.labels import Label
from cityauth.messages.mails import Mail, MailContent, write
from cityauth.messages.names import mask_email, name_and_email
from cityauth.messages.negotiation import negotiate

__all__ = [
    "FALLBACK",
    "LANGUAGES",
    "Code",
    "Label",
    "Mail",
    "MailContent",
    "Param",
    "mask_email",
    "name_and_email",
    "negotiate",
    "text",
    "validity",
    "write",
]
