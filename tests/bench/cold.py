"""A network from nothing: rendered cold beside `cp`, restored beside `git clone`; how it starts, and what it holds."""
import os
import shutil
import subprocess
import time

import network
from samples import Row, alternate
from vpn import Vpn

RESTORE_SECONDS = 30
START_SECONDS, STARTS = 3, 5
MEMORY_MB = 300


def memory_row(when, megabytes):
    return Row(f"memory {when}", "MB", megabytes, "limit", [MEMORY_MB], most=1)


def measure_start(context, vpn):
    """Rendered = HEAD, as after any stop."""
    memory = []

    def start():
        seconds = vpn.start()
        memory.append(vpn.memory())
        vpn.stop()
        return [seconds]

    found = alternate(context.noise, STARTS, context.sizes.cold_seconds, start=start)["start"]
    at = f"at {context.sizes.large:,}"
    yield Row(f"start of the service, {at}", "s", found, "limit", [START_SECONDS], most=1)
    yield memory_row(f"after the start, {at}", memory)


def measure_render(context, vpn):
    """Both with the file system synced at the end, and into new folders: see `Context.path`."""

    def render():
        data = context.path("cold")
        network.copy_backup(vpn.data, data)
        return [Vpn(vpn.binary, data).run("render", "--full")]

    def copy():
        target = context.path("copy")
        os.mkdir(target)
        names = [name for name in os.listdir(vpn.data) if name not in network.NOT_RENDERED]
        start = time.perf_counter()
        subprocess.run(["cp", "-r", *names, target], cwd=vpn.data, check=True)
        subprocess.run(["sync", "-f", target], check=True)
        return [time.perf_counter() - start]

    found = alternate(context.noise, context.sizes.cold_rounds, context.sizes.cold_seconds, render=render, copy=copy)
    yield Row(f"render --full, cold, {context.sizes.large:,} gateways", "s", found["render"],
              "cp -r of what is rendered", found["copy"], most=5)


def clone(source, target):
    """Over git's protocol: a backup is not beside the original, where git would make hard links."""
    start = time.perf_counter()
    subprocess.run(["git", "clone", "-q", "--bare", "--no-local", source, target], check=True)
    return time.perf_counter() - start


def restore(vpn, data):
    """The seconds from nothing until the clone serves and all of it is rendered."""
    os.makedirs(os.path.join(data, "secrets"), mode=0o700)
    start = time.perf_counter()
    clone(vpn.repository, os.path.join(data, "state.git"))
    shutil.copy2(os.path.join(vpn.data, "secrets", "master.key"), os.path.join(data, "secrets"))
    with Vpn(vpn.binary, data).serving() as restored:
        restored.must(200, "GET", "/gateway/" + network.gateway_name(0))
        while (state := restored.get("/state"))["rendered"] != state["head"]:
            time.sleep(0.05)
        return time.perf_counter() - start


def measure_restore(context, vpn):
    found = alternate(context.noise, context.sizes.cold_rounds, context.sizes.cold_seconds,
                      clone=lambda: [clone(vpn.repository, context.path("cloned.git"))],
                      restore=lambda: [restore(vpn, context.path("restored"))])
    limit = [seconds + RESTORE_SECONDS for seconds in found["clone"]]
    yield Row(f"restore: clone to serving, {context.sizes.large:,} gateways", "s", found["restore"],
              f"git clone of it, and {RESTORE_SECONDS} s", limit, most=1)


def measure(context, vpn):
    """The service is not running; what is rendered at the beginning is HEAD."""
    yield from measure_start(context, vpn)
    yield from measure_restore(context, vpn)
    yield from measure_render(context, vpn)
