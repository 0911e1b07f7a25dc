/* KEXINIT: the lists of algorithms, and what two of them agree on (RFC 4253 section 7.1, RFC 8308 section 2). */
#include "base/names.h"
#include "ssh/engine.h"

#include <stdlib.h>

/* Indicators, not algorithms: they say something by being there and must never be chosen. */
static const char ext_info_c[] = "ext-info-c", ext_info_s[] = "ext-info-s";
static const char strict_c[] = "kex-strict-c-v00@openssh.com", strict_s[] = "kex-strict-s-v00@openssh.com";

static bool known(int which, struct span name)
{
	const struct sig_alg *sig = sig_find(name);

	switch (which) {
	case LIST_KEX:
		return kex_find(name) != NULL;
	case LIST_HOST_KEY:
		return sig && !sig->agent_only;
	case LIST_CIPHER:
		return cipher_find(name) != NULL;
	default:
		return mac_find(name) != NULL;
	}
}

int propose_check(const char *names, int which)
{
	struct span list = span_str(names), name;
	int count = 0;

	while (names_next(&list, &name)) {
		if (!known(which, name))
			return ERR_SYNTAX;
		count++;
	}
	return count ? OK : ERR_SYNTAX;
}

/* A client that renews its keys stays with the method and the host key that it has: the key may not change, and with
 * one name in each list it knows what the server will choose. */
static bool settled(const struct conn *c)
{
	return c->role == ROLE_CLIENT && !c->kex.first;
}

static void put_host_key_list(struct conn *c, struct buf *out)
{
	buf_string(out, settled(c) ? span_str(c->kex.used.host_key->name) : buf_span(&c->algs[LIST_HOST_KEY]));
}

static void put_kex_list(struct conn *c, struct buf *out)
{
	size_t pos = buf_begin(out);
	bool client = c->role == ROLE_CLIENT;

	buf_bytes(out, settled(c) ? span_str(c->kex.used.kex->name) : buf_span(&c->algs[LIST_KEX]));
	if (c->kex.first) { /* RFC 8308 section 2.1, and strict KEX: only in the first KEXINIT */
		buf_printf(out, ",%s,%s", client ? ext_info_c : ext_info_s, client ? strict_c : strict_s);
	}
	buf_end(out, pos);
}

int propose_write(struct conn *c, struct buf *out, bool guess)
{
	static const int both_ways[] = { LIST_CIPHER, LIST_CIPHER, LIST_MAC, LIST_MAC };
	uint8_t *cookie;

	buf_clear(out);
	buf_u8(out, MSG_KEXINIT);
	cookie = buf_add(out, 16);
	if (!cookie || rng_bytes(&c->rng, cookie, 16) != OK)
		return ERR_NOMEM;
	put_kex_list(c, out);
	put_host_key_list(c, out);
	for (size_t i = 0; i < LEN(both_ways); i++)
		buf_string(out, buf_span(&c->algs[both_ways[i]]));
	buf_cstring(out, "none");
	buf_cstring(out, "none");
	buf_cstring(out, "");
	buf_cstring(out, "");
	buf_u8(out, guess); /* first_kex_packet_follows */
	buf_u32(out, 0);
	return buf_err(out);
}

/* The ten lists of a KEXINIT. */
struct kexinit {
	struct span list[10];
	bool follows;
};

static bool list_sane(struct span s)
{
	size_t names = 1;

	if (s.n > NAME_LIST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
		names += s.p[i] == ',';
	}
	return names <= NAMES_MAX;
}

static int parse(struct span payload, struct kexinit *k)
{
	struct rd in = rd(payload);

	rd_bytes(&in, 1 + 16);
	for (size_t i = 0; i < LEN(k->list); i++)
		k->list[i] = rd_string(&in);
	k->follows = rd_bool(&in);
	rd_u32(&in); /* reserved: for the future, so not looked at */
	if (!rd_done(&in))
		return ERR_PROTO;
	for (size_t i = 0; i < LEN(k->list); i++)
		if (!list_sane(k->list[i]))
			return ERR_KEX;
	return OK;
}

static bool pseudo(struct span name)
{
	static const char *const all[] = { ext_info_c, ext_info_s, strict_c, strict_s, "kexguess2@matt.ucc.asn.au" };

	for (size_t i = 0; i < LEN(all); i++)
		if (span_is(name, all[i]))
			return true;
	return false;
}

/* The first name of the client's list that the server's has too. */
static bool choose(struct span client, struct span server, struct span *name)
{
	while (names_next(&client, name)) {
		struct span rest = server, other;

		while (!pseudo(*name) && names_next(&rest, &other))
			if (span_eq(*name, other))
				return true;
	}
	return false;
}

static int no_match(struct conn *c, const char *what, struct span ours, struct span theirs)
{
	char mine[160], other[160];

	str_escape(mine, sizeof(mine), ours);
	str_escape(other, sizeof(other), theirs);
	return conn_fail(c, ERR_KEX, "no matching %s found. Their offer: %s. Ours: %s", what, other, mine);
}

static bool same_first(struct span a, struct span b)
{
	struct span x, y;

	return names_next(&a, &x) && names_next(&b, &y) && span_eq(x, y);
}

int propose_choose(struct conn *c, struct suite *s)
{
	static const char *const what[] = {
		"key exchange method", "host key type",	    "cipher", "cipher", "MAC", "MAC",
		"compression method",  "compression method"
	};
	struct kexinit ours, theirs, *client, *server;
	struct span name[8] = { 0 };
	int err;

	err = parse(buf_span(&c->kex.our_init), &ours);
	if (!err)
		err = parse(buf_span(&c->kex.peer_init), &theirs);
	if (err)
		return conn_fail(c, err, "malformed KEXINIT");
	client = c->role == ROLE_CLIENT ? &ours : &theirs;
	server = c->role == ROLE_CLIENT ? &theirs : &ours;
	for (size_t i = 0; i < LEN(name); i++) {
		bool mac = i == 4 || i == 5;
		bool implicit = mac && cipher_find(name[i - 2])->aead;

		if (!implicit && !choose(client->list[i], server->list[i], &name[i]))
			return no_match(c, what[i], ours.list[i], theirs.list[i]);
	}
	*s = (struct suite){
		.kex = kex_find(name[0]),
		.host_key = sig_find(name[1]),
		.cipher = { cipher_find(name[2]), cipher_find(name[3]) },
		.mac = { mac_find(name[4]), mac_find(name[5]) },
		.servers_best = same_first(name[0], server->list[0]) && same_first(name[1], server->list[1]),
		.wrong_guess = theirs.follows && !(same_first(client->list[0], server->list[0]) &&
						   same_first(client->list[1], server->list[1])),
		.ext_info = names_have(theirs.list[0], c->role == ROLE_CLIENT ? ext_info_s : ext_info_c),
		.strict = names_have(theirs.list[0], c->role == ROLE_CLIENT ? strict_s : strict_c),
	};
	return OK;
}
