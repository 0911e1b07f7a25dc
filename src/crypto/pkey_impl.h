/* What the pkey*.c files, sigalg.c and cert.c share: the table of key types and the parsed public key. */
#ifndef ADIT_CRYPTO_PKEY_IMPL_H
#define ADIT_CRYPTO_PKEY_IMPL_H

#include <openssl/evp.h>

#include "base/rd.h"
#include "crypto/pkey.h"

enum key_family { KEY_ED25519, KEY_ECDSA, KEY_RSA, KEY_SK };

/* RSA moduli, in bits. Below the least nobody asks for; above the most libcrypto refuses to calculate. */
enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 16384 };
enum { ED25519_LEN = 32, ED25519_SIG = 64, EC_COORD_MAX = 66, EC_POINT_MAX = 1 + 2 * EC_COORD_MAX };

/* One row per key type. */
struct key_kind {
	const char *type, *cert_type;
	const char *label, *cert_label;
	enum key_family family;
	uint8_t fields;	   /* strings behind the type name (and the nonce of a certificate) */
	const char *curve; /* ECDSA: the name inside the blob, */
	const char *group; /* libcrypto's name, */
	uint8_t coord;	   /* the bytes of a coordinate */
	enum hash_id hash; /* ... and RFC 5656 section 6.2.1's hash */
};

/* The row of a plain or certificate type name; NULL when unknown. */
const struct key_kind *kind_find(struct span type);
/* As above for the plain names only. */
const struct key_kind *kind_find_plain(struct span type);

/* A public key taken apart; the spans point into the blob. */
struct pub {
	const struct key_kind *kind;
	bool cert;
	struct span nonce;    /* certificates only */
	struct span fields;   /* the strings of the public key, packed */
	struct span field[3]; /* taken apart; those of RSA (e, n) are numbers without sign byte */
};

/* Reads the type, the nonce of a certificate and the fields, and leaves the cursor behind them. Checks lengths, curve
 * name and number ranges, without any arithmetic. OK, ERR_NOT_FOUND for a foreign type, ERR_CRYPTO. */
int pub_read(struct pub *out, struct rd *in, struct why *why) MUST_CHECK;
/* As pub_read() for a whole plain blob, or the key inside a certificate blob. */
int pub_parse(struct pub *out, struct span blob, struct why *why) MUST_CHECK;
/* libcrypto's object, freed by the caller. ERR_CRYPTO when a point is not on its curve; sk-* keys have none. */
int pub_evp(EVP_PKEY **out, const struct pub *pub, struct why *why) MUST_CHECK;

/* A non-negative mpint without needless zero bytes (RFC 4251 section 5), as number without the sign byte. Empty and
 * the cursor bad otherwise. */
struct span rd_number(struct rd *in);

/* The size of an unsigned big-endian number without leading zeros. */
size_t number_bits(struct span number);

/* EVP_PKEY_fromdata(): type "RSA" or "EC", selection EVP_PKEY_PUBLIC_KEY or EVP_PKEY_KEYPAIR. Takes `bld`. */
EVP_PKEY *evp_from(const char *type, int selection, OSSL_PARAM_BLD *bld);
/* Adds an unsigned number; false when memory is out. The BIGNUM goes to `keep`, which must live until evp_from(). */
bool bld_number(OSSL_PARAM_BLD *bld, const char *name, struct span number, BIGNUM **keep);

/* A private key. `kind` and `evp` are those of the plain key; `blob` may be a certificate. */
struct pkey {
	const struct key_kind *kind;
	EVP_PKEY *evp;
	struct buf blob;
};

/* The hash of a signature type; NULL for Ed25519, which hashes by itself. */
const EVP_MD *sig_md(const struct crypto *c, const struct sig_alg *alg, const struct key_kind *kind);

/* Checks a raw signature, the second string of a signature blob. OK or ERR_CRYPTO. */
int verify_raw(EVP_PKEY *key, const struct key_kind *kind, const EVP_MD *md, struct span raw, struct span data,
	       struct why *why) MUST_CHECK;

#endif
