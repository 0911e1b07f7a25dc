/* The guard of aditd: holds the host keys, reads who may log in, and judges. Talks to the master and the workers only;
 * nobody else's bytes reach it except inside their memos. guard.c is the process and the signing, guard_login.c the
 * verdicts, guard_files.c the files of a user. */
#ifndef ADIT_APP_GUARD_H
#define ADIT_APP_GUARD_H

#include "app/records.h"
#include "app/host_keys.h"
#include "app/memo.h"
#include "base/list.h"
#include "base/table.h"
#include "conf/policy.h"
#include "conf/server_conf.h"
#include "io/ipc.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/users.h"

enum { USER_MAX = 255 };

struct guard_setup {
	const struct server_text *text;
	const struct server_conf *conf; /* outside of every Match */
	const struct crypto *crypto;
	struct log *log;
	struct audit *audit;
	int master_fd;
	bool first; /* of this start: makes a host key where there is none */
};

/* The process's whole life; returns its exit status. */
int guard_main(const struct guard_setup *setup);

struct guard {
	struct loop *loop;
	const struct server_text *text;
	const struct server_conf *conf;
	const struct crypto *crypto;
	struct log *log;
	struct records records;
	struct host_keys keys;
	struct ipc *master;
	struct list workers; /* of struct asker */
	struct guest *guests;
	struct list late;    /* verdicts that wait for their time */
	struct timer *timer; /* of the first of them */
	bool root;	     /* may become any user */
	bool first;	     /* as struct guard_setup has it */
	uid_t uid;
};

/* A worker's end. */
struct asker {
	struct list node;
	struct guard *guard;
	struct ipc *ipc;
	unsigned number;
};

/* A connection, as the master has announced it. */
struct guest {
	uint64_t id;
	unsigned worker;
	struct ends ends;
	uint8_t session[HASH_MAX]; /* the first exchange hash */
	size_t session_len;
	bool renewing; /* it logged in with an earlier guard: only new keys are left to sign */
	bool logged_in;
	bool waiting;	     /* for a verdict that comes late */
	bool proved;	     /* hostkeys-prove-00 is answered once */
	unsigned signatures; /* for key exchanges in the current span */
	uint64_t span_ms;
	struct attempt *attempt; /* until the login */
	struct policy policy;	 /* afterwards: for listeners below 1024 */
	UT_hash_handle hh;
};

/* A login under way. */
struct attempt {
	char user[USER_MAX + 1]; /* as it came, but for a ":style" behind it */
	struct user account;
	struct strs groups; /* names of the account's; lent by it */
	int groups_err;	    /* they were needed and could not be looked up */
	struct why groups_why;
	bool exists;			 /* there is such an account */
	bool own;			 /* and its files can be read with its rights */
	const struct server_conf *conf;	 /* the guard's, or: */
	struct server_conf matched_conf; /* where a Match holds */
	unsigned failures, queries;
	bool none_tried;
};

enum { KEY_TEXT = 256 };

struct verdict {
	enum login_verdict kind;
	enum offence offence;
	char words[64];	      /* the methods that may go on, or why it is over */
	struct why rule;      /* what refused, for the record; empty = nothing to write down */
	char key[KEY_TEXT];   /* which key, for the record */
	struct policy policy; /* of LOGIN_GRANT; the receiver's */
};

/* ---- guard.c ---- */

/* The banner, before the verdict. */
void guard_show_banner(struct guard *g, const struct guest *guest, struct span text);

/* ---- guard_login.c ---- */

/* Judges a MEMO_LOGIN. */
void login_judge(struct guard *g, struct guest *guest, const struct memo *m, struct verdict *v);
/* NULL is allowed. */
void attempt_free(struct attempt *a);

/* ---- guard_files.c ---- */

/* A key as it is offered. */
struct offer {
	const struct sig_alg *alg;
	struct span blob;
};

/* May this key log this user in, by the files of the configuration? OK: *v has policy and key; the policy is the
 * caller's. ERR_DENIED with v->rule. Signatures are not looked at. */
int files_authorise(struct guard *g, const struct guest *guest, const struct offer *o, struct verdict *v) MUST_CHECK;
/* A small file of the administrator's: a banner, a list of keys. Appends it. OK, or an error with a sentence. */
int files_read_own(const struct guard *g, const char *path, struct buf *out, struct why *why) MUST_CHECK;

#endif
