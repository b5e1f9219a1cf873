"""People sign in, mistype, are disabled and come back, in every order: the library against a model of a few lines."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cityauth.core.accounts import AccountId
from cityauth.core.answers import Refused
from cityauth.core.changes import Committed, EpochAdvanced, PasswordReplaced
from cityauth.core.login import UNIFORM_REFUSAL, Authenticated, LoginStep, PasswordRequired
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import digest_of
from cityauth.policy.realms import Phase
from tests.support.service import POLICY, Service

MOST_SESSIONS = 3
PASSWORDS = [f"salasana-canary-{number}-riittävän pitkä" for number in range(3)]
WRONG = "salasana-canary, jota kukaan ei käytä"
#: Whose each identifier is, and whether it signs in at first.
NAMES = {
    "erkki@example.com": ("id-canary-erkki", True),
    "erkki": ("id-canary-erkki", True),
    "matti@example.com": ("id-canary-matti", True),
    "matti.m": ("id-canary-matti", False),
    "virve.v": ("id-canary-virve", True),
}
NOBODYS = ["nobody", "nobody@example.com"]


@dataclass
class Person:
    """What the model knows of an account."""

    password: str
    active: bool = True
    retired: set[str] = field(default_factory=set)


@dataclass
class Visit:
    """What the model knows of a session that is stored."""

    account: str
    opened: datetime
    seen: datetime
    remembered: bool
    outlived: bool = False

    def is_live(self, now: datetime) -> bool:
        """Whether neither limit has passed, and the password is still the one that opened it."""
        idle, absolute = (14 * 24, 30 * 24) if self.remembered else (0.5, 12)
        return (
            not self.outlived
            and now - self.seen < timedelta(hours=idle)
            and now - self.opened < timedelta(hours=absolute)
        )


@dataclass
class Form:
    """A password page that stands open."""

    pending: str
    entered: str
    at: datetime


class SignIns(RuleBasedStateMachine):
    """One browser, three accounts, and a customer service that changes them."""

    @initialize()
    def open_the_service(self) -> None:
        """Nobody is signed in yet."""
        sessions = replace(POLICY.sessions, per_account=MOST_SESSIONS)
        self.service = Service(policy=replace(POLICY, sessions=sessions))
        self.people: dict[str, Person] = {}
        self.visits: dict[str, Visit] = {}
        self.issued: list[str] = []
        self.cookie: str | None = None
        self.form: Form | None = None
        for number, name in enumerate(["erkki", "matti", "virve"]):
            self.people[f"id-canary-{name}"] = Person(PASSWORDS[number])
        add = self.service.add
        add("ID-canary-Erkki", email="erkki@example.com", usernames=["erkki"], password=PASSWORDS[0])
        add(
            "ID-canary-Matti",
            email="matti@example.com",
            usernames=["matti.m"],
            phase=Phase.EMAIL_ONLY,
            password=PASSWORDS[1],
        )
        add("ID-canary-Virve", realm="official", usernames=["virve.v"], password=PASSWORDS[2])

    # --- what a person does --------------------------------------------------------------------------

    @rule(entered=st.sampled_from([*NAMES, *NOBODYS]))
    def identify(self, entered: str) -> None:
        """The first step is the same for everyone."""
        step = self.service.auth.login.identify(entered)
        assert isinstance(step, PasswordRequired)
        assert (step.entered, step.problem) == (entered, None)
        self.form = Form(step.pending, entered, self.service.now)
        self.tells_nothing(step)

    @rule(entered=st.sampled_from(sorted(NAMES)), remember=st.booleans(), brings_cookie=st.booleans())
    def sign_in(self, entered: str, remember: bool, brings_cookie: bool) -> None:
        """Both steps at once with the right password, which is what most people do."""
        self.identify(entered)
        self.submit(self.people[NAMES[entered][0]].password, None, remember, brings_cookie)

    @precondition(lambda self: self.form is not None)
    @rule(
        password=st.sampled_from([*PASSWORDS, WRONG]),
        edited=st.none() | st.sampled_from([*NAMES, *NOBODYS]),
        remember=st.booleans(),
        brings_cookie=st.booleans(),
    )
    def type_password(self, password: str, edited: str | None, remember: bool, brings_cookie: bool) -> None:
        """The second step alone, with anybody's password, and perhaps another identifier."""
        self.submit(password, edited, remember, brings_cookie)

    def submit(self, password: str, edited: str | None, remember: bool, brings_cookie: bool) -> None:
        """Admitted, refused or expired, as the model says."""
        assert self.form is not None
        self.service.wait(seconds=1)
        now, brought = self.service.now, self.cookie if brings_cookie else None
        step = self.service.auth.login.submit_password(
            self.form.pending, password, identifier=edited, remember=remember, session_token=brought
        )
        if now - self.form.at >= timedelta(minutes=15):
            assert isinstance(step, Refused)
            assert step.problem.code == "login.expired"
            return
        entered, held = edited or self.form.entered, self.form
        if edited not in {None, self.form.entered}:
            self.form = Form(self.form.pending, entered, now)
        account = self.admitted(entered, password)
        if account is None:
            self.check_refusal(step, entered, password)
        else:
            self.check_admission(step, account, remember, brought)
            self.form = held  # an admission gives no new form: one that was kept says what it said

    def admitted(self, entered: str, password: str) -> str | None:
        """Whose session the model expects."""
        account, signs_in = NAMES.get(entered, ("", False))
        person = self.people.get(account)
        if person is None or not signs_in or entered in person.retired:
            return None
        return account if person.active and person.password == password else None

    def check_refusal(self, step: LoginStep, entered: str, password: str) -> None:
        """A refusal says one thing, or names the new identifier to the owner of a retired one."""
        assert isinstance(step, PasswordRequired)
        person = self.people.get(NAMES.get(entered, ("", False))[0])
        proven = person is not None and person.active and person.password == password
        address = {"erkki": "erkki@example.com", "matti.m": "matti@example.com"}.get(entered, "")
        if person and proven and address and address not in person.retired:
            assert step.problem is not None
            assert step.problem.params == {"email": f"{address[0]}•••@example.com"}
        else:
            assert step.problem == UNIFORM_REFUSAL
        self.tells_nothing(step)
        assert self.form is not None
        self.form = Form(step.pending, entered, self.form.at)

    def check_admission(self, step: LoginStep, account: str, remember: bool, brought: str | None) -> None:
        """An admission opens a new session of the account whose password was typed, and ends the one that was brought."""
        assert isinstance(step, Authenticated)
        token = step.session.token.get_secret_value()
        assert step.account.id == account == step.session.session.account_id
        assert token not in self.issued
        self.issued.append(token)
        self.visits[token] = Visit(account, self.service.now, self.service.now, remember)
        if brought is not None:
            self.visits.pop(brought, None)
        own = sorted((one for one in self.visits if self.visits[one].account == account), key=self.age)
        for oldest in own[MOST_SESSIONS:]:
            del self.visits[oldest]
        self.cookie = token

    def age(self, token: str) -> timedelta:
        """How long ago a session was opened."""
        return self.service.now - self.visits[token].opened

    @rule()
    def sign_out(self) -> None:
        """The cookie's session ends, if it is stored."""
        assert self.service.auth.sessions.sign_out(self.cookie) == (self.cookie in self.visits)
        self.visits.pop(self.cookie or "", None)

    @rule()
    def use(self) -> None:
        """A request with the cookie moves the last use, at most once a minute."""
        live = self.service.auth.sessions.check(self.cookie)
        visit = self.visits.get(self.cookie or "")
        assert (live is not None) == (visit is not None and visit.is_live(self.service.now))
        if live is not None and visit is not None:
            fresh = not visit.remembered and self.service.now - visit.opened < timedelta(minutes=5)
            assert self.service.auth.sessions.is_fresh(live) == fresh
            if self.service.now - visit.seen >= timedelta(minutes=1):
                visit.seen = self.service.now

    @rule()
    def stay(self) -> None:
        """A working day in front of the page: the idle limit is never reached, the absolute one is."""
        for _ in range(37):
            self.service.wait(minutes=20)
            self.use()

    # --- what happens to accounts --------------------------------------------------------------------

    @rule(account=st.sampled_from(["erkki", "matti", "virve"]), active=st.booleans())
    def set_status(self, account: str, active: bool) -> None:
        """Customer service disables or enables an account; disabling ends its sessions."""
        account_id = AccountId(f"id-canary-{account}")
        change = self.service.auth.accounts.enable if active else self.service.auth.accounts.disable
        change(account_id)
        if not active and self.people[account_id].active:
            self.end_all(account_id)
        self.people[account_id].active = active

    @rule(name=st.sampled_from(["erkki", "erkki@example.com", "matti@example.com"]))
    def retire(self, name: str) -> None:
        """An identifier stops signing in; sessions go on."""
        person = self.people[NAMES[name][0]]
        if name not in person.retired:
            self.service.retire(NAMES[name][0], f"1:{name}")
            person.retired.add(name)

    @rule(account=st.sampled_from(["erkki", "matti", "virve"]), password=st.sampled_from(PASSWORDS))
    def replace_password(self, account: str, password: str) -> None:
        """Another password is set with a new epoch: sessions stay stored, and are dead."""
        account_id = AccountId(f"id-canary-{account}")
        name = next(name for name, (whose, _) in NAMES.items() if whose == account_id)
        (found,) = self.service.store.find([f"1:{name}"])
        replaced = PasswordReplaced(account_id, found.password_hash, SecretStr(self.service.hash(password)))
        assert self.service.store.commit([replaced, EpochAdvanced(account_id)]) == Committed()
        self.people[account_id].password = password
        for visit in self.visits.values():
            visit.outlived |= visit.account == account_id

    @rule(account=st.sampled_from(["erkki", "matti", "virve"]))
    def close_all(self, account: str) -> None:
        """All sessions of an account end."""
        account_id = AccountId(f"id-canary-{account}")
        assert self.service.auth.sessions.close_all_of_account(account_id)
        self.end_all(account_id)

    def end_all(self, account_id: str) -> None:
        """Forget the sessions of an account."""
        self.visits = {token: visit for token, visit in self.visits.items() if visit.account != account_id}

    @rule(minutes=st.sampled_from([1, 4, 14, 15, 20, 29, 60 * 11, 60 * 24 * 13]))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.service.wait(minutes=minutes)

    # --- what always holds ---------------------------------------------------------------------------

    def tells_nothing(self, step: LoginStep) -> None:
        """A step before the sign-in has nothing of any account in it, nor what was typed as a password."""
        assert "canary" not in repr(step)

    @invariant()
    def the_live_sessions_are_the_models(self) -> None:
        """No session is live that the model does not know, and each is of the account that signed in."""
        live: dict[bytes, str] = {}
        for account_id, person in self.people.items():
            listed = self.service.auth.sessions.list_of_account(AccountId(account_id))
            assert person.active or not listed
            live |= {one.digest: account_id for one in listed}
        model = {
            digest_of(token): visit.account for token, visit in self.visits.items() if visit.is_live(self.service.now)
        }
        assert live == model

    @invariant()
    def nobody_hears_a_secret(self) -> None:
        """No password and no token is in the audit trail."""
        told = repr(self.service.audit.events)
        assert "salasana-canary" not in told
        assert not any(token in told for token in self.issued)


def test_people_sign_in_in_any_order() -> None:
    """Whatever people do in whatever order, model and library agree (ASVS 2.3.1, 7.2.4, 7.4.2, B-13, B-52, B-61, B-85, B-88)."""
    run_state_machine_as_test(SignIns, settings=settings(max_examples=100, stateful_step_count=40))
