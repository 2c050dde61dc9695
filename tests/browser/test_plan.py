"""
Goal: the address plan as a picture: who holds what and how it is, of a real tunnel too; on plans of any width, and of
any number of users; with nothing but keys, on a phone, by day and by night.
"""
import os
import socket
import threading

import pytest

import service as api
from browser import DESK, PHONE, Console
from service import Service
from tunnels import Gateway, Server, wait_for

SHOTS = os.environ.get("VPNUNIT_SHOTS")  # a folder: main views are kept there, to be looked at


def cell(console, name):
    """Of a picture, by what a screen reader says of it; the text of its class tells the colour."""
    return console.wait(f"a cell {name!r}", lambda: next(
        (e for e in console.all("[data-cell]") if (e.get_attribute("aria-label") or "").startswith(name)), None))


def kinds(element):
    return set(element.get_attribute("class").split())


@pytest.fixture
def village(fresh, driver):
    """A bit of everything."""
    for name in ("ada", "bob", "eve"):
        fresh.user(name)
    fresh.gateway("laptop.ada.example.org", "ada")
    fresh.patch("/network", {"policy": {"validity": "12d"}})
    fresh.gateway("phone.bob.example.org", "bob")
    fresh.patch("/network", {"policy": {"validity": "825d"}})
    fresh.gateway("home.bob.example.org", "bob", id="7", enabled=False)
    console = Console(driver, fresh.url(""))
    console.look()
    console.sign_in(fresh.token)
    yield console
    console.look()
    console.complaints()


def test_who_holds_what(village):
    assert kinds(cell(village, "03: ada, 1 gateway")) >= {"held"}
    assert kinds(cell(village, "04: bob, 2 gateways")) >= {"expiring"}
    assert kinds(cell(village, "05: eve, 0 gateways")) >= {"bare"}
    assert kinds(cell(village, "00: kept back")) >= {"reserved"}
    assert kinds(cell(village, "06: free")) >= {"free"}
    assert len(village.all(".map [data-cell]")) == 256
    assert kinds(cell(village, "laptop.ada.example.org, 2001:db8:0:300::/60: not connected")) >= {"held"}
    assert kinds(cell(village, "phone.bob.example.org, ")) >= {"expiring"}
    assert kinds(cell(village, "home.bob.example.org, ")) >= {"off"}
    assert [e.text for e in village.all(".tile strong")] == ["3", "3", "0", "1", "0"]
    village.find(".tile.soon").click()
    village.reads("phone.bob.example.org")
    assert "laptop.ada.example.org" not in village.text()


def test_a_free_place_makes_what_belongs_there(village, fresh):
    cell(village, "1f: free").click()
    village.reads("2001:db8:0:1f00::/56")
    village.press("New user here")
    village.write("Name", "zoe")
    village.press("Create")
    village.reads("zoe has no gateway yet")
    assert fresh.get("/user/zoe").json()["id"] == "1f"
    village.go("plan")
    place = cell(village, "zoe, id c: free")
    village.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    place.click()
    village.write("Name", "sea.zoe.example.org")
    village.press("Create")
    village.wait("its page", lambda: village.find("h1").text == "sea.zoe.example.org")
    assert fresh.get("/gateway/sea.zoe.example.org").json()["id"] == "c"


def test_with_nothing_but_keys(village, fresh):
    """From the address bar: skip the frame, walk the map, choose, make, close by Escape; the focus is never lost."""
    village.driver.refresh()
    village.find("#main h1")
    village.keys("TAB")
    assert village.focused().text == "Skip to content"
    village.keys("ENTER")
    assert village.focused().get_attribute("id") == "main"
    for _ in range(30):
        village.keys("TAB")
        if village.focused().get_attribute("data-id"):
            break
    assert village.focused().get_attribute("data-id") == "03"
    village.keys("ARROW_RIGHT", "ARROW_DOWN", "ARROW_LEFT", "ARROW_UP", "ARROW_DOWN", "ARROW_DOWN")
    assert village.focused().get_attribute("data-id") == "23"
    village.reads("2001:db8:0:2300::/56")
    village.keys("END")
    assert village.focused().get_attribute("data-id") == "ff"
    village.keys("HOME", "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_RIGHT", "TAB")
    assert village.focused().text == "ada"
    village.keys("ENTER")
    village.wait("her page", lambda: village.find("h1").text == "ada")
    assert village.focused().get_attribute("id") == "main"
    for _ in range(10):
        village.keys("TAB")
        if village.focused().text == "New gateway":
            break
    village.keys("ENTER")
    village.find("dialog[open]")
    assert village.focused().accessible_name.startswith("Name")
    village.keys("ESCAPE")
    village.dialog_is_closed()
    assert village.focused().text == "New gateway"
    fresh.user("late")  # the page is drawn anew meanwhile
    village.wait("it stays", lambda: village.focused().text == "New gateway")


def test_every_view_has_names_and_fits(village):
    """Each control has a name, each field a label, nothing is wider than the screen, on a desk and on a phone."""
    unnamed = """return [...document.querySelectorAll('a, button, input, select, textarea, summary')].filter((e) =>
        e.getClientRects().length && !(e.getAttribute('aria-label') || e.textContent.trim() ||
        (e.labels && e.labels.length && e.labels[0].textContent.trim()))).map((e) => e.outerHTML)"""
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    ids = "const all = [...document.querySelectorAll('[id]')].map((e) => e.id); return all.length - new Set(all).size"
    for size in (DESK, PHONE):
        for dark in (False, True):
            village.look(size, dark)
            for view in ("plan", "users", "user/bob", "gateways", "gateway/phone.bob.example.org", "history", "state", "settings"):
                village.go(view)
                village.find("#main h1")
                assert village.driver.execute_script(unnamed) == [], view
                assert village.driver.execute_script(wide) <= 0, (view, size)
                assert village.driver.execute_script(ids) == 0, view
                if SHOTS:
                    name = f"{view.split('/')[0]}-{'phone' if size == PHONE else 'desk'}{'-dark' if dark else ''}"
                    village.shoot(SHOTS, name)


CONTRAST = """
function light(color) {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(e) {
    for (; e; e = e.parentElement) {
        const color = getComputedStyle(e).backgroundColor;
        if (color.startsWith('rgb(')) return color;
    }
    return 'rgb(255, 255, 255)';
}
const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const e = node.parentElement;
    if (!node.textContent.trim() || !e.getClientRects().length || e.closest('.unseen, [disabled], noscript')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(e.className + ': ' + node.textContent.trim().slice(0, 40));
}
return found;
"""


def test_contrast(village):
    """All text against what is behind it: 4.5 to 1 (WCAG 2.2, 1.4.3), by day and by night."""
    for dark in (False, True):
        village.look(DESK, dark)
        for view in ("plan", "gateways", "history", "state", "user/bob"):
            village.go(view)
            village.find("#main h1")
            village.wait("it is there", lambda: not village.all(".loading"))
            assert village.driver.execute_script(CONTRAST) == [], (view, dark)


@pytest.fixture
def provider(tmp_path, driver, monkeypatch):
    """20/8/4 on a /32."""
    monkeypatch.setattr(api, "PREFIX", "2001:db8::/32")
    running = Service(str(tmp_path), init=("--name", "Provider", "--widths", "20/8/4")).start()
    console = Console(driver, running.url(""))
    console.look()
    yield running, console
    running.stop()
    console.complaints()


def test_a_wide_plan_in_pages(provider):
    service, console = provider
    service.user("first")
    service.gateway("r1.first.example.net", "first")
    service.gateway("far.first.example.net", "first", id="2a")
    service.user("high", id="abcde")
    console.sign_in(service.token)
    assert len(console.all(".map [data-cell]")) == 256
    cell(console, "00003: first, 2 gateways")
    assert kinds(cell(console, "far.first.example.net, ")) >= {"held"}
    console.reads("2_")  # the line of ids 20 to 2f
    console.press("After")
    assert kinds(cell(console, "abcde: high, 0 gateways")) >= {"bare"}
    console.wait("its prefix", lambda: "2001:dba:bcde::/52" in console.text() or service.get("/user/high").json()["prefix"] in console.text())
    console.choose("Which part of the plan", "000xx · 1 user")
    cell(console, "00003: first")
    cell(console, "000ff: free").click()
    console.reads("2001:db8:f:f000::/52")


def test_thousands_of_users_by_name(provider):
    service, console = provider
    for first in range(0, 3010, 602):
        changes = [{"op": "user.create", "name": f"m{number:04}"} for number in range(first, first + 602)]
        assert service.post("/batch", {"changes": changes}).status_code == 201
    service.gateway("x.m0030.example.net", "m0030")
    console.sign_in(service.token)
    console.reads("3,010")
    assert "m0000" in console.text() and "m0024" not in console.text()
    console.press("Next")
    assert kinds(cell(console, "x.m0030.example.net, ")) >= {"held"}
    console.write("Show names after", "m2999")
    console.press("Show")
    console.reads("m3000")


class Relay:
    """A port here for a unix socket: the service is in a network namespace, the browser is not."""

    def __init__(self, path):
        self.path, self.listener = path, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.path)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                    reason="NO REAL TUNNEL IS SEEN: /dev/net/tun is missing, or this is not root")
def test_a_real_tunnel_comes_and_goes(driver):
    """A real OpenVPN client: its cell says connected by itself, and the gateway's page since when and from where."""
    server = Server()
    hosts, relay = [server], None
    try:
        server.start_service()
        server.must(201, "POST", "/users", {"name": "joe"})
        made = server.must(201, "POST", "/gateways", {"name": "a.joe.example.org", "user": "joe"})
        gateway = Gateway(server, 1, made["prefix"])
        hosts.append(gateway)
        server.start_openvpn()
        wait_for("OpenVPN is seen", lambda: server.must(200, "GET", "/state")["openvpn"]["running"])
        relay = Relay(os.path.join(server.folder, "api.sock"))
        console = Console(driver, relay.url)
        console.look()
        with open(os.path.join(server.data, "secrets", "admin.token"), encoding="ascii") as token:
            console.sign_in(token.read().strip())
        cell(console, "a.joe.example.org, 2001:db8:0:300::/60: not connected")
        gateway.connect(gateway.write_profile(server.must(200, "GET", "/gateway/a.joe.example.org/config")))
        gateway.wait_up()
        assert kinds(cell(console, "a.joe.example.org, 2001:db8:0:300::/60: connected")) >= {"connected", "live"}
        if SHOTS:
            console.shoot(SHOTS, "connected-desk")
        console.go("gateway/a.joe.example.org")
        console.reads("since ")
        assert "fd00:0:0:1::2" in console.text()
        server.must(200, "PATCH", "/gateway/a.joe.example.org", {"enabled": False})
        console.reads("switched off")
        console.wait("it is gone", lambda: "since " not in console.text())
        # A restart of OpenVPN that a setting asks for, from the page that says so.
        server.must(200, "PATCH", "/server", {"extra": ["verb 4"]})
        console.go("state")
        console.reads("It runs with former settings")
        console.press("Restart OpenVPN")
        console.reads("It runs with the settings that are rendered")
    finally:
        driver.get("about:blank")
        if relay:
            relay.close()
        for host in reversed(hosts):
            host.close()
