"""The outcomes: what cityauth answers a person, each with a stable code.

A code keeps its meaning for ever, and no code is used for two outcomes. Names in braces in a comment are the
placeholders of the text; they are the same in every language.
"""

from enum import StrEnum

from cityauth.messages.catalogue import N_


class Code(StrEnum):
    """What happened, or what to do now. Each member's value is the code; `text` gives the sentence."""

    # Translators: unknown identifier, wrong password, disabled account: one text, which must not tell
    # them apart
    LOGIN_REFUSED = N_("login.refused")
    # Translators: the person waited too long between the two steps of signing in
    LOGIN_EXPIRED = N_("login.expired")
    # Translators: after the right password for a retired username; {email} is masked, such as
    # a•••@example.com
    LOGIN_IDENTIFIER_RETIRED = N_("login.identifier_retired")
    # Translators: the identifier field was left empty
    LOGIN_MALFORMED_EMPTY = N_("login.malformed.empty")
    # Translators: the identifier that was typed is too long to be one
    LOGIN_MALFORMED_TOO_LONG = N_("login.malformed.too_long")
    # Translators: the identifier holds, for example, a control character
    LOGIN_MALFORMED_FORBIDDEN_CHARACTER = N_("login.malformed.forbidden_character")
    # Translators: what came in the identifier field was not text
    LOGIN_MALFORMED_NOT_TEXT = N_("login.malformed.not_text")
    # Translators: the service cannot check anybody just now
    LOGIN_UNAVAILABLE = N_("login.unavailable")
    # Translators: more people sign in than the service can check; {seconds} is 1 to 60
    REQUEST_BUSY = N_("request.busy")

    # Translators: the password field was left empty
    PASSWORD_EMPTY = N_("password.empty")
    # Translators: {minimum} is a number of characters, 8 or more
    PASSWORD_TOO_SHORT = N_("password.too_short")
    # Translators: {maximum} is a number of characters, 64 or more
    PASSWORD_TOO_LONG = N_("password.too_long")
    # Translators: the new password is on a list of often used ones
    PASSWORD_COMMON = N_("password.common")
    # Translators: the new password is the person's own identifier or name, or the name of the service
    PASSWORD_CONTEXT = N_("password.context")
    # Translators: what came in the password field was not text
    PASSWORD_NOT_TEXT = N_("password.not_text")
    # Translators: the new password is known from a leak of another service
    PASSWORD_BREACHED = N_("password.breached")
    # Translators: in changing one's password, the current one was wrong
    PASSWORD_WRONG_CURRENT = N_("password.wrong_current")
    # Translators: the signed-in person changed the password
    PASSWORD_CHANGED = N_("password.changed")

    # Translators: the session timed out or was ended elsewhere
    SESSION_ENDED = N_("session.ended")
    # Translators: the person signed out
    SESSION_SIGNED_OUT = N_("session.signed_out")
    # Translators: the person ended one session from the list
    SESSION_CLOSED = N_("session.closed")
    # Translators: the person ended all sessions but this one
    SESSION_OTHERS_CLOSED = N_("session.others_closed")
    # Translators: a change needs the password once more
    REAUTH_REQUIRED = N_("reauth.required")

    # Translators: for customer service only: never shown to somebody who is signing in
    ACCOUNT_DISABLED = N_("account.disabled")
    # Translators: the person deleted the own account
    ACCOUNT_DELETED = N_("account.deleted")

    # Translators: registering: nothing was typed
    IDENTIFIER_EMPTY = N_("identifier.empty")
    # Translators: registering: {minimum} is a number of characters, 2 or more
    IDENTIFIER_TOO_SHORT = N_("identifier.too_short")
    # Translators: registering: {maximum} is a number of characters, 2 or more
    IDENTIFIER_TOO_LONG = N_("identifier.too_long")
    # Translators: registering: a character that no identifier may hold
    IDENTIFIER_FORBIDDEN_CHARACTER = N_("identifier.forbidden_character")
    # Translators: registering: what came in the field was not text
    IDENTIFIER_NOT_TEXT = N_("identifier.not_text")
    # Translators: registering: not of the form name@domain
    IDENTIFIER_NOT_EMAIL = N_("identifier.not_email")
    # Translators: registering: an e-mail address with letters such as å, ä or ö before the @, to which
    # the service cannot send mail
    IDENTIFIER_NON_ASCII = N_("identifier.non_ascii")
    # Translators: registering: a username with an at sign
    IDENTIFIER_AT_SIGN = N_("identifier.at_sign")
    # Translators: registering: letters of several alphabets that look alike
    IDENTIFIER_CONFUSABLE = N_("identifier.confusable")
    # Translators: registering: kept for the service, or in use; must not tell which
    IDENTIFIER_UNAVAILABLE = N_("identifier.unavailable")

    # Translators: the display name field was left empty
    NAME_EMPTY = N_("name.empty")
    # Translators: {maximum} is a number of characters, 2 or more
    NAME_TOO_LONG = N_("name.too_long")
    # Translators: the display name holds a character that no name may hold
    NAME_FORBIDDEN_CHARACTER = N_("name.forbidden_character")
    # Translators: the signed-in person changed the display name
    NAME_CHANGED = N_("name.changed")
    # Translators: the signed-in person changed the language
    LANGUAGE_CHANGED = N_("language.changed")

    # Translators: a mailed link that is unknown, used, or no longer in force; must not tell which
    LINK_INVALID = N_("link.invalid")
    # Translators: a mailed link that is too old
    LINK_EXPIRED = N_("link.expired")
    # Translators: the browser holds no opened link any more, or never took the cookie
    LINK_NOT_OPEN = N_("link.not_open")
    # Translators: another link was opened in this browser while the form of this one was on the screen
    LINK_REPLACED = N_("link.replaced")
    # Translators: mail does not leave just now, whoever asks; {contact} is the address or number of
    # customer service
    MAIL_UNDELIVERABLE = N_("mail.undeliverable")

    # Translators: a reset link was asked for; must not tell whether there is an account
    RESET_SENT = N_("reset.sent")
    # Translators: the new password was set by the mailed link; the person is not signed in yet
    RESET_DONE = N_("reset.done")
    # Translators: an account was asked for; must not tell whether the address has one already
    SIGNUP_SENT = N_("signup.sent")
    # Translators: the account was created; the person is not signed in yet
    SIGNUP_DONE = N_("signup.done")
    # Translators: a new address was asked for; must not tell whether somebody else has it
    EMAIL_CHANGE_SENT = N_("email_change.sent")
    # Translators: the address that was asked for is the person's already; nothing is changed
    EMAIL_CHANGE_SAME = N_("email_change.same")
    # Translators: the new address is the login name now
    EMAIL_CHANGE_DONE = N_("email_change.done")
    # Translators: the confirmed address could not be taken into use; must not tell why
    EMAIL_CHANGE_FAILED = N_("email_change.failed")
    # Translators: the change was undone from the old mailbox
    EMAIL_CHANGE_UNDONE = N_("email_change.undone")

    # Translators: too many attempts to sign in, for whatever identifier; {minutes} is 1 or more
    THROTTLE_LOGIN = N_("throttle.login")
    # Translators: too many requests of another sort from one network
    THROTTLE_REQUEST = N_("throttle.request")
    # Translators: follows the text above; {minutes} is 1 or more
    THROTTLE_WAIT = N_("throttle.wait")

    # Translators: the form that was sent is too large
    REQUEST_TOO_LARGE = N_("request.too_large")
    # Translators: there is no such page
    REQUEST_NOT_FOUND = N_("request.not_found")
    # Translators: the service made a mistake
    REQUEST_FAILED = N_("request.failed")
    # Translators: the form was open too long, or did not come from this service
    CSRF_FAILED = N_("csrf.failed")
