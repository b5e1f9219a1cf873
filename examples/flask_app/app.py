"""The application: a store, secrets and a policy make a `CityAuth`; the pages stand around it."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from cityauth import CityAuth, Policy
from cityauth.adapters.sql import SqlStore
from cityauth.policy import PasswordPolicy
from flask_app import browser, pages, sign_in
from flask_app.cases import Cases
from flask_app.config import Config

csrf = CSRFProtect()

POLICY = Policy(passwords=PasswordPolicy(context_words=("Esimerkkilä", "asiointipalvelu")), deployment="esimerkkila")
"""What this service decides; the library's defaults for the rest."""


def create_store(config: Config) -> SqlStore:
    """Return cityauth's store in the service's own database."""
    return SqlStore(f"sqlite:///{config.database}")


def create_auth(store: SqlStore, config: Config) -> CityAuth:
    """Return the library, with this installation's secrets and this service's policy."""
    return CityAuth(store, config.keys.signing, policy=POLICY)


def create_app(config: Config, auth: CityAuth | None = None) -> Flask:
    """Return the e-service over a database that `flask_app.seeds.prepare` has made.

    Args:
        config: What differs between installations.
        auth: The library, already set up; by default over the service's own database.
    """
    app = Flask(__name__)
    app.config.from_mapping(browser.flask_config(config))
    app.extensions["cityauth"] = auth or create_auth(create_store(config), config)
    app.extensions["cases"] = Cases(config.database)
    browser.init_app(app)
    app.register_blueprint(sign_in.blueprint)
    app.register_blueprint(pages.blueprint)
    csrf.init_app(app)  # after the pages, so that its refusals know the person's language
    return app
