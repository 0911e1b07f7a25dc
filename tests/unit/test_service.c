/* What a server has to do with whoever runs it: notifications, sockets that it is given, and the pid file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/activation.h"
#include "io/notify.h"
#include "io/pidfile.h"

static char folder[] = "/tmp/test_service.XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* --- notify --- */

static void no_place_to_notify(void **state)
{
	static const char long_name[] = "@0123456789012345678901234567890123456789012345678901234567890123456789"
					"0123456789012345678901234567890123456";
	static const struct {
		const char *value;
		int err;
	} cases[] = {
		{ "", ERR_SYNTAX },	     { "relative", ERR_SYNTAX }, { "@", ERR_SYNTAX },
		{ "vsock:2:1", ERR_SYNTAX }, { long_name, OK },		 { NULL, OK },
	};
	char longer[128];

	(void)state;
	assert_int_equal(strlen(long_name), sizeof(((struct sockaddr_un *)0)->sun_path));
	for (size_t i = 0; i < LEN(cases); i++) {
		struct notify n = { .fd = 77 };

		if (cases[i].value)
			setenv("NOTIFY_SOCKET", cases[i].value, 1);
		assert_int_equal(notify_open(&n, NULL), cases[i].err);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_true(n.fd == -1 || cases[i].value == long_name);
		notify_ready(&n); /* nobody is there: nothing happens */
		notify_close(&n);
		notify_status(&n, "x");
		notify_close(&n);
	}
	snprintf(longer, sizeof(longer), "%sx", long_name);
	setenv("NOTIFY_SOCKET", longer, 1);
	assert_int_equal(notify_open(&(struct notify){ 0 }, NULL), ERR_SYNTAX);
}

static void expect(int manager, const char *text)
{
	char got[1024];
	ssize_t n = recv(manager, got, sizeof(got) - 1, 0);

	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void expect_reload(int manager)
{
	static const char head[] = "RELOADING=1\nMONOTONIC_USEC=";
	char got[1024], *end;
	struct timespec now;
	ssize_t n = recv(manager, got, sizeof(got) - 1, 0);

	assert_true(n > 0);
	got[n] = '\0';
	assert_int_equal(strncmp(got, head, sizeof(head) - 1), 0);
	unsigned long long usec = strtoull(got + sizeof(head) - 1, &end, 10);

	assert_int_equal(*end, '\0');
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(usec <= (unsigned long long)(now.tv_sec + 1) * 1000000 &&
		    usec + 60000000 > now.tv_sec * 1000000ull);
}

static void the_manager_hears_of_us(void **state)
{
	(void)state;
	for (int abstract = 0; abstract < 2; abstract++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		char name[108], filler[2000];
		struct notify n;
		size_t len;

		snprintf(name, sizeof(name), "%s%s", abstract ? "@" : "", in_folder("notify"));
		len = strlen(name);
		memcpy(sa.sun_path, name, len);
		if (abstract)
			sa.sun_path[0] = '\0';
		assert_int_equal(bind(manager, (struct sockaddr *)&sa, offsetof(struct sockaddr_un, sun_path) + len),
				 0);
		setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(notify_open(&n, NULL), OK);
		notify_ready(&n);
		expect(manager, "READY=1");
		notify_reloading(&n);
		expect_reload(manager);
		notify_stopping(&n);
		expect(manager, "STOPPING=1");
		notify_status(&n, "2 connections\nREADY=1\x7f");
		expect(manager, "STATUS=2 connections READY=1 ");
		memset(filler, 'x', sizeof(filler) - 1);
		filler[sizeof(filler) - 1] = '\0';
		notify_status(&n, filler);
		memcpy(filler, "STATUS=", 7);
		filler[NOTIFY_TEXT_MAX - 1] = '\0';
		expect(manager, filler);
		notify_close(&n);
		close(manager);
		if (!abstract)
			unlink(name);
	}
}

/* --- activation --- */

enum made { TCP, UNIX, DATAGRAM, DEAF, A_PIPE, NOTHING };

static void make_at(int fd, enum made what)
{
	static const int family[] = { AF_INET, AF_UNIX, AF_INET, AF_INET };
	int s, fds[2];

	close(fd);
	if (what == NOTHING)
		return;
	if (what == A_PIPE) {
		assert_int_equal(pipe(fds), 0);
		s = fds[0];
		close(fds[1]);
	} else {
		s = socket(family[what], what == DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
		if (what == TCP || what == UNIX)
			assert_int_equal(bind(s, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = family[what] },
					      what == UNIX ? sizeof(sa_family_t) : sizeof(struct sockaddr_in)) ||
						 listen(s, 1),
					 0);
	}
	if (s != fd) {
		assert_int_equal(dup2(s, fd), fd);
		close(s);
	}
}

static const struct given {
	const char *pid, *fds, *names; /* "self": our own number */
	enum made three, four;
	int err;
	size_t n;
	const char *name[2];
} given[] = {
	{ "x", "1", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "0", "1", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "-1", "1", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "self", "", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "self", "-1", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "self", "99999999999", NULL, TCP, TCP, ERR_SYNTAX, 0, { NULL } },
	{ "self", "65", NULL, TCP, TCP, ERR_LIMIT, 0, { NULL } },
	{ "self", "1", NULL, DATAGRAM, TCP, ERR_IO, 0, { NULL } },
	{ "self", "1", NULL, DEAF, TCP, ERR_IO, 0, { NULL } },
	{ "self", "1", NULL, A_PIPE, TCP, ERR_IO, 0, { NULL } },
	{ "self", "2", NULL, TCP, NOTHING, ERR_IO, 0, { NULL } },
	{ "1", "1", NULL, TCP, TCP, OK, 0, { NULL } },
	{ NULL, "1", NULL, TCP, TCP, OK, 0, { NULL } },
	{ "self", NULL, NULL, TCP, TCP, OK, 0, { NULL } },
	{ "self", "0", NULL, NOTHING, NOTHING, OK, 0, { NULL } },
	{ "self", "1", NULL, TCP, TCP, OK, 1, { "" } },
	{ "self", "2", "ssh:control", TCP, UNIX, OK, 2, { "ssh", "control" } },
	{ "self", "2", ":b:c", UNIX, TCP, OK, 2, { "", "b" } },
	{ "self", "2", "a", TCP, TCP, OK, 2, { "a", "" } },
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* In a child, whose descriptors 3 and 4 may be anything. */
static void try_given(const struct given *g)
{
	struct activated list[ACTIVATION_MAX];
	char self[16];
	size_t n = 77;
	struct why why = { "" };

	make_at(3, g->three);
	make_at(4, g->four);
	snprintf(self, sizeof(self), "%d", getpid());
	set("LISTEN_PID", g->pid && strcmp(g->pid, "self") == 0 ? self : g->pid);
	set("LISTEN_FDS", g->fds);
	set("LISTEN_FDNAMES", g->names);
	int err = activation_take(list, &n, &why);

	if (err != g->err || (err && !why.text[0]) || getenv("LISTEN_PID") || getenv("LISTEN_FDS") ||
	    getenv("LISTEN_FDNAMES"))
		_exit(1);
	if (err)
		_exit(0);
	if (n != g->n)
		_exit(2);
	for (size_t i = 0; i < n; i++)
		if (list[i].fd != 3 + (int)i || strcmp(list[i].name, g->name[i]) != 0 ||
		    !(fcntl(list[i].fd, F_GETFD) & FD_CLOEXEC) || !(fcntl(list[i].fd, F_GETFL) & O_NONBLOCK))
			_exit(3);
	_exit(0);
}

static void sockets_that_we_are_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(given); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			try_given(&given[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("row %zu: %x", i, status);
	}
}

/* --- the pid file --- */

static void read_text(const char *path, char out[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, out, 63);

	assert_true(n >= 0);
	out[n] = '\0';
	close(fd);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void pid_files_that_are_not_written(void **state)
{
	char path[96], other[96];
	struct pidfile p = { .fd = 77 };
	struct why why;

	(void)state;
	strcpy(path, in_folder("pid"));
	strcpy(other, in_folder("other"));
	assert_int_equal(pidfile_write(&p, in_folder("no/such"), &why), ERR_IO);
	assert_int_equal(pidfile_write(&p, folder, &why), ERR_IO);

	write_text(other, "precious");
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(pidfile_write(&p, path, &why), ERR_DENIED);
	unlink(path);
	assert_int_equal(link(other, path), 0);
	assert_int_equal(pidfile_write(&p, path, &why), ERR_DENIED);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pidfile_write(&p, path, &why), ERR_DENIED);
	unlink(path);
	if (geteuid() == 0) {
		write_text(path, "1\n");
		assert_int_equal(chown(path, 54321, 54321), 0);
		assert_int_equal(pidfile_write(&p, path, &why), ERR_DENIED);
		unlink(path);
	}
	char text[64];

	read_text(other, text);
	assert_string_equal(text, "precious");
	unlink(other);
	assert_int_equal(p.fd, 77);
}

static void one_server_per_pid_file(void **state)
{
	char path[96], text[64], want[sizeof(path) + 64];
	struct pidfile a = { .fd = -1 }, b = { .fd = -1 };
	struct stat st;
	struct why why;

	(void)state;
	strcpy(path, in_folder("pid"));
	write_text(path, "1\nleft behind by a server that crashed\n");
	assert_int_equal(pidfile_write(&a, path, &why), OK);
	snprintf(want, sizeof(want), "%d\n", getpid());
	read_text(path, text);
	assert_string_equal(text, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	assert_int_equal(pidfile_write(&b, path, &why), ERR_DENIED);
	snprintf(want, sizeof(want), "pid file %s: held by another server that runs (pid %d)", path, getpid());
	assert_string_equal(why.text, want);

	/* A child removes nothing. */
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		pidfile_remove(&a);
		_exit(access(path, F_OK) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	pidfile_remove(&a);
	assert_int_equal(access(path, F_OK), -1);
	pidfile_remove(&a);
	assert_int_equal(pidfile_write(&a, path, &why), OK);
	/* Somebody put another file there: that one is not ours to remove. */
	unlink(path);
	write_text(path, "2\n");
	pidfile_remove(&a);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_place_to_notify),	     cmocka_unit_test(the_manager_hears_of_us),
		cmocka_unit_test(sockets_that_we_are_given), cmocka_unit_test(pid_files_that_are_not_written),
		cmocka_unit_test(one_server_per_pid_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
