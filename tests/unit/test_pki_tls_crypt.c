/*
 * Goal: tls-crypt-v2 keys never change, and a real OpenVPN takes what they wrap.
 * The vectors were computed by another program, after OpenVPN's doc/tls-crypt-v2.txt.
 */
#include "pki_fixture.h"

#include <unistd.h>

#include "base/log.h"

static const struct server server = { .device = { "00000000000000000000000000000001" } };

static void assert_digest(const struct buf *b, const char *wanted)
{
	char hex[DIGEST_HEX];

	digest_sha256_hex(b->data, b->len, hex);
	assert_string_equal(hex, wanted);
}

static void test_keys_never_change(void **state)
{
	struct certificate c = {
		.kind = CERTIFICATE_GATEWAY, .generation = 1, .serial = { "40112233445566778899aabbccddeeff" }
	};
	struct fixture f;
	struct buf b;

	(void)state;
	fixture_open(&f);
	buf_open(&b, f.job.arena);
	assert_int_equal(pki_tls_crypt_server_key(&f.job, f.pki, &server, &b), 0);
	assert_digest(&b, "6197ad59cbeccbe30f41be49d5b409024292bd458692e90516e5fd77054a34fa");
	buf_open(&b, f.job.arena);
	assert_int_equal(pki_tls_crypt_client_key(&f.job, f.pki, &server, &c, &b), 0);
	assert_digest(&b, "5a5ff900b1bf133b23175d03097d3169d08fa7958e8d3531551ce06a60efc8d5");
	fixture_close(&f);
}

static void test_a_new_generation_leaves_the_servers_key_alone(void **state)
{
	struct fixture f;
	struct pki *p;
	struct buf b;

	(void)state;
	fixture_open(&f);
	fixture_write(&f, "two.key",
	    "1 " FIXTURE_KEY "\n2 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n");
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "two.key"), &p), 0);
	buf_open(&b, f.job.arena);
	assert_int_equal(pki_tls_crypt_server_key(&f.job, p, &server, &b), 0);
	assert_digest(&b, "6197ad59cbeccbe30f41be49d5b409024292bd458692e90516e5fd77054a34fa");
	pki_close(p);
	fixture_close(&f);
}

static void write_pair(struct fixture *f, const char *name, const struct certificate *c)
{
	struct buf key;

	buf_open(&key, f->job.arena);
	assert_int_equal(pki_private_key(&f->job, f->pki, c, &key), 0);
	fixture_write(f, arena_printf(f->job.arena, "%s.key", name), key.data);
	fixture_write(f, arena_printf(f->job.arena, "%s.crt", name), model_certificate_pem(f->job.arena, c));
}

/* All that two OpenVPNs need, in the fixture's folder; returns the client's serial. */
static const char *write_files(struct fixture *f)
{
	const struct certificate *client = fixture_gateway(f, "laptop.example.org");
	struct buf ours, theirs;

	write_pair(f, "client", client);
	write_pair(f, "server",
	    fixture_issue(
		f, CERTIFICATE_SERVER, "vpn.example.org", f->job.now - 3600, f->job.now + FIXTURE_DAY));
	fixture_write(f, "ca", model_certificate_pem(f->job.arena, model_ca(f->model)));
	buf_open(&ours, f->job.arena);
	buf_open(&theirs, f->job.arena);
	assert_int_equal(pki_tls_crypt_server_key(&f->job, f->pki, &server, &ours), 0);
	assert_int_equal(pki_tls_crypt_client_key(&f->job, f->pki, &server, client, &theirs), 0);
	fixture_write(f, "server.tls", ours.data);
	fixture_write(f, "client.tls", theirs.data);
	fixture_write(f, "verify", "#!/bin/sh\ncat \"$metadata_file\" > seen\n");
	fixture_write(f, "try",
	    "chmod +x verify\n"
	    "common='--dev null --proto udp6 --ca ca --verb 3 --script-security 2 --tls-version-min 1.2'\n"
	    "openvpn $common --local ::1 --lport $1 --tls-server --dh none --cert server.crt --key server.key"
	    " --remote-cert-tls client --tls-crypt-v2 server.tls"
	    " --tls-crypt-v2-verify ./verify > server.log &\n"
	    "server=$!\n"
	    "openvpn $common --remote ::1 $1 --nobind --tls-client --cert client.crt --key client.key"
	    " --remote-cert-tls server --verify-x509-name vpn.example.org name"
	    " --tls-crypt-v2 client.tls > client.log &\n"
	    "client=$!\n"
	    "for i in $(seq 100); do grep -q 'Connection Initiated' client.log && break; sleep 0.1; done\n"
	    "kill $client $server; wait\n"
	    "cat client.log server.log; echo \"metadata: $(cat seen)\"\n");
	return client->serial.hex;
}

static void test_openvpn_takes_a_wrapped_key(void **state)
{
	struct fixture f;
	const char *said, *serial;
	unsigned port = 20000 + (unsigned)getpid() % 20000;

	(void)state;
	if (system("command -v openvpn > /dev/null")) {
		log_line(LOG_LEVEL_WARNING, "openvpn isn't installed: its handshake is NOT tested");
		skip();
	}
	fixture_open(&f);
	serial = write_files(&f);
	fixture_shell(&f, arena_printf(f.job.arena, "sh try %u", port), &said);
	assert_says(said, "[vpn.example.org] Peer Connection Initiated");
	assert_says(said, "[laptop.example.org] Peer Connection Initiated");
	assert_says(said, arena_printf(f.job.arena, "metadata: %s", serial));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_never_change),
		cmocka_unit_test(test_a_new_generation_leaves_the_servers_key_alone),
		cmocka_unit_test(test_openvpn_takes_a_wrapped_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
