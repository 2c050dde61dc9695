"""What the past costs: the log of one gateway and a read of the past beside `git log -- PATH`, and rollbacks.

Histories of one network of 16 gateways, written by `git fast-import`; the service builds its index of them itself.
Rollbacks over 1, 100 and 1,000 changes of a network of 1,000 gateways.
"""
import json
import time

import network
from samples import Row, warm_up
from vpn import Vpn

GATEWAYS = 16
FILES = "users/0/3/gateways/{:x}.json"
LAST = "g15.example.org"
INDEX_SECONDS = 120
ROLLBACKS = (1, 100, 1000)


def create(vpn, users, gateways):
    vpn.must(201, "POST", "/batch", {"changes": [{"op": "user.create", "name": f"u{i}"} for i in range(users)] + [
        {"op": "gateway.create", "name": f"g{i}.example.org", "user": f"u{i // GATEWAYS}"} for i in range(gateways)]})


def write_history(vpn, commits):
    """Commits that close and open the gateways in turn."""
    gateways = [json.loads(vpn.git("show", "main:" + FILES.format(i))) for i in range(GATEWAYS)]
    out = []
    for n in range(commits):
        gateway = gateways[n % GATEWAYS]
        gateway["enabled"] = not gateway["enabled"]
        text = json.dumps(gateway, indent=2, sort_keys=True) + "\n"
        message = (f"gateway {gateway['name']}: {'enable' if gateway['enabled'] else 'disable'}\n\n"
                   "Change: gateway.patch\n")
        out.append(f"commit refs/heads/main\nauthor admin <admin@vpnunit> {1700000000 + n} +0000\n"
                   f"committer vpnunit <vpnunit@vpnunit> {1700000000 + n} +0000\ndata {len(message)}\n{message}"
                   + ("from refs/heads/main^0\n" if n == 0 else "")
                   + f"M 100644 inline {FILES.format(n % GATEWAYS)}\ndata {len(text)}\n{text}\n")
    vpn.git("fast-import", "--quiet", input="".join(out).encode())


def wait_for_index(vpn):
    start = time.perf_counter()
    while vpn.ask("GET", "/log?limit=1")[0] == 503:
        if time.perf_counter() - start > INDEX_SECONDS:
            raise RuntimeError(f"the index is not built in {INDEX_SECONDS} s")
        time.sleep(0.05)
    return time.perf_counter() - start


def ask_git(vpn):
    start = time.perf_counter()
    vpn.git("log", "--format=%H", "-20", "main", "--", FILES.format(GATEWAYS - 1))
    return time.perf_counter() - start


def measure_history(context, commits):
    sizes = context.sizes
    vpn = Vpn(context.binary, context.path(f"history{commits}")).init()
    with vpn.serving():
        create(vpn, 1, GATEWAYS)
    write_history(vpn, commits)
    middle = vpn.git("rev-parse", f"main~{commits // 2}").decode().strip()
    with vpn.serving():
        built = [wait_for_index(vpn)]
        found = warm_up(context.noise, sizes.rounds, sizes.row_seconds, git=lambda: [ask_git(vpn)],
                        log=lambda: [vpn.must(200, "GET", f"/log?gateway={LAST}&limit=20")],
                        at=lambda: [vpn.must(200, "GET", f"/gateway/{LAST}?at={middle}")])
    peer = f"git log -20 -- PATH of {commits:,} commits"
    yield Row(f"build the log's index, {commits:,} commits", "s", built)
    for name, work in ("log", "GET /log?gateway=&limit=20"), ("at", "GET /gateway/{fqdn}?at="):
        yield Row(work, "ms", found[name], peer, found["git"])


def measure_rollbacks(context):
    vpn = Vpn(context.binary, context.path("rollbacks")).init()
    with vpn.serving():
        create(vpn, 63, max(ROLLBACKS))
        base = vpn.git("rev-parse", "main").decode().strip()
        for count in ROLLBACKS:
            vpn.must(201, "POST", "/batch", {"changes": [
                {"op": "gateway.patch", "name": f"g{i}.example.org", "allow": ["tcp/22"]} for i in range(count)]})
            yield Row(f"rollback over {count:,} changes", "ms", [vpn.must(201, "POST", "/rollback", {"to": base})])
            context.noise.sample()


def measure(context):
    for commits in context.sizes.histories:
        network.progress(f"a history of {commits:,} commits")
        yield from measure_history(context, commits)
    yield from measure_rollbacks(context)
