/* Load generator and sink for the benchmarks and the end-to-end tests: the command line and the sockets. Every result
 * is one line of JSON on stdout. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static const char usage[] =
	"usage: load [-h] [-n streams] [-w seconds] mode ...\n"
	"  sink PORT [AMOUNT]             takes all that comes, of each connection\n"
	"  source PORT AMOUNT             sends to each connection\n"
	"  echo PORT                      sends everything back\n"
	"  send HOST PORT AMOUNT          sends, and waits until all of it has arrived\n"
	"  recv HOST PORT [AMOUNT]        takes what comes\n"
	"  pingpong HOST PORT COUNT SIZE [RATE]\n"
	"AMOUNT: bytes, with k, m, g; or seconds with s; 0 is no limit. PORT 0: any, it is printed first.\n"
	"-h: send a pattern and hash it; -n: so many connections; -w: measure from so long after the first byte.\n";

static uint64_t number(const char *text, const char **end)
{
	unsigned long long v;

	errno = 0;
	v = strtoull(text, (char **)end, 10);
	if (*end == text || *text == '-' || errno)
		die("not a number: %s", text);
	return v;
}

struct amount amount_of(const char *text)
{
	static const char powers[] = "kmg";
	const char *end, *power;
	uint64_t v = number(text, &end);

	if (strcmp(end, "s") == 0 && v < UINT32_MAX)
		return (struct amount){ .ns = v * 1000000000u };
	power = *end ? strchr(powers, *end) : NULL;
	if (power && !end[1] && v < 1u << 30)
		return (struct amount){ .bytes = v << (10 * (power - powers + 1)) };
	if (*end)
		die("not an amount: %s", text);
	return (struct amount){ .bytes = v };
}

void set_up(int fd)
{
	static const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int name_or_peer(int fd, const struct addrinfo *a, bool listens)
{
	return listens ? bind(fd, a->ai_addr, a->ai_addrlen) : connect(fd, a->ai_addr, a->ai_addrlen);
}

static int socket_for(const char *host, const char *port, bool listens)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0 };
	static const int on = 1;
	struct addrinfo *list;
	int e, fd = -1;

	e = getaddrinfo(host, port, &hints, &list);
	if (e)
		die("%s port %s: %s", host, port, gai_strerror(e));
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (listens)
			(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (fd >= 0 && name_or_peer(fd, a, listens)) {
			e = errno;
			close(fd);
			fd = -1;
			errno = e;
		}
	}
	if (fd < 0)
		die("%s port %s: %s", host, port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

static void non_blocking(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl: %s", strerror(errno));
}

int connect_to(const struct target *t)
{
	int fd = socket_for(t->host, t->port, false);

	non_blocking(fd);
	set_up(fd);
	return fd;
}

int listen_on(const char *port)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);
	int fd = socket_for("127.0.0.1", port, true);

	if (listen(fd, 4096) || getsockname(fd, (struct sockaddr *)&sa, &n))
		die("listen: %s", strerror(errno));
	non_blocking(fd);
	printf("{\"port\": %u}\n", ntohs(sa.sin_port));
	fflush(stdout);
	return fd;
}

static int do_sink(char **arg, struct flow_options *o)
{
	o->amount = amount_of(arg[1] ? arg[1] : "0");
	flow_sink(listen_on(arg[0]), o);
	return 0;
}

static int do_source(char **arg, struct flow_options *o)
{
	o->amount = amount_of(arg[1]);
	flow_source(listen_on(arg[0]), o);
	return 0;
}

static int do_echo(char **arg, struct flow_options *o)
{
	(void)o;
	flow_echo(listen_on(arg[0]));
	return 0;
}

static int do_send(char **arg, struct flow_options *o)
{
	o->amount = amount_of(arg[2]);
	return flow_send(&(struct target){ arg[0], arg[1] }, o);
}

static int do_recv(char **arg, struct flow_options *o)
{
	o->amount = amount_of(arg[2] ? arg[2] : "0");
	return flow_recv(&(struct target){ arg[0], arg[1] }, o);
}

static int do_ping(char **arg, struct flow_options *o)
{
	(void)o;
	return ping(&(struct target){ arg[0], arg[1] }, whole(arg[2], 1, 100000000), whole(arg[3], 1, 65536),
		    arg[4] ? whole(arg[4], 0, 1000000) : 0);
}

static const struct mode {
	const char *name;
	int min, max; /* arguments */
	int (*run)(char **arg, struct flow_options *o);
} modes[] = {
	{ "sink", 1, 2, do_sink }, { "source", 2, 2, do_source }, { "echo", 1, 1, do_echo },
	{ "send", 3, 3, do_send }, { "recv", 2, 3, do_recv },	  { "pingpong", 4, 5, do_ping },
};

int main(int argc, char **argv)
{
	struct flow_options o = { .streams = 1 };
	int c;

	raise_descriptor_limit();
	while ((c = getopt(argc, argv, "+hn:w:")) != -1)
		if (c == 'h')
			o.hash = true;
		else if (c == 'n')
			o.streams = whole(optarg, 1, STREAMS_MAX);
		else if (c == 'w')
			o.warm_ns = whole(optarg, 0, 3600) * (uint64_t)1000000000;
		else
			optind = argc + 1;
	for (size_t i = 0; optind < argc && i < sizeof(modes) / sizeof(modes[0]); i++) {
		int args = argc - optind - 1;

		if (strcmp(argv[optind], modes[i].name) == 0 && args >= modes[i].min && args <= modes[i].max)
			return modes[i].run(argv + optind + 1, &o);
	}
	fputs(usage, stderr);
	return 2;
}
