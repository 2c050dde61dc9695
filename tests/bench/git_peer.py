"""git's command line making the commits that the service has made: the floor below a durable change.

Each is replayed on a clone by hash-object, mktree (one a folder on the paths), commit-tree and update-ref, fsync on.
Blobs and listings are laid ready, nothing is signed, and the trees have to come out the same.
"""
import os
import subprocess
import tempfile
import time

SCRIPT = """set -e
git hash-object -w --no-filters blob* > /dev/null
for listing in tree*; do tree=$(git mktree < "$listing"); done
commit=$(git commit-tree "$tree" -p "$1" -m "gateway: create")
git update-ref refs/heads/main "$commit" "$1"
echo "$tree $commit"
"""
SETTINGS = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "core.fsync", "GIT_CONFIG_VALUE_0": "all",
            "GIT_CONFIG_KEY_1": "core.fsyncMethod", "GIT_CONFIG_VALUE_1": "fsync",
            "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@example.org",
            "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@example.org"}


def folders_of(paths):
    """Every folder on the way to these paths, the deepest first, the root ("") last."""
    found = {""}
    for path in paths:
        while path := os.path.dirname(path):
            found.add(path)
    return sorted(found, key=lambda folder: -len(folder.split("/")) if folder else 0)


class GitPeer:
    def __init__(self, vpn, repository):
        self.vpn = vpn
        self.environment = {"PATH": os.environ["PATH"], "GIT_DIR": repository, **SETTINGS}
        subprocess.run(["git", "clone", "-q", "--bare", "--no-local", vpn.repository, repository], check=True)
        self.seen = self.head = self.ask("rev-parse", "main")

    def ask(self, *arguments):
        """The service's repository, in words."""
        return self.vpn.git(*arguments).decode().strip()

    def replay(self):
        """The seconds of each commit that the service has made since the last call."""
        commits = self.ask("rev-list", "--reverse", f"{self.seen}..main").split()
        self.seen = commits[-1]
        return [self.replay_one(commit) for commit in commits]

    def replay_one(self, commit):
        with tempfile.TemporaryDirectory() as folder:
            self.lay_ready(commit, folder)
            start = time.perf_counter()
            done = subprocess.run(["sh", "-c", SCRIPT, "git", self.head], cwd=folder, env=self.environment, check=True,
                                  stdout=subprocess.PIPE, text=True)
            seconds = time.perf_counter() - start
        tree, self.head = done.stdout.split()
        if tree != (wanted := self.ask("rev-parse", f"{commit}^{{tree}}")):
            raise RuntimeError(f"git made the tree {tree}, the service {wanted}")
        return seconds

    def lay_ready(self, commit, folder):
        """The new blobs and the listings of the folders that change, in the order of their making."""
        paths = self.ask("diff-tree", "-r", "--no-commit-id", "--name-only", f"{commit}^", commit).split()
        for number, path in enumerate(paths):
            with open(os.path.join(folder, f"blob{number:02}"), "wb") as file:
                file.write(self.vpn.git("cat-file", "blob", f"{commit}:{path}"))
        for number, path in enumerate(folders_of(paths)):
            with open(os.path.join(folder, f"tree{number:02}"), "wb") as file:
                file.write(self.vpn.git("ls-tree", f"{commit}:{path}"))
