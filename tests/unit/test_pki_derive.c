/*
 * Goal: the keys that are derived today are the keys that are derived for ever.
 * The vectors were computed by another program: HMAC for HKDF, big integers for the scalar.
 */
#include "pki_fixture.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "pki/pki_int.h"

#define SERIAL "40112233445566778899aabbccddeeff"

static void assert_scalar(EVP_PKEY *key, const char *wanted)
{
	BIGNUM *d = NULL, *w = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	assert_true(BN_hex2bn(&w, wanted));
	assert_int_equal(BN_cmp(d, w), 0);
	BN_free(d);
	BN_free(w);
}

static void test_scalars_never_change(void **state)
{
	static const char *const vectors[] = {
		[CERTIFICATE_CA] = "fa2fd9cdfd5af309a2f8d6cbac7071f8aa7dc091c2f437abb830e89dc30bce05",
		[CERTIFICATE_SERVER] = "6f061a2c7bd12307513b3400e91db9cf8c8ea93218993e5b5dec74e0eb010c48",
		[CERTIFICATE_API] = "a0914edbacb40485a14ef0734e2d65134b478d626a65110d1911f532df349626",
		[CERTIFICATE_GATEWAY] = "d85fb7d0d37efa488abafe2583cd6c4e118c71b40095505ad77936d43d2642e2",
	};
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (int kind = CERTIFICATE_CA; kind <= CERTIFICATE_GATEWAY; kind++) {
		struct certificate c = {
			.kind = (enum certificate_kind)kind, .serial = { SERIAL }, .generation = 1
		};
		EVP_PKEY *key = NULL;
		EVP_PKEY_CTX *ctx;

		assert_int_equal(pki_subject_key(&f.job, f.pki, &c, NULL, &key), 0);
		assert_scalar(key, vectors[kind]);
		ctx = EVP_PKEY_CTX_new(key, NULL);
		assert_int_equal(EVP_PKEY_pairwise_check(ctx), 1);
		EVP_PKEY_CTX_free(ctx);
		EVP_PKEY_free(key);
	}
	fixture_close(&f);
}

static void test_each_generation_has_keys_of_its_own(void **state)
{
	struct certificate c = { .kind = CERTIFICATE_GATEWAY, .serial = { SERIAL }, .generation = 2 };
	struct fixture f;
	EVP_PKEY *key = NULL;
	struct pki *p;

	(void)state;
	fixture_open(&f);
	fixture_write(&f, "two.key",
	    "1 " FIXTURE_KEY "\n2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "two.key"), &p), 0);
	assert_int_equal(pki_subject_key(&f.job, p, &c, NULL, &key), 0);
	assert_scalar(key, "dbf0099cc71eede3c0fcf76e1dbf054b23b62bc192cf5a9f2d29c25a373c31e8");
	EVP_PKEY_free(key);
	c.generation = 1; /* of which the older line is kept */
	assert_int_equal(pki_subject_key(&f.job, p, &c, NULL, &key), 0);
	assert_scalar(key, "d85fb7d0d37efa488abafe2583cd6c4e118c71b40095505ad77936d43d2642e2");
	EVP_PKEY_free(key);
	c.generation = 3;
	assert_int_equal(pki_subject_key(&f.job, p, &c, NULL, &key), E_CORRUPT);
	assert_says(f.job.message, "generation 3");
	pki_close(p);
	fixture_close(&f);
}

static void test_private_key_is_the_certificates_for_ever(void **state)
{
	struct fixture f;
	const struct certificate *c;
	struct buf first, second;
	const char *said;
	struct pki *again;

	(void)state;
	fixture_open(&f);
	c = fixture_gateway(&f, "laptop.example.org");
	assert_non_null(c);
	buf_open(&first, f.job.arena);
	buf_open(&second, f.job.arena);
	assert_int_equal(pki_private_key(&f.job, f.pki, c, &first), 0);
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "master.key"), &again), 0);
	assert_int_equal(pki_private_key(&f.job, again, c, &second), 0);
	assert_string_equal(first.data, second.data);
	assert_int_equal(strncmp(first.data, "-----BEGIN PRIVATE KEY-----\n", 28), 0);

	fixture_write(&f, "key", first.data);
	fixture_write(&f, "crt", model_certificate_pem(f.job.arena, c));
	assert_int_equal(
	    fixture_shell(&f,
		"openssl pkey -in key -check -noout && "
		"openssl pkey -in key -pubout > a && openssl x509 -in crt -noout -pubkey > b && cmp a b",
		&said),
	    0);
	assert_says(said, "Key is valid");
	pki_close(again);
	fixture_close(&f);
}

static void test_a_key_that_is_not_the_certificates_is_not_given(void **state)
{
	struct fixture f;
	struct certificate c;
	struct buf b;

	(void)state;
	fixture_open(&f);
	c = *fixture_gateway(&f, "laptop.example.org");
	c.serial.hex[31] ^= 1;
	buf_open(&b, f.job.arena);
	assert_int_equal(pki_private_key(&f.job, f.pki, &c, &b), E_CORRUPT);
	assert_int_equal(b.len, 0);
	job_clear(&f.job);
	c.der = (const uint8_t *)"\0\0\0";
	c.der_len = 3;
	assert_int_equal(pki_private_key(&f.job, f.pki, &c, &b), E_CORRUPT);
	assert_says(f.job.message, "cannot be read");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars_never_change),
		cmocka_unit_test(test_each_generation_has_keys_of_its_own),
		cmocka_unit_test(test_private_key_is_the_certificates_for_ever),
		cmocka_unit_test(test_a_key_that_is_not_the_certificates_is_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
