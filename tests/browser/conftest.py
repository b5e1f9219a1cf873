"""The demo e-service on a loopback port, and Chromium to look at it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from flask_app.tests.service import install, serving

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WIDE, PHONE = (1280, 800), (360, 740)
SHAPES = pytest.mark.parametrize(
    ("language", "size"), [("fi", WIDE), ("fi", PHONE), ("sv", PHONE), ("en", WIDE)], ids=str
)
"""Each language once and each size twice: ``inspect`` looks at the width of every page on all of them."""
NARROWEST = 320
"""Pixels to which every page must shrink without scrolling sideways (WCAG 1.4.10): 1280 at a zoom of 400 %."""


def chromium() -> str:
    """Return the path of Chromium; without one, skip on a laptop and fail in CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("CI has no Chromium")
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a file."""
    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, served over plain http on the loopback address as ``python -m flask_app`` does."""
    service = install(tmp_path_factory.mktemp("demo"), plain_localhost=True)
    with serving(service.app) as url:
        yield url


def picture(page: Page, name: str) -> None:
    """Keep a picture of a page in the folder that the variable SCREENSHOTS names, for whoever wants to look."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens browsers of different people: ``opened(language="sv", size=PHONE, scripts=False)``."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def open_page(*, language: str = "fi", size: tuple[int, int] = WIDE, scripts: bool = True) -> Page:
        context = browser.new_context(
            base_url=address,
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    # Chromium reports every answer from 400 up; anything else is a fault of a page or of its policy.
    assert [one for one in complaints if "the server responded with a status of" not in one] == []


@pytest.fixture
def inspect() -> Callable[[Page, str], None]:
    """Looks at a page: a picture, what axe finds, and whether it fits a wide screen, a phone and the narrowest one."""
    axe = Axe()

    def look(page: Page, name: str) -> None:
        size = page.viewport_size
        assert size is not None
        language = page.locator("html").get_attribute("lang")
        picture(page, f"{name}-{language}-{size['width']}")
        report = axe.run(page)
        assert report.violations_count == 0, f"{name}: {report.generate_report()}"
        for width in (
            NARROWEST,
            PHONE[0],
            WIDE[0],
            size["width"],
        ):  # the screen's own is last, so that the page goes on as it was
            page.set_viewport_size({"width": width, "height": size["height"]})
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow == 0, f"{name} is {overflow} pixels too wide for {width}"

    return look


@pytest.fixture
def tab_to() -> Callable[[Page, str], None]:
    """Presses Tab until the stop of a name has the focus; every stop on the way must show its focus."""

    def press(page: Page, name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focus = page.evaluate(
                "(() => { const at = document.activeElement;"
                " return [(at.labels && at.labels[0] || at).innerText.trim(), getComputedStyle(at).outlineStyle] })()"
            )
            assert focus[1] != "none", f"the focus on {focus[0]!r} cannot be seen"
            if focus[0].startswith(name):
                return
        pytest.fail(f"no stop is called {name!r}")

    return press
