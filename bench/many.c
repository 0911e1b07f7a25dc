/* Drives a server with many SSH connections at once, as told on stdin; every command is answered by one line of JSON.
 * Nothing happens between commands but what the server asks for. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet.h"
#include "tool.h"

static const char usage[] = "usage: many PORT USER KEYFILE\n"
			    "commands, one a line:\n"
			    "  login N J        N more connections, J of them being made at a time\n"
			    "  churn N J        the same, but each ends when it has logged in\n"
			    "  open N J PORT    N channels to that port, taking turns among the connections\n"
			    "  move BYTES J     so many bytes over each channel to an echo server and back\n"
			    "  close J          all channels\n"
			    "  end              all connections, and the program\n";

enum { LINE = 256, WORDS = 4, MOST = 1000000 };

struct command {
	char *word[WORDS];
	unsigned words;
};

/* What a command does to one part of its job. `at` goes through the members or the streams. */
struct run {
	struct fleet *f;
	unsigned at_once;
	uint16_t port;
	uint64_t bytes;
	struct list *at;
	struct stream **streams; /* all that there were when it began */
};

static struct member *next_member(struct run *r)
{
	r->at = r->at && r->at->next != &r->f->members ? r->at->next : r->f->members.next;
	return CONTAINER(r->at, struct member, node);
}

static void start_login(struct run *r, unsigned i)
{
	(void)i;
	member_start(r->f, false);
}

static void start_churn(struct run *r, unsigned i)
{
	(void)i;
	member_start(r->f, true);
}

static void start_open(struct run *r, unsigned i)
{
	(void)i;
	stream_open(next_member(r), r->port);
}

static void start_move(struct run *r, unsigned i)
{
	stream_move(r->streams[i], r->bytes);
}

static void start_close(struct run *r, unsigned i)
{
	stream_close(r->streams[i]);
}

static void report(const struct fleet *f, struct job *j, uint64_t ns)
{
	sort_numbers(j->took, j->done);
	printf("{\"done\": %u, \"failed\": %u, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": "
	       "%.3f, "
	       "\"connections\": %u, \"lost\": %u, \"why\": \"",
	       j->done, j->failed, (double)ns / 1e9, (double)percentile(j->took, j->done, 0.5) / 1e6,
	       (double)percentile(j->took, j->done, 0.99) / 1e6, (double)percentile(j->took, j->done, 1) / 1e6,
	       f->member_count, f->lost);
	for (const char *p = j->why; *p; p++)
		if (*p >= ' ' && *p != '"' && *p != '\\')
			putchar(*p);
	printf("\"}\n");
	fflush(stdout);
}

static void perform(struct run *r, unsigned total, void (*start)(struct run *, unsigned))
{
	struct job j = { .total = total, .took = calloc(total ? total : 1, sizeof(*j.took)) };
	uint64_t begin = now_ns();

	if (!j.took)
		die("out of memory");
	r->f->job = &j;
	while (j.done + j.failed < total) {
		while (j.started < total && j.started - j.done - j.failed < r->at_once)
			start(r, j.started++);
		fleet_turn(r->f);
	}
	r->f->job = NULL;
	report(r->f, &j, now_ns() - begin);
	free(j.took);
	fleet_tidy(r->f);
}

static unsigned gather_streams(struct run *r)
{
	unsigned n = 0;

	LIST_EACH (l, &r->f->members)
		LIST_EACH (s, &CONTAINER(l, struct member, node)->streams)
			n++;
	r->streams = calloc(n ? n : 1, sizeof(struct stream *));
	if (!r->streams)
		die("out of memory");
	n = 0;
	LIST_EACH (l, &r->f->members)
		LIST_EACH (s, &CONTAINER(l, struct member, node)->streams)
			r->streams[n++] = CONTAINER(s, struct stream, node);
	return n;
}

static void do_login(struct fleet *f, const struct command *c)
{
	struct run r = { .f = f, .at_once = whole(c->word[2], 1, MOST) };

	perform(&r, whole(c->word[1], 0, MOST), strcmp(c->word[0], "login") == 0 ? start_login : start_churn);
}

static void do_open(struct fleet *f, const struct command *c)
{
	struct run r = { .f = f, .at_once = whole(c->word[2], 1, MOST), .port = (uint16_t)whole(c->word[3], 1, 65535) };

	if (list_empty(&f->members))
		die("there is no connection");
	perform(&r, whole(c->word[1], 0, MOST), start_open);
}

static void do_move(struct fleet *f, const struct command *c)
{
	struct run r = { .f = f, .bytes = whole(c->word[1], 1, 1u << 30), .at_once = whole(c->word[2], 1, MOST) };

	perform(&r, gather_streams(&r), start_move);
	free(r.streams);
}

static void do_close(struct fleet *f, const struct command *c)
{
	struct run r = { .f = f, .at_once = whole(c->word[1], 1, MOST) };

	perform(&r, gather_streams(&r), start_close);
	free(r.streams);
}

static bool execute(struct fleet *f, char *line)
{
	static const struct {
		const char *name;
		unsigned words;
		void (*run)(struct fleet *f, const struct command *c);
	} commands[] = {
		{ "login", 3, do_login }, { "churn", 3, do_login }, { "open", 4, do_open },
		{ "move", 3, do_move },	  { "close", 2, do_close }, { "end", 1, NULL },
	};
	struct command c = { 0 };
	char *save, *word = strtok_r(line, " ", &save);

	for (; word && c.words < WORDS; word = strtok_r(NULL, " ", &save))
		c.word[c.words++] = word;
	for (size_t i = 0; i < LEN(commands); i++)
		if (!word && c.words == commands[i].words && strcmp(c.word[0], commands[i].name) == 0) {
			if (commands[i].run)
				commands[i].run(f, &c);
			return commands[i].run;
		}
	die("not a command: %s", c.words ? c.word[0] : "");
}

struct input {
	char text[LINE];
	size_t n;
};

/* Does what whole lines on stdin say. False: it is time to end. */
static bool listen_to(struct input *in, struct fleet *f)
{
	ssize_t n = read(STDIN_FILENO, in->text + in->n, sizeof(in->text) - in->n);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	in->n += (size_t)n;
	while ((end = memchr(in->text, '\n', in->n))) {
		*end++ = 0;
		if (!execute(f, in->text))
			return false;
		in->n -= (size_t)(end - in->text);
		memmove(in->text, end, in->n);
	}
	if (in->n == sizeof(in->text))
		die("a line is too long");
	return true;
}

int main(int argc, char **argv)
{
	struct fleet f;
	struct input in = { .n = 0 };
	bool goes_on = true;

	if (argc != 4) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a connection that is gone is met by reading */
	raise_descriptor_limit();
	fleet_init(&f, (uint16_t)whole(argv[1], 1, 65535), argv[2], argv[3]);
	fleet_watch(&f, STDIN_FILENO);
	while (goes_on)
		if (fleet_turn(&f)) {
			goes_on = listen_to(&in, &f);
			fleet_watch(&f, STDIN_FILENO);
		}
	fleet_fini(&f);
	return 0;
}
