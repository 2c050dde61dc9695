"""The configuration file of a gateway, the CA and the CRL."""
import re
import subprocess

from service import assert_problem


def parts(profile):
    return {tag: body for tag, body in re.findall(r"^<([\w-]+)>\n(.*?)^</\1>$", profile, re.M | re.S)}


def test_config(service, gateway):
    answer = service.get(f"/gateway/{gateway['name']}/config")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-openvpn-profile"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{gateway["name"]}.ovpn"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Commit"] == service.head()
    assert "ETag" not in answer.headers
    assert set(parts(answer.text)) == {"ca", "cert", "key", "tls-crypt-v2"}
    assert "remote vpn.example.org 1194" in answer.text
    assert f"configuration of {gateway['name']} given to admin" in service.read_log()
    assert service.get(f"/gateway/{gateway['name']}/config").content == answer.content


def test_key_fits_the_certificate(service, gateway, tmp_path):
    """What openssl says about the parts of the file."""
    body = parts(service.get(f"/gateway/{gateway['name']}/config").text)
    for tag in ("ca", "cert", "key"):
        (tmp_path / tag).write_text(body[tag])

    def openssl(*arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True, cwd=tmp_path).stdout

    assert openssl("x509", "-in", "cert", "-noout", "-pubkey") == openssl("pkey", "-in", "key", "-pubout")
    serial = openssl("x509", "-in", "cert", "-noout", "-serial").strip().split("=")[1].lower()
    assert serial == gateway["certificates"][0]["serial"]
    (tmp_path / "crl").write_text(service.get("/crl.pem").text)
    openssl("verify", "-CAfile", "ca", "-CRLfile", "crl", "-crl_check", "cert")
    assert service.get("/ca.crt").text.strip() == body["ca"].strip()


def test_revoked(service, user, gateway, tmp_path):
    """After DELETE the CRL lists the certificate."""
    (tmp_path / "cert").write_text(parts(service.get(f"/gateway/{gateway['name']}/config").text)["cert"])
    (tmp_path / "ca").write_text(service.get("/ca.crt").text)
    before = service.get("/crl.pem")
    assert service.delete(f"/gateway/{gateway['name']}").status_code == 204
    after = service.get("/crl.pem")
    assert after.headers["ETag"] != before.headers["ETag"]
    (tmp_path / "crl").write_text(after.text)
    verify = subprocess.run(["openssl", "verify", "-CAfile", "ca", "-CRLfile", "crl", "-crl_check", "cert"],
                            capture_output=True, text=True, cwd=tmp_path, check=False)
    assert verify.returncode != 0 and "certificate revoked" in verify.stderr
    assert_problem(service.get(f"/gateway/{gateway['name']}/config"), 404, "not_found")


def test_a_new_certificate_is_a_new_file(service, gateway):
    path = f"/gateway/{gateway['name']}"
    before = service.get(path + "/config").text
    service.post(path + "/renew", {"force": True, "reason": "lost"})
    after = service.get(path + "/config").text
    assert parts(before)["key"] != parts(after)["key"] and parts(before)["ca"] == parts(after)["ca"]


def test_disabled_keeps_its_file(service, gateway):
    path = f"/gateway/{gateway['name']}"
    before = service.get(path + "/config").content
    service.patch(path, {"enabled": False})
    service.patch(path, {"enabled": True})
    assert service.get(path + "/config").content == before


def test_config_outlives_a_restart(fresh):
    fresh.user("joe")
    fresh.gateway("a.example.org", "joe")
    before = fresh.get("/gateway/a.example.org/config").content
    assert fresh.stop() == 0
    fresh.start()
    assert fresh.get("/gateway/a.example.org/config").content == before


def test_pem_files(service):
    for path, word in (("/ca.crt", "CERTIFICATE"), ("/crl.pem", "X509 CRL")):
        answer = service.get(path)
        assert answer.status_code == 200 and answer.headers["X-Commit"] == service.head()
        assert f"-----BEGIN {word}-----" in answer.text
        assert service.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
