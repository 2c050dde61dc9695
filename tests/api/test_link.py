"""Links to a configuration: once, within a day, for who has the URL; on disk only their hash."""
import hashlib
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from service import BINARY, assert_problem


def make(service, gateway):
    answer = service.post(f"/gateway/{gateway['name']}/link")
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


def folder(service):
    return os.path.join(service.data, "links")


def test_once(service, gateway):
    answer = service.post(f"/gateway/{gateway['name']}/link")
    url = answer.json()["url"]
    assert answer.headers["Location"] == url and answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(re.escape(service.url("/link/")) + "[0-9a-f]{32}", url)
    first = requests.get(url, timeout=10)
    assert first.status_code == 200
    assert first.content == service.get(f"/gateway/{gateway['name']}/config").content
    assert first.headers["Content-Type"] == "application/x-openvpn-profile"
    assert first.headers["Cache-Control"] == "no-store"
    assert_problem(requests.get(url, timeout=10), 404, "not_found")


def test_a_look_ahead_is_no_use(service, gateway):
    url = make(service, gateway)
    head = requests.head(url, timeout=10)
    whole = requests.get(url, timeout=10)
    assert head.status_code == 200 and head.headers["Content-Length"] == str(len(whole.content))


def test_of_many_at_once_one_gets_it(service, gateway):
    url = make(service, gateway)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: requests.get(url, timeout=30).status_code, range(16)))
    assert sorted(answers) == [200] + 15 * [404]


def test_the_secret_is_nowhere(service, gateway):
    """On disk is its hash, readable by the service alone; the log names who made it and who used it."""
    url = make(service, gateway)
    secret = url.rsplit("/", 1)[1]
    path = os.path.join(folder(service), hashlib.sha256(secret.encode()).hexdigest())
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(folder(service)).st_mode & 0o777 == 0o700
    with open(path, encoding="ascii") as file:
        assert json.load(file)["gateway"] == gateway["name"]
    found = subprocess.run(["grep", "-rl", secret, service.data, service.log], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    requests.get(url, timeout=10)
    log = service.read_log()
    assert f"link to the configuration of {gateway['name']} made for admin" in log
    assert f"configuration of {gateway['name']} given to the link of admin" in log
    assert secret not in log and not os.path.exists(path)


def test_a_secret_is_in_no_line_about_trouble(service, gateway):
    """What fails is logged by its route."""
    url = make(service, gateway)
    secret = url.rsplit("/", 1)[1]
    path = os.path.join(folder(service), hashlib.sha256(secret.encode()).hexdigest())
    os.unlink(path)
    os.mkdir(path)
    assert requests.get(url, timeout=10).status_code >= 400
    os.rmdir(path)
    assert secret not in service.read_log()


@pytest.mark.parametrize("secret", ["", "0" * 32, "0" * 31, "../../secrets/master.key", "%2e%2e%2fadmin.token", "A" * 4000])
def test_unknown(service, secret):
    answer = requests.get(service.url("/link/") + secret, timeout=10)
    assert answer.status_code in (400, 401, 404)


def test_without_a_token_no_link(service, gateway):
    assert requests.post(service.url(f"/gateway/{gateway['name']}/link"), timeout=10).status_code == 401
    assert_problem(service.post("/gateway/nobody.example.org/link"), 404, "not_found")


def test_another_device_of_that_name(service, user):
    gateway = service.gateway(f"again.{user['name']}.example.org", user["name"])
    url = make(service, gateway)
    service.delete(f"/gateway/{gateway['name']}")
    assert_problem(requests.get(url, timeout=10), 404, "not_found")
    service.gateway(gateway["name"], user["name"])
    assert_problem(requests.get(url, timeout=10), 404, "not_found")


def test_a_renewal_gives_the_new_one(service, gateway):
    url = make(service, gateway)
    service.post(f"/gateway/{gateway['name']}/renew", {"force": True, "reason": "x"})
    assert requests.get(url, timeout=10).content == service.get(f"/gateway/{gateway['name']}/config").content


def test_outlives_a_restart_and_ends(fresh):
    fresh.user("joe")
    gateway = fresh.gateway("a.example.org", "joe")
    first, second = make(fresh, gateway), make(fresh, gateway)
    fresh.stop()
    fresh.start()
    assert requests.get(first, timeout=10).status_code == 200
    path = os.path.join(folder(fresh), hashlib.sha256(second.rsplit("/", 1)[1].encode()).hexdigest())
    with open(path, encoding="ascii") as file:
        link = json.load(file)
    assert abs(time.mktime(time.strptime(link["expires"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time() - 86400) < 60
    with open(path, "w", encoding="ascii") as file:
        json.dump({**link, "expires": "2026-01-01T00:00:00Z"}, file)
    assert_problem(requests.get(second, timeout=10), 404, "not_found")
    make(fresh, gateway)
    assert not os.path.exists(path)  # swept


def test_a_thousand_are_enough(fresh):
    fresh.user("joe")
    gateway = fresh.gateway("a.example.org", "joe")
    make(fresh, gateway)
    [one] = os.listdir(folder(fresh))
    for n in range(999):
        os.link(os.path.join(folder(fresh), one), os.path.join(folder(fresh), f"{n:064x}"))
    assert_problem(fresh.post("/gateway/a.example.org/link"), 409, "too_many_links")
    os.unlink(os.path.join(folder(fresh), "0" * 64))
    make(fresh, gateway)


def serve(fresh, *arguments):
    return subprocess.run([BINARY, "serve", "--data", fresh.data, "--hooks", "none", *arguments],
                          capture_output=True, text=True, timeout=20, check=False)


def test_public_url(fresh):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.stop()
    fresh.environment["VPNUNIT_PUBLIC_URL"] = "https://vpn.example.org:8443/"
    fresh.start()
    assert fresh.post("/gateway/a.example.org/link").json()["url"].startswith("https://vpn.example.org:8443/link/")
    fresh.stop()
    for url in ("http://vpn.example.org", "ftp://vpn.example.org", "https://x y", "https://x\r\ny", "http://127.0.0.1.example.org"):
        refused = serve(fresh, "--public-url", url)
        assert refused.returncode == 2 and "--public-url" in refused.stderr


def test_without_a_public_url(fresh):
    """Over a unix socket alone nobody could open it."""
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    fresh.stop()
    process = subprocess.Popen([BINARY, "serve", "--data", fresh.data, "--hooks", "none", "--listen", f"unix:{fresh.socket}"],
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            refused = fresh.run("gateway link", "a.example.org", check=False)
            if "nobody listens" not in refused.stderr:
                break
            time.sleep(0.05)
        assert refused.returncode == 1 and "--public-url" in refused.stderr
    finally:
        process.terminate()
        process.wait(30)
