/* Delay of small requests. Open loop: a request counts from when it should have been sent, whatever the one before it
 * does, so that a stall is seen by all the requests that it held up. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

struct pings {
	int fd;
	unsigned count, size;
	uint64_t begin, interval; /* 0: closed loop */
	uint64_t sent, received;  /* bytes */
	uint64_t *start, *took;	  /* of each request, ns */
	unsigned started, finished;
	char *buffer;
};

static uint64_t due(const struct pings *p)
{
	if (p->started == p->count)
		return UINT64_MAX;
	if (p->interval)
		return p->begin + p->started * p->interval;
	return p->started == p->finished ? 0 : UINT64_MAX;
}

static void start_due(struct pings *p, uint64_t now)
{
	for (uint64_t at; (at = due(p)) <= now; p->started++)
		p->start[p->started] = p->interval ? at : now;
}

static void write_some(struct pings *p)
{
	uint64_t want = (uint64_t)p->started * p->size - p->sent;
	ssize_t n;

	if (want == 0)
		return;
	n = send(p->fd, p->buffer, want < IO_SIZE ? (size_t)want : IO_SIZE, MSG_NOSIGNAL);
	if (n > 0)
		p->sent += (uint64_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		die("send: %s", strerror(errno));
}

static void read_some(struct pings *p)
{
	ssize_t n = read(p->fd, p->buffer + IO_SIZE, IO_SIZE);
	uint64_t now = now_ns();

	if (n == 0)
		die("the echo server closed the connection after %u answers", p->finished);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("read: %s", strerror(errno));
	if (n > 0)
		p->received += (uint64_t)n;
	for (; p->finished < p->started && p->received >= (uint64_t)(p->finished + 1) * p->size; p->finished++)
		p->took[p->finished] = now - p->start[p->finished];
}

static void wait_until(const struct pings *p, uint64_t at)
{
	uint64_t now = now_ns(), left = at > now ? at - now : 0;
	struct timespec ts = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	bool more = (uint64_t)p->started * p->size > p->sent;
	struct pollfd fd = { .fd = p->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0)) };

	if (ppoll(&fd, 1, at == UINT64_MAX ? NULL : &ts, NULL) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
}

static double percentile_us(const struct pings *p, double share)
{
	return (double)percentile(p->took, p->count, share) / 1000;
}

int ping(const struct target *t, unsigned count, unsigned size, unsigned rate)
{
	struct pings p = { .fd = connect_to(t), .count = count, .size = size };

	p.interval = rate ? 1000000000u / rate : 0;
	p.start = calloc(count, sizeof(*p.start));
	p.took = calloc(count, sizeof(*p.took));
	p.buffer = calloc(2, IO_SIZE);
	if (!p.start || !p.took || !p.buffer)
		die("out of memory");
	(void)prctl(PR_SET_TIMERSLACK, 1); /* 50 us by default, more than what is measured */
	p.begin = now_ns();
	while (p.finished < count) {
		start_due(&p, now_ns());
		write_some(&p);
		wait_until(&p, due(&p));
		read_some(&p);
	}
	sort_numbers(p.took, count);
	printf("{\"requests\": %u, \"size\": %u, \"rate\": %u, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
	       "\"max_us\": %.1f}\n",
	       count, size, rate, percentile_us(&p, 0.5), percentile_us(&p, 0.99), percentile_us(&p, 0.999),
	       percentile_us(&p, 1));
	free(p.start);
	free(p.took);
	free(p.buffer);
	close(p.fd);
	return 0;
}
