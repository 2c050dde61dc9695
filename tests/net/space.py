"""Network namespaces: made under a name of their own, entered for a moment to open sockets, removed at the end."""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count()


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Space:
    """One namespace. What is run in it sees its own /sys, as `ip netns exec` arranges."""

    def __init__(self, label):
        self.name = f"vpnunit-{os.getpid()}-{next(numbers)}-{label}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        # Nobody else is on these links: waiting for duplicate addresses would only lose first packets.
        self.sysctl("net/ipv6/conf/default/accept_dad", "0")
        self.ip("link", "set", "lo", "up")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def run(self, *argv, **options):
        options.setdefault("check", True)
        return subprocess.run(["ip", "netns", "exec", self.name, *map(str, argv)],
                              capture_output=True, text=True, **options)

    def popen(self, *argv, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, argv)], **options)

    def ip(self, *argv, **options):
        options.setdefault("check", True)
        return subprocess.run(["ip", "-n", self.name, *map(str, argv)], capture_output=True, text=True, **options)

    def sysctl(self, path, value=None):
        if value is None:
            return self.run("cat", f"/proc/sys/{path}").stdout.strip()
        return self.run("sh", "-c", 'echo "$1" > "$2"', "sh", value, f"/proc/sys/{path}")

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace; a socket that is made meanwhile stays there."""
        home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            setns(there)
            yield
        finally:
            setns(home)
            os.close(there)
            os.close(home)

    def socket(self, kind, timeout=2.0):
        with self.entered():
            s = socket.socket(socket.AF_INET6, kind)
        s.settimeout(timeout)
        return s

    def listen(self, address, port):
        s = self.socket(socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.listen()
        return s

    def bind(self, address, port=0):
        s = self.socket(socket.SOCK_DGRAM)
        s.bind((address, port))
        return s


@contextlib.contextmanager
def spaces(*labels):
    with contextlib.ExitStack() as stack:
        made = []
        for label in labels:
            space = Space(label)
            stack.callback(space.close)
            made.append(space)
        yield made
