/* Where a server's lines go: the system's log behind a socket of our own, sinks of every kind, and full ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sink.h"

enum { AUTH = 4 * 8, PLENTY = 1 << 20 };

/* A daemon: a datagram socket in a directory of its own. */
struct daemon {
	char dir[32], path[64];
	int fd;
};

static void daemon_listen(struct daemon *d)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	d->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(d->fd >= 0);
	strcpy(at.sun_path, d->path);
	assert_int_equal(bind(d->fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void daemon_start(struct daemon *d)
{
	strcpy(d->dir, "/tmp/adit-syslog-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/log", d->dir);
	daemon_listen(d);
}

static void daemon_go(struct daemon *d)
{
	close(d->fd);
	unlink(d->path);
}

/* The next datagram as a string; -1 when there is none. */
static ssize_t daemon_read(const struct daemon *d, char *out, size_t cap)
{
	ssize_t n = recv(d->fd, out, cap - 1, 0);

	out[MAX(n, 0)] = '\0';
	return n;
}

static void daemon_end(struct daemon *d)
{
	daemon_go(d);
	rmdir(d->dir);
}

static void facility_names(void **state)
{
	static const char *const bad[] = { "",	    "KERN", "AUTH ",	 " AUTH",    "LOCAL8",
					   "LOCAL", "4",    "AUTHPRIVY", "auth,user" };
	static const struct {
		const char *name;
		int want;
	} good[] = { { "AUTH", 32 }, { "auth", 32 },	{ "AuthPriv", 80 }, { "DAEMON", 24 },
		     { "USER", 8 },  { "LOCAL0", 128 }, { "local7", 184 } };
	int f = -7;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		if (syslog_facility(bad[i], &f) != ERR_SYNTAX || f != -7)
			fail_msg("\"%s\" was taken", bad[i]);
	for (size_t i = 0; i < LEN(good); i++) {
		assert_int_equal(syslog_facility(good[i].name, &f), OK);
		assert_int_equal(f, good[i].want);
	}
}

static void nobody_listens(void **state)
{
	char longer[200];
	struct syslog s;
	struct why why;

	(void)state;
	assert_int_equal(syslog_open(&s, "/nonexistent/log", "aditd", AUTH, &why), ERR_IO);
	assert_string_equal(why.text, "cannot reach the system's log at /nonexistent/log: No such file or directory");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(syslog_open(&s, longer, "aditd", AUTH, NULL), ERR_IO);
}

/* "<38>Nov  5 09:00:00 aditd[77]: text": the parts whose length is fixed, and then the tag. */
static void check_header(const char *line, int priority, const char *text)
{
	char want[160], month[4];
	int got, day, h, m, s, end = 0;

	assert_int_equal(sscanf(line, "<%d>%3s %2d %2d:%2d:%2d %n", &got, month, &day, &h, &m, &s, &end), 6);
	assert_int_equal(got, priority);
	assert_int_equal(end - (int)(strchr(line, '>') - line), 17);
	assert_non_null(strstr("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month));
	assert_in_range(day, 1, 31);
	snprintf(want, sizeof(want), "aditd[%ld]: %s", (long)getpid(), text);
	assert_string_equal(line + end, want);
}

static void datagrams(void **state)
{
	static const struct {
		enum log_at at;
		int severity;
	} levels[] = { { LOG_AT_FATAL, 2 },   { LOG_AT_ERROR, 3 },  { LOG_AT_INFO, 6 },
		       { LOG_AT_VERBOSE, 6 }, { LOG_AT_DEBUG1, 7 }, { LOG_AT_DEBUG3, 7 } };
	static char longer[SYSLOG_LINE_MAX + 100], line[2 * SYSLOG_LINE_MAX];
	struct daemon d;
	struct syslog s;

	(void)state;
	daemon_start(&d);
	assert_int_equal(syslog_open(&s, d.path, "aditd", AUTH, NULL), OK);
	for (size_t i = 0; i < LEN(levels); i++) {
		assert_true(syslog_line(&s, levels[i].at, "100% of %s", 10));
		assert_true(daemon_read(&d, line, sizeof(line)) > 0);
		check_header(line, AUTH + levels[i].severity, "100% of %s");
	}
	memset(longer, 'x', sizeof(longer));
	assert_true(syslog_line(&s, LOG_AT_INFO, longer, sizeof(longer)));
	assert_true(daemon_read(&d, line, sizeof(line)) > 0);
	assert_int_equal(strlen(strchr(line, 'x')), SYSLOG_LINE_MAX);
	syslog_name(&s, "a name that is far too long for a tag");
	assert_true(syslog_line(&s, LOG_AT_INFO, "", 0));
	assert_true(daemon_read(&d, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, " a name that is f["));
	syslog_close(&s);
	syslog_close(&s);
	daemon_end(&d);
}

/* Nobody reads: lines are lost at once, errno stays, and what fitted is whole. */
static void a_full_socket(void **state)
{
	char line[256];
	struct daemon d;
	struct syslog s;
	size_t sent = 0;

	(void)state;
	daemon_start(&d);
	assert_int_equal(syslog_open(&s, d.path, "aditd", AUTH, NULL), OK);
	errno = EXDEV;
	while (sent < PLENTY && syslog_line(&s, LOG_AT_INFO, "hello", 5))
		sent++;
	assert_in_range(sent, 1, PLENTY - 1);
	assert_int_equal(errno, EXDEV);
	while (daemon_read(&d, line, sizeof(line)) >= 0) {
		check_header(line, AUTH + 6, "hello");
		sent--;
	}
	assert_int_equal(sent, 0);
	assert_true(syslog_line(&s, LOG_AT_INFO, "again", 5));
	syslog_close(&s);
	daemon_end(&d);
}

/* A new daemon at the same path is found, but not by a process that may not look for it. */
static void a_daemon_that_comes_back(void **state)
{
	struct syslog free_one, sealed;
	char line[256];
	struct daemon d;

	(void)state;
	daemon_start(&d);
	assert_int_equal(syslog_open(&free_one, d.path, "aditd", AUTH, NULL), OK);
	syslog_adopt(&sealed, fcntl(free_one.fd, F_DUPFD_CLOEXEC, 3), "aditd", AUTH);
	assert_true(syslog_line(&sealed, LOG_AT_INFO, "handed over", 11));
	assert_true(daemon_read(&d, line, sizeof(line)) > 0);
	check_header(line, AUTH + 6, "handed over");
	daemon_go(&d);
	assert_false(syslog_line(&free_one, LOG_AT_INFO, "lost", 4));
	daemon_listen(&d);
	assert_false(syslog_line(&free_one, LOG_AT_INFO, "too early for another try", 25));
	free_one.retry_ms = 0; /* as if the second had passed */
	assert_false(syslog_line(&sealed, LOG_AT_INFO, "lost", 4));
	assert_true(syslog_line(&free_one, LOG_AT_INFO, "found", 5));
	assert_true(daemon_read(&d, line, sizeof(line)) > 0);
	check_header(line, AUTH + 6, "found");
	assert_true(daemon_read(&d, line, sizeof(line)) < 0);
	syslog_close(&free_one);
	syslog_close(&sealed);
	daemon_end(&d);
}

static size_t contents(const char *path, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, out, cap - 1);
	assert_true(n >= 0);
	close(fd);
	out[n] = '\0';
	return (size_t)n;
}

/* A directory of the test's own, with a path in it. */
static void temporary(char dir[32], char path[64])
{
	strcpy(dir, "/tmp/adit-sink-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, 64, "%s/log", dir);
}

static void sinks_that_cannot_be(void **state)
{
	char dir[32], path[64];
	struct sink s = { .fd = 77 };
	struct why why;

	(void)state;
	temporary(dir, path);
	assert_int_equal(sink_open(&s, dir, "aditd", AUTH, &why), ERR_IO);
	assert_non_null(strstr(why.text, "Is a directory"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(sink_open(&s, path, "aditd", AUTH, &why), ERR_IO); /* nobody reads: no waiting */
	assert_int_equal(sink_open(&s, "", "aditd", AUTH, NULL), ERR_IO);
	assert_int_equal(sink_adopt(&s, 999, "aditd", AUTH, &why), ERR_IO);
	assert_int_equal(s.fd, 77);
	unlink(path);
	rmdir(dir);
}

static void a_file(void **state)
{
	static char longer[SINK_LINE_MAX + 100], text[3 * SINK_LINE_MAX];
	char dir[32], path[64];
	struct stat st;
	struct sink s, child;

	(void)state;
	temporary(dir, path);
	umask(0);
	assert_int_equal(sink_open(&s, path, "aditd", AUTH, NULL), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(sink_line(&s, LOG_AT_INFO, "one", 3));
	assert_int_equal(sink_adopt(&child, fcntl(sink_fd(&s), F_DUPFD_CLOEXEC, 3), "aditd", AUTH, NULL), OK);
	assert_true(sink_line(&child, LOG_AT_INFO, "two", 3));
	assert_true(sink_line(&s, LOG_AT_INFO, "", 0));
	contents(path, text, sizeof(text));
	assert_string_equal(text, "one\ntwo\n\n");
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(truncate(path, 0), 0);
	assert_true(sink_line(&s, LOG_AT_INFO, longer, sizeof(longer)));
	assert_int_equal(contents(path, text, sizeof(text)), SINK_LINE_MAX);
	assert_int_equal(text[SINK_LINE_MAX - 1], '\n');
	sink_close(&child);
	sink_close(&s);
	sink_close(&s);
	unlink(path);
	rmdir(dir);
}

/* A limit on the file's size does what a full disk does: the first bytes of a line, then nothing. */
static void a_full_disk(void **state)
{
	struct rlimit full = { .rlim_cur = 6, .rlim_max = RLIM_INFINITY }, old;
	char dir[32], path[64], text[64];
	struct sink s;

	(void)state;
	temporary(dir, path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(sink_open(&s, path, "aditd", AUTH, NULL), OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_false(sink_line(&s, LOG_AT_INFO, "half a line", 11));
	assert_false(sink_line(&s, LOG_AT_INFO, "nothing of it", 13));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(sink_line(&s, LOG_AT_INFO, "whole", 5));
	assert_true(sink_line(&s, LOG_AT_INFO, "next", 4));
	contents(path, text, sizeof(text));
	assert_string_equal(text, "half a\nwhole\nnext\n");
	assert_int_equal(sink_take_lost(&s), 2);
	assert_int_equal(sink_take_lost(&s), 0);
	sink_close(&s);
	unlink(path);
	rmdir(dir);
}

/* Descriptors that block, and that nobody reads: the sink must know before it writes. */
static void full_pipes_and_sockets(void **state)
{
	int fds[2];

	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		size_t sent = 0;
		struct sink s;

		if (socket)
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		else
			assert_int_equal(pipe(fds), 0);
		assert_int_equal(sink_adopt(&s, fds[1], "aditd", AUTH, NULL), OK);
		assert_int_equal(s.kind, socket ? SINK_STREAM : SINK_PIPE);
		alarm(60); /* would end a test that waits */
		while (sent < PLENTY && sink_line(&s, LOG_AT_INFO, "hello", 5))
			sent++;
		assert_false(sink_line(&s, LOG_AT_INFO, "hello", 5));
		alarm(0);
		assert_in_range(sent, 1, PLENTY - 1);
		assert_int_equal(sink_take_lost(&s), 2);
		signal(SIGPIPE, SIG_IGN);
		close(fds[0]);
		assert_false(sink_line(&s, LOG_AT_INFO, "nobody", 6));
		sink_close(&s);
	}
}

/* stderr is opened once more: ours does not block, and the one that others share is as it was. */
static void stderr_stays_as_it_was(void **state)
{
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct sink s;
		bool right = dup2(fds[1], STDERR_FILENO) == STDERR_FILENO &&
			     sink_open(&s, "stderr", "aditd", AUTH, NULL) == OK && s.kind == SINK_PIPE &&
			     sink_fd(&s) != STDERR_FILENO && sink_line(&s, LOG_AT_INFO, "hello", 5) &&
			     (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0;

		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(fds[0], (char[8]){ 0 }, 8), 6);
	close(fds[0]);
	close(fds[1]);
}

static void nowhere(void **state)
{
	struct sink s = { 0 };

	(void)state;
	assert_true(sink_line(&s, LOG_AT_INFO, "zero", 4));
	assert_int_equal(sink_open(&s, "none", "aditd", AUTH, NULL), OK);
	assert_true(sink_line(&s, LOG_AT_INFO, "none", 4));
	assert_int_equal(sink_fd(&s), -1);
	assert_int_equal(sink_take_lost(&s), 0);
	sink_close(&s);
}

/* The same log_line() serves a client's stderr and a server's destinations. */
static void log_lines(void **state)
{
	char dir[32], path[64], text[256], want[256], line[256], me[32];
	struct daemon d;
	struct log l;
	struct sink s;

	(void)state;
	snprintf(me, sizeof(me), "aditd[%ld]: ", (long)getpid());
	temporary(dir, path);
	assert_int_equal(sink_open(&s, path, "x", AUTH, NULL), OK);
	log_to_sink(&l, &s, "aditd", LOG_AT_DEBUG1);
	log_line(&l, LOG_AT_INFO, "forged\nline %d", 7);
	log_line(&l, LOG_AT_DEBUG1, "a");
	log_line(&l, LOG_AT_DEBUG2, "not at this level");
	s.lost = 3;
	log_line(&l, LOG_AT_ERROR, "b");
	log_line(&l, LOG_AT_ERROR, "c");
	contents(path, text, sizeof(text));
	snprintf(want, sizeof(want),
		 "%sforged?line 7\n%sdebug1: a\n%ssuppressed 3 lines that the log did not take\n%sb\n%sc\n", me, me, me,
		 me, me);
	assert_string_equal(text, want);
	log_close(&l);
	assert_true(fcntl(sink_fd(&s), F_GETFD) >= 0);
	sink_close(&s);

	daemon_start(&d);
	s = (struct sink){ .kind = SINK_SYSLOG };
	assert_int_equal(syslog_open(&s.syslog, d.path, "x", AUTH, NULL), OK);
	log_to_sink(&l, &s, "aditd", LOG_AT_INFO);
	log_line(&l, LOG_AT_ERROR, "%s", "to the system");
	assert_true(daemon_read(&d, line, sizeof(line)) > 0);
	check_header(line, AUTH + 3, "to the system");
	daemon_go(&d);
	log_line(&l, LOG_AT_ERROR, "lost");
	log_line(&l, LOG_AT_ERROR, "lost, too; the note about it does not count");
	assert_int_equal(s.lost, 2);
	sink_seal(&s);
	daemon_listen(&d);
	s.syslog.retry_ms = 0;
	log_line(&l, LOG_AT_ERROR, "lost, and not tried again");
	assert_true(daemon_read(&d, line, sizeof(line)) < 0);
	sink_close(&s);
	daemon_end(&d);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facility_names),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(a_full_socket),
		cmocka_unit_test(a_daemon_that_comes_back),
		cmocka_unit_test(sinks_that_cannot_be),
		cmocka_unit_test(a_file),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(full_pipes_and_sockets),
		cmocka_unit_test(stderr_stays_as_it_was),
		cmocka_unit_test(nowhere),
		cmocka_unit_test(log_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
