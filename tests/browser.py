"""A headless Chromium for tests of pages, skipped where there is none.

The driver is Playwright with the system's Chromium: three packages instead of
Selenium's fourteen, no chromedriver whose version must fit, and it waits by itself.
``bash tools/setup_browser.sh`` installs Chromium on Debian.
"""

import os
import shutil

import pytest

FLAGS = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-gpu',
    '--disable-quic',
    '--disable-sync',
    '--no-first-run',
    '--no-sandbox',
]
NAMES = ('chromium', 'chromium-browser', 'google-chrome')
TIMEOUT_MS = 30_000


def find_chromium():
    """Path of the Chromium to use, or None; the variable CHROMIUM comes first."""
    names = [os.environ['CHROMIUM']] if 'CHROMIUM' in os.environ else NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture
def chromium_page():
    """An empty page of a headless Chromium with a profile of its own.

    A Playwright page (sync API), 1280 x 900; what it waits for has half a minute.
    """
    playwright = pytest.importorskip(
        'playwright.sync_api',
        reason="no browser driver: pip install -e '.[browser]'",
    )
    executable = find_chromium()
    if executable is None:
        pytest.skip('no Chromium: bash tools/setup_browser.sh, or set CHROMIUM')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        page.set_default_timeout(TIMEOUT_MS)
        yield page
        browser.close()
