/* Packets sealed and opened: what was changed first, then known answers and round trips. The known answers were
 * computed with code of another origin, written straight from the RFCs and PROTOCOL.chacha20poly1305. */
#include "crypto_rig.h"

#include "crypto/cipher.h"

enum { PKT_MAX = 4 + 262144 + TAG_MAX + 16 };

/* Every cipher, with every MAC where it takes one, and with every back end that this build and this CPU have. */
static struct pair {
	const struct cipher_alg *alg;
	const struct mac_alg *mac;
	enum crypto_backend backend;
} pairs[32];
static size_t n_pairs;

static uint8_t key[CIPHER_KEY_MAX], iv[CIPHER_IV_MAX], mac_key[MAC_KEY_MAX];

static bool has_mb(void)
{
	return crypto_backend_set(crypto, CRYPTO_IPSEC_MB, NULL) == OK;
}

static bool is_gcm(const struct cipher_alg *a)
{
	return strstr(a->name, "gcm");
}

static int setup(void **state)
{
	if (rig_setup(state))
		return -1;
	for (const struct cipher_alg *a = cipher_table(true); a->name; a++) {
		for (const struct mac_alg *m = mac_table(); m->name && !(a->aead && m != mac_table()); m++)
			pairs[n_pairs++] = (struct pair){ a, a->aead ? NULL : m, CRYPTO_OPENSSL };
		if (is_gcm(a) && has_mb())
			pairs[n_pairs++] = (struct pair){ a, NULL, CRYPTO_IPSEC_MB };
	}
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(mac_key); i++)
		mac_key[i] = (uint8_t)(0x80 + i);
	memset(iv, 0xff, sizeof(iv)); /* every counter wraps at once */
	return 0;
}

static const char *name_of(const struct pair *p)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s %s", p->alg->name,
		 p->mac				 ? p->mac->name
		 : p->backend == CRYPTO_IPSEC_MB ? "ipsec-mb"
						 : "");
	return text;
}

static struct cipher *cipher(const struct pair *p, enum cipher_dir dir)
{
	struct cipher *c = NULL;

	assert_int_equal(crypto_backend_set(crypto, p->backend, NULL), OK);
	assert_int_equal(cipher_new(&c, crypto, p->alg, p->mac, dir, key, iv, mac_key), OK);
	return c;
}

/* len4, six bytes of padding announced, and a pattern. */
static void fill(uint8_t *pkt, size_t len, unsigned seed)
{
	put_u32(pkt, (uint32_t)(len - 4));
	pkt[4] = 6;
	for (size_t i = 5; i < len; i++)
		pkt[i] = (uint8_t)(seed + 3 * (i - 5));
}

/* The length of a packet of so many blocks. */
static size_t blocks(const struct cipher *c, size_t n)
{
	return n * cipher_block(c) + (cipher_length_apart(c) ? 4 : 0);
}

/* Seals one packet of two blocks with a fresh key; its length on the wire. */
static size_t sealed(const struct pair *p, uint32_t seq, uint8_t *pkt, size_t *len)
{
	struct cipher *c = cipher(p, CIPHER_SEAL);
	size_t tag = cipher_tag(c);

	*len = blocks(c, 2);
	fill(pkt, *len, 1);
	assert_int_equal(cipher_seal(c, seq, pkt, *len), OK);
	cipher_free(c);
	return *len + tag;
}

static int opened(const struct pair *p, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct cipher *c = cipher(p, CIPHER_OPEN);
	int err = cipher_open(c, seq, pkt, len);

	cipher_free(c);
	return err;
}

static void refuses_every_flipped_bit(void **state)
{
	uint8_t pkt[256], bad[256];
	size_t len, wire;

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		wire = sealed(p, 7, pkt, &len);
		for (size_t bit = 0; bit < wire * 8; bit++) {
			memcpy(bad, pkt, wire);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (opened(p, 7, bad, len) != ERR_MAC)
				fail_msg("%s: bit %zu of %zu bytes", name_of(p), bit, wire);
		}
		assert_int_equal(opened(p, 7, pkt, len), OK);
	}
}

/* The length decides where the tag is looked for. */
static void refuses_lengths_that_were_not_sealed(void **state)
{
	static const size_t lengths[] = { 0,
					  1,
					  3,
					  4,
					  5,
					  11,
					  15,
					  16,
					  17,
					  19,
					  20,
					  21,
					  31,
					  33,
					  35,
					  37,
					  48,
					  52,
					  (size_t)INT32_MAX + 1,
					  SIZE_MAX,
					  SIZE_MAX - 11 };
	uint8_t pkt[256] = { 0 }, copy[256];
	size_t len;

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		sealed(p, 0, pkt, &len);
		for (size_t i = 0; i < LEN(lengths); i++) {
			memcpy(copy, pkt, sizeof(copy));
			if (lengths[i] != len && opened(p, 0, copy, lengths[i]) != ERR_MAC)
				fail_msg("%s: length %zu", name_of(p), lengths[i]);
		}
	}
}

/* A packet in another place of the stream. AES-GCM counts by itself, the others take the sequence number. */
static void refuses_packets_out_of_order(void **state)
{
	static const uint32_t wrong[] = { 0, 6, 8, 0x07000000, 0x80000007, UINT32_MAX };
	uint8_t pkt[256], copy[256];
	size_t len, wire;

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		struct cipher *c = cipher(p, CIPHER_OPEN);
		bool gcm = is_gcm(p->alg);

		wire = sealed(p, 7, pkt, &len);
		for (size_t i = 0; i < LEN(wrong) && !gcm; i++) {
			memcpy(copy, pkt, wire);
			if (opened(p, wrong[i], copy, len) != ERR_MAC)
				fail_msg("%s: sequence number %u", name_of(p), (unsigned)wrong[i]);
		}
		memcpy(copy, pkt, wire);
		assert_int_equal(cipher_open(c, 7, copy, len), OK);
		memcpy(copy, pkt, wire);
		if (cipher_open(c, 8, copy, len) != ERR_MAC)
			fail_msg("%s: the same packet twice", name_of(p));
		cipher_free(c);
	}
}

static void refuses_the_wrong_key(void **state)
{
	uint8_t pkt[256], copy[256];
	size_t len, wire;

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		uint8_t *secret = p->mac ? mac_key : key;
		size_t n = p->mac ? p->mac->key_len : p->alg->key_len == 64 ? 32 : p->alg->key_len;

		wire = sealed(p, 7, pkt, &len);
		for (size_t i = 0; i < n; i++) {
			memcpy(copy, pkt, wire);
			secret[i] ^= 0x10;
			if (opened(p, 7, copy, len) != ERR_MAC)
				fail_msg("%s: byte %zu of the key", name_of(p), i);
			secret[i] ^= 0x10;
		}
	}
}

static void finds_names_exactly(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} unknown[] = {
		{ "", 0 },
		{ "none", 4 },
		{ "aes128-cbc", 10 },
		{ "aes128-gcm", 10 },
		{ "aes128-gcm@openssh.co", 21 },
		{ "aes128-gcm@openssh.com\0", 23 },
		{ "AES128-CTR", 10 },
		{ "hmac-sha1", 9 },
		{ "hmac-sha2-256\0", 14 },
		{ "hmac-sha2-25", 12 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(unknown); i++) {
		assert_null(cipher_find(span(unknown[i].name, unknown[i].n)));
		assert_null(mac_find(span(unknown[i].name, unknown[i].n)));
	}
	for (int aes = 0; aes < 2; aes++)
		for (const struct cipher_alg *a = cipher_table(aes); a->name; a++)
			assert_string_equal(cipher_find(span_str(a->name))->name, a->name);
	for (const struct mac_alg *m = mac_table(); m->name; m++)
		assert_ptr_equal(mac_find(span_str(m->name)), m);
	assert_string_equal(cipher_table(true)[0].name, "aes128-gcm@openssh.com");
	assert_string_equal(cipher_table(false)[0].name, "chacha20-poly1305@openssh.com");
}

/* --- known answers --- */

#define PLAIN_256 "hmac-sha2-256"
#define PLAIN_512 "hmac-sha2-512"
#define ETM_256	  PLAIN_256 "-etm@openssh.com"
#define ETM_512	  PLAIN_512 "-etm@openssh.com"

/* Two packets with one key each. The IVs make a carry run through the counter, and stop where it has to. */
static const struct answer {
	const char *cipher, *mac, *iv;
	struct {
		uint32_t seq;
		size_t len;
		unsigned seed;
		const char *wire;
	} pkt[2];
} answers[] = {
	{ "aes128-gcm@openssh.com",
	  NULL,
	  "a0a1a2ffffffffffffffffff",
	  { { 0, 36, 1,
	      "00000020593099689a237c966ed027a585ca7bf3a0c639abcbae79a8095c15f516f410ef705a52b0ac65108eb11d49d4627ff0"
	      "52" },
	    { 1, 36, 8,
	      "0000002030b5e9ccc60f9b6d2e54f8033de29e87ecd60493c7396b5d4a05a24df00ac36fea85dab6bde7a5c99c46c77ca788fb"
	      "cc" } } },
	{ "aes256-gcm@openssh.com",
	  NULL,
	  "a0a1a2ffffffffffffffffff",
	  { { 0, 36, 1,
	      "00000020764948fdd62334f91906d137e0f2605e8b71e38a2326861ccf9d9c0c00b11c4cd630e3dbdaceeee6642081dbe1afbc"
	      "0d" },
	    { 1, 36, 8,
	      "000000200ce70878771167d65594a9bd62c05596054080d9a58b3fcf77d8f2d732b787c0b975913f23738be5c6b23cff7bdae0"
	      "ef" } } },
	{ "chacha20-poly1305@openssh.com",
	  NULL,
	  "",
	  { { 0, 20, 2, "94450e491eba4739a6e8b7c5047b41418c65670b29861651d610cb67ecd22c801c58d096" },
	    { 0x80000001, 76, 3,
	      "650d368d03e66436b37759efe4e39341467586cc8a35680a08d4bc4b685624eae06b3f0c4b38adbb734adb2cbc3b64074d4bfe"
	      "ee16e84aa64961336e818f398ac5810f3b3b114e7418487ceae1d1afdf4cd19dbbb0722d9cd924faa0" } } },
	{ "aes128-ctr",
	  ETM_256,
	  "ffffffffffffffffffffffffffffffff",
	  {
		  { 3, 36, 3,
		    "000000203a47193bc20890367cccbcb82a77913ef6920d0ebbb019c72704cf33f59f82242153d69c3bf601af05e43e00f1"
		    "b063"
		    "552183452a1828ad71915a983f54fc823b" },
		  { 4, 36, 4,
		    "000000207542149f98d0a7085067a2c140dc062478e2b069a4dbe5caaac5353a35d9ebc36a2da95081df923f3e158a74d4"
		    "8f83"
		    "b2d5e497e4e8b573ab07468714183238f7" },
	  } },
	{ "aes128-ctr",
	  PLAIN_512,
	  "ffffffffffffffffffffffffffffffff",
	  {
		  { 3, 32, 3,
		    "3c441f2ec804842a68d8b08c164ba532e286111ab7bc6dbb5370c327e98396281af9a4da70970d682eeb0edce3c9dd7b85"
		    "860d"
		    "1cf43700b240d842dc86bf2c5f67693d12fe2d25b1d9a4dc98833497e446ae60b3da5691c4059212408d8c523e" },
		  { 4, 32, 4,
		    "7346138993c4b314446baef57ce832286cfeac7da8af91b6dec9392e29cdffcfc5c017f146b21bc1cd7336688a75039742"
		    "0a87"
		    "408aca3ede1ad3d704a07168bfdd6cf9a99af1fc3a4e693b92bd0d42acd453d59e4adeff9ea13d8a6d274a6ea3" },
	  } },
	{ "aes192-ctr",
	  ETM_512,
	  "0000000000000000000000000000ffff",
	  {
		  { 3, 36, 3,
		    "000000205389a052811b57b12b3ef480963a1e5209496370aa6dc5b28e8395a95406eca572afb1892fa6c5e19a061198cc"
		    "eca1"
		    "29607009e5251a38bf0aaadf24e734e82cdca9fe278a85a46742701f0b4d7682b2bbf1c6b5e0613aa168edf1c5607d112"
		    "9" },
		  { 4, 36, 4,
		    "00000020a0a7550ad695fe816879dcb42d410621b0f1e2d5013d0ca4ed407b762843a6217a3daf1bc783119d4ab116f08c"
		    "91c8"
		    "63235a3e9066fff9c9e947069f5d2e177bccbf2ca7ad3bc675d3f47d9a5c4c7b94e1038d0b8429a7b3925c8cf040e2009"
		    "b" },
	  } },
	{ "aes192-ctr",
	  PLAIN_256,
	  "0000000000000000000000000000ffff",
	  {
		  { 3, 32, 3,
		    "558aa6478b1743ad3f2af8b4aa062a5e1d5d7f64a661b1cefaf799bd481af8a9b945a26e2beb82cb135efe3d7d3f71c18d"
		    "7d66"
		    "3701f93405f755fe87c403e933" },
		  { 4, 32, 4,
		    "a6a3521cdd81ea9d7c75d0801175322da4edfec10d4978d8994c77623457b22d7bfecaedccceeb85f1e11569a3cfafa425"
		    "d870"
		    "235e8e9fede9368d3f05006ba3" },
	  } },
	{ "aes256-ctr",
	  ETM_256,
	  "ffffffffffffffff00000000000000ff",
	  {
		  { 3, 36, 3,
		    "0000002065b7c041879a538784550f3e5675e87aec2b6e5ab8078675a991bb9153323bec55201ef4afe7bb67ef2c4d1e38"
		    "2737"
		    "a2bf107122cadb928a64fea265c08c046d" },
		  { 4, 36, 4,
		    "00000020993e0a07ae1a04878dcc748ef575b3b8900fdc165a308479938e3da8c76a78606c65811fa9f024e33225aecd34"
		    "986a"
		    "1763dbc2bad6d6d0296a63fdf0c549e7f0" },
	  } },
	{ "aes256-ctr",
	  ETM_512,
	  "ffffffffffffffff00000000000000ff",
	  {
		  { 3, 36, 3,
		    "0000002065b7c041879a538784550f3e5675e87aec2b6e5ab8078675a991bb9153323bece42889bb085cf23289cc743e82"
		    "0e8f"
		    "c60a038e1bf76a3c4f87e47ae3d7030f23dc141c6b7efac0327ba7823cfcd1ca642529cc3f22bd92fec82fcada47a0c60"
		    "6" },
		  { 4, 36, 4,
		    "00000020993e0a07ae1a04878dcc748ef575b3b8900fdc165a308479938e3da8c76a7860e0ae1052cd00a15b1596148b90"
		    "4940"
		    "e391dc86ff8600e81b86d0f9e19491c52d4a834a2e6563a9bd47d59ac3f28310341195d57f4b77b8dff42ea8935959c5c"
		    "0" },
	  } },
	{ "aes256-ctr",
	  PLAIN_256,
	  "ffffffffffffffff00000000000000ff",
	  {
		  { 3, 32, 3,
		    "63b4c6548d96479b9041030a6a49dc76f83f724eb40bf209dde5b7854f2e2fe0b945a26e2beb82cb135efe3d7d3f71c18d"
		    "7d66"
		    "3701f93405f755fe87c403e933" },
		  { 4, 32, 4,
		    "9f3a0d11a50e109b99c078bac94187b48413c0025644f005e78231bcdb7e6c6c7bfecaedccceeb85f1e11569a3cfafa425"
		    "d870"
		    "235e8e9fede9368d3f05006ba3" },
	  } },
	{ "aes256-ctr",
	  PLAIN_512,
	  "ffffffffffffffff00000000000000ff",
	  {
		  { 3, 32, 3,
		    "63b4c6548d96479b9041030a6a49dc76f83f724eb40bf209dde5b7854f2e2fe01af9a4da70970d682eeb0edce3c9dd7b85"
		    "860d"
		    "1cf43700b240d842dc86bf2c5f67693d12fe2d25b1d9a4dc98833497e446ae60b3da5691c4059212408d8c523e" },
		  { 4, 32, 4,
		    "9f3a0d11a50e109b99c078bac94187b48413c0025644f005e78231bcdb7e6c6cc5c017f146b21bc1cd7336688a75039742"
		    "0a87"
		    "408aca3ede1ad3d704a07168bfdd6cf9a99af1fc3a4e693b92bd0d42acd453d59e4adeff9ea13d8a6d274a6ea3" },
	  } },
};

static void gives_the_answer(const struct pair *p, const struct answer *a)
{
	struct cipher *seal, *open;
	uint8_t pkt[256], plain[256];

	unhex(a->iv, iv);
	seal = cipher(p, CIPHER_SEAL);
	open = cipher(p, CIPHER_OPEN);
	for (size_t i = 0; i < LEN(a->pkt); i++) {
		uint32_t seq = a->pkt[i].seq, length = 0;
		size_t len = a->pkt[i].len;

		fill(pkt, len, a->pkt[i].seed);
		memcpy(plain, pkt, len);
		assert_int_equal(cipher_seal(seal, seq, pkt, len), OK);
		assert_hex(pkt, len + cipher_tag(seal), a->pkt[i].wire);
		assert_int_equal(cipher_length(open, seq, pkt, &length), OK);
		assert_int_equal(length, len - 4);
		assert_int_equal(cipher_open(open, seq, pkt, len), OK);
		assert_memory_equal(pkt + 4, plain + 4, len - 4);
	}
	cipher_free(seal);
	cipher_free(open);
}

static bool is_about(const struct answer *a, const struct pair *p)
{
	return !strcmp(a->cipher, p->alg->name) && (!a->mac || !strcmp(a->mac, p->mac->name));
}

static void gives_known_answers(void **state)
{
	size_t given = 0;

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++)
		for (const struct answer *a = answers; a < answers + LEN(answers); a++)
			if (is_about(a, p)) {
				gives_the_answer(p, a);
				given++;
			}
	assert_int_equal(given, LEN(answers) + (has_mb() ? 2 : 0));
	memset(iv, 0xff, sizeof(iv));
}

/* --- what is right --- */

/* One stream of packets of many sizes over the end of the sequence numbers; nobody looks twice at a packet's end. */
static void opens_what_was_sealed(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 1, 4, 5, 7, 8, 9, 31, 64, 65, 1, 255, 2048, 2049, 16384, 1 };
	static uint8_t pkt[PKT_MAX], plain[PKT_MAX];

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		struct cipher *seal = cipher(p, CIPHER_SEAL), *open = cipher(p, CIPHER_OPEN);
		uint32_t seq = UINT32_MAX - 5, length = 0;

		for (size_t i = 0; i < LEN(sizes); i++, seq++) {
			size_t len = blocks(seal, sizes[i]), wire = len + cipher_tag(seal);

			fill(pkt, len, (unsigned)i);
			memcpy(plain, pkt, len);
			memset(pkt + len, 0xa5, sizeof(pkt) - len);
			assert_int_equal(cipher_seal(seal, seq, pkt, len), OK);
			assert_memory_not_equal(pkt + 4, plain + 4, len - 4);
			assert_int_equal(pkt[wire], 0xa5);
			for (int k = 0; k < 3; k++) {
				length = 0;
				assert_int_equal(cipher_length(open, seq, pkt, &length), OK);
				assert_int_equal(length, len - 4);
			}
			assert_int_equal(cipher_open(open, seq, pkt, len), OK);
			assert_memory_equal(pkt + 4, plain + 4, len - 4);
			assert_int_equal(pkt[wire], 0xa5);
		}
		cipher_free(seal);
		cipher_free(open);
	}
}

/* One packet of n blocks from one to the other: the same on the wire, a flipped bit anywhere refused. */
static void crosses(struct cipher *seal, struct cipher *other, struct cipher *open, size_t n)
{
	static uint8_t room[PKT_MAX + 64], same[PKT_MAX], plain[PKT_MAX];
	uint8_t *pkt = room + n % 64; /* packets begin anywhere */
	size_t len = blocks(seal, n), wire = len + cipher_tag(seal);

	fill(plain, len, (unsigned)n);
	memcpy(pkt, plain, len);
	memcpy(same, plain, len);
	memset(pkt + wire, 0xa5, 16);
	assert_int_equal(cipher_seal(seal, 0, pkt, len), OK);
	assert_int_equal(cipher_seal(other, 0, same, len), OK);
	assert_memory_equal(pkt, same, wire);
	assert_int_equal(cipher_open(open, 0, pkt, len), OK);
	assert_memory_equal(pkt, plain, len);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(pkt[wire + i], 0xa5);
}

static void refuses_across(const struct pair *from, const struct pair *to, size_t n)
{
	static uint8_t pkt[PKT_MAX];
	struct cipher *c = cipher(from, CIPHER_SEAL);
	size_t len = blocks(c, n);
	const size_t at[] = { 0, 3, 4, len / 2, len - 1, len, len + 15 }; /* length, data, tag */

	for (size_t i = 0; i < LEN(at); i++) {
		cipher_free(c);
		c = cipher(from, CIPHER_SEAL);
		fill(pkt, len, 5);
		assert_int_equal(cipher_seal(c, 0, pkt, len), OK);
		pkt[at[i]] ^= 1;
		if (opened(to, 0, pkt, len) != ERR_MAC)
			fail_msg("%s, %zu blocks: byte %zu", name_of(to), n, at[i]);
	}
	cipher_free(c);
}

/* AES-GCM by two libraries is one cipher. */
static void opens_what_the_other_back_end_sealed(void **state)
{
	static const size_t far[] = { 2047, 2048, 2049, 16384 }; /* around 32 KiB, and 256 KiB */
	size_t crossed = 0;

	(void)state;
	if (!has_mb())
		skip(); /* not in this build, or not on this CPU */
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		struct pair q = *p;
		struct cipher *seal, *other, *open;

		if (!is_gcm(p->alg))
			continue;
		q.backend = p->backend == CRYPTO_OPENSSL ? CRYPTO_IPSEC_MB : CRYPTO_OPENSSL;
		seal = cipher(p, CIPHER_SEAL);
		other = cipher(&q, CIPHER_SEAL);
		open = cipher(&q, CIPHER_OPEN);
		for (size_t n = 1; n <= 300; n++)
			crosses(seal, other, open, n);
		for (size_t i = 0; i < LEN(far); i++) {
			crosses(seal, other, open, far[i]);
			refuses_across(p, &q, far[i]);
		}
		for (size_t n = 1; n <= 50; n++)
			refuses_across(p, &q, n);
		cipher_free(seal);
		cipher_free(other);
		cipher_free(open);
		crossed++;
	}
	assert_int_equal(crossed, 4);
}

static void states_its_framing(void **state)
{
	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		struct cipher *c = cipher(p, CIPHER_SEAL);
		bool apart = p->alg->aead || p->mac->etm;

		assert_int_equal(cipher_block(c), strstr(p->alg->name, "aes") ? 16 : 8);
		assert_int_equal(cipher_tag(c), p->alg->aead ? 16 : p->mac->tag_len);
		assert_int_equal(cipher_length_apart(c), apart);
		assert_int_equal(cipher_head(c), apart ? 4 : 16);
		assert_in_range(cipher_head(c), 4, CIPHER_HEAD_MAX);
		cipher_free(c);
	}
	assert_int_equal(cipher_find(span_str("aes256-ctr"))->rekey_bytes, 64ull << 30);
	assert_int_equal(cipher_find(span_str("chacha20-poly1305@openssh.com"))->rekey_bytes, 1ull << 30);
}

static void passes_all_before_the_first_keys(void **state)
{
	uint8_t pkt[64], plain[64];
	struct cipher *c = NULL;
	uint32_t length = 0;

	(void)state;
	assert_int_equal(cipher_new_none(&c), OK);
	assert_int_equal(cipher_open(c, 0, pkt, 15), ERR_MAC);
	assert_int_equal(cipher_block(c), 8);
	assert_int_equal(cipher_tag(c), 0);
	assert_int_equal(cipher_head(c), 4);
	assert_false(cipher_length_apart(c));
	fill(pkt, 64, 9);
	memcpy(plain, pkt, 64);
	assert_int_equal(cipher_seal(c, 0, pkt, 64), OK);
	assert_int_equal(cipher_length(c, 0, pkt, &length), OK);
	assert_int_equal(length, 60);
	assert_int_equal(cipher_open(c, 0, pkt, 64), OK);
	assert_memory_equal(pkt, plain, 64);
	cipher_free(c);
}

/* --- memory --- */

/* Where HMAC is in use, libcrypto 3.0 itself allocates the copy of a digest; nothing else does. */
static void allocates_nothing_for_a_packet(void **state)
{
	static uint8_t pkt[PKT_MAX];

	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++) {
		struct cipher *seal = cipher(p, CIPHER_SEAL), *open = cipher(p, CIPHER_OPEN);
		size_t len = blocks(seal, 100);
		uint32_t length;
		long ours = 0, lib = 0, live = 0;

		for (uint32_t seq = 0; seq < 101; seq++) {
			if (seq == 1) { /* the first one may allocate what is then kept */
				ours = mem_calls - mem_lib_calls;
				lib = mem_lib_calls;
				live = mem_live;
			}
			fill(pkt, len, seq);
			assert_int_equal(cipher_seal(seal, seq, pkt, len), OK);
			assert_int_equal(cipher_length(open, seq, pkt, &length), OK);
			assert_int_equal(cipher_open(open, seq, pkt, len), OK);
		}
		assert_int_equal(mem_calls - mem_lib_calls, ours);
		assert_int_equal(mem_live, live);
		if (p->alg->aead && mem_lib_calls != lib)
			fail_msg("%s: %ld allocations for 100 packets", name_of(p), mem_lib_calls - lib);
		cipher_free(seal);
		cipher_free(open);
	}
}

static int make(const void *arg)
{
	const struct pair *p = arg;
	struct cipher *c = NULL;
	int err = crypto_backend_set(crypto, p->backend, NULL);

	assert_int_equal(err, OK);
	err = cipher_new(&c, crypto, p->alg, p->mac, CIPHER_OPEN, key, iv, mac_key);
	assert_true(err ? !c : !!c);
	cipher_free(c);
	return err;
}

static int make_none(const void *arg)
{
	struct cipher *c = NULL;
	int err = cipher_new_none(&c);

	(void)arg;
	cipher_free(c);
	return err;
}

static void survives_want_of_memory(void **state)
{
	(void)state;
	for (const struct pair *p = pairs; p < pairs + n_pairs; p++)
		every_allocation_fails(name_of(p), make, p);
	every_allocation_fails("none", make_none, NULL);
	cipher_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_every_flipped_bit),
		cmocka_unit_test(refuses_lengths_that_were_not_sealed),
		cmocka_unit_test(refuses_packets_out_of_order),
		cmocka_unit_test(refuses_the_wrong_key),
		cmocka_unit_test(finds_names_exactly),
		cmocka_unit_test(gives_known_answers),
		cmocka_unit_test(opens_what_was_sealed),
		cmocka_unit_test(opens_what_the_other_back_end_sealed),
		cmocka_unit_test(states_its_framing),
		cmocka_unit_test(passes_all_before_the_first_keys),
		cmocka_unit_test(allocates_nothing_for_a_packet),
		cmocka_unit_test(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, setup, rig_teardown);
}
