/* Lines of text: the lists of a policy, then a host. The first byte chooses GatewayPorts and the port. Judging never
 * contradicts itself, and the guard holds against everything but an administrator's word about addresses. */
#include <assert.h>
#include <stdlib.h>

#include "base/str.h"
#include "conf/permit.h"
#include "fuzz.h"

static const uint32_t ports[] = { 0, 22, 80, 8080, 65535, 65536 };
static const char *const found[] = { "127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1", "::", "2002:a9fe:a9fe::" };

static struct span next_line(struct span *text)
{
	const uint8_t *lf = text->n ? memchr(text->p, '\n', text->n) : NULL;
	struct span line = span(text->p, lf ? (size_t)(lf - text->p) : text->n);
	size_t skip = line.n + (lf ? 1 : 0);

	*text = span(text->p + skip, text->n - skip);
	return line;
}

/* Words apart by blanks. */
static void read_words(struct strs *out, struct span line)
{
	while (line.n) {
		const uint8_t *blank = memchr(line.p, ' ', line.n);
		size_t n = blank ? (size_t)(blank - line.p) : line.n, skip = n + (blank ? 1 : 0);
		char *word = str_from_span(span(line.p, n));

		if (word && strs_take(out, word) != OK)
			abort();
		line = span(line.p + skip, line.n - skip);
	}
}

static bool has_addresses(const struct strs *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (!permit_open_word_check(words->v[i], NULL) && strpbrk(words->v[i], "0123456789:"))
			return true;
	return false;
}

static bool is_address(struct span host)
{
	char *text = str_from_span(host);
	struct ip a;
	bool yes = false;

	if (text) {
		text[strcspn(text, "%")] = 0;
		yes = ip_parse(&a, text) == OK;
	}
	free(text);
	return yes;
}

/* A name that is refused at once would be refused with every address, too. */
static void check_open(const struct policy *p, struct span host, uint32_t port)
{
	enum permit v = permit_open_request(p, host, port, NULL);

	assert((v == PERMIT_YES) <= is_address(host));
	for (size_t i = 0; i < LEN(found); i++) {
		struct ip a;
		int err = ip_parse(&a, found[i]);

		if (err || !permit_open_address(p, host, port, &a, NULL))
			continue;
		assert(v == PERMIT_ASK || is_address(host));
		assert(port > 0 && port <= 65535);
		assert(ip_kind_of(&a) == IP_ORDINARY || has_addresses(&p->permit_open[POLICY_ADMIN]));
	}
}

static void check_listen(const struct policy *p, struct span host, uint32_t port)
{
	struct listen_place place;
	struct why rule;

	if (permit_listen_request(p, host, port, &place, &rule) == PERMIT_NO) {
		assert(rule.text[0]);
		return;
	}
	assert(port <= 65535);
	assert(place.where == listen_effective(p->gateway, host).where);
	if (p->gateway == GATEWAY_NO)
		assert(place.where == LISTEN_LOOPBACK || ip_is_loopback(&place.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = n ? span(data + 1, n - 1) : span(data, 0);
	unsigned choice = n ? data[0] : 0;
	struct policy p = { .tcp = 3, .streamlocal = 3, .gateway = (enum gateway_ports)(choice % 3) };
	uint32_t port = ports[choice / 3 % LEN(ports)];
	bool path;

	for (int i = 0; i < POLICY_LISTS; i++) {
		read_words(&p.permit_open[i], next_line(&text));
		read_words(&p.permit_listen[i], next_line(&text));
	}
	read_words(&p.deny_open, next_line(&text));
	check_open(&p, text, port);
	check_listen(&p, text, port);
	path = permit_open_path(&p, text, NULL);
	assert(!path || permit_listen_path(&p, text, NULL));
	policy_fini(&p);
	return 0;
}
