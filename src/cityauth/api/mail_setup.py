"""What `CityAuth` settles with a mailer at the start: where links lead, how long a mail may take, whether it is up."""

import inspect
import logging
from typing import Any, Final

from cityauth.errors import ConfigurationError
from cityauth.policy import Policy

_logger = logging.getLogger("cityauth")

_SHARE_OF_LEASE: Final = 0.9
"""The part of a lease in which a mail must be handed over, so that no other worker takes it meanwhile."""

_BASE_URL_MISSING: Final = (
    "mail.base_url is {url}, so the links in mails would lead each reader to the reader's own computer: set it to the"
    " address of the service, such as MailPolicy(base_url='https://service.example.org')"
)


def prepare_mailer(mailer: object, policy: Policy) -> None:
    """Check that *mailer* fits *policy*, then let it look whether mail can leave.

    So the first page tells the truth about mail, and no page has to ask the mail server. A mailer may have the
    attribute ``is_local`` and the methods ``limit_time`` and ``check``, as `SmtpMailer` has; it needs none of them.

    Raises:
        ConfigurationError: mail would leave this machine with links that lead to this machine.
    """
    given: Any = mailer
    _check_links(given, policy)
    limit_time = getattr(given, "limit_time", None)
    if callable(limit_time):
        limit_time(policy.outbox.lease.total_seconds() * _SHARE_OF_LEASE)
    check = getattr(given, "check", None)
    if getattr(given, "check_at_start", False) and callable(check) and not inspect.iscoroutinefunction(check):
        check()


def _check_links(mailer: Any, policy: Policy) -> None:
    if not policy.mail.leads_here:
        return
    is_local = getattr(mailer, "is_local", None)
    message = _BASE_URL_MISSING.format(url=policy.mail.base_url)
    if is_local is False:
        raise ConfigurationError(message)
    if is_local is None:  # a host's own mailer, which does not say where it sends
        _logger.warning("%s", message)
