/* From the command line and the files to a configuration, and to the numbers that follow from it. */
#include "app/server.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fwd/gate.h"
#include "io/child.h"
#include "io/descriptors.h"
#include "io/privs.h"
#include "io/sock.h"
#include "io/sys.h"
#include "io/users.h"
#include "ssh/conn.h"

const char server_version[] = "aditd_0.1";

static struct server_facts facts_of(void)
{
	return (struct server_facts){
		.uid = getuid(),
		.version = server_version,
		.algs = { .kex = conn_default_kex(),
			  .cipher = conn_default_cipher(crypto_cpu_has_aes()),
			  .mac = conn_default_mac(),
			  .host_sig = conn_default_host_key(),
			  .user_sig = conn_default_host_key(), /* what pkey_verify() can do */
			  .ca_sig = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
				    "rsa-sha2-512,rsa-sha2-256" },
	};
}

int server_read(struct server_facts *facts, const struct server_flags *flags, struct server_text **text,
		struct server_conf *conf, struct why *why)
{
	int err;

	*facts = facts_of();
	err = server_text_read(text, flags->file, &flags->lines, facts, why);
	if (err)
		return err;
	err = server_conf_eval(conf, *text, NULL, why);
	if (err)
		server_text_free(*text);
	return err;
}

/* ---- numbers ---- */

static uint32_t ms(int seconds)
{
	return seconds > 0 ? (uint32_t)MIN((uint64_t)seconds * 1000, (uint64_t)UINT32_MAX) : 0;
}

const char *server_facility(const struct server_conf *conf)
{
	static const char *const names[] = {
		[FACILITY_AUTH] = "AUTH",     [FACILITY_AUTHPRIV] = "AUTHPRIV", [FACILITY_DAEMON] = "DAEMON",
		[FACILITY_USER] = "USER",     [FACILITY_LOCAL0] = "LOCAL0",	[FACILITY_LOCAL1] = "LOCAL1",
		[FACILITY_LOCAL2] = "LOCAL2", [FACILITY_LOCAL3] = "LOCAL3",	[FACILITY_LOCAL4] = "LOCAL4",
		[FACILITY_LOCAL5] = "LOCAL5", [FACILITY_LOCAL6] = "LOCAL6",	[FACILITY_LOCAL7] = "LOCAL7",
	};

	return names[conf->facility];
}

struct admission_limits server_admission(const struct server_conf *conf)
{
	const int *p = conf->penalties.v;

	return (struct admission_limits){
		.begin = (uint32_t)conf->startups.begin,
		.rate = (uint32_t)conf->startups.percent,
		.full = (uint32_t)conf->startups.full,
		.per_source = conf->source_startups > 0 ? (uint32_t)conf->source_startups : 0,
		.v4_bits = (uint32_t)conf->netblock.v4,
		.v6_bits = (uint32_t)conf->netblock.v6,
		.penalties = !p[PENALTY_OFF],
		.penalty_ms = { [OFFENCE_AUTH] = ms(p[PENALTY_AUTH_FAIL]),
				[OFFENCE_USER] = ms(p[PENALTY_INVALID_USER]),
				[OFFENCE_NO_AUTH] = ms(p[PENALTY_NO_AUTH]),
				[OFFENCE_GRACE] = ms(p[PENALTY_GRACE_EXCEEDED]),
				[OFFENCE_REFUSED] = ms(p[PENALTY_REFUSE_CONNECTION]),
				[OFFENCE_CRASH] = ms(p[PENALTY_CRASH]) },
		.exempt = &conf->penalty_exempt,
		.least_ms = ms(p[PENALTY_MIN]),
		.most_ms = ms(p[PENALTY_MAX]),
		.book = { [ADMISSION_V4] = { (uint32_t)p[PENALTY_MAX_SOURCES4],
					     p[PENALTY_OVERFLOW] == OVERFLOW_DENY_ALL },
			  [ADMISSION_V6] = { (uint32_t)p[PENALTY_MAX_SOURCES6],
					     p[PENALTY_OVERFLOW6] == OVERFLOW_DENY_ALL } },
	};
}

unsigned server_workers(const struct server_conf *conf)
{
	return conf->workers > 0 ? MIN((unsigned)conf->workers, (unsigned)WORKERS_MAX) : sys_processors(WORKERS_MAX);
}

void server_check_descriptors(const struct server_conf *conf, struct log *log)
{
	uint64_t limit = descriptors_limit();
	uint64_t want = (uint64_t)conf->max_channels + 2 * (uint64_t)conf->max_listeners + GATE_RESERVE + 1;

	if (limit < want)
		log_line(log, LOG_AT_ERROR,
			 "warning: the limit of %" PRIu64 " open files is less than the %" PRIu64
			 " of one connection with MaxChannels %d and MaxListeners %d: what is beyond is refused; raise "
			 "it (LimitNOFILE= in the unit, ulimit -n), or lower those",
			 limit, want, conf->max_channels, conf->max_listeners);
}

int server_crypto(const struct server_conf *conf, struct crypto *c, struct log *log, struct why *why)
{
	int err = crypto_backend_set(c, (enum crypto_backend)conf->crypto_backend, why);
	const char *lack = conf->crypto_backend == CRYPTO_OPENSSL ? NULL : crypto_mb_lack(c);

	if (err)
		return err;
	log_line(log, lack && crypto_mb_wrong(c) ? LOG_AT_INFO : LOG_AT_DEBUG1, "AES-GCM is done by %s%s%s.",
		 crypto_gcm_by(c), lack ? ": " : "", lack ? lack : "");
	return OK;
}

/* ---- children ---- */

void server_begin_child(struct log *log, struct audit *audit)
{
	child_leave_signals();
	sink_seal(log->sink);
	sink_seal(&audit->sink);
	log_to_sink(log, log->sink, "aditd", log->level);
}

/* A file that cannot be taken over is an old one that goes on. */
void server_switch_log(enum server_log which, int fd, struct log *log, struct audit *audit)
{
	struct sink fresh;
	struct why why;

	if (sink_adopt(&fresh, fd, "aditd", 0, &why) != OK) {
		log_line(log, LOG_AT_ERROR, "%s", why.text);
		sock_close(fd);
	} else if (which == SERVER_LOG_RECORDS) {
		audit_switch(audit, fresh);
	} else {
		sink_close(log->sink);
		*log->sink = fresh;
	}
}

/* ---- locking in ---- */

int server_lock_in(enum sandbox_profile profile, const struct sandbox_opts *opts, const struct server_conf *conf,
		   struct log *log, struct why *why)
{
	struct sandbox got;
	int err = sandbox_apply(profile, opts, &got, why);

	if (err != ERR_NOT_FOUND)
		return err;
	if (conf->sandbox_required)
		return why_prefix(why, ERR_DENIED, "SandboxRequired yes, and the process cannot be locked in");
	log_line(log, LOG_AT_ERROR, "going on without a fence, because SandboxRequired is no: %s", why->text);
	return OK;
}

/* ---- the workers' user ---- */

static const char *const worker_users[] = { "_adit", "nobody" };

static int find_worker_user(struct user *u, size_t *which, struct why *why)
{
	int err = ERR_NOT_FOUND;

	for (*which = 0; *which < LEN(worker_users); ++*which) {
		err = users_find(u, worker_users[*which], why);
		if (err != ERR_NOT_FOUND)
			break;
	}
	return err;
}

int server_check_user(struct log *log, struct why *why)
{
	struct user u = { 0 };
	size_t which;
	int err = find_worker_user(&u, &which, why);

	if (!err && which)
		log_line(log, LOG_AT_INFO, "there is no user %s: the workers run as %s, as other programs may do too",
			 worker_users[0], worker_users[which]);
	users_fini(&u);
	return err;
}

int server_drop(struct why *why)
{
	struct user u = { 0 };
	size_t which;
	int err = find_worker_user(&u, &which, why);

	if (!err)
		err = privs_drop(&(struct privs_id){ .uid = u.uid, .gid = u.gid }, 0, why);
	users_fini(&u);
	return err;
}
