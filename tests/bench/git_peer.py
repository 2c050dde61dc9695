"""git's command line making the commits that the service has made: the floor below a durable change.

Each is replayed on a clone by hash-object, mktree (one a folder on the paths), commit-tree and update-ref, fsync on.
Blobs and listings are laid ready, nothing is signed, and the trees have to come out the same.
"""
import os
import subprocess
import time

FSYNC = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync")
WHO = {"GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@example.org",
       "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@example.org"}


def folders_of(paths):
    """Every folder on the way to these paths, the deepest first, the root ("") last."""
    found = {""}
    for path in paths:
        while path := os.path.dirname(path):
            found.add(path)
    return sorted(found, key=lambda folder: (-len(folder.split("/")), folder == "", folder))


class GitPeer:
    def __init__(self, vpn, folder):
        self.vpn, self.folder = vpn, folder
        self.repository = os.path.join(folder, "peer.git")
        subprocess.run(["git", "clone", "-q", "--bare", "--no-local", vpn.repository, self.repository], check=True)
        self.seen = self.head = self.vpn.git("rev-parse", "main").decode().strip()

    def git(self, *arguments, **options):
        return subprocess.run(["git", *FSYNC, "--git-dir", self.repository, *arguments], check=True,
                              stdout=subprocess.PIPE, env={**os.environ, **WHO}, **options).stdout.decode().strip()

    def replay(self):
        """The seconds of each commit that the service has made since the last call."""
        commits = self.vpn.git("rev-list", "--reverse", f"{self.seen}..main").decode().split()
        seconds = [self.replay_one(*self.lay_ready(commit)) for commit in commits]
        self.seen = commits[-1] if commits else self.seen
        return seconds

    def lay_ready(self, commit):
        """The new blobs as files, the listings of changed folders, the resulting tree."""
        paths = self.vpn.git("diff-tree", "-r", "--no-commit-id", "--name-only", f"{commit}^", commit).decode().split()
        files = []
        for number, path in enumerate(paths):
            files.append(os.path.join(self.folder, f"blob{number}"))
            with open(files[-1], "wb") as file:
                file.write(self.vpn.git("cat-file", "blob", f"{commit}:{path}"))
        listings = [self.vpn.git("ls-tree", f"{commit}:{folder}") for folder in folders_of(paths)]
        return files, listings, self.vpn.git("rev-parse", f"{commit}^{{tree}}").decode().strip()

    def replay_one(self, files, listings, wanted):
        start = time.perf_counter()
        self.git("hash-object", "-w", "--no-filters", *files)
        for listing in listings:
            tree = self.git("mktree", input=listing)
        commit = self.git("commit-tree", tree, "-p", self.head, "-m", "gateway: create")
        self.git("update-ref", "refs/heads/main", commit, self.head)
        seconds = time.perf_counter() - start
        if tree != wanted:
            raise RuntimeError(f"git made the tree {tree}, the service {wanted}")
        self.head = commit
        return seconds
