"""The command line: what people do on the first evening, from a shell, against a real service."""
import json
import os
import pty
import re
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service import BINARY, ROOT, Service

NAME = "laptop.joe.example.org"


@pytest.fixture
def joe(fresh):
    fresh.user("joe")
    fresh.gateway(NAME, "joe")
    return fresh


def terminal(service, *arguments, answer=None, environment=None):
    """Run a command with a terminal for all three streams: its exit status, and what is on the screen."""
    main, side = pty.openpty()
    env = {**service.environment, "TERM": "xterm", **(environment or {})}
    process = subprocess.Popen([BINARY, *arguments, "--data", service.data], stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    screen, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([main], [], [], 0.2)[0]:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # Linux tells the end of a terminal so
                break
            screen += chunk
            if answer and b"[y/N]" in screen:
                os.write(main, answer.encode())
                answer = None
    os.close(main)
    return process.wait(30), screen.decode()


def refused(result, *words):
    assert result.returncode == 1 and result.stdout == "", result
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("vpnunit: ")
    for word in words:
        assert word in result.stderr
    return result.stderr


def test_users(fresh):
    assert "2001:db8:0:300::/56" in fresh.run("user add", "joe", "--reason", "a new member").stdout
    assert "Reason: a new member" in fresh.git("log", "-1", "--format=%B")
    refused(fresh.run("user add", "joe", check=False), "joe")
    assert json.loads(fresh.run("user add", "ann", "--id", "7f", "--json").stdout)["id"] == "7f"
    rows = [line.split() for line in fresh.run("user list").stdout.splitlines()]
    assert rows[0] == ["USER", "PREFIX", "GATEWAYS", "STATE", "CREATED"] and [row[0] for row in rows[1:]] == ["ann", "joe"]
    fresh.run("user rename", "joe", "joseph")
    fresh.run("user disable", "joseph")
    assert "disabled" in fresh.run("user show", "joseph").stdout
    assert fresh.run("user show", "joe", "--at", "HEAD~2").returncode == 0
    fresh.run("user enable", "joseph")
    assert fresh.get("/user/joseph").json()["enabled"] is True
    assert fresh.run("user delete", "joseph").stdout == ""
    assert json.loads(fresh.run("user list", "--json").stdout) == fresh.get("/users").json()


def test_gateways(fresh):
    fresh.user("joe")
    fresh.run("gateway add", NAME, "--user", "joe", "--allow", "tcp/22", "--allow", "udp/53", "--routes", "internet")
    gateway = fresh.get(f"/gateway/{NAME}").json()
    assert gateway["allow"] == ["tcp/22", "udp/53"] and gateway["routes"] == "internet"
    assert NAME in fresh.run("gateway list", "--user", "joe").stdout
    assert NAME not in fresh.run("gateway list", "--expires-within", "30d").stdout
    assert NAME in fresh.run("gateway list", "--expires-within", "900d").stdout
    fresh.run("gateway set", NAME, "--routes", "prefix")
    assert fresh.get(f"/gateway/{NAME}").json()["routes"] == "prefix"
    refused(fresh.run("gateway renew", NAME, check=False), "renew")
    fresh.run("gateway renew", NAME, "--force", "--reason", "lost")
    assert len(fresh.get(f"/gateway/{NAME}").json()["certificates"]) == 2
    assert "CONNECTED" in fresh.run("gateway list", "--status").stdout
    assert "OpenVPN cannot be asked" in fresh.run("gateway show", NAME, "--status").stdout
    shown = json.loads(fresh.run("gateway show", NAME, "--json").stdout)
    assert shown == fresh.get(f"/gateway/{NAME}").json()


def test_allow_and_close(joe):
    joe.run("gateway allow", NAME, "tcp/22")
    joe.run("gateway allow", NAME, "tcp/80", "udp/5000-5010", "--to", "1::80", "--from", "vpn")
    joe.run("gateway allow", NAME, "tcp/22", "--from", "any")
    assert joe.get(f"/gateway/{NAME}").json()["allow"] == [
        "tcp/22", {"proto": "tcp", "ports": "80", "to": "1::80", "from": "vpn"},
        {"proto": "udp", "ports": "5000-5010", "to": "1::80", "from": "vpn"}]
    assert "tcp/80 to 1::80 from vpn" in joe.run("gateway show", NAME).stdout
    refused(joe.run("gateway close", NAME, "tcp/80", "--yes", check=False), "tcp/80 to 1::80 from vpn")
    joe.run("gateway close", NAME, "tcp/80", "--to", "1::80", "--from", "vpn", "--yes")
    assert len(joe.get(f"/gateway/{NAME}").json()["allow"]) == 2
    refused(joe.run("gateway allow", NAME, "icmp/1", check=False), "allow")
    assert joe.run("gateway allow", NAME, "22", check=False).returncode == 2


def test_two_at_once_lose_nothing(joe):
    """Each edits the whole list: who was slower is refused, and told by whom."""
    ports = [f"tcp/{1000 + n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda port: joe.run("gateway allow", NAME, port, check=False), ports))
    done = [port for port, result in zip(ports, results) if result.returncode == 0]
    assert sorted(joe.get(f"/gateway/{NAME}").json()["allow"]) == done
    for result in results:
        assert result.returncode == 0 or "changed it at" in result.stderr


def test_tokens(joe):
    made = joe.run("token add", "ci", "--role", "auditor", "--expires", "90d")
    assert re.fullmatch("[0-9a-f]{64}\n", made.stdout) and "once" in made.stderr
    path = os.path.join(joe.data, "ci.token")
    with open(path, "w", encoding="ascii") as file:
        file.write(made.stdout)
    by_url = ("--url", joe.url(""), "--token-file", path)
    assert joe.run("token list", *by_url).stdout.splitlines()[1].split()[:4] == ["ci", "auditor", "all", "valid"]
    assert joe.run("token show", "ci").stdout == joe.run("token list").stdout
    refused(joe.run("token show", "nobody", check=False), "nobody")
    refused(joe.run("user add", "eve", *by_url, check=False), "auditor")
    refused(joe.run("token delete", "ci", check=False), "--yes")
    joe.run("token delete", "ci", "--yes")
    refused(joe.run("token list", *by_url, check=False))
    assert json.loads(joe.run("token list", "--json").stdout) == []
    assert joe.run("token add", "x", check=False).returncode == 2


def test_another_place(joe):
    """A token of this machine goes to this machine's service alone."""
    refused(joe.run("user list", "--url", joe.url(""), check=False), "Bearer")
    token = os.path.join(joe.data, "secrets", "admin.token")
    for url in (joe.url(""), joe.url("/"), joe.url("", "[::1]"), f"unix:{joe.socket}"):
        assert "joe" in joe.run("user list", "--url", url, "--token-file", token).stdout
    refused(joe.run("user list", "--url", "https://127.0.0.1:1", check=False), "https")
    refused(joe.run("user list", "--url", "http://127.0.0.1:1", check=False), "nobody listens")
    refused(joe.run("user list", "--token-file", "/nowhere", check=False), "/nowhere")
    joe.stop()
    refused(joe.run("user list", check=False), "nobody listens")


@pytest.mark.parametrize("command", [
    ("user disable", "joe"), ("user delete", "joe", "--cascade"), ("gateway disable", NAME), ("gateway delete", NAME),
    ("gateway set", NAME, "--inbound", "deny"), ("gateway close", NAME, "tcp/22"), ("rollback", "HEAD~1"), ("revert", "HEAD"),
    ("gateway renew", NAME, "--force", "--revoke-old", "--reason", "lost")])
def test_asks_before_it_takes_away(joe, command):
    """Without a terminal it refuses; no is no; yes is yes; --dry-run tells all and does nothing."""
    joe.run("gateway allow", NAME, "tcp/22")
    joe.run("gateway set", NAME, "--inbound", "allow")
    joe.gateway("last.example.org", "joe")
    head = joe.head()
    refused(joe.run(*command, check=False), "--yes")
    status, screen = terminal(joe, *command[0].split(), *command[1:], answer="n\n")
    assert status == 1 and "Go on? [y/N]" in screen and "nothing was changed" in screen
    assert joe.run(*command, "--dry-run").stdout.startswith(f"dry run at    {head[:12]}: nothing is changed")
    assert json.loads(joe.run(*command, "--dry-run", "--json").stdout)["dry_run"] is True
    assert joe.head() == head
    status, screen = terminal(joe, *command[0].split(), *command[1:], answer="y\n")
    assert status == 0 and joe.head() != head


def test_what_only_gives_does_not_ask(joe):
    for command in (("gateway allow", NAME, "tcp/22"), ("user add", "ann"), ("user enable", "joe"),
                    ("gateway set", NAME, "--inbound", "allow"), ("gateway renew", NAME, "--force", "--reason", "x"),
                    ("user delete", "ann")):
        assert joe.run(*command).returncode == 0


def test_config(joe, tmp_path):
    joe.user("ann")
    joe.gateway("a.example.org", "ann")
    profile = joe.get(f"/gateway/{NAME}/config").text
    assert joe.run("gateway config", NAME).stdout == profile
    folder = tmp_path / "configs"
    joe.run("gateway config", "--user", "ann", "-o", str(folder))
    assert os.listdir(folder) == ["a.example.org.ovpn"] and os.stat(folder).st_mode & 0o777 == 0o700
    (folder / "a.example.org.ovpn").write_text("mine")
    result = joe.run("gateway config", "--all", "--out", str(folder), check=False)
    assert result.returncode == 1 and "a.example.org" in result.stderr and NAME not in result.stderr
    assert (folder / "a.example.org.ovpn").read_text() == "mine"
    assert (folder / f"{NAME}.ovpn").read_text() == profile
    assert os.stat(folder / f"{NAME}.ovpn").st_mode & 0o777 == 0o600
    for arguments in ((), ("--all",), ("--user", "ann"), (NAME, "--all", "-o", str(folder))):
        assert joe.run("gateway config", *arguments, check=False).returncode == 2
    with open("/dev/full", "w", encoding="ascii") as full:
        assert subprocess.run([BINARY, "gateway", "config", NAME, "--data", joe.data], stdout=full, check=False).returncode == 1


def read_code(screen, light):
    """The code on a screen, as a picture: two modules a character."""
    rows = [re.sub("\033\\[[0-9;]*m", "", line).strip("\r") for line in screen.split("\n")]
    rows = [row for row in rows if row and set(row) <= set(" ▀▄█")]
    pixels = []
    for row in rows:
        for half in ("▀█", "▄█"):
            pixels.append([(255 if (char in half) == light else 0) for char in row for _ in range(8)])
    lines = [line for line in pixels for _ in range(8)]
    return b"P5 %d %d 255\n" % (len(lines[0]), len(lines)) + b"".join(map(bytes, lines))


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_link(joe, tmp_path, environment):
    """On a terminal a phone can read it; elsewhere it is the URL alone."""
    assert re.fullmatch("http://127.0.0.1:.*/link/[0-9a-f]{32}\n", joe.run("gateway link", NAME).stdout)
    assert set(json.loads(joe.run("gateway link", NAME, "--json").stdout)) == {"url", "expires"}
    status, screen = terminal(joe, "gateway", "link", NAME, environment=environment)
    assert status == 0 and ("\033[" in screen) == (not environment)
    (tmp_path / "code.pgm").write_bytes(read_code(screen, light=bool(environment)))
    read = subprocess.run(["zbarimg", "--quiet", "--raw", str(tmp_path / "code.pgm")], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == "openvpn://import-profile/" + screen.split()[0]


def test_diff(joe):
    then = joe.head()
    assert joe.run("diff", "HEAD").stdout == ""
    joe.user("ann")
    joe.patch(f"/gateway/{NAME}", {"allow": ["tcp/22"]})
    joe.patch("/user/joe", {"enabled": False})
    joe.delete("/user/ann")
    joe.user("eve")
    lines = joe.run("diff", then).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["+ user eve", "~ user joe", f"~ gateway {NAME}"]
    assert lines[1] == "~ user joe: enabled from true to false"
    assert lines[2].endswith('allow from [] to ["tcp/22"]')
    assert joe.run("diff", "HEAD", then).stdout.splitlines() == [
        "~ user joe: enabled from false to true", "- user eve: 2001:db8:0:500::/56",
        f'~ gateway {NAME}: allow from ["tcp/22"] to []']
    entries = json.loads(joe.run("diff", then, "HEAD", "--json").stdout)
    assert {"kind": "user", "name": "joe", "member": "enabled", "before": True, "after": False} in entries


def test_history(joe):
    assert "gateway laptop.joe.example.org: create" in joe.run("log", "user=joe").stdout.splitlines()[0]
    assert json.loads(joe.run("log", "--json").stdout) == joe.get("/log").json()
    assert joe.run("log", "nothing", check=False).returncode == 2
    assert joe.run("show", "HEAD").stdout.splitlines()[0].endswith(joe.get("/commit/HEAD").json()["subject"])
    assert json.loads(joe.run("show", "HEAD", "--json").stdout)["commit"] == joe.head()
    address = joe.get(f"/gateway/{NAME}").json()["address"]
    assert json.loads(joe.run("whois", address, "--json").stdout)["gateway"] == NAME


def test_long_lists_come_page_by_page(tmp_path):
    service = Service(str(tmp_path), init=("--prefix", "2001:db8::/32", "--widths", "20/8/4")).start()
    changes = [{"op": "user.create", "name": f"u{n:04}"} for n in range(1100)]
    assert service.post("/batch", {"changes": changes}).status_code == 201
    service.user("one.more")
    try:
        for at, n in (((), 1101), (("--at", "HEAD~1"), 1100)):
            listed = json.loads(service.run("user list", "--json", *at).stdout)
            assert len(listed) == n and len({user["name"] for user in listed}) == n
        status, screen = terminal(service, "user", "list")
        assert status == 0 and "users 1000" in screen
    finally:
        service.stop()


def test_confirm_within(joe):
    waits = joe.run("user disable", "joe", "--yes", "--confirm-within", "10m")
    commit = waits.stderr.split()[-1]
    assert commit == joe.head() and commit in joe.run("status").stdout
    joe.run("undo", commit, "--yes")
    assert joe.get("/user/joe").json()["enabled"] is True
    commit = joe.run("user disable", "joe", "--yes", "--confirm-within", "1h").stderr.split()[-1]
    joe.run("confirm", commit)
    assert joe.get("/user/joe").json()["enabled"] is False and "unconfirmed" not in joe.run("status").stdout


def test_status(joe):
    lines = joe.run("status").stdout.splitlines()
    assert lines[0].split()[:2] == ["ok", "crl"] and ["users", "1"] in [line.split() for line in lines]
    assert json.loads(joe.run("status", "--json").stdout) == joe.get("/readyz").json()
    joe.stop()
    refused(joe.run("status", check=False), "nobody listens")


def test_colours(joe):
    """On a terminal, unless NO_COLOR says no."""
    joe.run("user disable", "joe", "--yes")
    assert "\033[31mdisabled" in terminal(joe, "user", "list")[1]
    assert "\033" not in terminal(joe, "user", "list", environment={"NO_COLOR": "1"})[1]
    assert "\033" not in terminal(joe, "user", "list", environment={"TERM": "dumb"})[1]
    assert "\033" not in joe.run("user list").stdout


def test_not_deployed(joe):
    hook = os.path.join(joe.repository, "hooks", "post-commit.d", "fail")
    joe.stop()
    os.makedirs(os.path.dirname(hook), exist_ok=True)
    with open(hook, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(hook, 0o755)
    joe.start(hooks=True)
    for command in (("user add", "ann"), ("user delete", "ann")):
        result = joe.run(*command, check=False)
        assert result.returncode == 3 and "not deployed" in result.stderr


def test_wrong_usage(fresh):
    for command, words in ((("user",), "add, list, show"), (("user", "fly"), "add, list, show"), (("fly",), "no command"),
                           (("user add",), "NAME"), (("user add", "a", "b"), '"b"'), (("user list", "--force"), "--force"),
                           (("gateway add", "x"), "--user"), (("gateway list", "--expires-within", "soon"), "30d"),
                           (("gateway set", "x"), "--inbound"), (("gateway set", "x", "--inbound", "maybe"), "deny|allow")):
        result = subprocess.run([BINARY, *command[0].split(), *command[1:]], capture_output=True, text=True, check=False)
        assert result.returncode == 2 and words in result.stderr, command


# --- What the binary says about itself ---

def complete(*words, **options):
    return subprocess.run([BINARY, "complete", "--", *words], capture_output=True, text=True, check=True, **options).stdout.split()


def commands():
    """Every command and its options, as the completion knows them."""
    for word in complete(""):
        for verb in complete(word, "") if complete(word, "") and not complete(word, "--") else [None]:
            words = [word] if verb is None else [word, verb]
            yield " ".join(words), complete(*words, "--")


def source(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def test_help_and_manual_name_everything():
    text, page = source("templates", "help.txt"), source("src", "vpnunit.8")
    for command, options in commands():
        if command == "complete":
            continue
        noun, _, verb = command.partition(" ")
        assert re.search(rf"^  {noun}\b.*", text, re.M), command
        assert re.search(rf"^\.(It )?Cm {noun}\b", page, re.M), command
        if verb:
            assert re.search(rf"^ .*\b{verb}\b", text, re.M) and re.search(rf"\b{verb}\b", page), command
        for option in options:
            assert option in text and f"Fl Fl {option[2:]}" in page, f"{command} {option}"


def test_complete(joe):
    place = ("--data", joe.data)
    assert complete("gat") == ["gateway"]
    assert complete("gateway", "li") == ["list", "link"]
    assert complete("gateway", "config", *place, "") == [NAME]
    assert complete("gateway", "config", *place, "x") == []
    assert complete("user", "rename", *place, "") == ["joe"] and complete("user", "rename", *place, "joe", "") == []
    assert complete("gateway", "add", "new.example.org", *place, "--user", "") == ["joe"]
    assert complete("gateway", "set", NAME, "--inbound", "") == ["deny", "allow"]
    assert complete("batch", "") == [] and complete("nothing", "") == []
    joe.stop()
    assert complete("gateway", "config", *place, "") == []


def test_completion_of_bash(joe):
    script = f"""
        PATH={os.path.dirname(BINARY)}:$PATH
        . {ROOT}/templates/completion.bash
        COMP_WORDS=(vpnunit gateway show --data {joe.data} la) COMP_CWORD=5
        _vpnunit && echo "${{COMPREPLY[@]}}" """
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.strip() == NAME


def test_completion_of_zsh(joe):
    """Typed into a real shell: TAB makes the name whole."""
    main, side = pty.openpty()
    env = {"PATH": f"{os.path.dirname(BINARY)}:/usr/bin:/bin", "TERM": "xterm", "ZDOTDIR": "/nonexistent",
           "VPNUNIT_DATA": joe.data, "HOME": "/nonexistent"}
    process = subprocess.Popen(["zsh", "-f", "-i"], stdin=side, stdout=side, stderr=side, env=env, start_new_session=True)
    os.close(side)
    folder = os.path.join(joe.data, "zsh")
    os.makedirs(folder)
    os.symlink(os.path.join(ROOT, "templates", "completion.zsh"), os.path.join(folder, "_vpnunit"))
    os.write(main, f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; PS1=READY\n".encode())
    screen, typed, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline and f"vpnunit gateway show {NAME}".encode() not in screen:
        if select.select([main], [], [], 0.2)[0]:
            screen += os.read(main, 65536)
        if not typed and screen.count(b"READY") >= 2:
            os.write(main, b"vpnunit gateway show la\t")
            typed = True
    process.kill()
    process.wait()
    os.close(main)
    assert NAME.encode() in screen, screen
