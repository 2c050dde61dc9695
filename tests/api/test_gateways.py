"""Gateways: their place in the plan, settings, filters, deletion and what returns of them."""
import datetime
import ipaddress

import pytest

from service import assert_problem, is_time

MEMBERS = {"name", "user", "id", "prefix", "address", "enabled", "inbound", "allow", "routes", "certificates", "created"}


def test_create(service, user):
    answer = service.post("/gateways", {"name": f"a.{user['name']}.example.org", "user": user["name"]})
    assert answer.status_code == 201
    gateway = answer.json()
    assert set(gateway) == MEMBERS
    assert answer.headers["Location"] == f"/gateway/{gateway['name']}"
    assert answer.headers["X-Commit"] == service.head()
    assert gateway["user"] == user["name"] and gateway["enabled"] is True
    assert gateway["inbound"] == "deny" and gateway["routes"] == "prefix" and gateway["allow"] == []
    prefix = ipaddress.ip_network(gateway["prefix"])
    assert prefix.prefixlen == 60 and prefix.subnet_of(ipaddress.ip_network(user["prefix"]))
    assert ipaddress.ip_address(gateway["address"]) == prefix[1]
    (certificate,) = gateway["certificates"]
    assert set(certificate) == {"serial", "not_before", "not_after", "until"}
    assert len(certificate["serial"]) == 32 and certificate["until"] is None
    assert is_time(certificate["not_before"]) and is_time(certificate["not_after"]) and is_time(gateway["created"])
    assert service.get(f"/gateway/{gateway['name']}").json() == gateway
    assert gateway in service.get("/gateways").json()
    assert service.get(f"/user/{user['name']}").json()["gateways"] == 1


def test_create_with_all_fields(service, user):
    body = {"id": "7", "enabled": False, "inbound": "deny", "routes": "internet",
            "allow": ["tcp/22", {"proto": "udp", "ports": "5000-5010", "to": "1::80", "from": "vpn"}]}
    gateway = service.gateway(f"b.{user['name']}.example.org", user["name"], **body)
    assert {key: gateway[key] for key in body if key != "allow"} == {key: body[key] for key in body if key != "allow"}
    assert len(gateway["allow"]) == 2
    assert gateway["prefix"].split("::")[0].endswith("70")
    assert service.patch(f"/gateway/{gateway['name']}", {"allow": gateway["allow"]}).json() == gateway


def test_sixteen_a_user(service, user):
    ids = [service.gateway(f"g{n}.{user['name']}.example.org", user["name"])["id"] for n in range(16)]
    assert ids == list("0123456789abcdef")
    answer = service.post("/gateways", {"name": f"g16.{user['name']}.example.org", "user": user["name"]})
    assert_problem(answer, 409, "user_full")
    assert service.get(f"/user/{user['name']}").json()["gateways"] == 16


def test_taken(service, user, gateway):
    assert_problem(service.post("/gateways", {"name": gateway["name"], "user": user["name"]}), 409, "name_taken")
    assert_problem(service.post("/gateways", {"name": f"c.{gateway['name']}", "user": user["name"], "id": gateway["id"]}),
                   409, "id_taken")
    assert_problem(service.post("/gateways", {"name": "vpn.example.org", "user": user["name"]}), 409, "name_taken")


def test_no_such_user(service):
    assert_problem(service.post("/gateways", {"name": "a.example.org", "user": "nobody"}), 404, "not_found")


def test_no_such_gateway(service):
    for path in ("/gateway/none.example.org", "/gateway/-", "/gateway/a%20b"):
        assert_problem(service.get(path), 404, "not_found")
        assert_problem(service.get(path + "/config"), 404, "not_found")
        assert_problem(service.delete(path), 404, "not_found")
        assert_problem(service.patch(path, {}), 404, "not_found")
        assert_problem(service.post(path + "/renew"), 404, "not_found")


@pytest.mark.parametrize("settings", [
    {"enabled": False}, {"inbound": "allow"}, {"routes": "internet"}, {"allow": ["udp/53"]},
    {"enabled": False, "inbound": "allow", "routes": "internet"}])
def test_patch(service, gateway, settings):
    answer = service.patch(f"/gateway/{gateway['name']}", settings)
    assert answer.status_code == 200
    changed = answer.json()
    assert {key: changed[key] for key in settings} == settings
    assert {key: changed[key] for key in MEMBERS - set(settings)} == {
        key: gateway[key] for key in MEMBERS - set(settings)}
    back = service.patch(f"/gateway/{gateway['name']}", {key: gateway[key] for key in settings})
    assert back.json() == gateway


def test_allow_beside_inbound_allow_is_told(service, gateway):
    answer = service.patch(f"/gateway/{gateway['name']}", {"inbound": "allow", "allow": ["tcp/22"]})
    assert answer.status_code == 200
    assert any("changes nothing" in text for text in answer.json()["warnings"])
    again = service.get(f"/gateway/{gateway['name']}")
    assert "warnings" not in again.json()
    assert again.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("wrong", [
    {"enabled": "no"}, {"enabled": None}, {"enabled": 0}, {"inbound": "maybe"}, {"inbound": True}, {"routes": "all"},
    {"allow": "tcp/22"}, {"allow": ["tcp/0"]}, {"allow": ["tcp/65536"]}, {"allow": ["icmp/1"]}, {"allow": [22]},
    {"allow": ["tcp/22; drop"]}, {"allow": [{"proto": "udp"}]}, {"allow": [{"proto": "udp", "ports": "9-5"}]},
    {"allow": [{"proto": "udp", "ports": "5", "to": "10::1"}]}, {"allow": [{"proto": "udp", "ports": "5", "x": 1}]},
    {"allow": [{"proto": "udp", "ports": "5", "from": "nowhere"}]},
    {"allow": [{"proto": "udp", "ports": "5", "from": "user:nobody"}]}])
def test_patch_with_bad_values(service, gateway, wrong):
    head = service.head()
    assert_problem(service.patch(f"/gateway/{gateway['name']}", wrong), 400, "invalid")
    assert service.head() == head
    assert service.get(f"/gateway/{gateway['name']}").json() == gateway


def test_neither_name_nor_user_can_be_patched(service, gateway):
    for body in ({"name": "other.example.org"}, {"user": "other"}, {"id": "1"}):
        assert_problem(service.patch(f"/gateway/{gateway['name']}", body), 400, "invalid", next(iter(body)))


def test_delete_and_create_again(service, user, gateway):
    assert service.delete(f"/gateway/{gateway['name']}").status_code == 204
    assert_problem(service.get(f"/gateway/{gateway['name']}"), 404, "not_found")
    service.gateway(f"between.{user['name']}.example.org", user["name"])
    again = service.gateway(gateway["name"], user["name"])
    assert again["prefix"] == gateway["prefix"]
    assert again["certificates"][0]["serial"] != gateway["certificates"][0]["serial"]
    assert len(again["certificates"]) == 1


def test_filters(service, user, gateway):
    other = service.user("other" + user["name"])
    elsewhere = service.gateway(f"x.{other['name']}.example.org", other["name"])
    assert service.get(f"/gateways?user={user['name']}").json() == [gateway]
    assert service.get(f"/gateways?user={other['name']}").json() == [elsewhere]
    assert service.get("/gateways?user=nobody").json() == []
    end = gateway["certificates"][0]["not_after"]
    later = datetime.datetime.strptime(end, "%Y-%m-%dT%H:%M:%SZ") + datetime.timedelta(days=1)
    assert gateway in service.get(f"/gateways?expires_before={later:%Y-%m-%dT%H:%M:%SZ}").json()
    assert service.get("/gateways?expires_before=2020-01-01T00:00:00Z").json() == []
    for wrong in ("user=-", "expires_before=soon", "expires_before=2026-13-01T00:00:00Z", "nonsense=1"):
        assert_problem(service.get(f"/gateways?{wrong}"), 400, "invalid", wrong.split("=")[0])
