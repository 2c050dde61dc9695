"""Goal: each action of the console, in a real Chromium, as a person does it; and what the API says is what is told."""
import os
import re

import requests

from browser import PHONE


def made(service, name, *gateways):
    service.user(name)
    for gateway in gateways:
        service.gateway(f"{gateway}.{name}.example.org", name)


def test_served_with_a_strict_policy(service):
    page = requests.get(service.url("/"), timeout=10)
    assert page.status_code == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|https?://", page.text)
    for target in re.findall(r'(?:src|href)="(/[^"#]*)"', page.text):
        answer = requests.get(service.url(target), timeout=10)
        assert answer.status_code == 200, target
        again = requests.get(service.url(target), headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
        assert again.status_code == 304 and not again.content
    assert requests.get(service.url("/console/nothing.js"), timeout=10).status_code == 404


def test_in_and_out(console, service):
    assert console.driver.execute_script("return sessionStorage.length") == 1
    assert console.driver.execute_script("return localStorage.length + document.cookie.length") == 0
    console.press("Sign out")
    console.reads("Sign in")
    assert "Village Net" not in console.text()
    assert console.driver.execute_script("return sessionStorage.length") == 0
    console.write("Token", "wrong")
    console.press("Sign in")
    assert requests.get(service.url("/state"), headers={"Authorization": "Bearer wrong"}, timeout=10).json()["detail"] \
        in console.wait("a refusal", lambda: console.find("#token-error").text)
    console.write("Token", service.token)
    console.keys("ENTER")
    console.reads("Village Net")


def test_a_token_that_is_taken_away_ends_the_visit(console, service):
    token = service.post("/tokens", {"name": "guest", "role": "auditor"}).json()["token"]
    console.sign_in(token)
    console.go("users")
    console.reads("Users")
    assert service.delete("/token/guest").status_code == 204
    console.go("gateways")
    console.reads("Sign in")


def test_an_auditor_reads_and_is_told_what_he_may_not(console, service):
    made(service, "audited", "phone")
    console.sign_in(service.post("/tokens", {"name": "auditor", "role": "auditor"}).json()["token"])
    console.go("gateway/phone.audited.example.org")
    console.press("Download configuration")
    console.wait("the refusal", lambda: console.find(".toast.bad"))
    console.press("Renew")
    console.write("Reason", "just so")
    console.press("Renew")
    console.wait("the refusal", lambda: "auditor" in console.find("dialog .wrong").text)


def test_a_user_and_a_gateway_by_hand(console, service, downloads):
    console.go("users")
    console.press("New user")
    console.write("Name", "ada lovelace")
    console.press("Create")
    console.wait("what is wrong, at its field", lambda: "a user's name" in console.find("[data-field=name]").text)
    console.write("Name", "ada")
    console.press("Create")
    console.reads("ada has no gateway yet")
    user = service.get("/user/ada").json()
    assert user["prefix"] in console.text()
    console.press("New gateway")
    console.write("Name", "laptop.ada.example.org")
    console.choose("Through the tunnel it sends", "all of the IPv6 Internet")
    console.press("Create")
    console.toast("Download its configuration")
    gateway = service.get("/gateway/laptop.ada.example.org").json()
    assert gateway["routes"] == "internet"
    console.reads(gateway["address"])
    console.press("Download configuration")
    path = os.path.join(downloads, "laptop.ada.example.org.ovpn")
    console.wait("the file", lambda: os.path.exists(path))
    with open(path, encoding="utf-8") as file:
        assert file.read() == service.get("/gateway/laptop.ada.example.org/config").text


def test_what_reaches_a_gateway(console, service):
    made(service, "reached", "home")
    console.go("gateway/home.reached.example.org")
    console.reads("nothing but replies and ping")
    console.press("Edit")
    console.write("Allowed", "tcp/22\nudp/99999")
    console.press("Save")
    console.wait("what is wrong", lambda: any(e.text for e in console.all("dialog .wrong")))
    console.write("Allowed", "tcp/22\nudp/5000-5010 to 1::80 from user:reached")
    console.press("Save")
    console.toast("Saved")
    console.reads("udp/5000-5010 to 1::80 from user:reached")
    assert service.get("/gateway/home.reached.example.org").json()["allow"] == [
        "tcp/22", {"from": "user:reached", "ports": "5000-5010", "proto": "udp", "to": "1::80"}]


def test_renew_off_on_and_delete(console, service):
    made(service, "life", "phone")
    path = "/gateway/phone.life.example.org"
    first = service.get(path).json()["certificates"][0]["serial"]
    console.go("gateway/phone.life.example.org")
    console.press("Renew")
    console.press("Renew")
    console.wait("a reason is asked for", lambda: any("reason" in e.text for e in console.all("dialog .wrong")))
    console.write("Reason", "lost it")
    console.tick("The old one is lost: revoke it at once")
    console.press("Renew")
    console.toast("Renewed")
    serials = [own["serial"] for own in service.get(path).json()["certificates"]]
    assert len(serials) == 1 and serials[0] != first
    console.dialog_is_closed()
    console.press("Switch off")
    console.reads("Nothing has happened yet")
    assert service.get(path).json()["enabled"]
    console.press("Switch off")
    console.toast("cut off")
    console.reads("switched off")
    console.press("Switch on")
    console.toast("may connect again")
    assert service.get(path).json()["enabled"]
    console.press("Delete")
    console.write("Reason", "sold")
    console.press("Show what it would do")
    console.reads("Certificates revoked")
    console.press("Delete")
    console.reads("life has no gateway yet")
    assert service.get(path).status_code == 404
    assert service.get("/log?limit=1").json()[0]["reason"] == "sold"


def test_a_user_renamed_and_deleted_with_all_he_has(console, service):
    made(service, "old", "a", "b")
    console.go("user/old")
    console.press("Rename")
    console.write("New name", "newer")
    console.press("Rename")
    console.toast("old is newer now")
    console.wait("his page", lambda: console.find("h1").text == "newer")
    console.press("Switch off")
    console.press("Switch off")
    console.reads("switched off")
    assert service.get("/user/newer").json()["enabled"] is False
    console.press("Delete")
    console.press("Show what it would do")
    console.reads("a.old.example.org")
    console.press("Delete")
    console.toast("deleted")
    assert service.get("/user/newer").status_code == 404


def test_search_and_filters(console, service):
    made(service, "seek", "one", "two")
    console.go("gateways")
    console.write("Search gateways", "two.seek")
    console.lacks("one.seek.example.org")
    assert "two.seek.example.org" in console.text()
    next(e for e in console.all(".choice") if e.text == "Connected").click()
    console.reads("None of them is like that.")
    console.go("users")
    console.write("Search users", "see")
    console.reads("1 user")


def test_find(console, service):
    made(service, "found", "desk")
    address = service.get("/gateway/desk.found.example.org").json()["address"]
    for text, heading in ((address, "desk.found.example.org"), ("found", "found"), ("desk.found.example.org",) * 2):
        console.go("users")
        console.go("plan")
        console.write("Find an address, a gateway or a user", text)
        console.press("Find")
        console.wait(heading, lambda: console.find("h1").text == heading)
    console.go("plan")
    console.write("Find an address, a gateway or a user", "nobody.knows")
    console.press("Find")
    console.toast("No user or gateway is called nobody.knows")


def test_history_its_diffs_and_the_ways_back(console, service):
    made(service, "past", "lap")
    console.go("gateway/lap.past.example.org")
    service.patch("/gateway/lap.past.example.org", {"allow": ["tcp/8443"]}, params={"reason": "a test"})
    opened = service.head()
    service.delete("/gateway/lap.past.example.org")
    console.go("history")
    console.reads("a test")
    details = next(e for e in console.all("details.commit") if "a test" in e.text)
    details.find_element("css selector", "summary").click()
    file = console.wait("its files", lambda: details.find_elements("css selector", "details.file summary"))[0]
    file.click()
    assert '+    "tcp/8443"' in console.wait("its diff", lambda: details.find_element("css selector", ".diff .added").text and
                                               details.find_element("css selector", ".diff").text)
    next(e for e in details.find_elements("css selector", "button") if e.text == "Roll back to here").click()
    console.write("Reason", "wrong one")
    console.press("Show what it would do")
    console.reads("Certificates issued")
    console.reads("Need a new configuration")
    assert service.get("/gateway/lap.past.example.org").status_code == 404  # seen before, and not done
    console.press("Roll back")
    console.toast("need a new configuration: lap.past.example.org")
    back = service.get("/gateway/lap.past.example.org").json()
    assert back["allow"] == ["tcp/8443"]
    entry = service.get("/log?limit=1").json()[0]
    assert entry["change"] == "rollback" and entry["reason"] == "wrong one"
    console.dialog_is_closed()
    console.driver.get(f"{console.url}/#/history?commit={opened}")
    details = console.find(f"details.commit[open]")
    console.wait("its buttons", lambda: [e for e in details.find_elements("css selector", "button") if e.text == "Undo this change"])[0].click()
    console.press("Show what it would do")
    console.reads("would change")
    console.press("Undo it")
    console.dialog_is_closed()
    assert service.get("/gateway/lap.past.example.org").json()["allow"] == []


def test_what_does_not_fit_is_told_as_the_api_words_it(console, service):
    head = service.head()
    service.user("twice")
    made_by = service.head()
    service.patch("/user/twice", {"enabled": False})
    service.delete("/user/twice")
    console.driver.get(f"{console.url}/#/history?commit={made_by}")
    details = console.find("details.commit[open]")
    console.wait("its buttons", lambda: [e for e in details.find_elements("css selector", "button") if e.text == "Undo this change"])[0].click()
    console.press("Show what it would do")
    detail = service.post(f"/commit/{made_by}/revert?dry_run=1").json()["detail"]
    assert head and console.wait("the detail", lambda: any(detail in e.text for e in console.all("dialog .wrong")))


def test_an_unconfirmed_change(console, service):
    service.user("kept")
    console.go("plan")
    for press, there in (("Keep it", True), ("Undo it now", False)):
        made_it = service.patch("/user/kept", {"enabled": False}, headers={"Confirm-Within": "600"})
        assert made_it.status_code == 200
        console.reads("undoes itself at")  # by the event, or the next look
        console.press(press)
        console.lacks("undoes itself at")
        assert service.get("/user/kept").json()["enabled"] is not there
        assert service.get("/state").json()["pending"] is None
        service.patch("/user/kept", {"enabled": True})


def test_rollback_that_undoes_itself(console, service):
    service.user("careful")
    before = service.head()
    service.user("careless")
    console.driver.get(f"{console.url}/#/history?commit={before}")
    details = console.find("details.commit[open]")
    console.wait("its buttons", lambda: [e for e in details.find_elements("css selector", "button") if e.text == "Roll back to here"])[0].click()
    console.choose("It undoes itself unless it is kept", "within 10 minutes")
    console.press("Show what it would do")
    console.press("Roll back")
    console.reads("undoes itself at")
    assert service.get("/user/careless").status_code == 404
    console.press("Undo it now")
    console.toast("undone")
    assert service.get("/user/careless").status_code == 200


def test_state_and_drift(console, service):
    console.go("state")
    console.reads(service.head()[:12])
    console.press("Compare now")
    console.reads("exactly what HEAD renders")
    with open(os.path.join(service.data, "ip", "routes"), "a", encoding="utf-8") as file:
        file.write("2001:db8::/64 dev lo\n")
    console.press("Compare now")
    console.reads("ip/routes")
    console.press("Render anew")
    console.toast("rendered anew")
    console.press("Compare now")
    console.reads("exactly what HEAD renders")


def test_settings(console, service):
    console.go("settings")
    console.press("Edit The server")
    console.write("It listens on port", "70000")
    console.press("Show what it would do")
    console.wait("what is wrong, at its field", lambda: console.find("[data-field=port]").text)
    console.write("It listens on port", "1195")
    console.write("Name servers for clients", "2001:db8::53")
    console.press("Show what it would do")
    console.reads("OpenVPN has to restart for this")
    assert service.get("/server").json()["port"] == 1194
    console.press("Save")
    console.toast("OpenVPN has to restart")
    server = service.get("/server").json()
    assert server["port"] == 1195 and server["dns"] == ["2001:db8::53"]
    console.dialog_is_closed()
    console.press("Edit The network")
    console.write("Ids given only on request", "02 77")
    console.press("Show what it would do")
    console.press("Save")
    console.dialog_is_closed()
    assert service.get("/network").json()["reserved"]["on_request"] == ["02", "77"]


def test_it_follows_what_others_do(console, service):
    console.go("plan")
    console.reads("users")
    service.user("newcomer")
    console.reads("newcomer")


def test_the_service_goes_away(driver, fresh):
    from browser import Console
    console = Console(driver, fresh.url(""))
    console.look(PHONE)
    console.sign_in(fresh.token)
    fresh.stop()
    console.go("users")
    console.reads("The service does not answer")
    fresh.start()
    console.press("Try again")
    console.wait("the list", lambda: console.find("h1").text == "Users")
    console.look()
    console.complaints()


def test_the_page_of_the_api_reads_too(console):
    """/docs has the same policy: that nothing of it is refused is seen at the end of each test."""
    console.driver.get(console.url + "/docs")
    console.reads("/gateway/{fqdn}/renew")
