"""The real thing beside the model: a service of a history's own, its clock, and what can be read of it."""
import calendar
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "api"))

from clock import Clock  # noqa: E402
from service import Service  # noqa: E402


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


class World:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="vpnunit-history-")
        self.clock = Clock(self.folder.name)
        self.service = Service(self.folder.name, environment=self.clock.environment())
        self.pem = os.path.join(self.folder.name, "pem")
        os.mkdir(self.pem)
        self.blobs = {}
        self.clone = None
        self.crl = (0, set())
        self.service.start()

    def close(self):
        if self.service.process:
            self.service.process.kill()
            self.service.process.wait()
        self.folder.cleanup()

    def kill(self):
        self.service.process.kill()
        self.service.process.wait()

    # --- git ---

    def tree(self, commit, *paths):
        """Path -> blob."""
        lines = self.service.git("ls-tree", "-r", "--full-tree", commit, *paths).splitlines()
        return {path: entry.split()[2] for entry, path in (line.split("\t") for line in lines)}

    def read(self, tree):
        """Path -> content of a tree of JSON files."""
        missing = [blob for blob in set(tree.values()) if blob not in self.blobs]
        if missing:
            out = subprocess.run(["git", "--git-dir", self.service.repository, "cat-file", "--batch"], check=True,
                                 capture_output=True, input="".join(b + "\n" for b in missing).encode()).stdout
            while out:
                head, out = out.split(b"\n", 1)
                blob, _, size = head.decode().split()
                self.blobs[blob], out = json.loads(out[:int(size)]), out[int(size) + 1:]
        return {path: self.blobs[blob] for path, blob in tree.items()}

    def check_objects(self):
        """The service may be repacking, and a pack that goes while fsck has it on its list is told as an error."""
        for _ in range(5):
            command = ["git", "--git-dir", self.service.repository, "fsck", "--strict", "--no-dangling"]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if (done.returncode, done.stdout) == (0, ""):
                return
            time.sleep(0.2)
        raise AssertionError(done.stdout + done.stderr)

    def commits(self, after, until):
        """Oldest first."""
        span = f"{after}..{until}" if after else until
        return self.service.git("rev-list", "--reverse", span).split()

    def push(self, steps, environment):
        """Commits from one intent to the next, pushed by stock git; whether it was taken, and what git said."""
        def git(*arguments, check=True):
            return subprocess.run(["git", "-C", self.clone, *arguments], check=check, capture_output=True, text=True,
                                  env={**self.service.environment, **environment, "LD_PRELOAD": ""})

        if self.clone is None:
            self.clone = os.path.join(self.folder.name, "clone")
            subprocess.run(["git", "clone", "-q", self.service.repository, self.clone], check=True, env=self.service.environment)
        git("fetch", "-q")
        git("reset", "-q", "--hard", "origin/main")
        for before, after in zip(steps, steps[1:]):
            self.write_clone(before, after)
            git("add", "--all")
            git("commit", "-q", "-m", "edit")
        # The hook runs under the clock that the service has.
        done = subprocess.run(["git", "-C", self.clone, "push", "origin", "HEAD:main"], check=False, capture_output=True,
                              text=True, env=self.service.environment)
        return done.returncode == 0, done.stderr

    def write_clone(self, before, after):
        for path in set(before) - set(after):
            os.remove(os.path.join(self.clone, path))
        for path in after:
            if before.get(path) != after[path]:
                os.makedirs(os.path.dirname(os.path.join(self.clone, path)), exist_ok=True)
                with open(os.path.join(self.clone, path), "w", encoding="utf-8") as file:
                    file.write(json.dumps(after[path], indent=2, sort_keys=True) + "\n")

    # --- rendered ---

    def file(self, *path):
        with open(os.path.join(self.service.data, *path), encoding="utf-8") as file:
            return file.read()

    def keep_certificate(self, serial):
        text = self.file("pki", "certs_by_serial", serial.upper() + ".pem")
        with open(os.path.join(self.pem, serial), "w", encoding="ascii") as file:
            file.write(text)

    def good_certificates(self, now):
        """The serials that OpenSSL, and so OpenVPN, takes at this moment."""
        names = sorted(os.listdir(self.pem))
        pki = os.path.join(self.service.data, "pki")
        done = subprocess.run(["openssl", "verify", "-crl_check", "-attime", str(now), "-CAfile", pki + "/ca.crt", "-CRLfile",
                               pki + "/crl.pem", *names], cwd=self.pem, check=False, capture_output=True, text=True)
        return set(re.findall(r"^([0-9a-f]{32}): OK$", done.stdout, re.M))

    def read_crl(self):
        text = subprocess.run(["openssl", "crl", "-in", os.path.join(self.service.data, "pki", "crl.pem"), "-noout", "-text",
                               "-crlnumber"], check=True, capture_output=True, text=True).stdout
        return (int(re.search(r"crlNumber=0x([0-9A-F]+)", text).group(1), 16),
                {serial.lower() for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)})

    def client_files(self):
        return set(os.listdir(os.path.join(self.service.data, "ovpn", "clients")))

    def routes(self):
        return set(re.findall(r"^(\S+/60) dev ", self.file("ip", "routes"), re.M))

    def firewall_set(self, name):
        body = re.search(rf"set {name} {{(.*?)\n\t}}", self.file("firewall", "nftables.conf"), re.S).group(1)
        return set(re.findall(r"^\t\t\t(\S+),$", body, re.M))

    def check_full_render(self):
        """All of it, rendered into another folder: the same bytes."""
        out = os.path.join(self.folder.name, "full")
        self.service.run("render", "--full", "--out", out)
        for top in ("pki", "ovpn", "ip", "firewall", "audit"):
            same_folder(filecmp.dircmp(os.path.join(self.service.data, top), os.path.join(out, top), ignore=["crl.pem"]))
        assert filecmp.cmp(os.path.join(self.service.data, "state.json"), os.path.join(out, "state.json"), shallow=False)


def same_folder(compared):
    assert not compared.left_only and not compared.right_only, (compared.left, compared.left_only, compared.right_only)
    _, different, errors = filecmp.cmpfiles(compared.left, compared.right, compared.common_files, shallow=False)
    assert not different and not errors, (compared.left, different, errors)
    for below in compared.subdirs.values():
        same_folder(below)
