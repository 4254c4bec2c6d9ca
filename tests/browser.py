"""A headless Chromium for tests of pages, skipped where there is none.

The driver is Playwright with the system's Chromium, which
``bash tools/setup_browser.sh`` installs on Debian.
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


@pytest.fixture
def chromium_page():
    """An empty Playwright page (sync API) with a profile of its own, 1280 x 900."""
    playwright = pytest.importorskip(
        'playwright.sync_api',
        reason="no browser driver: pip install -e '.[browser]'",
    )
    names = [os.environ['CHROMIUM']] if 'CHROMIUM' in os.environ else NAMES
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip('no Chromium: bash tools/setup_browser.sh, or set CHROMIUM')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        page.set_default_timeout(TIMEOUT_MS)
        yield page
        browser.close()
