"""The application: it makes a `CityAuth` from a store, secrets and a policy, and adds the pages."""

from dataclasses import replace

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from cityauth import CityAuth, MailPolicy, MemoryMailer, Policy
from cityauth.policy import PasswordPolicy
from cityauth.ports.services import Mailer
from cityauth.ports.stores import ThrottleStore
from cityauth.stores.sql import SqlStore
from flask_app import browser, forms, links, mailbox, own_account, pages, sign_in
from flask_app.cases import Cases
from flask_app.config import Config

csrf = CSRFProtect()

POLICY = Policy(
    passwords=PasswordPolicy(context_words=("Esimerkkilä", "asiointipalvelu")),
    mail=MailPolicy(service="Esimerkkilä", contact="asiakaspalvelu@example.com, 020 000 0000"),
    deployment="esimerkkila",
)
"""The settings of this service; the library's defaults hold for the rest."""


def create_store(config: Config) -> SqlStore:
    """Return cityauth's store in the service's own database."""
    return SqlStore(config.accounts or f"sqlite:///{config.database}")


def create_auth(store: SqlStore, config: Config, mailer: Mailer | None = None, policy: Policy = POLICY) -> CityAuth:
    """Return the library, with this installation's secrets and addresses and this service's policy."""
    policy = replace(policy, mail=replace(policy.mail, base_url=config.base_url))
    return CityAuth(store, config.keys.signing, policy=policy, mailer=mailer, throttle=create_throttle(config))


def create_throttle(config: Config) -> ThrottleStore | None:
    """Return what counts for the throttle, or ``None`` if the store does."""
    if not config.valkey:
        return None
    from cityauth.stores import ValkeyThrottle  # noqa: PLC0415 - it needs a library that the demo seldom needs

    return ValkeyThrottle(config.valkey, prefix=POLICY.deployment)


def create_app(
    config: Config, auth: CityAuth | None = None, demo_mailbox: MemoryMailer | None = None, policy: Policy = POLICY
) -> Flask:
    """Return the e-service over a database that `flask_app.seeds.prepare` has made.

    Args:
        config: What differs between installations.
        auth: The library, already set up; by default over the service's own database, without a mailer.
        demo_mailbox: What a page shows to anybody who asks for it: for a demo only.
        policy: The one that *auth* was made with: the pages and the cookies say what it decides.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        browser.flask_config(config),
        DEVICE_KNOWN=policy.login.device_max_age,
        REMEMBERED=policy.sessions.remembered_absolute,  # how long a browser keeps the cookie at most
        SHORTEST_PASSWORD=policy.passwords.min_length,
    )
    app.extensions["cityauth"] = auth or create_auth(create_store(config), config, policy=policy)
    app.extensions["cases"] = Cases(config.database)
    app.register_blueprint(sign_in.blueprint)
    app.register_blueprint(links.blueprint)
    app.register_blueprint(own_account.blueprint)
    app.register_blueprint(pages.blueprint)
    if demo_mailbox is not None:
        app.extensions["mailbox"] = demo_mailbox
        app.register_blueprint(mailbox.blueprint)
    browser.init_app(app, config)  # after the pages, so that its refusals know the person's language
    forms.init_app(app, csrf)
    return app
