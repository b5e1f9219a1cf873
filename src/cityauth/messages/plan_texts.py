"""The words of the report on a migration plan, for customer service and whoever decides about the move."""

from enum import StrEnum

from cityauth.messages.catalogue import N_


class PlanText(StrEnum):
    """A heading, column, class, warning or line of the report. Each member's value is the code."""

    # Translators: the title and main heading of the report on a plan
    TITLE = N_("plan.title")
    # Translators: {plan} is the plan's name, {date} a date and time, {count} a number of accounts
    MADE = N_("plan.made")
    # Translators: {move}, {keep} and {rest} are numbers of accounts
    SUMMARY = N_("plan.summary")
    # Translators: below the summary
    NOT_APPLIED = N_("plan.not_applied")
    # Translators: a heading above a chart and a table
    CLASSES_HEADING = N_("plan.classes_heading")
    # Translators: the text of the chart for those who do not see it
    CHART = N_("plan.chart")
    # Translators: a column
    COLUMN_CLASS = N_("plan.column_class")
    # Translators: a column
    COLUMN_COUNT = N_("plan.column_count")
    # Translators: a column
    COLUMN_NEXT = N_("plan.column_next")
    # Translators: a class of accounts
    CLASS_EXEMPT = N_("plan.class_exempt")
    # Translators: what to do about that class
    NEXT_EXEMPT = N_("plan.next_exempt")
    # Translators: a class of accounts
    CLASS_ALREADY = N_("plan.class_already")
    # Translators: what to do about that class
    NEXT_ALREADY = N_("plan.next_already")
    # Translators: a class of accounts
    CLASS_DISABLED = N_("plan.class_disabled")
    # Translators: what to do about that class
    NEXT_DISABLED = N_("plan.next_disabled")
    # Translators: a class of accounts
    CLASS_NO_EMAIL = N_("plan.class_no_email")
    # Translators: what to do about that class
    NEXT_NO_EMAIL = N_("plan.next_no_email")
    # Translators: a class of accounts
    CLASS_INVALID_EMAIL = N_("plan.class_invalid_email")
    # Translators: what to do about that class
    NEXT_INVALID_EMAIL = N_("plan.next_invalid_email")
    # Translators: a class of accounts
    CLASS_SHARED_EMAIL = N_("plan.class_shared_email")
    # Translators: what to do about that class
    NEXT_SHARED_EMAIL = N_("plan.next_shared_email")
    # Translators: a class of accounts
    CLASS_EQUALS_OTHER_USERNAME = N_("plan.class_equals_other_username")
    # Translators: what to do about that class
    NEXT_EQUALS_OTHER_USERNAME = N_("plan.next_equals_other_username")
    # Translators: a class of accounts
    CLASS_USERNAME_IS_OTHER_EMAIL = N_("plan.class_username_is_other_email")
    # Translators: what to do about that class
    NEXT_USERNAME_IS_OTHER_EMAIL = N_("plan.next_username_is_other_email")
    # Translators: a class of accounts
    CLASS_DEAD_DOMAIN = N_("plan.class_dead_domain")
    # Translators: what to do about that class
    NEXT_DEAD_DOMAIN = N_("plan.next_dead_domain")
    # Translators: a class of accounts
    CLASS_READY = N_("plan.class_ready")
    # Translators: what to do about that class
    NEXT_READY = N_("plan.next_ready")
    # Translators: a heading
    WARNINGS_HEADING = N_("plan.warnings_heading")
    # Translators: below that heading
    WARNINGS_TEXT = N_("plan.warnings_text")
    # Translators: a column
    COLUMN_WARNING = N_("plan.column_warning")
    # Translators: a warning about an address
    WARNING_LOOKALIKE = N_("plan.warning_lookalike")
    # Translators: a warning about an address
    WARNING_PLUS_TWIN = N_("plan.warning_plus_twin")
    # Translators: a warning about an address
    WARNING_DOT_TWIN = N_("plan.warning_dot_twin")
    # Translators: a warning about an address
    WARNING_TYPO_DOMAIN = N_("plan.warning_typo_domain")
    # Translators: a heading above a table of accounts
    COLLISIONS_HEADING = N_("plan.collisions_heading")
    # Translators: below that heading
    COLLISIONS_TEXT = N_("plan.collisions_text")
    # Translators: in place of the table
    NO_COLLISIONS = N_("plan.no_collisions")
    # Translators: below a table that is cut; {count} is a number of accounts
    FIRST_ROWS = N_("plan.first_rows")
    # Translators: a column: the service's own number or name of a customer
    COLUMN_EXTERNAL_ID = N_("plan.column_external_id")
    # Translators: a column: a masked e-mail address
    COLUMN_ADDRESS = N_("plan.column_address")
    # Translators: a column: what a collision probably is
    COLUMN_KIND = N_("plan.column_kind")
    # Translators: a column: the accounts that another one collides with
    COLUMN_WITH = N_("plan.column_with")
    # Translators: what a collision probably is
    KIND_HOUSEHOLD_MAILBOX = N_("plan.kind_household_mailbox")
    # Translators: what a collision probably is
    KIND_ONE_PERSON_TWICE = N_("plan.kind_one_person_twice")
    # Translators: what a collision probably is
    KIND_DOMAIN_TYPO = N_("plan.kind_domain_typo")
    # Translators: what a collision probably is
    KIND_STRANGER = N_("plan.kind_stranger")
    # Translators: a heading above a table
    DECISIONS_HEADING = N_("plan.decisions_heading")
    # Translators: a column: a code for the spreadsheet
    COLUMN_DECISION = N_("plan.column_decision")
    # Translators: a column
    COLUMN_MEANING = N_("plan.column_meaning")
    # Translators: what a decision means
    DECISION_USE_EMAIL = N_("plan.decision_use_email")
    # Translators: what a decision means
    DECISION_KEEP_USERNAME = N_("plan.decision_keep_username")
    # Translators: what a decision means
    DECISION_CLAIM_AT_LOGIN = N_("plan.decision_claim_at_login")
    # Translators: what a decision means
    DECISION_SKIP = N_("plan.decision_skip")
