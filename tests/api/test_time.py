"""Goal: what time brings comes by itself: CRL, server certificate, ends of overlaps. Policies of seconds."""
import json
import os
import subprocess
import time

import pytest

from service import Service, wait_for


@pytest.fixture
def hasty(tmp_path):
    """A service whose policies are seconds, set as an operator would: clone, edit, commit, push."""
    service = Service(str(tmp_path))
    clone = str(tmp_path / "clone")

    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=op", "-c", "user.email=op@example.org", *arguments], check=True, cwd=clone,
                       capture_output=True)

    subprocess.run(["git", "clone", "-q", service.repository, clone], check=True)
    path = os.path.join(clone, "network.json")
    with open(path, encoding="utf-8") as file:
        network = json.load(file)
    network["policy"].update(crl="6s", overlap="3s", server="20s")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(network, file, indent=2, sort_keys=True)
        file.write("\n")
    git("commit", "-qam", "network: policies of seconds")
    git("push", "-q", "origin", "HEAD:main")
    yield service.start()
    service.stop()


def crl(service, *what):
    path = os.path.join(service.data, "pki", "crl.pem")
    return subprocess.run(["openssl", "crl", "-in", path, "-noout", *what], check=True, capture_output=True, text=True).stdout


def test_the_crl_is_renewed_long_before_its_end(hasty):
    seen = {}
    end = time.monotonic() + 9
    while time.monotonic() < end:  # half as long again as one is good
        until = subprocess.run(["date", "-d", crl(hasty, "-nextupdate").split("=")[1].strip(), "+%s"], check=True,
                               capture_output=True, text=True).stdout
        assert int(until) > time.time() + 1  # never a second without a good one
        seen[crl(hasty, "-crlnumber")] = os.stat(os.path.join(hasty.data, "pki", "crl.pem")).st_mtime
        time.sleep(0.2)
    assert len(seen) >= 3
    assert len(set(map(int, seen.values()))) == len(seen)  # OpenVPN looks at whole seconds
    assert hasty.get("/readyz").status_code == 200


def test_the_overlap_ends(hasty, tmp_path):
    hasty.user("joe")
    first = hasty.gateway("a.example.org", "joe")["certificates"][0]["serial"]
    answer = hasty.post("/gateway/a.example.org/renew", {"force": True, "reason": "test"})
    assert answer.status_code == 201
    until = {c["serial"]: c["until"] for c in answer.json()["certificates"]}
    assert len(until) == 2 and until[first] is not None
    wait_for(lambda: [c["serial"] for c in hasty.get("/gateway/a.example.org").json()["certificates"]] ==
             [s for s in until if s != first], 8)
    assert first.upper() in crl(hasty, "-text")
    log = hasty.git("log", "-1", "--format=%an %s")
    assert log == "vpnunit certificates: revoke 1 superseded\n"
    assert hasty.git("fsck", "--strict") == ""


def test_the_server_certificate_renews_itself(hasty):
    path = os.path.join(hasty.data, "pki", "issued", "vpn.example.org.crt")

    def serial():
        return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-serial"], check=True, capture_output=True,
                              text=True).stdout

    first = serial()
    wait_for(lambda: serial() != first, 25)
    chain = subprocess.run(["openssl", "verify", "-CAfile", os.path.join(hasty.data, "pki", "ca.crt"), path],
                           check=False, capture_output=True, text=True)
    assert chain.returncode == 0, chain.stderr
    assert "renew its certificate" in hasty.git("log", "--format=%s")
