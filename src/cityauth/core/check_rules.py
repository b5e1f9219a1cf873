"""The rules of a check, one row for each finding. A number keeps its meaning for ever; docs/check.md explains each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Final

from cityauth.core.check import Acceptance, Facts, Finding, Level
from cityauth.policy.check import CLOCK_DIFFERENCE, LEAST_HASH_COSTS, LONG_RESET, OUTBOX_WAIT, PURGE_DELAY


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a check looks for.

    Attributes:
        code: The number of its finding.
        level: How serious the finding is.
        problem: Returns what is wrong, or an empty text if nothing is.
        remedy: What to do.
    """

    code: str
    level: Level
    problem: Callable[[Facts], str]
    remedy: str


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


# --- Mail -----------------------------------------------------------------------------------------


def _links_lead_here(facts: Facts) -> str:
    mail = facts.policy.mail
    if not mail.leads_here:
        return ""
    return f"mail.base_url is {mail.base_url}, so links in mails lead each reader to the reader's own computer"


def _no_mailer(facts: Facts) -> str:
    if facts.setup.has_mailer:
        return ""
    return "no mailer is configured, so nobody can reset a password, sign up or change an address"


def _no_mail_now(facts: Facts) -> str:
    return "the mail server takes no mail now" if facts.setup.has_mailer and not facts.mail_leaves else ""


def _outbox_stuck(facts: Facts) -> str:
    status = facts.outbox
    if status is None or status.oldest is None or facts.now - status.oldest <= OUTBOX_WAIT:
        return ""
    return f"mail waits in the outbox since {status.oldest.isoformat()}; {status.waiting} wait in all"


# --- Secrets --------------------------------------------------------------------------------------


def _single_secret(facts: Facts) -> str:
    return "there is only one signing secret, so it was not replaced lately" if facts.setup.ring_size == 1 else ""


def _no_tombstone_secret(facts: Facts) -> str:
    if facts.setup.has_tombstone_secret:
        return ""
    return "the key of tombstones is made from the oldest signing secret, so that secret cannot be removed"


def _default_deployment(facts: Facts) -> str:
    if facts.policy.deployment != "cityauth":
        return ""
    return "deployment has its default value, so a test service with the same secrets signs tokens for this one"


# --- The store ------------------------------------------------------------------------------------


def _store_fails(facts: Facts) -> str:
    return f"the store does not answer: {facts.store_error}" if facts.store_error else ""


def _schema_differs(facts: Facts) -> str:
    return f"the tables cannot be used: {facts.schema_error}" if facts.schema_error else ""


def _in_memory(facts: Facts) -> str:
    if not facts.setup.keeps_in_memory:
        return ""
    return "accounts, sessions and counts of attempts are kept in the memory of one process, and end with it"


def _on_network(facts: Facts) -> str:
    kind = facts.store.network_file_system
    return f"the SQLite file is on a network file system ({kind}), where its locks are not reliable" if kind else ""


def _files_are_open(facts: Facts) -> str:
    files = ", ".join(facts.store.open_files)
    return f"other users of the machine may read or write {files}" if files else ""


def _clocks_differ(facts: Facts) -> str:
    time = facts.store.database_time
    if time is None or abs(time - facts.now) <= CLOCK_DIFFERENCE:
        return ""
    return f"the clocks of the service and of the database differ by {_seconds(abs(time - facts.now))} seconds"


def _event_ahead(facts: Facts) -> str:
    newest = facts.store.newest_event
    if newest is None or newest - facts.now <= CLOCK_DIFFERENCE:
        return ""
    return f"the newest audit event is {_seconds(newest - facts.now)} seconds in the future"


def _purge_not_run(facts: Facts) -> str:
    oldest = facts.store.oldest_session
    if oldest is None or facts.now - oldest <= facts.policy.sessions.longest + PURGE_DELAY:
        return ""
    return f"sessions that were opened on {oldest.date().isoformat()} have ended and are still stored"


def _counts_in_memory(facts: Facts) -> str:
    if not facts.setup.counts_in_memory:
        return ""
    return "attempts are counted in the memory of each process, so several processes allow a multiple of each limit"


# --- Passwords ------------------------------------------------------------------------------------


def _cheap_profile(facts: Facts) -> str:
    profile = facts.policy.hashing
    if any(profile.memory_cost >= memory and profile.time_cost >= time for memory, time in LEAST_HASH_COSTS):
        return ""
    return f"new hashes take {profile.memory_cost} KiB and time cost {profile.time_cost}, less than OWASP's least"


def _unverified_hashes(facts: Facts) -> str:
    unknown = facts.store.unknown_hashes if facts.setup.counts_hashes else 0  # a host's own hasher may name no kind
    count = facts.defective_hashes + unknown
    return f"{count} accounts have a password hash that the hasher does not verify" if count else ""


def _weak_hashes(facts: Facts) -> str:
    count = facts.weak_hashes
    return f"{count} accounts have a password hash of a fast function" if count else ""


def _audit_unheard(facts: Facts) -> str:
    return "" if facts.setup.audit_is_heard else "audit events go to the store only, because the log does not take them"


# --- Realms, migration and policy -------------------------------------------------------------------


def _realms_without_phases(facts: Facts) -> str:
    unknown = {name: count for name, count in facts.store.realms.items() if name not in facts.policy.realms}
    if not unknown:
        return ""
    return f"{sum(unknown.values())} accounts are in realms without phases: {', '.join(sorted(unknown))}"


def _closed_realms(facts: Facts) -> str:
    phases = {name: realm.phase_at(facts.now) for name, realm in facts.policy.realms.items()}
    closed = sorted(name for name, phase in phases.items() if not any(phase.admits(kind) for kind in facts.setup.kinds))
    return f"no kind of identifier signs in now in the realms: {', '.join(closed)}" if closed else ""


def _sign_up_closed(facts: Facts) -> str:
    realm = facts.policy.sign_up_realm
    if facts.policy.realms[realm].phase_at(facts.now).admits("email"):
        return ""
    return f"people who sign up cannot sign in, because e-mail addresses do not sign in yet in the realm {realm}"


def _half_migrated(facts: Facts) -> str:
    plans = ", ".join(one.id for one in facts.migrations if one.state.is_open)
    return f"a migration is half carried out: {plans}" if plans else ""


def _paused(facts: Facts) -> str:
    realms = facts.policy.realms.items()
    paused = sorted(name for name, one in realms if one.schedule and one.paused_at and one.paused_at <= facts.now)
    return f"the schedule of phases is paused in the realms: {', '.join(paused)}" if paused else ""


def _long_reset(facts: Facts) -> str:
    reset = facts.policy.links.reset
    return f"a reset link is valid for {_seconds(reset) // 60} minutes" if reset > LONG_RESET else ""


def _reset_ends_before_retry(facts: Facts) -> str:
    retry = facts.policy.outbox.longest_retry
    links = facts.policy.links
    if min(links.reset, links.sign_up, links.email_change, links.invitation) > retry:
        return ""
    return f"a mailed link may end before its mail is tried again, which takes up to {_seconds(retry)} seconds"


RULES: Final = (
    Rule(
        "CA001",
        Level.ERROR,
        _links_lead_here,
        "Set mail.base_url to the https address of the service.",
    ),
    Rule(
        "CA002",
        Level.ERROR,
        _no_mailer,
        "Configure a mail server under [smtp], or give CityAuth a mailer.",
    ),
    Rule(
        "CA003",
        Level.WARNING,
        _no_mail_now,
        "Look at the log and at the mail server; mails wait in the outbox meanwhile.",
    ),
    Rule(
        "CA004",
        Level.WARNING,
        _outbox_stuck,
        "See that `cityauth outbox flush` runs every few seconds, and that the mail server takes mail.",
    ),
    Rule(
        "CA011",
        Level.INFO,
        _single_secret,
        "Add a new secret once a year with `cityauth keys rotate`.",
    ),
    Rule(
        "CA012",
        Level.WARNING,
        _no_tombstone_secret,
        "Configure the key that `cityauth keys tombstones` prints.",
    ),
    Rule(
        "CA013",
        Level.INFO,
        _default_deployment,
        "Set deployment to the name of the service and its environment.",
    ),
    Rule("CA021", Level.ERROR, _store_fails, "Look at the database and at its URL."),
    Rule("CA022", Level.ERROR, _schema_differs, "Stop the service and run `cityauth db upgrade`."),
    Rule("CA023", Level.ERROR, _in_memory, "Use SqlStore; keep MemoryStore for tests."),
    Rule(
        "CA024",
        Level.ERROR,
        _on_network,
        "Put the file on a local disk of one host, or use PostgreSQL.",
    ),
    Rule("CA025", Level.ERROR, _files_are_open, "Make the files private with `chmod 600`."),
    Rule("CA026", Level.ERROR, _clocks_differ, "Set the clocks of all hosts with NTP."),
    Rule(
        "CA027",
        Level.ERROR,
        _event_ahead,
        "Set the clocks of all hosts with NTP; one of them is or was ahead.",
    ),
    Rule("CA028", Level.WARNING, _purge_not_run, "Run `cityauth db purge` every night."),
    Rule(
        "CA029",
        Level.WARNING,
        _counts_in_memory,
        "Leave the throttle to the store, or use ValkeyThrottle.",
    ),
    Rule(
        "CA031",
        Level.ERROR,
        _cheap_profile,
        "Set the profile of [hashing] to small or rfc_9106.",
    ),
    Rule(
        "CA032",
        Level.WARNING,
        _unverified_hashes,
        "Look at `cityauth hashes`; configure the format or its limits, or let these people set a new password.",
    ),
    Rule("CA033", Level.WARNING, _weak_hashes, "Run `cityauth hashes wrap`."),
    Rule(
        "CA034",
        Level.WARNING,
        _audit_unheard,
        "Set the level of the logger cityauth.audit to INFO and give it a handler, or give CityAuth an audit sink.",
    ),
    Rule("CA041", Level.ERROR, _realms_without_phases, "Configure these realms under [realms]."),
    Rule(
        "CA042",
        Level.ERROR,
        _closed_realms,
        "Give these realms a phase at which a kind of identifier of this deployment signs in.",
    ),
    Rule(
        "CA043",
        Level.WARNING,
        _sign_up_closed,
        "Let sign_up_realm name a realm in which e-mail addresses sign in, or offer no page to sign up.",
    ),
    Rule(
        "CA044",
        Level.WARNING,
        _half_migrated,
        "Go on with `cityauth migrate apply`, or take it back with `cityauth migrate rollback`.",
    ),
    Rule(
        "CA045",
        Level.INFO,
        _paused,
        "Remove paused_at when the move goes on.",
    ),
    Rule("CA051", Level.WARNING, _long_reset, "Set links.reset to 60 minutes or less."),
    Rule(
        "CA052",
        Level.WARNING,
        _reset_ends_before_retry,
        "Make the lifetimes of links longer than outbox.longest_retry.",
    ),
)
"""Every rule, in the order of its number."""

EXPIRED: Final = "CA091"
UNUSED: Final = "CA092"
CODES: Final = frozenset({*(rule.code for rule in RULES), EXPIRED, UNUSED})
"""Every number that a finding can have."""

_RENEW: Final = "Mend what was accepted, or give the acceptance a new reason and a new end."


def judge(facts: Facts, acceptances: Iterable[Acceptance] = ()) -> list[Finding]:
    """Return what the rules find in *facts*, in the order of their numbers.

    A finding with an acceptance that has not ended has its reason in `Finding.accepted`. An acceptance that has ended,
    or that accepts nothing that was found, is a finding of its own.
    """
    problems = [(rule, rule.problem(facts)) for rule in RULES]
    found = [Finding(rule.code, rule.level, problem, rule.remedy) for rule, problem in problems if problem]
    present = {finding.code for finding in found}
    today = facts.now.astimezone(UTC).date()
    valid: dict[str, str] = {}
    about: list[Finding] = []
    for one in acceptances:
        if one.code not in present:
            problem = f"{one.code} is accepted, but was not found"
            about.append(Finding(UNUSED, Level.INFO, problem, "Remove the acceptance."))
        elif one.until < today:
            problem = f"the acceptance of {one.code} ended on {one.until.isoformat()}"
            about.append(Finding(EXPIRED, Level.WARNING, problem, _RENEW))
        else:
            valid[one.code] = one.reason
    return [replace(one, accepted=valid.get(one.code, "")) for one in found] + sorted(about, key=lambda one: one.code)
