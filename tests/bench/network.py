"""Networks of a size, filled through the service, kept for the next run of the same binary.

What is kept is what a backup is, the repository and the secrets: a few files, and the rest is rendered anew.
"""
import hashlib
import os
import shutil
import sys

from vpn import Vpn

PREFIX, WIDTHS = "2001:db8::/32", "20/8/4"
PER_USER = 5
USERS_A_BATCH = 166  # about 1,000 changes
DELETES_A_BATCH = 1000
BACKUP = ("state.git", "secrets")
NOT_RENDERED = {*BACKUP, "run", "staging", "lock"}


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def gateway_name(number):
    return f"g{number % PER_USER}.u{number // PER_USER}.example.org"


def user_changes(user):
    yield {"op": "user.create", "name": f"u{user}"}
    for number in range(user * PER_USER, (user + 1) * PER_USER):
        yield {"op": "gateway.create", "name": gateway_name(number), "user": f"u{user}"}


def fill(vpn, gateways):
    users = gateways // PER_USER
    for first in range(0, users, USERS_A_BATCH):
        last = min(first + USERS_A_BATCH, users)
        changes = [change for user in range(first, last) for change in user_changes(user)]
        vpn.must(201, "POST", "/batch", {"changes": changes})
        if last % 2000 < USERS_A_BATCH:
            progress(f"{last * PER_USER:,} of {gateways:,} gateways")


def revoke(vpn, first, last):
    for begin in range(first, last, DELETES_A_BATCH):
        vpn.must(201, "POST", "/batch", {"changes": [
            {"op": "gateway.delete", "name": gateway_name(number)}
            for number in range(begin, min(begin + DELETES_A_BATCH, last))]})


def make(binary, data, gateways, revoked):
    vpn = Vpn(binary, data).init(PREFIX, "--widths", WIDTHS)
    with vpn.serving():
        fill(vpn, gateways + revoked)
        revoke(vpn, gateways, gateways + revoked)


def copy_backup(source, target):
    os.makedirs(target)
    for name in BACKUP:
        shutil.copytree(os.path.join(source, name), os.path.join(target, name))


def open_cache(binary, folder):
    """The folder of this binary's networks; those of others go."""
    with open(binary, "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()[:16]
    os.makedirs(folder, exist_ok=True)
    for other in os.listdir(folder):
        if other != key:
            shutil.rmtree(os.path.join(folder, other))
    return os.path.join(folder, key)


def prepare(binary, cache, data, gateways, revoked=0):
    """A network of that many gateways, and as many revoked certificates, in a new folder, rendered."""
    kept = os.path.join(cache, f"{gateways}-{revoked}")
    if os.path.isdir(kept):
        copy_backup(kept, data)
        Vpn(binary, data).run("render", "--full")
    else:
        progress(f"fill a network of {gateways:,} gateways")
        make(binary, data, gateways, revoked)
        copy_backup(data, kept + ".new")
        os.rename(kept + ".new", kept)
    return Vpn(binary, data)
