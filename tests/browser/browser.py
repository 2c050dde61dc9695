"""A real Chromium: what a person does in the console, told by labels and names as a screen reader has them."""
import os
import time

from selenium import webdriver
from selenium.common.exceptions import (ElementClickInterceptedException, ElementNotInteractableException,
                                        NoSuchElementException, StaleElementReferenceException)
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

DESK, PHONE = (1360, 900), (390, 844)
SECONDS = 15
# What is being drawn anew, or passes by: look again.
FLEETING = (ElementClickInterceptedException, ElementNotInteractableException, NoSuchElementException,
            StaleElementReferenceException)


def open_chromium(downloads):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                     "--disable-background-networking", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": downloads})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Console:
    """One person at one browser."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    # --- how it is looked at ---

    def look(self, size=DESK, dark=False):
        """As on a desk or a phone, by day or by night."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def shoot(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self.driver.save_screenshot(os.path.join(folder, name + ".png"))

    # --- finding ---

    def wait(self, what, test, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while True:
            try:
                value = test()
            except FLEETING:
                value = None
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.text()[:3000]}\n{self.complaints()}"
            time.sleep(0.05)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def reads(self, text):
        """Wait until the page says it."""
        return self.wait(f"the page says {text!r}", lambda: text in self.text())

    def lacks(self, text):
        return self.wait(f"the page no longer says {text!r}", lambda: text not in self.text())

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css):
        return self.wait(css, lambda: next((e for e in self.all(css) if e.is_displayed()), None))

    def named(self, css, name):
        """What is of this accessible name: of an open dialog, where there is one."""
        def look():
            scope = (self.all("dialog[open]") or [self.driver])[-1]
            return next((e for e in scope.find_elements(By.CSS_SELECTOR, css)
                         if e.accessible_name == name and e.is_displayed()), None)
        return self.wait(f"{css} named {name!r}", look)

    # --- doing ---

    def press(self, name):
        def click():
            button = self.named("button:not(.cell)", name)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
            button.click()
            return True
        self.wait(f"a press of {name!r}", click)

    def write(self, label, text):
        field = self.wait(f"a field {label!r}", lambda: next(
            (e for e in self.fields() if e.accessible_name.split(" optional")[0] == label), None))
        field.clear()
        field.send_keys(text)

    def fields(self):
        scope = (self.all("dialog[open]") or [self.driver])[-1]
        return [e for e in scope.find_elements(By.CSS_SELECTOR, "input, select, textarea") if e.is_displayed()]

    def choose(self, label, option):
        select = self.named("select", label)
        next(e for e in select.find_elements(By.TAG_NAME, "option") if e.text == option).click()

    def tick(self, label):
        self.wait(f"a box {label!r}", lambda: next(
            (e for e in self.fields() if e.accessible_name == label), None)).click()

    def keys(self, *keys):
        """To whatever has the focus."""
        for key in keys:
            webdriver.ActionChains(self.driver).send_keys(getattr(Keys, key, key)).perform()

    def focused(self):
        return self.driver.switch_to.active_element

    def go(self, view):
        self.driver.get(f"{self.url}/#/{view}")

    def toast(self, text):
        self.wait(f"a notice {text!r}", lambda: any(text in e.text for e in self.all(".toast")))

    def dialog_is_closed(self):
        self.wait("no dialog", lambda: not self.all("dialog[open]"))

    # --- in and out ---

    def sign_in(self, token):
        self.driver.get(self.url + "/")
        self.driver.execute_script("sessionStorage.clear()")
        self.driver.get("about:blank")
        self.driver.get(self.url + "/")
        self.write("Token", token)
        self.press("Sign in")
        self.find("#main h1")

    def complaints(self):
        """What the browser's console has to say."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
