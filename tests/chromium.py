"""A real browser, and what an accessibility check finds in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement

_AXE = Path(str(distribution("axe-playwright-python").locate_file("axe_playwright_python/axe.min.js")))
_SERIOUS = ("serious", "critical")


@contextmanager
def chromium(*, javascript: bool = True) -> Iterator[webdriver.Chrome]:
    """A headless Chromium; the test is skipped where there is none."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    try:
        started.set_window_size(1440, 1000)
        yield started
    finally:
        started.quit()


def is_gone(element: WebElement) -> bool:
    """Whether the page an element was on has been left.

    Chromedriver 156 does not always know a stale element when it sees one.
    """
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        if "does not belong to the document" in str(error.msg):
            return True
        raise
    return False


def resize(browser: webdriver.Chrome, width: int, height: int = 1000) -> None:
    """Lets the page have that many CSS pixels, also fewer than a window can be narrow."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def violations(browser: webdriver.Chrome) -> list[str]:
    """What axe-core finds serious on the page as it is: rule, and the elements that break it."""
    browser.execute_script(_AXE.read_text())
    found = browser.execute_async_script("axe.run(document, {}).then(arguments[arguments.length - 1])")
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found["violations"]
        if one["impact"] in _SERIOUS
    ]


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the browser itself wrote to the console since the last time, such as breaches of a policy."""
    return [str(line["message"]) for line in browser.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's


def picture(browser: webdriver.Chrome, name: str) -> None:
    """Keeps what the page looks like, where SCREENSHOTS names a folder: to be looked at by people."""
    if folder := os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def press(browser: webdriver.Chrome, *keys: str) -> None:
    """Types the keys one after another, wherever the focus is."""
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def fits(browser: webdriver.Chrome) -> bool:
    """Whether nothing has to be scrolled sideways."""
    width, room = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return bool(width <= room)
