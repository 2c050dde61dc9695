"""Goal: whatever happens in whatever order, history, files, certificates and API say the same as a small model.

VPNUNIT_HISTORIES and VPNUNIT_STEPS say how many histories of how many steps; `make test-long` has 500 of 30.
"""
import os
import secrets
import subprocess
import time

from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from model import Certificate, DAY, Model, Refused, folder, is_gateway, is_user
from world import World, seconds
from clock import HAS_CLOCK  # after world, which knows where it is

HISTORIES = int(os.environ.get("VPNUNIT_HISTORIES", "32"))
STEPS = int(os.environ.get("VPNUNIT_STEPS", "16"))

# Shrinking a failure takes minutes; VPNUNIT_SHRINK=1 asks for it.
PHASES = [Phase.explicit, Phase.generate] + ([Phase.shrink] if "VPNUNIT_SHRINK" in os.environ else [])

USERS = st.sampled_from(["ann", "bob", "eve", "zoe"])
GATEWAYS = st.sampled_from([f"g{i}.example.org" for i in range(5)])
WITHIN = st.sampled_from([None] * 7 + [600])
BOOLEANS = st.booleans()
RULES = st.lists(st.one_of(st.sampled_from(["tcp/22", "udp/5000-5010"]),
                           USERS.map(lambda name: {"from": f"user:{name}", "ports": "22", "proto": "tcp"})), max_size=2)
SETTINGS = st.fixed_dictionaries({}, optional={
    "enabled": BOOLEANS, "inbound": st.sampled_from(["deny", "allow"]), "routes": st.sampled_from(["prefix", "internet"]),
    "allow": RULES})
# Sums of these never meet a policy's term to the second.
STEPS_OF_TIME = st.sampled_from([5 * 3600, 31 * DAY, 100 * DAY, 830 * DAY])
LATEST = 8 * 365 * DAY  # the CA lasts ten years
SOURCE = {"GIT_AUTHOR_NAME": "Op", "GIT_AUTHOR_EMAIL": "op@example.org", "GIT_COMMITTER_NAME": "Op",
          "GIT_COMMITTER_EMAIL": "op@example.org", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}

OPERATIONS = st.one_of(
    st.tuples(st.just("user.create"), st.fixed_dictionaries({"name": USERS})),
    st.tuples(st.just("user.patch"), st.fixed_dictionaries({"name": USERS, "enabled": BOOLEANS},
                                                           optional={"new_name": USERS})),
    st.tuples(st.just("user.delete"), st.fixed_dictionaries({"name": USERS, "cascade": BOOLEANS})),
    st.tuples(st.just("gateway.create"), st.fixed_dictionaries({"name": GATEWAYS, "user": USERS})),
    st.tuples(st.just("gateway.patch"), st.fixed_dictionaries({"name": GATEWAYS, "inbound": st.just("allow")})),
    st.tuples(st.just("gateway.delete"), st.fixed_dictionaries({"name": GATEWAYS})),
    st.tuples(st.just("gateway.renew"), st.fixed_dictionaries({"name": GATEWAYS, "force": st.just(True)})),
)
METHODS = {"user.create": Model.user_create, "user.patch": Model.user_patch, "user.delete": Model.user_delete,
           "gateway.create": Model.gateway_create, "gateway.patch": Model.gateway_patch,
           "gateway.delete": Model.gateway_delete, "gateway.renew": Model.gateway_renew}


class History(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.is_sound = False
        self.steps = 0
        self.world = World()
        self.service = self.world.service
        self.model = Model(self.world.read(self.intent_tree("main")))
        self.settle()

    def teardown(self):
        try:
            if self.is_sound:
                self.check_end()
        finally:
            self.world.close()

    # --- both sides ---

    def intent_tree(self, commit):
        return self.world.tree(commit, "users", "servers", "network.json")

    def change(self, method, path, body, change, confirm_within=None, takes_away=False):
        """The same change to both; both refuse it, or both do it."""
        self.is_sound = False
        headers = {"Confirm-Within": str(confirm_within)} if confirm_within else {}
        self.model.now = self.world.clock.now()
        refused = None
        try:
            self.model.apply(change, confirm_within, takes_away)
        except Refused as problem:
            refused = problem.code
        head = self.service.head()
        answer = self.service.ask(method, path, body, headers=headers)
        if refused:
            codes = {refused, "not_found"} if refused == "pending_confirmation" else {refused}
            assert not answer.ok and answer.json()["code"] in codes, (refused, answer.status_code, answer.text)
            assert self.service.head() == head
        else:
            assert answer.ok, answer.text
            self.settle()
        self.is_sound = True
        return not refused

    def settle(self):
        """Read what has become of it, and compare everything."""
        self.is_sound = False
        model, head = self.model, self.service.head()
        self.read_history(head)
        model.learn(self.world.read(self.intent_tree(head)))
        self.read_ledger(head)
        self.check_pending()
        self.check_api()
        self.check_rendered()
        self.steps += 1
        if self.steps % 5 == 0:
            self.world.check_objects()
        self.is_sound = True

    def read_history(self, head):
        new = self.world.commits(self.model.commits[-1] if self.model.commits else None, head)
        for commit in new:
            self.model.commits.append(commit)
            self.model.intent[commit] = self.world.read(self.intent_tree(commit))
        if self.model.pending and self.model.pending.commit is None:
            self.model.pending.commit = head

    def read_ledger(self, head):
        """Facts: what is there, what is new, and that nothing went that may not."""
        model, entries = self.model, self.world.read(self.world.tree(head, "ledger"))
        facts = {kind: {path.rsplit("/", 1)[1][:-5]: entry for path, entry in entries.items()
                        if path.startswith(f"ledger/{kind}/")} for kind in ("certificates", "superseded", "revocations")}
        for serial in set(facts["certificates"]) - set(model.certificates):
            self.learn_certificate(serial, facts["certificates"][serial])
        assert not model.wanted, f"not issued: {model.wanted}"
        for serial in set(model.certificates) - set(facts["certificates"]):
            assert model.is_prunable(serial), f"{serial} is gone from the ledger"
        there = set(facts["certificates"])
        assert set(facts["revocations"]) == model.revoked & there, "revoked and the model differ"
        assert set(facts["superseded"]) == set(model.until) & there
        for serial, entry in facts["superseded"].items():
            until = seconds(entry["until"])
            assert abs(until - model.until[serial]) <= 5
            model.until[serial] = until

    def learn_certificate(self, serial, entry):
        model, name = self.model, entry.get("name") or self.common_name(entry)
        certificate = Certificate(serial, entry["device"], name, entry["kind"], seconds(entry["not_before"]),
                                  seconds(entry["not_after"]))
        if model.certificates.keys() and model.commits[1:]:
            assert name in model.wanted, f"{name} has got a certificate that nobody asked for"
            model.wanted.remove(name)
        if certificate.kind == "gateway":
            assert certificate.device == model.files[model.find(is_gateway, name)]["device"]
            if model.pending and model.pending.commit == model.commits[-1]:
                model.pending.issued.add(serial)
        model.certificates[serial] = certificate
        if certificate.kind != "ca":
            self.world.keep_certificate(serial)

    @staticmethod
    def common_name(entry):
        text = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"], input=entry["pem"],
                              check=True, capture_output=True, text=True).stdout
        return text.split("commonName")[1].split("=")[1].strip()

    # --- checks ---

    def check_pending(self):
        told = self.service.get("/state").json()["pending"]
        pending = self.model.pending
        assert (told and told["commit"]) == (pending and pending.commit)

    def check_api(self):
        model = self.model
        users = {user["id"]: user for user in self.service.get("/users").json()}
        assert sorted(users) == sorted(self.digits(path) for path in model.paths(is_user))
        for path in model.paths(is_user):
            user, file = users[self.digits(path)], model.files[path]
            assert {key: user[key] for key in file} == file
            assert user["gateways"] == len(model.gateways_of(path))
        gateways = {gateway["name"]: gateway for gateway in self.service.get("/gateways").json()}
        assert sorted(gateways) == sorted(model.files[path]["name"] for path in model.paths(is_gateway))
        for path in model.paths(is_gateway):
            gateway, file = gateways[model.files[path]["name"]], model.files[path]
            assert {key: gateway[key] for key in file if key != "device"} == {k: v for k, v in file.items() if k != "device"}
            assert gateway["user"] == model.files[folder(path) + "user.json"]["name"]
            assert gateway["prefix"] == self.prefix(path)
            assert [c["serial"] for c in gateway["certificates"]] == model.usable(file["device"])
        assert self.service.get("/render").json() == {"differences": []}

    @staticmethod
    def digits(path):
        return "".join(folder(path).split("/")[1:-1])

    def prefix(self, path):
        return f"2001:db8:0:{int(self.digits(path) + path[-6] + '0', 16):x}::/60"

    def check_rendered(self):
        model, world = self.model, self.world
        on = [path for path in model.paths(is_gateway) if model.is_on(path)]
        assert world.client_files() == {model.files[path]["name"] for path in on}
        assert world.routes() == {self.prefix(path) for path in on}
        networks = {self.prefix(path)[:-3] for path in on}
        assert world.firewall_set("gateways") == networks
        assert world.firewall_set("inbound") == {self.prefix(path)[:-3] for path in on
                                                 if model.files[path]["inbound"] == "allow"}
        model.now = world.clock.now()
        good = {c.serial for c in model.certificates.values() if c.kind != "ca" and model.is_good(c)}
        assert world.good_certificates(model.now) == good
        number, listed = world.read_crl()
        assert number > world.crl[0] or (number, listed) == world.crl, "the CRL has changed, its number has not"
        lost = world.crl[1] - listed
        assert all(serial not in model.revoked or model.is_prunable(serial) for serial in lost)
        world.crl = number, listed

    def check_end(self):
        self.world.check_objects()
        self.world.check_full_render()
        verified = self.service.run("verify", check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "ERROR" not in self.service.read_log(), self.service.read_log()

    # --- users and gateways ---

    @initialize()
    def begin(self):
        self.send_batch([("user.create", {"name": "ann"}), ("user.create", {"name": "bob"}),
                         ("gateway.create", {"name": "g0.example.org", "user": "ann"}),
                         ("gateway.create", {"name": "g1.example.org", "user": "bob"})], None)

    @rule(name=USERS, within=WITHIN)
    def create_user(self, name, within):
        self.change("POST", "/users", {"name": name}, lambda m: m.user_create(name), within)

    @rule(name=USERS, members=st.sampled_from([{"enabled": False}, {"enabled": True}, {"name": "ann"}, {"name": "zoe"}]),
          within=WITHIN)
    def patch_user(self, name, members, within):
        self.change("PATCH", f"/user/{name}", members,
                    lambda m: m.user_patch(name, members.get("name"), members.get("enabled")), within,
                    takes_away=members == {"enabled": False})

    @rule(name=USERS, cascade=BOOLEANS, within=WITHIN)
    def delete_user(self, name, cascade, within):
        self.change("DELETE", f"/user/{name}?cascade={int(cascade)}", None, lambda m: m.user_delete(name, cascade), within,
                    takes_away=True)

    @rule(name=GATEWAYS, user=USERS, members=SETTINGS, within=WITHIN)
    def create_gateway(self, name, user, members, within):
        self.change("POST", "/gateways", {"name": name, "user": user, **members},
                    lambda m: m.gateway_create(name, user, **members), within)

    @rule(name=GATEWAYS, members=SETTINGS, within=WITHIN)
    def patch_gateway(self, name, members, within):
        if members:
            self.change("PATCH", f"/gateway/{name}", members, lambda m: m.gateway_patch(name, **members), within,
                        takes_away=members == {"enabled": False})

    @rule(name=GATEWAYS, within=WITHIN)
    def delete_gateway(self, name, within):
        self.change("DELETE", f"/gateway/{name}", None, lambda m: m.gateway_delete(name), within, takes_away=True)

    @rule(name=GATEWAYS, force=BOOLEANS, revoke_old=BOOLEANS, within=WITHIN)
    def renew(self, name, force, revoke_old, within):
        self.change("POST", f"/gateway/{name}/renew", {"force": force, "revoke_old": revoke_old, "reason": "test"},
                    lambda m: m.gateway_renew(name, force, revoke_old), within)

    def send_batch(self, operations, within):
        body = {"changes": [{"op": op, **arguments} for op, arguments in operations], "reason": "test"}
        self.change("POST", "/batch", body,
                    lambda m: m.batch([(METHODS[op], arguments) for op, arguments in operations]), within)

    @rule(operations=st.lists(OPERATIONS, min_size=1, max_size=5), within=WITHIN)
    def batch(self, operations, within):
        self.send_batch(operations, within)

    # --- history ---

    @rule(at=st.integers(0, 1000), network=BOOLEANS, within=WITHIN)
    def rollback(self, at, network, within):
        target = self.model.commits[at % len(self.model.commits)]
        body = {"to": target, **({"include": ["network"]} if network else {})}
        if self.change("POST", "/rollback", body, lambda m: m.rollback(target, network=network), within):
            paths = ["users", "servers"] + (["network.json"] if network else [])
            assert self.world.tree("main", *paths) == self.world.tree(target, *paths)

    @rule(at=st.integers(0, 1000), users=st.sets(USERS, max_size=2), gateways=st.sets(GATEWAYS, max_size=2), within=WITHIN)
    def rollback_only(self, at, users, gateways, within):
        target = self.model.commits[at % len(self.model.commits)]
        only = [(is_user, name) for name in sorted(users)] + [(is_gateway, name) for name in sorted(gateways)]
        if only:
            words = [("user:" if kind is is_user else "gateway:") + name for kind, name in only]
            self.change("POST", "/rollback", {"to": target, "only": words}, lambda m: m.rollback(target, only), within)

    @rule(back=st.integers(0, 1000), within=WITHIN)
    def revert(self, back, within):
        target = self.model.commits[-1 - back % len(self.model.commits)]
        self.change("POST", f"/commit/{target}/revert", {}, lambda m: m.revert(target), within)

    @precondition(lambda self: self.model.pending)
    @rule()
    def confirm(self):
        commit = self.model.pending.commit
        self.change("POST", f"/confirm/{commit}", None, lambda m: m.confirm(commit), takes_away=True)

    @precondition(lambda self: self.model.pending)
    @rule()
    def undo(self):
        commit = self.model.pending.commit
        self.change("DELETE", f"/confirm/{commit}", None, lambda m: m.undo(commit), takes_away=True)

    # --- life of the service ---

    @rule()
    def restart(self):
        assert self.service.stop() == 0
        self.service.start()
        self.settle()

    @rule()
    def crash(self):
        self.world.kill()
        self.service.start()
        self.settle()

    @precondition(lambda self: HAS_CLOCK)
    @rule(by=STEPS_OF_TIME, how=st.sampled_from(["live", "restart", "crash"]))
    def pass_time(self, by, how):
        if self.world.clock.offset + by > LATEST:
            return
        if how == "restart":
            assert self.service.stop() == 0
        elif how == "crash":
            self.world.kill()
        self.world.clock.step(by)
        if how != "live":
            self.service.start()
        self.model.pass_time(self.world.clock.now())
        self.wait_for_time()
        self.settle()

    def wait_for_time(self):
        """Until the writer has done what the model says; its CRL is the first thing that it renews."""
        model, deadline = self.model, time.monotonic() + 10
        while time.monotonic() < deadline:
            entries = [path.split("/") for path in self.world.tree("main", "ledger", "pending.json")]
            there = {kind: {path[-1][:-5] for path in entries if path[1:2] == [kind]} for kind in
                     ("certificates", "revocations")}
            if (len(there["certificates"] - set(model.certificates)) == len(model.wanted)
                    and there["revocations"] >= {s for s in model.revoked if not model.is_prunable(s)}
                    and (["pending.json"] in entries) == (model.pending is not None) and self.service.get("/readyz").ok
                    and self.service.get("/state").json()["rendered"] == self.service.head()):
                return
            time.sleep(0.05)

    # --- git push ---

    @rule(edits=st.lists(st.tuples(st.sampled_from(["on", "inbound", "rename", "move", "add", "remove", "user", "remove user",
                                                   "network", "server", "twin"]), st.integers(0, 1000)),
                         min_size=1, max_size=3))
    def push(self, edits):
        steps = [self.model.files]
        for kind, number in edits:
            files = EDITS[kind](self, dict(steps[-1]), number)
            if files is not None and files != steps[-1]:
                steps.append(files)
        if steps[1:]:
            self.send_push(steps)

    def send_push(self, steps):
        self.is_sound = False
        self.model.now = self.world.clock.now()
        refused = None
        try:
            self.model.apply(lambda m: m.push(steps[1:]))
        except Refused as problem:
            refused = problem.code
        is_taken, said = self.world.push(steps, {**SOURCE, **self.dates()})
        assert is_taken == (refused is None), (refused, said)
        if is_taken:
            self.settle()
        self.is_sound = True

    def dates(self):
        when = f"@{self.world.clock.now()} +0000"
        return {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}

    def stamp(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.world.clock.now()))

    def edit(self, files, test, number, **members):
        paths = sorted(path for path in files if test(path))
        if not paths:
            return None
        path = paths[number % len(paths)]
        for key, value in members.items():
            files[path] = {**files[path], key: value(files[path]) if callable(value) else value}
        return files

    def edit_move(self, files, number):
        """A gateway to another address, maybe of another user, maybe onto one that is in use."""
        old, users = sorted(filter(is_gateway, files)), sorted(filter(is_user, files))
        if not old or not users:
            return None
        moved = files.pop(old[number % len(old)])
        files[f"{folder(users[number % len(users)])}gateways/{number % 16:x}.json"] = moved
        return files

    def edit_add(self, files, number):
        users = sorted(filter(is_user, files))
        path = users and f"{folder(users[number % len(users)])}gateways/{number % 16:x}.json"
        if not users or path in files:
            return None
        files[path] = {"name": f"g{number % 5}.example.org", "device": secrets.token_hex(16), "created": self.stamp(),
                       "enabled": True, "inbound": "deny", "allow": [], "routes": "prefix"}
        return files

    def edit_twin(self, files, number):
        """A copied file: its device is somebody's already, and that has to be refused."""
        old = sorted(filter(is_gateway, files))
        path = old and f"{folder(old[0])}gateways/{number % 16:x}.json"
        if not old or path in files:
            return None
        files[path] = {**files[old[0]], "name": f"twin{number}.example.org"}
        return files

    def edit_remove(self, files, number):
        old = sorted(filter(is_gateway, files))
        if not old:
            return None
        del files[old[number % len(old)]]
        return files

    def edit_user(self, files, number):
        path = f"users/0/{5 + number % 8:x}/user.json"
        if path in files:
            return None
        files[path] = {"name": ["ann", "bob", "eve"][number % 3], "created": self.stamp(), "enabled": True}
        return files

    def edit_remove_user(self, files, number):
        users = sorted(filter(is_user, files))
        if not users:
            return None
        gone = folder(users[number % len(users)])
        return {path: file for path, file in files.items() if not path.startswith(gone)}


EDITS = {
    "on": lambda self, files, n: self.edit(files, lambda p: p.startswith("users/"), n, enabled=lambda f: not f["enabled"]),
    "inbound": lambda self, files, n: self.edit(files, is_gateway, n, inbound=["deny", "allow"][n % 2]),
    "rename": lambda self, files, n: self.edit(files, is_gateway, n, name=f"g{n % 5}.example.org"),
    "move": History.edit_move, "add": History.edit_add, "remove": History.edit_remove, "user": History.edit_user,
    "remove user": History.edit_remove_user, "twin": History.edit_twin,
    "network": lambda self, files, n: self.edit(files, lambda p: p == "network.json", 0, name=f"VPN {n % 3}"),
    "server": lambda self, files, n: self.edit(files, lambda p: p.startswith("servers/"), 0,
                                               endpoints=[f"vpn{n % 3}.example.org:1194"]),
}

TestHistory = History.TestCase
# The same histories each time in `make test`: what fails there is the change's fault; `make test-long` draws new ones.
TestHistory.settings = settings(
    max_examples=HISTORIES, stateful_step_count=STEPS, deadline=None, derandomize="VPNUNIT_HISTORIES" not in os.environ,
    database=None, suppress_health_check=list(HealthCheck), print_blob=True,
    phases=PHASES)
