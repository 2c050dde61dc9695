"""What a history should lead to: intent as files, certificates as facts.  Written from the design, not from the code."""
import copy
import re

DAY = 86400
CRL, OVERLAP, RENEWAL, SERVER = 30 * DAY, 30 * DAY, 30 * DAY, 397 * DAY  # policies of state/init
BACKDATED = 3600


class Refused(Exception):
    """What the service should say instead of doing it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class New:
    """What the service draws: an id, a device, a moment.  Learned once it is done."""

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return "NEW"


NEW = New()


class Certificate:
    def __init__(self, serial, device, name, kind, not_before, not_after):
        self.serial, self.device, self.name, self.kind = serial, device, name, kind
        self.not_before, self.not_after = not_before, not_after

    @property
    def age(self):
        return self.not_before, self.serial


class Pending:
    def __init__(self, deadline):
        self.deadline, self.commit, self.holds, self.ends, self.issued = deadline, None, set(), {}, set()


def is_gateway(path):
    return "/gateways/" in path


def is_user(path):
    return path.endswith("/user.json")


def folder(path):
    """Of the user, whichever file of it: 'users/0/3/'."""
    return path[:path.index("/gateways/") + 1] if is_gateway(path) else path[:-len("user.json")]


def names_user(allow, name):
    return isinstance(allow, dict) and allow.get("from") == f"user:{name}"


class Model:
    def __init__(self, files):
        self.files = files       # intent: path -> content
        self.certificates = {}   # by serial
        self.revoked = set()
        self.until = {}          # superseded serial -> planned end
        self.pending = None
        self.commits = []        # oldest first
        self.intent = {}         # commit -> files
        self.wanted = []         # names that get a certificate by this change
        self.now = 0
        self.drawn = 0

    # --- what there is ---

    def find(self, test, name):
        return next((path for path, file in self.files.items() if test(path) and file["name"] == name), None)

    def user(self, name):
        path = self.find(is_user, name)
        if path is None:
            raise Refused("not_found")
        return path

    def gateway(self, name):
        path = self.find(is_gateway, name)
        if path is None:
            raise Refused("not_found")
        return path

    def paths(self, test):
        return sorted(path for path in self.files if test(path))

    def gateways_of(self, user_path):
        return [path for path in self.paths(is_gateway) if folder(path) == folder(user_path)]

    def is_on(self, path):
        return self.files[path]["enabled"] and self.files[folder(path) + "user.json"]["enabled"]

    def of_device(self, device):
        return [c for c in self.certificates.values() if c.device == device]

    def is_held(self, serial):
        return self.pending is not None and serial in self.pending.holds

    def is_good(self, c):
        """Would a server take it?"""
        return c.serial not in self.revoked and not self.is_held(c.serial) and c.not_before <= self.now < c.not_after

    def is_live(self, c):
        return self.is_good(c) and self.now < self.until.get(c.serial, c.not_after)

    def usable(self, device):
        """What the API lists, newest first."""
        found = [c for c in self.of_device(device) if c.serial not in self.revoked and not self.is_held(c.serial)
                 and c.not_after > self.now]
        return [c.serial for c in sorted(found, key=lambda c: c.age, reverse=True)]

    # --- one change, all or nothing ---

    def apply(self, change, confirm_within=None, takes_away=False):
        """Do it, or raise Refused and leave everything as it was."""
        before = self.__dict__
        self.__dict__ = {**before, "files": dict(before["files"]), "revoked": set(before["revoked"]),
                         "until": dict(before["until"]), "pending": copy.deepcopy(before["pending"]), "wanted": []}
        try:
            if self.pending and (confirm_within or not takes_away):
                raise Refused("pending_confirmation")
            has_changed = change(self)
            if confirm_within and has_changed:
                self.hold(before, confirm_within)
        except Refused:
            self.__dict__ = before
            raise

    def hold(self, before, seconds):
        self.pending = Pending(self.now + seconds)
        self.pending.holds = self.revoked - before["revoked"]
        self.pending.ends = {s: t for s, t in self.until.items() if s not in before["until"]}
        self.revoked, self.until = before["revoked"], before["until"]

    def write(self, path, **members):
        self.files[path] = {**self.files.get(path, {}), **members}

    def revoke_device(self, device):
        self.revoked |= {c.serial for c in self.of_device(device) if c.not_after > self.now}

    def check(self):
        """Is it a whole state?"""
        users = [self.files[path]["name"] for path in self.paths(is_user)]
        gateways = [self.files[path] for path in self.paths(is_gateway)]
        names = [gateway["name"] for gateway in gateways]
        devices = [gateway["device"] for gateway in gateways if gateway["device"] is not NEW]
        if (len(set(users)) < len(users) or len(set(names)) < len(names) or len(set(devices)) < len(devices)
                or any(folder(path) + "user.json" not in self.files for path in self.paths(is_gateway))
                or any(isinstance(rule, dict) and str(rule.get("from")).startswith("user:") and rule["from"][5:] not in users
                       for gateway in gateways for rule in gateway["allow"])):
            raise Refused("does_not_fit")

    def set_intent(self, files):
        """A device under its name is a holder: gone, its certificates go; back, it gets one unless it has a live one."""
        def holders(all_files):
            return {(file["device"], file["name"]) for path, file in all_files.items() if is_gateway(path)}

        old, self.files = holders(self.files), files
        self.check()
        has_live = {(c.device, c.name) for c in self.certificates.values() if self.is_live(c)}
        for device, _ in old - holders(files):
            self.revoke_device(device)
        self.wanted += [name for device, name in holders(files) - old if (device, name) not in has_live]

    # --- users and gateways ---

    def user_create(self, name):
        if self.find(is_user, name):
            raise Refused("name_taken")
        self.drawn += 1
        self.write(f"users/?{self.drawn}/user.json", name=name, created=NEW, enabled=True)
        return True

    def user_patch(self, name, new_name=None, enabled=None):
        path = self.user(name)
        new = new_name or name
        if new != name and self.find(is_user, new):
            raise Refused("name_taken")
        before = self.files[path]
        if new != name:
            self.rename_references(name, new)
        self.write(path, name=new, enabled=before["enabled"] if enabled is None else enabled)
        return self.files[path] != before

    def rename_references(self, old, new):
        """new None: nobody lets that user in any more."""
        for path in self.paths(is_gateway):
            rules = [{**rule, "from": f"user:{new}"} if names_user(rule, old) else rule
                     for rule in self.files[path]["allow"] if new or not names_user(rule, old)]
            if rules != self.files[path]["allow"]:
                self.write(path, allow=rules)

    def user_delete(self, name, cascade=False):
        path = self.user(name)
        gateways = self.gateways_of(path)
        if gateways and not cascade:
            raise Refused("has_gateways")
        self.rename_references(name, None)
        for gateway in gateways:
            self.remove_gateway(gateway)
        del self.files[path]
        return True

    def remove_gateway(self, path):
        gateway = self.files.pop(path)
        self.revoke_device(gateway["device"])
        if gateway["name"] in self.wanted:
            self.wanted.remove(gateway["name"])  # made or renewed by the same batch

    def check_allow(self, settings):
        if any(isinstance(rule, dict) and not self.find(is_user, rule["from"][5:]) for rule in settings.get("allow", ())):
            raise Refused("invalid")

    def gateway_create(self, name, user, **settings):
        owner = self.user(user)
        if self.find(is_gateway, name):
            raise Refused("name_taken")
        self.check_allow(settings)
        self.drawn += 1
        self.write(f"{folder(owner)}gateways/?{self.drawn}.json", **{
            "name": name, "device": NEW, "created": NEW, "enabled": True, "inbound": "deny", "allow": [], "routes": "prefix",
            **settings})
        self.wanted.append(name)
        return True

    def gateway_patch(self, name, **settings):
        path = self.gateway(name)
        self.check_allow(settings)
        before = self.files[path]
        self.write(path, **settings)
        return self.files[path] != before

    def gateway_delete(self, name):
        self.remove_gateway(self.gateway(name))
        return True

    def gateway_renew(self, name, force=False, revoke_old=False):
        path = self.gateway(name)
        device = self.files[path]["device"]
        valid = [c for c in self.of_device(device) if c.serial not in self.revoked]
        if valid and not force and self.now < max(valid, key=lambda c: c.age).not_after - RENEWAL:
            raise Refused("not_renewable_yet")
        if name in self.wanted:
            raise Refused("issued_already")
        for c in valid:
            if c.not_after <= self.now:
                continue
            if revoke_old or c.serial in self.until:
                self.revoked.add(c.serial)
            else:
                self.until[c.serial] = min(self.now + OVERLAP, c.not_after)
        self.wanted.append(name)
        return True

    def batch(self, changes):
        has_changed = False
        for method, arguments in changes:
            has_changed |= method(self, **arguments)
        return has_changed

    # --- history ---

    def with_of(self, target, only, network):
        """HEAD's intent, with what is asked for as it was at target."""
        then, files = self.intent[target], dict(self.files)
        if only:
            known = {(test, file["name"]) for side in (then, files) for path, file in side.items()
                     for test in (is_user, is_gateway) if test(path)}
            if any(item not in known for item in only):
                raise Refused("not_found")
        for path in set(then) | set(files):
            if path == "network.json":
                is_wanted = network
            elif only:
                is_wanted = any(self.is_named(side, path, only) for side in (then, self.files))
            else:
                is_wanted = True
            if is_wanted and path in then:
                files[path] = then[path]
            elif is_wanted:
                files.pop(path, None)
        return files

    @staticmethod
    def is_named(files, path, only):
        if path not in files or not path.startswith("users/"):
            return False
        owner = files.get(folder(path) + "user.json", {}).get("name")
        return (is_user, owner) in only or (is_gateway(path) and (is_gateway, files[path]["name"]) in only)

    def rollback(self, target, only=(), network=False):
        before = self.files
        self.set_intent(self.with_of(target, only, network))
        return self.files != before

    def sides(self, commit):
        """Path -> before and made, of what a commit did to the intent."""
        before, made = self.intent[self.commits[self.commits.index(commit) - 1]], self.intent[commit]
        return {path: (before.get(path), made.get(path)) for path in set(before) | set(made)
                if before.get(path) != made.get(path)}

    @staticmethod
    def is_same_object(a, b):
        return all(a.get(key) == b.get(key) for key in ("device", "created"))

    def revert(self, commit):
        if commit == self.commits[0] or not self.sides(commit):
            raise Refused("nothing_to_revert")
        files = dict(self.files)
        for path, (before, made) in self.sides(commit).items():
            now = files.pop(path, None)
            result = now
            if now == made:
                result = before
            elif now != before:
                result = self.merge(before, made, now)
            if result is not None:
                files[path] = result
        if files == self.files:
            raise Refused("nothing_to_revert")
        self.set_intent(files)
        return True

    def merge(self, before, made, now):
        if not before or not made or not now or not self.is_same_object(before, made):
            raise Refused("changed_since")
        merged = {}
        for key in now:
            if now[key] == made[key]:
                merged[key] = before[key]
            elif made[key] == before[key] or now[key] == before[key]:
                merged[key] = now[key]
            else:
                raise Refused("changed_since")
        return merged

    def confirm(self, commit):
        if self.pending is None:
            raise Refused("nothing_pending")
        if self.pending.commit != commit:
            raise Refused("not_pending")
        self.revoked |= self.pending.holds
        for serial, until in self.pending.ends.items():
            self.until.setdefault(serial, until)
        self.pending = None
        return True

    def undo(self, commit):
        """As it was before, but for what has been taken away since."""
        if self.pending is None:
            raise Refused("nothing_pending")
        if self.pending.commit != commit:
            raise Refused("not_pending")
        pending, self.pending = self.pending, None
        files = dict(self.files)
        for path, (before, made) in self.sides(commit).items():
            now = files.pop(path, None)
            if before is None or (now is None and made is not None):
                continue
            result = before
            if now and made and self.is_same_object(before, made):
                result = {key: now[key] if made[key] == before[key] else before[key] for key in before}
            files[path] = result
        names = {file["name"] for path, file in files.items() if is_user(path)}
        for path in [path for path in files if is_gateway(path)]:
            if folder(path) + "user.json" not in files:
                del files[path]
            else:
                files[path] = {**files[path], "allow": [rule for rule in files[path]["allow"] if not isinstance(rule, dict)
                                                        or rule["from"][5:] in names]}
        self.set_intent(files)
        self.revoked |= pending.issued
        return True

    def push(self, steps):
        """Each step is a whole state; certificates follow from both ends."""
        before = self.files
        for files in steps:
            self.files = files
            self.check()
        self.files = before
        self.set_intent(steps[-1])
        return True

    # --- time ---

    def pass_time(self, now):
        """What the service does by itself once it is so late; the undo first."""
        self.now = now
        wanted = []
        if self.pending and now >= self.pending.deadline:
            self.apply(lambda m: m.undo(m.pending.commit), takes_away=True)
            wanted = self.wanted
        server = max((c for c in self.certificates.values() if c.kind == "server"), key=lambda c: c.age)
        if now >= server.not_before + BACKDATED + SERVER * 2 // 3:
            wanted = wanted + [server.name]
        self.revoked |= {s for s, until in self.until.items() if until <= now < self.certificates[s].not_after}
        self.wanted = wanted

    def is_prunable(self, serial):
        return self.certificates[serial].not_after + CRL + DAY <= self.now

    # --- what the service drew ---

    def learn(self, actual):
        """Fill in ids, devices and moments from what is in git; then both have to be the same."""
        for path in [path for path in self.paths(is_user) if "?" in path]:
            found = [p for p, file in actual.items() if is_user(p) and file["name"] == self.files[path]["name"]]
            assert len(found) == 1 and found[0] not in self.files, (path, found)
            for mine in [p for p in self.files if p.startswith(folder(path))]:
                self.files[folder(found[0]) + mine[len(folder(path)):]] = self.files.pop(mine)
        for path in [path for path in self.paths(is_gateway) if "?" in path]:
            found = [p for p, file in actual.items() if is_gateway(p) and file["name"] == self.files[path]["name"]]
            assert len(found) == 1 and found[0] not in self.files and folder(found[0]) == folder(path), (path, found)
            self.files[found[0]] = self.files.pop(path)
        for path, file in self.files.items():
            for key in [key for key, value in file.items() if value is NEW]:
                value = actual[path][key]
                assert key != "device" or (re.fullmatch("[0-9a-f]{32}", value) and not self.of_device(value)), file
                self.files[path] = {**self.files[path], key: value}
        assert self.files == actual

