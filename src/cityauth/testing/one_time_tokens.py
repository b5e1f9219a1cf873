"""What a store promises of one-time tokens: outstanding links, each used once."""

from dataclasses import replace
from datetime import timedelta

from cityauth.core.accounts import AccountId, Status
from cityauth.core.changes import (
    EpochAdvanced,
    PasswordReplaced,
    Precondition,
    Rejected,
    StatusChanged,
    TokenIssued,
    TokensRevoked,
    TokenUsed,
)
from cityauth.core.signing import Purpose
from cityauth.ports.stores import Store
from cityauth.testing.samples import (
    AINO,
    MINUTE,
    NEW_HASH,
    NOON,
    added,
    commit,
    digest,
    one_time_token,
    refuse,
)

MICROSECOND = timedelta(microseconds=1)


def used(name: object, purpose: Purpose = Purpose.RESET, minutes: int = 1) -> TokenUsed:
    """Return the change that uses the one-time token of *name*."""
    return TokenUsed(digest(name), purpose, NOON + minutes * MINUTE)


class OneTimeTokenContract:
    """One-time tokens: issued, used once, revoked."""

    def test_a_token_comes_back_whole(self, store: Store) -> None:
        """Every field is as it was issued, for every purpose, with and without an account."""
        one_time_tokens = [one_time_token(purpose, purpose=purpose, address="Erkki@example.com") for purpose in Purpose]
        one_time_tokens.append(one_time_token("bare", None, Purpose.SIGN_UP, epoch=None))
        commit(store, added(), *(TokenIssued(one) for one in one_time_tokens))
        assert [store.find_token(one.digest) for one in one_time_tokens] == one_time_tokens
        assert store.find_token(digest("never")) is None

    def test_a_token_is_used_once(self, store: Store) -> None:
        """The second use is refused, and so is one that was never issued."""
        commit(store, added(), TokenIssued(one_time_token("link")), used("link"))
        assert store.find_token(digest("link")) is None
        refuse(store, used("link"), Precondition.TOKEN_USED)
        refuse(store, used("never"), Precondition.TOKEN_USED)

    def test_a_token_is_good_for_its_purpose_alone(self, store: Store) -> None:
        """A use for another purpose is refused, and the token can still be used."""
        commit(store, added(), TokenIssued(one_time_token("link")))
        for purpose in Purpose:
            if purpose is not Purpose.RESET:
                refuse(store, used("link", purpose), Precondition.TOKEN_USED)
        commit(store, used("link"))

    def test_a_token_expires(self, store: Store) -> None:
        """A one-time token cannot be used at the moment of its expiry, and can one microsecond earlier."""
        for name, left in (("late", timedelta(0)), ("just", MICROSECOND)):
            commit(
                store, added(name), TokenIssued(one_time_token(name, AccountId(name), expires_at=NOON + MINUTE + left))
            )
        refuse(store, used("late"), Precondition.TOKEN_USED)
        assert store.find_token(digest("late")) is not None
        commit(store, used("just"))

    def test_a_token_ends_with_its_epoch(self, store: Store) -> None:
        """When the epoch advances, the links of the account end, but not those that are issued without an epoch."""
        commit(
            store,
            added(),
            TokenIssued(one_time_token("bound")),
            TokenIssued(one_time_token("free", epoch=None)),
            EpochAdvanced(AINO),
        )
        refuse(store, used("bound"), Precondition.TOKEN_USED)
        commit(store, used("free"))

    def test_a_disabled_or_missing_account_uses_no_token(self, store: Store) -> None:
        """A link cannot be used while its account is disabled, and never if its account does not exist."""
        disabling = StatusChanged(AINO, Status.ACTIVE, Status.DISABLED)
        commit(store, added(), TokenIssued(one_time_token("link", epoch=None)), disabling)
        refuse(store, used("link"), Precondition.TOKEN_USED)
        commit(store, TokenIssued(one_time_token("dummy", AccountId("nobody"), epoch=None)))
        refuse(store, used("dummy"), Precondition.TOKEN_USED)
        commit(store, StatusChanged(AINO, Status.DISABLED, Status.ACTIVE), used("link"))

    def test_a_token_without_an_account_is_used(self, store: Store) -> None:
        """The link of a sign-up needs no account."""
        commit(
            store, TokenIssued(one_time_token("new", None, Purpose.SIGN_UP, epoch=None)), used("new", Purpose.SIGN_UP)
        )
        refuse(store, used("new", Purpose.SIGN_UP), Precondition.TOKEN_USED)

    def test_a_refused_commit_uses_no_token_up(self, store: Store) -> None:
        """If a commit is refused, the link in it can still be used."""
        commit(store, added(), TokenIssued(one_time_token("link")))
        last = PasswordReplaced(AINO, was=NEW_HASH, now=NEW_HASH)
        assert store.commit([used("link"), last]) == Rejected(last, Precondition.PASSWORD_CHANGED)
        commit(store, used("link"))

    def test_a_new_token_ends_the_earlier_ones(self, store: Store) -> None:
        """A new link ends the account's earlier links of the same purpose, and no other links."""
        others = [
            one_time_token("purpose", purpose=Purpose.EMAIL_UNDO),
            one_time_token("account", AccountId("b")),
            one_time_token("none", None, epoch=None),
        ]
        commit(store, added(), added("b"), TokenIssued(one_time_token("first")), *(TokenIssued(one) for one in others))
        commit(store, TokenIssued(one_time_token("second"), alone=True))
        assert store.find_token(digest("first")) is None
        assert [store.find_token(one.digest) for one in [one_time_token("second"), *others]] == [
            one_time_token("second"),
            *others,
        ]
        commit(store, TokenIssued(one_time_token("third", None, epoch=None), alone=True))
        assert store.find_token(digest("none")) is not None

    def test_tokens_are_revoked_from_an_epoch_on(self, store: Store) -> None:
        """Links of one purpose that were issued in that epoch or later end, whatever the clocks said. Others stay."""
        issued = {"before": (1, MINUTE), "at": (2, -MINUTE), "after": (3, -60 * MINUTE), "none": (None, MINUTE)}
        for name, (epoch, ahead) in issued.items():
            commit(store, TokenIssued(one_time_token(name, issued_epoch=epoch, issued_at=NOON + ahead)))
        commit(
            store,
            TokenIssued(one_time_token("purpose", purpose=Purpose.EMAIL_UNDO, issued_epoch=3)),
            TokenIssued(one_time_token("b", AccountId("b"), issued_epoch=3)),
        )
        commit(store, TokensRevoked(AINO, Purpose.RESET, 2))
        left = [name for name in (*issued, "purpose", "b") if store.find_token(digest(name))]
        assert left == ["before", "none", "purpose", "b"]

    def test_only_expired_tokens_are_purged(self, store: Store) -> None:
        """A purge deletes no one-time token that can still be used."""
        dead = replace(one_time_token("dead"), expires_at=NOON - MICROSECOND)
        commit(store, TokenIssued(dead), TokenIssued(replace(one_time_token("alive"), expires_at=NOON)))
        assert store.purge_tokens(NOON) == 1
        assert store.find_token(digest("dead")) is None
        assert store.find_token(digest("alive")) is not None
        assert store.purge_tokens(NOON) == 0
