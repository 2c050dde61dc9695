"""From DELETE /gateway/{fqdn} until the CRL that OpenVPN reads lists the serial, beside easy-rsa."""
import base64
import itertools
import os
import time

import network
from peers import EasyRsa
from samples import Row, warm_up

BLOCK = 4


def digits(raw):
    """What base64 makes of these bytes inside of others, at each of the three places that they may start from."""
    for skip in range(3):
        whole = base64.b64encode(bytes(skip) + raw)
        yield whole[-(-skip * 8 // 6):(skip + len(raw)) * 8 // 6]


def is_listed(data, serial):
    """Whether these bytes are in crl.pem; of 16 random ones nobody else has the same. Decoding it would take part of what is measured."""
    with open(os.path.join(data, "pki", "crl.pem"), "rb") as file:
        text = file.read().replace(b"\n", b"")
    return any(found in text for found in digits(bytes.fromhex(serial)))


def revoke(vpn, name):
    serial = vpn.get(f"/gateway/{name}")["certificates"][0]["serial"]
    if is_listed(vpn.data, serial):
        raise RuntimeError(f"{serial} is revoked already")
    start = time.perf_counter()
    vpn.must(204, "DELETE", f"/gateway/{name}")
    while not is_listed(vpn.data, serial):
        time.sleep(0.001)
    return time.perf_counter() - start


def measure(context):
    sizes = context.sizes
    names = map(network.gateway_name, itertools.count())
    easyrsa = EasyRsa(context.path("easyrsa-revoked"), sizes.revoked)
    with context.network("revoked", sizes.small, sizes.revoked).serving() as vpn:
        found = warm_up(context.noise, sizes.rounds, sizes.row_seconds,
                          ours=lambda: [revoke(vpn, next(names)) for _ in range(BLOCK)],
                          theirs=lambda: [easyrsa.revoke()])
    yield Row(f"revoke, until the CRL lists it, at {sizes.revoked:,} revoked", "ms", found["ours"],
              "easyrsa revoke and gen-crl", found["theirs"], faster=20)
