"""The words of the pages. The library ships them, so that every service shows the same ones."""

from enum import StrEnum

from cityauth.messages.catalogue import N_


class Label(StrEnum):
    """A heading, field, button, link or line of a page. Guides for the public quote the Finnish ones."""

    # --- the frame of every page

    # Translators: the first link of a page, for the keyboard
    SKIP_TO_CONTENT = N_("label.skip_to_content")
    # Translators: name of the language menu and of the setting
    LANGUAGE = N_("label.language")
    # Translators: the language that is spoken, as the closed menu shows it
    LANGUAGE_SHORT = N_("label.language_short")
    # Translators: the language's own name, the same everywhere
    LANGUAGE_FI = N_("label.language_fi")
    # Translators: the language's own name, the same everywhere
    LANGUAGE_SV = N_("label.language_sv")
    # Translators: the language's own name, the same everywhere
    LANGUAGE_EN = N_("label.language_en")
    # Translators: a button
    CHANGE_LANGUAGE = N_("label.change_language")
    # Translators: before the name, for screen readers
    SIGNED_IN_AS = N_("label.signed_in_as")
    # Translators: a button in the top bar
    SIGN_OUT = N_("label.sign_out")
    # Translators: name of the navigation, for screen readers
    MAIN_MENU = N_("label.main_menu")
    # Translators: a link
    HOME = N_("label.home")
    # Translators: a link
    BACK = N_("label.back")
    # Translators: a link or button
    CANCEL = N_("label.cancel")
    # Translators: a button
    SAVE = N_("label.save")
    # Translators: before a message and in the title of a page with one
    ERROR = N_("label.error")
    # Translators: a heading above the messages of a form
    ERROR_HEADING = N_("label.error_heading")
    # Translators: a heading or link
    CUSTOMER_SERVICE = N_("label.customer_service")

    # --- signing in

    # Translators: a button
    SIGN_IN = N_("label.sign_in")
    # Translators: a heading
    SIGNING_IN = N_("label.signing_in")
    # Translators: a heading of the notice, the same for everyone
    NOTICE_HEADING = N_("label.notice_heading")
    # Translators: the notice, the same for everyone
    NOTICE = N_("label.notice")
    # Translators: a link in the notice
    GUIDE = N_("label.guide")
    # Translators: before the link to create an account
    NO_ACCOUNT = N_("label.no_account")
    # Translators: a link and heading
    CREATE_NEW_ACCOUNT = N_("label.create_new_account")
    # Translators: before the line for officials
    OFFICIAL = N_("label.official")
    # Translators: the line for officials
    OFFICIAL_LINE = N_("label.official_line")
    # Translators: a field
    IDENTIFIER = N_("label.identifier")
    # Translators: a button
    CONTINUE = N_("label.continue")
    # Translators: a link
    FORGOTTEN = N_("label.forgotten")
    # Translators: a field
    PASSWORD = N_("label.password")
    # Translators: a button or checkbox
    SHOW_PASSWORD = N_("label.show_password")
    # Translators: a button
    HIDE_PASSWORD = N_("label.hide_password")
    # Translators: a checkbox
    REMEMBER = N_("label.remember")
    # Translators: below the checkbox
    REMEMBER_HINT = N_("label.remember_hint")

    # --- forgotten username or password

    # Translators: a heading
    FORGOTTEN_HEADING = N_("label.forgotten_heading")
    # Translators: below the heading
    FORGOTTEN_TEXT = N_("label.forgotten_text")
    # Translators: a button
    SEND_LINK = N_("label.send_link")
    # Translators: a heading after a mail was asked for
    CHECK_EMAIL = N_("label.check_email")
    # Translators: a heading
    NEW_PASSWORD_HEADING = N_("label.new_password_heading")
    # Translators: a field
    NEW_PASSWORD = N_("label.new_password")
    # Translators: below a field for a new password; {minimum} is 8 or more
    PASSWORD_HINT = N_("label.password_hint")
    # Translators: a button and heading
    CHANGE_PASSWORD = N_("label.change_password")
    # Translators: a link where an old one no longer works
    ASK_NEW_LINK = N_("label.ask_new_link")

    # --- creating an account

    # Translators: a field
    EMAIL = N_("label.email")
    # Translators: below the heading
    SIGNUP_TEXT = N_("label.signup_text")
    # Translators: a field
    NAME = N_("label.name")
    # Translators: a button
    CREATE_ACCOUNT = N_("label.create_account")

    # --- own settings

    # Translators: a link and heading
    SETTINGS = N_("label.settings")
    # Translators: a heading
    YOUR_DETAILS = N_("label.your_details")
    # Translators: before the address
    CURRENT_EMAIL = N_("label.current_email")
    # Translators: before the login name of one who has no e-mail address as such
    CURRENT_USERNAME = N_("label.current_username")
    # Translators: a field
    NEW_EMAIL = N_("label.new_email")
    # Translators: a button and heading
    CHANGE_EMAIL = N_("label.change_email")
    # Translators: below the heading
    CHANGE_EMAIL_TEXT = N_("label.change_email_text")
    # Translators: a heading of the page that a mailed link opens
    CONFIRM_EMAIL_HEADING = N_("label.confirm_email_heading")
    # Translators: a heading of the page that the undo link opens
    UNDO_EMAIL_HEADING = N_("label.undo_email_heading")
    # Translators: below the heading
    UNDO_EMAIL_TEXT = N_("label.undo_email_text")
    # Translators: a button
    UNDO_EMAIL = N_("label.undo_email")
    # Translators: a button
    CONFIRM = N_("label.confirm")
    # Translators: a heading
    CONFIRM_HEADING = N_("label.confirm_heading")
    # Translators: a field
    CURRENT_PASSWORD = N_("label.current_password")
    # Translators: a button and heading
    CHANGE_NAME = N_("label.change_name")

    # --- sessions

    # Translators: a heading
    SESSIONS = N_("label.sessions")
    # Translators: below the heading
    SESSIONS_TEXT = N_("label.sessions_text")
    # Translators: a column of the list of sessions
    DEVICE = N_("label.device")
    # Translators: where the browser did not say
    UNKNOWN_DEVICE = N_("label.unknown_device")
    # Translators: a column of the list of sessions: since when
    SESSION_OPENED = N_("label.session_opened")
    # Translators: a column of the list of sessions
    SESSION_SEEN = N_("label.session_seen")
    # Translators: marks the session that shows the page
    SESSION_CURRENT = N_("label.session_current")
    # Translators: marks a session with remember-me
    SESSION_REMEMBERED = N_("label.session_remembered")
    # Translators: a button
    CLOSE_SESSION = N_("label.close_session")
    # Translators: a button
    CLOSE_OTHER_SESSIONS = N_("label.close_other_sessions")

    # --- own data

    # Translators: a button and heading
    DOWNLOAD_DATA = N_("label.download_data")
    # Translators: below the heading
    DOWNLOAD_DATA_TEXT = N_("label.download_data_text")
    # Translators: a button and heading
    DELETE_ACCOUNT = N_("label.delete_account")
    # Translators: below the heading
    DELETE_ACCOUNT_TEXT = N_("label.delete_account_text")
    # Translators: a checkbox
    DELETE_ACCOUNT_CONFIRM = N_("label.delete_account_confirm")
