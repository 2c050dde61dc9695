"""The API's page in a real Chromium: all of the document is on it, words lead where they say, nothing is refused or fetched elsewhere."""
import json

from document import document


def elements(driver, selector):
    return driver.find_elements("css selector", selector)


def open_page(driver, service, fragment=""):
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get(service.url("/docs" + fragment))
    driver.implicitly_wait(10)
    assert elements(driver, "#schemas")
    driver.implicitly_wait(0)


def requested(driver):
    """Every address that the page loaded something from."""
    return driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")


def test_everything_is_on_it(driver, service):
    open_page(driver, service)
    operations = {operation["operationId"] for _, _, operation in document().operations()}
    assert {node.get_attribute("id") for node in elements(driver, "section.operation")} == operations
    schemas = {f"schema-{name}" for name in document().tree["components"]["schemas"]}
    assert {node.get_attribute("id") for node in elements(driver, "section.schema")} == schemas
    for link in driver.execute_script("return [...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.hash.slice(1))"):
        assert driver.execute_script("return document.getElementById(arguments[0]) !== null", link), link
    text = elements(driver, "main")[0].text
    assert "Idempotency-Key" in text and "ambiguous_commit" in text and "undefined" not in text and "[object" not in text
    assert all(address.startswith(service.url("/")) for address in requested(driver))
    assert driver.get_log("browser") == []


def test_find(driver, service):
    open_page(driver, service)
    elements(driver, "#filter")[0].send_keys("renewable_from")
    shown = [node.get_attribute("id") for node in elements(driver, "main section.schema, main section.operation") if node.is_displayed()]
    assert "schema-Problem" in shown and "createUser" not in shown
    elements(driver, "#filter")[0].clear()
    elements(driver, "#filter")[0].send_keys(" ")
    assert all(node.is_displayed() for node in elements(driver, "section.operation"))


def test_a_link_into_it(driver, service):
    open_page(driver, service, "#createGateway")
    top = driver.execute_script("return document.getElementById('createGateway').getBoundingClientRect().top")
    assert -5 < top < 200


def test_it_fits_a_phone(driver, service):
    size = driver.get_window_size()
    try:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
        open_page(driver, service)
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.set_window_size(size["width"], size["height"])


def test_names_stay_text(driver, service):
    """Whatever the document holds, it becomes no element of the page."""
    hostile = json.dumps({**document().tree, "info": {**document().tree["info"], "title": "<img src=x onerror=alert(1)>"}})
    open_page(driver, service)
    driver.execute_script("document.getElementById('contents').replaceChildren(); show(JSON.parse(arguments[0]))", hostile)
    assert elements(driver, "h1")[0].text.startswith("<img src=x") and elements(driver, "img") == []
