"""What the tests of rollback, revert and batch look at: intent in git, serials, the CRL, what is rendered."""
import json
import os
import re
import subprocess
import tempfile


def intent(service, commit="main"):
    """Modes, blobs and paths of all that a rollback brings back."""
    return service.git("ls-tree", "-r", commit, "users", "servers")


def settings(service, commit="main"):
    return service.git("rev-parse", f"{commit}:network.json")


def ledger(service, commit="main"):
    return set(service.git("ls-tree", "-r", "--full-tree", commit, "ledger").splitlines())


def serials(service):
    """Every serial ever issued, off the ledger."""
    return set(re.findall(r"([0-9a-f]{32})\.json", service.git("ls-tree", "-r", "--name-only", "main",
                                                              "ledger/certificates")))


def crl(service):
    """(CRL number, revoked serials)."""
    text = subprocess.run(["openssl", "crl", "-in", os.path.join(service.data, "pki", "crl.pem"), "-noout", "-text",
                           "-crlnumber"], check=True, capture_output=True, text=True).stdout
    number = int(re.search(r"crlNumber=0x([0-9A-F]+)", text).group(1), 16)
    return number, {serial.lower() for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)}


class Facts:
    """What may only grow, looked at after each step."""

    def __init__(self, service):
        self.service = service
        self.ledger, self.serials, self.crl = ledger(service), serials(service), crl(service)

    def check(self):
        service = self.service
        service.git("fsck", "--strict", "--no-dangling")
        now = ledger(service)
        assert now >= self.ledger, "the ledger lost an entry"
        number, revoked = crl(service)
        assert revoked >= self.crl[1], "a revoked serial became valid"
        assert number > self.crl[0] or revoked == self.crl[1]
        check = service.run("render", "--check", check=False)
        assert check.returncode == 0, check.stdout + check.stderr
        self.ledger, self.serials, self.crl = now, serials(service), (number, revoked)


def done(answer):
    """The body of a rollback, revert or batch that was made."""
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["Location"] == f"/commit/{body['commit']}"
    assert answer.headers["X-Commit"] == body["commit"]
    return body


def rollback(service, to, **members):
    """Roll back, and check what holds for each: new serials, none twice."""
    before = serials(service)
    body = done(service.post("/rollback", {"to": to, **members}))
    issued = {item["serial"] for item in body["issued"]}
    assert len(issued) == len(body["issued"]) and not issued & before
    assert serials(service) == before | issued
    assert {item["serial"] for item in body["revoked"]} <= crl(service)[1]
    return body


def names(items):
    return sorted(item["name"] for item in items)


def certificates(service, gateway):
    return [c["serial"] for c in service.get(f"/gateway/{gateway}").json()["certificates"]]


def push(service, path, to=None, **members):
    """
    Set members of a state file, and move it, as an operator does: clone, edit, commit, push; the service is stopped
    meanwhile.
    """
    service.stop()
    with tempfile.TemporaryDirectory() as clone:
        def git(*arguments):
            subprocess.run(["git", "-c", "user.name=op", "-c", "user.email=op@example.org", *arguments], check=True,
                           cwd=clone, capture_output=True, timeout=60)

        git("clone", "-q", service.repository, ".")
        with open(os.path.join(clone, path), encoding="utf-8") as file:
            state = json.load(file)
        state.update(members)
        with open(os.path.join(clone, path), "w", encoding="utf-8") as file:
            json.dump(state, file, indent=2, sort_keys=True, ensure_ascii=False)
            file.write("\n")
        if to:
            git("mv", path, to)
        git("commit", "-qam", f"{path}: set {', '.join(members)}")
        git("push", "-q", "origin", "HEAD:main")
    service.start()
