"""
Goal: settings are part of the state like everything else: read, changed member by member, refused with a reason
where they are frozen, undone by rollback, revert and an unconfirmed change; and nobody is cut off without a word.
"""
import os

import pytest

from service import Service, assert_problem

SERVER = {"endpoints": ["vpn.example.org:1194"], "name": "vpn.example.org", "port": 1194, "proto": "udp6",
          "tls_version_min": "1.2", "extra": [], "dns": [], "restart": "manual"}


def conf(service):
    with open(os.path.join(service.data, "ovpn", "server.conf"), encoding="utf-8") as file:
        return file.read()


def digest(service):
    return next(line for line in conf(service).splitlines() if line.startswith("echo vpnunit-config "))


@pytest.fixture(autouse=True)
def settings_stay(request):
    """Each test of the shared service leaves the settings as it found them."""
    if "service" not in request.fixturenames:
        yield
        return
    service = request.getfixturevalue("service")
    head = service.head()
    yield
    service.post("/rollback", {"to": head, "include": ["network"]})


def test_read(service):
    answer = service.get("/server")
    assert answer.status_code == 200
    server = answer.json()
    assert {key: server[key] for key in SERVER} == SERVER
    assert service.get("/server", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert answer.headers["X-Commit"] == service.head()
    network = service.get("/network").json()
    assert network["policy"]["validity"] == "825d" and network["reserved"]["on_request"] == ["02"]


def test_network_member_by_member(service):
    before = service.get("/network").json()
    answer = service.patch("/network?reason=longer", {"policy": {"validity": "900d"}, "defaults": {"inbound": "allow"},
                                                      "name": "Dorfnetz"})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert after["restart_needed"] is False and "warnings" not in after
    assert after["policy"] == {**before["policy"], "validity": "900d"}
    assert after["defaults"] == {"inbound": "allow", "routes": "prefix"}
    entry = service.get("/log?limit=1").json()[0]
    assert entry["change"] == "network.patch" and entry["reason"] == "longer"
    assert entry["subject"] == "network VPN: defaults.inbound allow, name Dorfnetz, policy.validity 900d"
    shown = service.get(f"/commit/{entry['commit']}").json()
    assert [file["path"] for file in shown["intent"]] == ["network.json"]
    assert service.get(f"/network?at=HEAD~1").json() == before


def test_new_settings_count(service, user, name):
    service.patch("/network", {"policy": {"validity": "10d"}, "defaults": {"inbound": "allow", "routes": "internet"},
                               "reserved": {"on_request": ["02", "77"]}})
    gateway = service.gateway(f"counts.{name}.example.org", user["name"])
    assert gateway["inbound"] == "allow" and gateway["routes"] == "internet"
    life = gateway["certificates"][0]
    assert life["not_after"][:10] < "2027" or life["not_after"][:4] == life["not_before"][:4]
    assert service.user(f"r{name}", id="77")["id"] == "77"


def test_the_server_and_its_clients(service, user, name):
    gateway = service.gateway(f"told.{name}.example.org", user["name"])
    before = digest(service)
    answer = service.patch("/server", {"endpoints": ["vpn.example.org:443", "[2001:db8:ffff::5]:1194"], "port": 443,
                                       "dns": ["2001:db8::53"], "extra": ["keepalive 5 30", 'push "block-outside-dns"']})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert after["restart_needed"] is True and "POST /server/restart" in after["warnings"][0]
    assert gateway["name"] in after["needs_config"]
    text = conf(service)
    for line in ("port 443", 'push "dhcp-option DNS 2001:db8::53"', "keepalive 5 30", 'push "block-outside-dns"'):
        assert f"\n{line}\n" in text
    assert digest(service) != before
    profile = service.get(f"/gateway/{gateway['name']}/config").text
    assert "\nremote vpn.example.org 443\nremote 2001:db8:ffff::5 1194\n" in profile
    assert service.get("/log?limit=1").json()[0]["subject"] == "server vpn.example.org: dns, endpoints, extra, port 443"


def test_what_clients_are_told_alone_needs_no_restart(service):
    before = digest(service)
    after = service.patch("/server", {"endpoints": ["other.example.org:1194"], "restart": "auto"}).json()
    assert after["restart_needed"] is False and digest(service) == before
    after = service.patch("/network", {"name": "Another name"}).json()
    assert after["restart_needed"] is False and digest(service) == before
    after = service.patch("/network", {"policy": {"max_clients": 77}}).json()
    assert after["restart_needed"] is True and "at once" in after["warnings"][0]


def test_nothing_new_is_no_commit(service):
    head = service.head()
    for path in ("/network", "/server"):
        whole = service.get(path).json()
        answer = service.patch(path, whole)
        assert answer.status_code == 200, answer.text
        assert answer.json()["restart_needed"] is False
    assert service.patch("/server", {}).status_code == 200
    assert service.head() == head


@pytest.mark.parametrize("path, body, field", [
    ("/network", {"policy": {"validity": "10y"}}, "validity"),
    ("/network", {"policy": {"validity": 10}}, "validity"),
    ("/network", {"policy": {"max_clients": 0}}, "max_clients"),
    ("/network", {"policy": {"crl": "1h"}}, "policy.crl"),
    ("/network", {"policy": {"nap": "1d"}}, "nap"),
    ("/network", {"policy": None}, "policy"),
    ("/network", {"defaults": {"inbound": "maybe"}}, "inbound"),
    ("/network", {"reserved": {"never": ["01"]}}, "reserved"),
    ("/network", {"reserved": {"never": ["00", "1"]}}, "never"),
    ("/network", {"name": ""}, "name"),
    ("/network", {"name": "a\nb"}, "name"),
    ("/network", {"colour": "blue"}, "colour"),
    ("/server", {"endpoints": []}, "endpoints"),
    ("/server", {"endpoints": ["vpn.example.org"]}, "endpoints"),
    ("/server", {"port": 0}, "port"),
    ("/server", {"proto": "udp4"}, "proto"),
    ("/server", {"dns": ["192.0.2.1"]}, "dns"),
    ("/server", {"dns": ["::1"] * 5}, "dns"),
    ("/server", {"restart": "never"}, "restart"),
    ("/server", {"tls_version_min": "1.0"}, "tls_version_min"),
    ("/server", {"extra": ["up /bin/sh"]}, "extra"),
    ("/server", {"extra": ["script-security 2"]}, "extra"),
    ("/server", {"extra": ["verb 3\nup /bin/sh"]}, "extra"),
    ("/server", {"extra": ["crl-verify none"]}, "extra"),
    ("/server", {"extra": ["management 127.0.0.1 7505"]}, "extra"),
])
def test_bad_settings(service, path, body, field):
    head = service.head()
    assert_problem(service.patch(path, body), 400, "invalid", field)
    assert service.head() == head


def test_openvpn_has_the_last_word(service):
    """Of a form that is allowed, and yet OpenVPN would not start with it."""
    before = conf(service)
    assert_problem(service.patch("/server", {"extra": ["keepalive 60 10"]}), 400, "openvpn_refuses")
    assert conf(service) == before


@pytest.mark.parametrize("path, body", [
    ("/network", {"prefix": "2001:db8:1::/48"}),
    ("/network", {"widths": {"user": 4, "gateway": 8}}),
    ("/network", {"master_key": "sha256:" + 32 * "0"}),
    ("/server", {"name": "other.example.org"}),
    ("/server", {"device": 32 * "0"}),
    ("/server", {"created": "2020-01-01T00:00:00Z"}),
])
def test_frozen(service, user, path, body):
    problem = assert_problem(service.patch(path, body), 409, "frozen", next(iter(body)))
    assert len(problem["detail"]) > 40


def test_an_id_in_use_cannot_be_reserved(service, user):
    problem = assert_problem(service.patch("/network", {"reserved": {"never": ["00", "01", user["id"]]}}), 409, "id_in_use")
    assert user["name"] in problem["detail"]


def test_a_plan_without_users_may_move(fresh):
    answer = fresh.patch("/network", {"prefix": "2001:db8::/32", "widths": {"user": 20, "gateway": 8},
                                      "reserved": {"never": ["00000", "00001"], "on_request": []}})
    assert answer.status_code == 200, answer.text
    assert "ifconfig-ipv6 2001:db8::1/64" in conf(fresh) and 'push "route-ipv6 2001:db8::/32"' in conf(fresh)
    assert fresh.user("joe")["prefix"] == "2001:db8:0:2000::/52"
    assert fresh.get("/render").json()["differences"] == []


def test_if_match(service):
    tag = service.get("/server").headers["ETag"]
    assert service.patch("/server", {"dns": ["2001:db8::1"]}, headers={"If-Match": tag}).status_code == 200
    problem = assert_problem(service.patch("/server", {"dns": []}, headers={"If-Match": tag}), 412, "stale")
    assert problem["changed_in"] == service.head()


def test_dry_run(service):
    head = service.head()
    plan = service.patch("/server?dry_run=1", {"port": 1195}).json()
    assert plan["dry_run"] and plan["restart_needed"] and plan["warnings"]
    assert [file["path"] for file in plan["state"]] == ["servers/main.json"]
    assert plan["state"][0]["after"]["port"] == 1195
    assert "+port 1195" in next(file["diff"] for file in plan["rendered"] if file["path"] == "ovpn/server.conf")
    assert service.head() == head and "\nport 1194\n" in conf(service)


def test_in_a_batch(service, name):
    answer = service.post("/batch", {"changes": [
        {"op": "network.patch", "reserved": {"on_request": ["02", "88"]}},
        {"op": "user.create", "name": f"b{name}", "id": "88"},
        {"op": "server.patch", "extra": ["verb 4"]}]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["restart_needed"] is True
    assert service.get("/network").json()["reserved"]["on_request"] == ["02", "88"]
    refused = service.post("/batch", {"changes": [{"op": "server.patch", "port": 0}]})
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "changes/0/port"


def test_undone_like_everything_else(service):
    head, before = service.head(), conf(service)
    commit = service.patch("/server", {"dns": ["2001:db8::53"]}).headers["X-Commit"]
    service.patch("/network", {"policy": {"overlap": "7d"}})
    reverted = service.post(f"/commit/{commit}/revert", {"reason": "no"})
    assert reverted.status_code == 201 and reverted.json()["restart_needed"] is True
    assert conf(service) == before and service.get("/network").json()["policy"]["overlap"] == "7d"
    service.patch("/server", {"port": 1195})
    done = service.post("/rollback", {"to": head})
    assert done.status_code == 201 and done.json()["restart_needed"] is True
    assert conf(service) == before
    assert service.get("/network").json()["policy"]["overlap"] == "7d"  # settings of the network only when asked for
    service.post("/rollback", {"to": head, "include": ["network"]})
    assert service.get("/network").json()["policy"]["overlap"] == "30d"


def test_unconfirmed(fresh):
    before = conf(fresh)
    answer = fresh.patch("/server", {"port": 1195}, headers={"Confirm-Within": "600"})
    assert answer.status_code == 200, answer.text
    assert "\nport 1195\n" in conf(fresh)
    assert_problem(fresh.patch("/server", {"port": 1196}), 409, "pending_confirmation")
    assert fresh.delete(f"/confirm/{answer.headers['X-Commit']}").status_code == 200
    assert conf(fresh) == before


def test_a_state_of_before_these_settings(tmp_path):
    """servers/main.json without dns and restart, as it was once: manual."""
    old = Service(str(tmp_path))
    clone = str(tmp_path / "clone")
    old.start()
    old.git("clone", "-q", old.repository, clone)
    try:
        assert old.get("/server").json()["restart"] == "manual"
    finally:
        old.stop()


def test_restart_where_nothing_runs(service):
    assert_problem(service.post("/server/restart"), 409, "not_running")


def test_settings_are_an_admins(service, name):
    token = service.post("/tokens", {"name": f"op{name}", "role": "operator"}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert service.get("/server", headers=headers).status_code == 200
    assert_problem(service.patch("/server", {"port": 1200}, headers=headers), 403, "forbidden")
    assert_problem(service.patch("/network", {"name": "Mine"}, headers=headers), 403, "forbidden")
    assert_problem(service.post("/batch", {"changes": [{"op": "network.patch", "name": "Mine"}]}, headers=headers),
                   403, "forbidden")
    assert_problem(service.post("/server/restart", headers=headers), 409, "not_running")
