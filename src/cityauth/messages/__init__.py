"""All texts of cityauth, in Finnish, Swedish and English.

Each text has a stable code: a `Code` for an answer, a `Label` for the words of a page, a `Mail` for a mail, a
`PlanText` for the report on a migration plan. A service replaces texts by its own with `Texts`. The ``.po`` files
beside this file hold the texts; their message ids are the codes.
"""

from cityauth.messages.catalogue import FALLBACK, LANGUAGES, Param, negotiate, text, validity
from cityauth.messages.codes import Code
from cityauth.messages.labels import Label
from cityauth.messages.mails import Mail, MailContent
from cityauth.messages.names import mask_email, mask_login_name, name_and_email
from cityauth.messages.plan_texts import PlanText
from cityauth.messages.texts import Texts, write

__all__ = [
    "FALLBACK",
    "LANGUAGES",
    "Code",
    "Label",
    "Mail",
    "MailContent",
    "Param",
    "PlanText",
    "Texts",
    "mask_email",
    "mask_login_name",
    "name_and_email",
    "negotiate",
    "text",
    "validity",
    "write",
]
