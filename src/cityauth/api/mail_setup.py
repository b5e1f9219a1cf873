"""What is checked of a mailer when `CityAuth` starts, and the first look at its server."""

import inspect
import logging
from typing import Any

from cityauth.errors import ConfigurationError
from cityauth.policy import Policy

logger = logging.getLogger("cityauth")

_BASE_URL_MISSING = (
    "mail.base_url is {url}, so the links in mails would lead each reader to the reader's own computer: set it to the"
    " address of the service, such as MailPolicy(base_url='https://service.example.org')"
)


def prepare_mailer(mailer: object, policy: Policy) -> None:
    """Check that *mailer* fits *policy*, then let it look whether mail can leave.

    So the first page tells the truth about mail, and no page has to ask the mail server. A mailer may have the
    attributes ``is_local`` and ``time_limit`` and the method ``check``, as `SmtpMailer` has; it needs none of them.

    Raises:
        ConfigurationError: mail would leave this machine with links that lead to this machine, or one mail may take
            longer than `OutboxPolicy.lease`, after which another worker would send it again.
    """
    given: Any = mailer
    _check_links(given, policy)
    time_limit = getattr(given, "time_limit", None)
    lease = policy.outbox.lease.total_seconds()
    if isinstance(time_limit, int | float) and time_limit >= lease:
        raise ConfigurationError(
            f"the mailer's time_limit is {time_limit:g} s: it must be shorter than outbox.lease, which is {lease:g} s"
        )
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
        logger.warning("%s", message)
