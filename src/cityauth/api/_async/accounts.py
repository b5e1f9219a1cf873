"""Accounts: what people do with their own account, and what customer service does."""

from collections.abc import Mapping
from typing import Any

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import AsyncAnswers, run_async
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, MailOutcome, Refused
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.links import LinkOutcome, LinkRefused
from cityauth.core.login import Authenticated
from cityauth.core.sessions import LiveSession
from cityauth.flows import (
    accounts,
    email_change,
    identifiers,
    invitation,
    own_account,
    own_password,
    sign_up,
)
from cityauth.flows.accounts import AccountOutcome, AccountRecord, NewAccount
from cityauth.flows.identifiers import AccountRefused, Released
from cityauth.flows.invitation import Invited


class Accounts(Namespace[AsyncAnswers]):
    """Accounts: what people do with their own account, and what the host and its customer service do."""

    async def sign_up(self, email: object, *, client: ClientContext = UNKNOWN_CLIENT) -> MailOutcome:
        """Mail a link that creates an account. If the address is taken, mail a notice instead; the answer is the same.

        Returns:
            `MailAwaited`, `MailerDown`, or `Refused` for text that is no address, and (``throttle.request``) if the
            network has asked for too many mails.
        """
        return await run_async(sign_up.request(self._deployment, email, client), self._answers)

    async def inspect_sign_up(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> LinkOutcome:
        """Look at a sign-up link; nothing is used up. `LinkLive` with the address, or `LinkRefused`."""
        return await run_async(sign_up.inspect(self._deployment, token, client), self._answers)

    async def confirm_sign_up(
        self,
        token: object,
        display_name: object,
        password: object,
        *,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> Done | Refused | LinkRefused:
        """Create the account, in the client's language; signs nobody in.

        Returns:
            `Done`; `Refused` if the name or the password is not allowed: the link still works; `LinkRefused`,
            also if somebody took the address meanwhile.
        """
        return await run_async(sign_up.confirm(self._deployment, token, display_name, password, client), self._answers)

    async def change_email(
        self, live: LiveSession, email: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> MailOutcome:
        """Mail a link to the new address. The answer is the same if somebody else has the address.

        Returns:
            `MailAwaited`; `MailerDown`; or `Refused`: the text is no address or is the account's own address,
            the session is not fresh (``reauth.required``: confirm the password first) or has ended, or too many
            mails were asked for.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return await run_async(email_change.request(self._deployment, live, email, client), self._answers)

    async def inspect_email(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> LinkOutcome:
        """Look at a link to a new address; nothing is used up."""
        return await run_async(email_change.inspect(self._deployment, token, client), self._answers)

    async def confirm_email(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> Done | LinkRefused:
        """Take the new address into use; it signs in from now on. Every session and every other link ends.

        Returns:
            `Done`, or `LinkRefused`, also if somebody took the address meanwhile.
        """
        return await run_async(email_change.confirm(self._deployment, token, client), self._answers)

    async def inspect_undo(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> LinkOutcome:
        """Look at a link that undoes a change of address; nothing is used up."""
        return await run_async(email_change.inspect_undo(self._deployment, token, client), self._answers)

    async def undo_email(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> Done | LinkRefused:
        """Restore the former address from its own mailbox, and end every session and every other link."""
        return await run_async(email_change.undo(self._deployment, token, client), self._answers)

    async def change_password(
        self,
        live: LiveSession,
        current: object,
        new: object,
        *,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> Authenticated | Refused:
        """Change the password of the signed-in person; the current one is required.

        Returns:
            `Authenticated` with this session's new token (every other session ended); `Refused`
            with what is wrong with the new one; `Refused` when the current one is wrong, too many were
            tried, or the session has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return await run_async(own_password.change(self._deployment, live, current, new, client), self._answers)

    async def set_name(
        self, live: LiveSession, display_name: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Done | Refused:
        """Change the display name.

        Returns:
            `Done`; `Refused` if the name is not allowed or the session has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return await run_async(own_account.set_name(self._deployment, live, display_name, client), self._answers)

    async def set_language(
        self, live: LiveSession, language: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Done | Refused:
        """Change the language of pages and mails: ``fi``, ``sv`` or ``en``.

        Returns:
            `Done`, or `Refused` for another language, or when the session has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return await run_async(own_account.set_language(self._deployment, live, language, client), self._answers)

    async def export(self, live: LiveSession) -> Mapping[str, Any] | Refused:
        """Return everything that is stored about the signed-in person, ready for JSON.

        Returns:
            The data; `Refused` when the session has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example an account's id.
        """
        return await run_async(own_account.export(self._deployment, live), self._answers)

    async def export_of_account(self, account_id: AccountId) -> Mapping[str, Any] | None:
        """Return everything that is stored about the account, ready for JSON: for customer service.

        Returns:
            The data, or ``None`` when there is no such account.
        """
        return await run_async(own_account.export_of_account(account_id), self._answers)

    async def delete(self, live: LiveSession, *, client: ClientContext = UNKNOWN_CLIENT) -> Done | Refused:
        """Erase the account of the signed-in person.

        Returns:
            `Done`, or `Refused` when the session is not fresh (``reauth.required``) or has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return await run_async(own_account.delete(self._deployment, live, client), self._answers)

    async def invite(
        self, account_id: AccountId, *, by_mail: bool = True, client: ClientContext = UNKNOWN_CLIENT
    ) -> Invited | AccountRefused | Refused:
        """Make a link that sets the account's password, and mail it if the account has an address.

        Args:
            account_id: The account.
            by_mail: False where the account's address no longer works: nothing is mailed, and the link is returned
                to be handed over.
            client: Where the request comes from.

        Returns:
            `Invited`; `AccountRefused` when the account is missing or not active; `Refused` (``throttle.request``)
            when too many invitations were mailed to the mailbox lately. Nothing was written in the last two cases.
        """
        return await run_async(invitation.invite(self._deployment, account_id, client, by_mail=by_mail), self._answers)

    async def change_contact(
        self, account_id: AccountId, contact: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> AccountOutcome:
        """Change the address that mail goes to; with ``None`` the account gets no mail. For customer service.

        Every session and every mailed link of the account ends, and the former address gets a mail.

        Returns:
            The account as it is then; `AccountRefused` when it is missing or *contact* is no address.
        """
        return await run_async(accounts.change_contact(self._deployment, account_id, contact, client), self._answers)

    async def release_identifier(
        self, entered: object, account_id: AccountId | None = None, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Released | AccountRefused:
        """Let anybody register a retired identifier. Customer service first finds out whose identifier it is.

        Args:
            entered: The identifier.
            account_id: The account that has retired it; ``None`` for an identifier of an account that was erased.
            client: Where the request comes from.

        Returns:
            `Released`, or `AccountRefused`: *entered* cannot be an identifier; with *account_id*, the account has not
            retired it; without *account_id*, an account has it (the ``holder``), or no erased account had it.
        """
        return await run_async(
            identifiers.release_identifier(self._deployment, entered, account_id, client), self._answers
        )

    async def add(self, new: NewAccount, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Add an account with all its identifiers. If one of them is refused, nothing is added.

        Returns:
            The account, or `AccountRefused`: an identifier is not allowed, or it is taken. A retired identifier is
            taken too.

        Raises:
            UsageError: the realm is not in the policy, the language has no texts, or the usernames are one text
                instead of a list.
        """
        return await run_async(accounts.add(self._deployment, new, client), self._answers)

    async def show(self, account_id: AccountId) -> AccountRecord | None:
        """Return the account with its identifiers, or ``None`` if no account has the id."""
        return await run_async(accounts.show(self._deployment, account_id), self._answers)

    async def disable(self, account_id: AccountId, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Disable the account and end its sessions; `AccountRefused` if it is missing or is not active."""
        return await run_async(accounts.disable(account_id, client), self._answers)

    async def enable(self, account_id: AccountId, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Enable the account; `AccountRefused` if it is missing or is not disabled."""
        return await run_async(accounts.enable(account_id, client), self._answers)
