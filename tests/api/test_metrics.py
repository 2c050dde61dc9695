"""/metrics: what Prometheus takes, what its numbers say, and that the rules and the dashboard ask for what there is."""
import json
import os
import re
import shutil
import subprocess

import pytest

from service import ROOT

MONITORING = os.path.join(ROOT, "hooks", "monitoring")
DAY = 86400


def promtool(*arguments, text=None):
    """Prometheus' own tool; `make deps-test` brings it."""
    path = os.environ.get("VPNUNIT_PROMTOOL") or shutil.which("promtool") or os.path.join(ROOT, "build/.cache/promtool")
    assert os.access(path, os.X_OK), "promtool is missing: make deps-test"
    return subprocess.run([path, *arguments], input=text, text=True, capture_output=True, timeout=60)


def read(service):
    answer = service.get("/metrics")
    assert answer.status_code == 200
    return answer.text


def samples(text, name):
    """Labels as a sorted tuple, to the value."""
    found = {}
    for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M):
        found[tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = float(value)
    return found


def value(text, name, **labels):
    return samples(text, name)[tuple(sorted(labels.items()))]


def test_prometheus_takes_it(service, gateway):
    checked = promtool("check", "metrics", text=read(service))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_type_and_token(service):
    assert service.get("/metrics").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    before = value(read(service), "vpnunit_refused_tokens_total")
    assert service.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
    assert value(read(service), "vpnunit_refused_tokens_total") == before + 1
    head = service.ask("HEAD", "/metrics")
    assert head.status_code == 200 and head.content == b""


def test_http_1_0_gets_it_without_chunks(service):
    answer = service.raw(f"GET /metrics HTTP/1.0\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head and b"Connection: close" in head
    assert body.startswith(b"# HELP ") and body.endswith(b"\n")


def test_requests_are_counted_by_template(service, gateway):
    name = "vpnunit_http_request_duration_seconds_count"
    labels = {"method": "GET", "route": "/gateway/{}", "status": "404"}
    before = samples(read(service), name).get(tuple(sorted(labels.items())), 0)
    for i in range(5):
        service.get(f"/gateway/nobody{i}.example.org")
        service.get(f"/nowhere/{i}")
        service.ask("BREW", f"/pot{i}")
    text = read(service)
    assert value(text, name, **labels) == before + 5
    assert value(text, name, method="other", route="other", status="404") >= 5
    assert "nobody" not in text and "nowhere" not in text and "BREW" not in text


def test_histograms_add_up(service, gateway):
    text = read(service)
    for name in ("vpnunit_writer_turn_duration_seconds", "vpnunit_writer_batch_changes", "vpnunit_render_duration_seconds"):
        buckets = [v for _, v in re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\d+)$', text, re.M)]
        assert [int(v) for v in buckets] == sorted(int(v) for v in buckets)
        assert int(buckets[-1]) == value(text, f"{name}_count") > 0


def test_commits_and_lag(service, user, name):
    before = value(read(service), "vpnunit_commits_total")
    for i in range(3):
        service.gateway(f"m{i}.{name}.example.org", user["name"])
    text = read(service)
    assert value(text, "vpnunit_commits_total") == before + 3
    assert value(text, "vpnunit_lag_commits", step="rendered") == 0
    assert samples(text, "vpnunit_check_ok") == {(("check", c),): 1 for c in ("crl", "ca", "server", "render", "deploy")}


def test_ends(service, gateway):
    text = read(service)
    left = value(text, "ovpn_client_cert_expire_seconds", client=gateway["name"], user=gateway["user"])
    assert 824 * DAY < left <= 825 * DAY
    assert 29 * DAY < value(text, "ovpn_server_crl_expire_seconds") <= 30 * DAY
    assert 396 * DAY < value(text, "ovpn_server_cert_expire_seconds") <= 397 * DAY
    assert 3600 * DAY < value(text, "ovpn_server_ca_cert_expire_seconds")


def test_a_gateway_goes_with_its_series(service, user, name):
    service.gateway(f"gone.{name}.example.org", user["name"])
    assert f"gone.{name}" in read(service)
    service.delete(f"/gateway/gone.{name}.example.org")
    assert f"gone.{name}" not in read(service)


def test_more_gateways_than_a_page(fresh):
    """Each gateway once, whatever the page."""
    for u in range(130):
        changes = [{"op": "user.create", "name": f"u{u}"}]
        changes += [{"op": "gateway.create", "name": f"g{g}.u{u}.example.org", "user": f"u{u}"} for g in range(16)]
        assert fresh.post("/batch", {"changes": changes}).status_code == 201
    found = samples(read(fresh), "ovpn_client_cert_expire_seconds")
    assert len(found) == 130 * 16 > 2000
    assert value(read(fresh), "ovpn_clients") == 130 * 16


@pytest.fixture(scope="module")
def names(service):
    """Every name that /metrics has, with OpenVPN or without."""
    with open(os.path.join(ROOT, "src", "api", "metrics.c"), encoding="utf-8") as file:
        families = set(re.findall(r'"((?:vpnunit|ovpn)_\w+)"', file.read()))
    assert set(re.findall(r"^# TYPE (\S+)", read(service), re.M)) <= families
    return families


def asked_for(text):
    return {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"\b(?:vpnunit|ovpn)_\w+", text)}


def test_rules(names):
    path = os.path.join(MONITORING, "vpnunit.rules.yml")
    checked = promtool("check", "rules", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with open(path, encoding="utf-8") as file:
        asked = asked_for("\n".join(re.findall(r"expr: (.*)", file.read())))
    assert asked and asked <= names


def test_rules_fire():
    checked = promtool("test", "rules", os.path.join(ROOT, "tests", "api", "rules.test.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_scrape_configuration():
    checked = promtool("check", "config", "--syntax-only", os.path.join(MONITORING, "prometheus.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def panels():
    with open(os.path.join(MONITORING, "grafana.json"), encoding="utf-8") as file:
        return json.load(file)["panels"]


def test_dashboard_asks_for_what_there_is(names, tmp_path):
    """And in PromQL, once Grafana has put its variables in."""
    rules = []
    for panel in panels():
        for target in panel["targets"]:
            asked = asked_for(target["expr"])
            assert asked and asked <= names, panel["title"]
            query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5m")
            rules.append({"record": f"panel_{len(rules)}", "expr": query})
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_panels_lie_beside_each_other():
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())
