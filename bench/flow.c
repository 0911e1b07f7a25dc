/* Bulk streams on one thread: the sender writes from one buffer, the receiver counts. Data is looked at only when a
 * hash is wanted, so that the generator is much faster than what it measures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum role { SINK, SOURCE, ECHO };

struct flow {
	int fd;
	enum role role;
	const struct flow_options *o;
	uint64_t bytes, first, last; /* moved; when the first and the last of them were */
	uint64_t warm_bytes, warm;   /* moved before the measurement began, and when it did */
	uint64_t hash;
	size_t pending; /* ECHO: bytes in `buffer` that are not back yet */
	char *buffer;	/* ECHO: those bytes; SOURCE with a hash */
	size_t at;	/* where in it */
	bool ended;	/* we sent FIN */
	bool broken;
};

struct flows {
	int epoll;
	unsigned live;
	char *io; /* IO_SIZE bytes, shared: zeros to send, or whatever came */
	bool broken;
};

static uint64_t hash_more(uint64_t h, const char *p, size_t n)
{
	/* FNV-1a, 64 bit */
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return h;
}

/* Each 8 bytes depend on where they stand in the stream, so that a swap or a repetition is seen. */
static void fill_pattern(char *p, uint64_t position)
{
	for (size_t i = 0; i < IO_SIZE; i += 8) {
		uint64_t x = (position + i + 1) * 0x9e3779b97f4a7c15u;

		x ^= x >> 29;
		memcpy(p + i, &x, 8);
	}
}

static char *new_buffer(void)
{
	char *p = aligned_alloc(4096, IO_SIZE);

	if (!p)
		die("out of memory");
	memset(p, 0, IO_SIZE);
	return p;
}

static void flows_init(struct flows *fs)
{
	*fs = (struct flows){ .epoll = epoll_create1(EPOLL_CLOEXEC), .io = new_buffer() };
	if (fs->epoll < 0)
		die("epoll: %s", strerror(errno));
}

static void flows_fini(struct flows *fs)
{
	close(fs->epoll);
	free(fs->io);
}

static void watch(const struct flows *fs, int op, int fd, uint32_t events, void *of)
{
	struct epoll_event e = { .events = events, .data = { .ptr = of } };

	if (epoll_ctl(fs->epoll, op, fd, &e))
		die("epoll_ctl: %s", strerror(errno));
}

static struct flow *flow_new(struct flows *fs, int fd, enum role role, const struct flow_options *o)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		die("out of memory");
	*f = (struct flow){ .fd = fd, .role = role, .o = o, .hash = 14695981039346656037u };
	if (role == SOURCE && o->hash)
		f->buffer = new_buffer();
	if (role == SOURCE && o->hash)
		fill_pattern(f->buffer, 0);
	set_up(fd);
	watch(fs, EPOLL_CTL_ADD, fd, role == SOURCE ? EPOLLIN | EPOLLOUT : EPOLLIN, f);
	fs->live++;
	return f;
}

static void count(struct flow *f, size_t n)
{
	f->last = now_ns();
	if (!f->first)
		f->first = f->warm = f->last;
	f->bytes += n;
	if (f->o && !f->warm_bytes && f->o->warm_ns && f->last - f->first >= f->o->warm_ns) {
		f->warm_bytes = f->bytes;
		f->warm = f->last;
	}
}

static void report(const struct flow *f, unsigned streams)
{
	double seconds = (double)(f->last - f->warm) / 1e9;
	double measured = (double)(f->bytes - f->warm_bytes);

	printf("{\"bytes\": %llu, \"seconds\": %.6f, \"mb_s\": %.2f, \"streams\": %u, \"broken\": %s",
	       (unsigned long long)f->bytes, (double)(f->last - f->first) / 1e9,
	       seconds > 0 ? measured / seconds / 1e6 : 0.0, streams, f->broken ? "true" : "false");
	if (f->o && f->o->hash && streams == 1)
		printf(", \"hash\": \"%016llx\"", (unsigned long long)f->hash);
	printf("}\n");
	fflush(stdout);
}

static void flow_end(struct flows *fs, struct flow *f)
{
	close(f->fd);
	f->fd = -1;
	fs->live--;
	fs->broken |= f->broken;
}

static bool would_block(struct flow *f)
{
	if (errno == EAGAIN || errno == EINTR)
		return true;
	f->broken = true;
	return false;
}

/* False: the stream is over. */
static bool sink_ready(struct flows *fs, struct flow *f)
{
	const struct amount *a = &f->o->amount;

	for (int i = 0; i < 4; i++) { /* others want their turn too */
		ssize_t n = read(f->fd, fs->io, IO_SIZE);

		if (n == 0)
			return false;
		if (n < 0)
			return would_block(f);
		count(f, (size_t)n);
		if (f->o->hash)
			f->hash = hash_more(f->hash, fs->io, (size_t)n);
		if (a->bytes && f->bytes >= a->bytes)
			return false;
		if (a->ns && f->last - f->first >= a->ns)
			return false;
	}
	return true;
}

static bool source_done(const struct flow *f)
{
	const struct amount *a = &f->o->amount;

	return (a->bytes && f->bytes >= a->bytes) || (a->ns && f->first && now_ns() - f->first >= a->ns);
}

static ssize_t source_write(struct flows *fs, struct flow *f)
{
	uint64_t left = f->o->amount.bytes ? f->o->amount.bytes - f->bytes : IO_SIZE;
	size_t n = IO_SIZE - f->at;
	const char *from = f->buffer ? f->buffer + f->at : fs->io;
	ssize_t put;

	if (n > left)
		n = (size_t)left;
	put = send(f->fd, from, n, MSG_NOSIGNAL);
	if (put <= 0 || !f->buffer)
		return put;
	f->hash = hash_more(f->hash, from, (size_t)put);
	f->at = (f->at + (size_t)put) % IO_SIZE;
	if (f->at == 0)
		fill_pattern(f->buffer, f->bytes + (uint64_t)put);
	return put;
}

/* After the last byte it waits for the other side's end: then everything has arrived. */
static bool source_ready(struct flows *fs, struct flow *f, uint32_t events)
{
	char c[512];

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		ssize_t n = read(f->fd, c, sizeof(c));

		if (n == 0 || (n < 0 && !would_block(f))) {
			f->broken |= !f->ended && !source_done(f) && (f->o->amount.bytes || f->o->amount.ns);
			f->last = f->ended ? now_ns() : f->last;
			return false;
		}
	}
	if (f->ended)
		return true;
	if (!source_done(f)) {
		ssize_t n = source_write(fs, f);

		if (n < 0)
			return would_block(f);
		count(f, (size_t)n);
		return true;
	}
	shutdown(f->fd, SHUT_WR);
	f->ended = true;
	watch(fs, EPOLL_CTL_MOD, f->fd, EPOLLIN, f);
	return true;
}

/* Nothing is kept for a connection whose bytes all went back at once: thousands of them cost little. */
static void echo_keep(struct flow *f, const char *rest, size_t n)
{
	if (n && !f->buffer) {
		f->buffer = new_buffer();
		memcpy(f->buffer, rest, n);
		f->at = 0;
	}
	if (!n && f->buffer) {
		free(f->buffer);
		f->buffer = NULL;
	}
	f->pending = n;
}

static bool echo_ready(struct flows *fs, struct flow *f)
{
	const char *from = f->pending ? f->buffer + f->at : fs->io;
	bool waited = f->pending;
	ssize_t n = (ssize_t)f->pending;

	if (!n)
		n = read(f->fd, fs->io, IO_SIZE);
	if (n <= 0)
		return n < 0 && would_block(f);
	f->pending = (size_t)n;
	n = send(f->fd, from, f->pending, MSG_NOSIGNAL);
	if (n < 0 && !would_block(f))
		return false;
	n = n < 0 ? 0 : n;
	if (n > 0)
		count(f, (size_t)n);
	f->at += (size_t)n;
	echo_keep(f, from + n, f->pending - (size_t)n);
	if (waited != (f->pending > 0))
		watch(fs, EPOLL_CTL_MOD, f->fd, f->pending ? EPOLLOUT : EPOLLIN, f);
	return true;
}

static bool ready(struct flows *fs, struct flow *f, uint32_t events)
{
	switch (f->role) {
	case SINK:
		return sink_ready(fs, f);
	case SOURCE:
		return source_ready(fs, f, events);
	case ECHO:
		return echo_ready(fs, f);
	}
	return false;
}

/* One round. Ended flows are handed to `end`; `listener` has no flow behind it and is reported by true. */
static bool turn(struct flows *fs, void (*end)(struct flows *, struct flow *))
{
	struct epoll_event e[64];
	int n = epoll_wait(fs->epoll, e, 64, -1);
	bool knock = false;

	if (n < 0 && errno != EINTR)
		die("epoll_wait: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		struct flow *f = e[i].data.ptr;

		if (!f)
			knock = true;
		else if (!ready(fs, f, e[i].events))
			end(fs, f);
	}
	return knock;
}

static void end_served(struct flows *fs, struct flow *f)
{
	flow_end(fs, f);
	report(f, 1);
	free(f->buffer);
	free(f);
}

static void serve(int listener, enum role role, const struct flow_options *o)
{
	struct flows fs;

	flows_init(&fs);
	watch(&fs, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		int fd;

		if (!turn(&fs, end_served))
			continue;
		while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
			(void)flow_new(&fs, fd, role, o);
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			die("accept: %s", strerror(errno));
	}
}

/* All streams as one: from the first byte of any to the last of all. */
static void add_up(struct flow *sum, const struct flow *f)
{
	if (f->first && (!sum->first || f->first < sum->first))
		sum->first = f->first;
	if (f->warm > sum->warm)
		sum->warm = f->warm;
	if (f->last > sum->last)
		sum->last = f->last;
	sum->bytes += f->bytes;
	sum->warm_bytes += f->warm_bytes;
	sum->broken |= f->broken;
	sum->hash = f->hash;
}

static int run(const struct target *t, enum role role, const struct flow_options *o)
{
	struct flow *all[STREAMS_MAX], sum = { .o = o };
	struct flows fs;

	flows_init(&fs);
	for (unsigned i = 0; i < o->streams; i++)
		all[i] = flow_new(&fs, connect_to(t), role, o);
	while (fs.live > 0)
		(void)turn(&fs, flow_end);
	for (unsigned i = 0; i < o->streams; i++) {
		add_up(&sum, all[i]);
		free(all[i]->buffer);
		free(all[i]);
	}
	flows_fini(&fs);
	report(&sum, o->streams);
	return sum.broken;
}

void flow_sink(int listener, const struct flow_options *o)
{
	serve(listener, SINK, o);
}

void flow_source(int listener, const struct flow_options *o)
{
	serve(listener, SOURCE, o);
}

void flow_echo(int listener)
{
	static const struct flow_options none;

	serve(listener, ECHO, &none);
}

int flow_send(const struct target *t, const struct flow_options *o)
{
	return run(t, SOURCE, o);
}

int flow_recv(const struct target *t, const struct flow_options *o)
{
	return run(t, SINK, o);
}
