"""The report on a migration plan, as a browser shows it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cityauth import CityAuth, MemoryStore
from cityauth.messages import LANGUAGES
from cityauth.migration import write_report
from cityauth.testing.populations import city, store_people
from tests.browser.conftest import PHONE, WIDE
from tests.support.service import KEY

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_report_is_accessible(
    browser: Browser, inspect: Callable[[Page, str], None], tmp_path: Path, size: tuple[int, int]
) -> None:
    """The report is without a finding of axe in each language, fits a phone, and loads nothing."""
    store = MemoryStore()
    store_people(store, list(city(1500)))
    CityAuth(store, [KEY]).migration.plan(tmp_path / "plan.jsonl")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    asked: list[str] = []
    try:
        for language in LANGUAGES:
            write_report(tmp_path / "plan.jsonl", tmp_path / f"{language}.html", language=language)
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.goto((tmp_path / f"{language}.html").as_uri())
            inspect(page, "plan_report")
    finally:
        context.close()
    assert len(asked) == len(LANGUAGES)
