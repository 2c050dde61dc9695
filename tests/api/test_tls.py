"""TLS on a listener: our own CA's certificate or files, replaced while connections go on; and nothing in clear text."""
import http.client
import os
import signal
import socket
import ssl
import subprocess

import pytest

from clock import FAKETIME, HAS_CLOCK
from service import BINARY, free_port, wait_for


@pytest.fixture
def served(fresh, tmp_path):
    """A service that listens with TLS too, by options of the test's own."""
    running = []

    def serve(*options, listen=("127.0.0.1:PORTs", "[::1]:PORTs")):
        fresh.stop()
        end()
        port = free_port()
        command = [BINARY, "serve", "--data", fresh.data, "--hooks", "none", *options]
        for place in (*listen, f"unix:{tmp_path}/8s.sock"):  # a digit before an s is no TLS port here
            command += ["--listen", place.replace("PORT", str(port))]
        with open(fresh.log, "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        running.append(process)
        wait_for(lambda: process.poll() is not None or os.path.exists(f"{fresh.data}/run/vpnunit.sock"))
        fresh.tls_port, fresh.tls = port, process
        wait_for(lambda: process.poll() is not None or open_port(port))
        assert process.poll() is None, fresh.read_log()
        return fresh

    def end():
        while running:
            process = running.pop()
            process.terminate()
            assert process.wait(timeout=30) == 0

    yield serve
    end()


def open_port(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ca_file(service):
    return os.path.join(service.data, "pki", "ca.crt")


def connect(service, name="api.vpn.example.org", ca=None, **options):
    context = ssl.create_default_context(cafile=ca or ca_file(service))
    for key, value in options.items():
        setattr(context, key, value)
    raw = socket.create_connection(("127.0.0.1", service.tls_port), timeout=10)
    return context.wrap_socket(raw, server_hostname=name)


def request(stream, service, path="/users"):
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(stream)
    answer.begin()
    answer.read()
    return answer


def serial(stream):
    return stream.getpeercert()["serialNumber"]


def test_own_ca(served):
    """A name of its own, TLS 1.3 alone, a fingerprint in the log; the ledger knows the certificate."""
    service = served()
    stream = connect(service)
    assert stream.version() == "TLSv1.3"
    assert dict(entry[0] for entry in stream.getpeercert()["subject"])["commonName"] == "api.vpn.example.org"
    answer = request(stream, service)
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    subject = service.git("log", "-1", "--format=%s %an", "main").strip()
    assert subject == "api api.vpn.example.org: issue a certificate vpnunit"
    fingerprint = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], check=True, text=True,
                                 input=ssl.DER_cert_to_PEM_cert(stream.getpeercert(True)), capture_output=True)
    assert fingerprint.stdout.strip().split("=")[1] in service.read_log()
    with pytest.raises(ssl.SSLError):
        connect(service, maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(service, name="vpn.example.org")


def test_it_is_issued_once(served):
    first = serial(connect(served()))
    service = served()
    assert serial(connect(service)) == first
    assert service.git("log", "--format=%s", "main").count("issue a certificate") == 1


def test_init_prints_the_cas_fingerprint(tmp_path):
    out = subprocess.run([BINARY, "init", "--data", str(tmp_path / "d"), "--prefix", "2001:db8::/48", "--endpoint",
                          "vpn.example.org:1194"], check=True, capture_output=True, text=True).stdout
    subprocess.run([BINARY, "render", "--data", str(tmp_path / "d")], check=True)
    printed = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                              str(tmp_path / "d" / "pki" / "ca.crt")], check=True, capture_output=True, text=True)
    assert printed.stdout.strip().split("=")[1] in out


@pytest.mark.parametrize("options, words", [
    (["--tls-name", "vpn.example.org", "--listen", "127.0.0.1:0s"], "VPN server's name"),
    (["--tls-name", "no name", "--listen", "127.0.0.1:0s"], "--tls-name"),
    (["--tls-certificate", "/nowhere"], "go together"),
    (["--tls-certificate", "/nowhere", "--tls-key", "/nowhere", "--listen", "127.0.0.1:0s"], "/nowhere"),
    (["--listen", "0.0.0.0:8080"], "--allow-cleartext"),
    (["--listen", "[::]:8080"], "--allow-cleartext"),
    (["--listen", "192.0.2.1:8080"], "--allow-cleartext"),
    (["--listen", "[::ffff:127.0.0.1]:8080"], "--allow-cleartext"),
    (["--listen", "[fe80::1%lo]:8080s"], "cannot listen"),
    (["--listen", "localhost:8080s"], "cannot listen"),
    (["--listen", "8443s"], "cannot listen"),
])
def test_refusals(fresh, options, words):
    fresh.stop()
    done = fresh.run("serve", "--hooks", "none", *options, check=False)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr


def test_cleartext_on_request(served):
    service = served("--allow-cleartext", listen=("0.0.0.0:PORT",))
    with socket.create_connection(("127.0.0.1", service.tls_port), timeout=10) as stream:
        assert request(stream, service).status == 200


def make_files(folder, name, valid=True):
    cert, key = f"{folder}/tls.crt", f"{folder}/tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "9", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    if not valid:
        with open(key, "w", encoding="ascii") as file:
            file.write("no key")
    return cert, key


def test_files_and_sighup(served, tmp_path):
    """New files on SIGHUP; who is connected stays so; bad files change nothing."""
    cert, key = make_files(tmp_path, "one.example.org")
    service = served("--tls-certificate", cert, "--tls-key", key)
    old = connect(service, "one.example.org", ca=cert)
    first = serial(old)
    assert request(old, service).status == 200
    assert "issue a certificate" not in service.git("log", "--format=%s", "main")

    make_files(tmp_path, "two.example.org")
    service.tls.send_signal(signal.SIGHUP)
    wait_for(lambda: service.read_log().count("SHA-256 fingerprint") == 2)
    new = connect(service, "two.example.org", ca=cert)
    assert serial(new) != first
    assert request(old, service).status == 200 and request(new, service).status == 200

    with open(cert, encoding="ascii") as file:
        good = file.read()
    make_files(tmp_path, "three.example.org", valid=False)
    service.tls.send_signal(signal.SIGHUP)
    wait_for(lambda: "what was shown before still is" in service.read_log())
    with open(cert, "w", encoding="ascii") as file:
        file.write(good)
    assert serial(connect(service, "two.example.org", ca=cert)) == serial(new)


def test_reload_under_load(served, tmp_path):
    """No request fails while the certificate is replaced, and no handshake."""
    cert, key = make_files(tmp_path, "one.example.org")
    service = served("--tls-certificate", cert, "--tls-key", key)
    kept = connect(service, "one.example.org", ca=cert)
    for _ in range(60):
        service.tls.send_signal(signal.SIGHUP)
        assert request(kept, service).status == 200
        with connect(service, "one.example.org", ca=cert) as stream:
            assert request(stream, service).status == 200


@pytest.mark.skipif(not HAS_CLOCK, reason="libfaketime and a sanitizer both want to be first")
def test_renews_itself(served):
    """Past two thirds of its life the next start issues another one (while it serves, a minute's look does)."""
    service = served()
    first = ssl.get_server_certificate(("127.0.0.1", service.tls_port))
    service.tls.terminate()
    service.tls.wait(timeout=30)
    environment = dict(os.environ, LD_PRELOAD=FAKETIME, FAKETIME="+300d", FAKETIME_DONT_FAKE_MONOTONIC="1")
    port = free_port()
    with open(service.log, "a", encoding="utf-8") as log:
        process = subprocess.Popen([BINARY, "serve", "--data", service.data, "--hooks", "none", "--listen",
                                    f"127.0.0.1:{port}s"], stdout=log, stderr=log, env=environment)
    try:
        wait_for(lambda: open_port(port) or process.poll() is not None)
        assert service.git("log", "--format=%s", "main").count("api api.vpn.example.org: issue") == 2, service.read_log()
        assert ssl.get_server_certificate(("127.0.0.1", port)) != first
    finally:
        process.terminate()
        process.wait(timeout=30)
