/* Audit records: one for each login, listener and forwarded connection, at its end, and one for each refusal. As text
 * or as JSON, one line each. Not for messages to a person (io/log.h), and there is no field for a secret. */
#ifndef ADIT_APP_AUDIT_H
#define ADIT_APP_AUDIT_H

#include "app/audit_rate.h"
#include "base/ip.h"
#include "base/span.h"
#include "io/sink.h"

enum {
	AUDIT_TEXT_MAX = 200,	       /* bytes of one string, escaped and before it is quoted; what is longer is cut */
	AUDIT_LINE_MAX = SINK_LINE_MAX /* a record whose strings are all of that length fits */
};

enum audit_event {
	AUDIT_CONNECTION_REFUSED, /* a stranger who got no further than the door: limits, penalties, broken protocol */
	AUDIT_LOGIN_REFUSED,
	AUDIT_LOGIN,
	AUDIT_LISTENER_REFUSED,
	AUDIT_LISTENER,
	AUDIT_FORWARD_REFUSED,
	AUDIT_FORWARD,
	AUDIT_SESSION_REFUSED, /* a shell, a command, a subsystem */
	AUDIT_TAKEOVER,	       /* a listener went from a connection that was quiet to a new one */
	AUDIT_CRASH,	       /* a process of ours ended, or broke the format between processes */
	AUDIT_SUPPRESSED,      /* made here: how many records were not written */
	AUDIT_EVENTS
};

/* LogFormat */
enum audit_format { AUDIT_TEXT, AUDIT_JSON };

/* One end of a stream. `ip` when its family is set, else `name`: a host as it was asked for, or a socket's path. Zero
 * is none. */
struct audit_end {
	struct ip ip;
	struct span name;
	uint32_t port;
	bool is_path; /* then there is no port */
};

/* What is known. Zero and empty text leave a field out (an end with an empty name is kept); bytes and duration are
 * written for events that end something. Spans may hold anything: they are escaped here. */
struct audit_record {
	enum audit_event event;
	uint64_t time_ms;	    /* since 1970, UTC */
	uint64_t connection;	    /* the number that joins the records of one SSH connection */
	struct audit_end source;    /* of the SSH connection */
	struct audit_end origin;    /* of a forwarded connection: who connected to the listener, or what was claimed */
	struct audit_end requested; /* byte for byte */
	struct audit_end actual;    /* bound, or connected to */
	const char *kind;	    /* "direct-tcpip", "tcpip-forward", "publickey", ... */
	struct span user;
	struct span key;		 /* "ED25519 SHA256:...", or a certificate's id, serial and CA */
	uint64_t from_client, to_client; /* payload bytes */
	uint64_t duration_ms;
	const char *end;       /* how it ended: "closed", "reset", "timeout", "takeover", ... */
	struct span rule;      /* which one refused, with file and line where it has them */
	struct span words;     /* the end in a sentence, where `end` is not enough */
	struct span peer_says; /* DISCONNECT, OPEN_FAILURE, version: the peer's words, not ours */
	uint64_t suppressed;   /* AUDIT_SUPPRESSED: how many */
};

/* Writes the record without a newline, and returns its length; never more than AUDIT_LINE_MAX - 1 bytes, always valid
 * UTF-8 without control characters. A time after the year 9999 is written as its last day. */
size_t audit_text(char out[AUDIT_LINE_MAX], const struct audit_record *r);
size_t audit_json(char out[AUDIT_LINE_MAX], const struct audit_record *r);
/* "login-refused"; "?" for what is no event. */
const char *audit_event_name(enum audit_event e);
/* Whether bytes and duration belong to it. */
bool audit_event_ends(enum audit_event e);

/* Zero is valid and writes nothing. */
struct audit {
	struct sink sink;
	enum audit_format format;
	struct audit_rate rate;
	bool owes; /* something is suppressed or lost, and not said yet: call audit_tick() */
};

/* `where`: "syslog", "stderr", "none", or a path that is appended to and made with mode 0600. `facility` is that of
 * syslog_facility(). OK or ERR_IO, with *out untouched. */
int audit_open(struct audit *out, const char *where, enum audit_format format, int facility,
	       struct why *why) MUST_CHECK;
/* The same over a descriptor that sink_fd() gave to another process; it belongs to *out from here on. OK; or ERR_IO,
 * and it is still the caller's. */
int audit_adopt(struct audit *out, int fd, enum audit_format format, int facility, struct why *why) MUST_CHECK;
/* After a rotation: records go to `fresh` from here on, which is the audit's. What was suppressed stays counted. */
void audit_switch(struct audit *a, struct sink fresh);
/* Says what is still suppressed, then closes. */
void audit_close(struct audit *a, uint64_t time_ms);

/* One line with one system call; never waits, takes no memory. Records of one event and source that come too fast, and
 * those that the destination does not take, are counted instead, and a record "suppressed" says how many. now_ms is a
 * clock that never goes back. */
void audit_write(struct audit *a, const struct audit_record *r, uint64_t now_ms);
/* About once a second: says what was suppressed where it has become quiet. */
void audit_tick(struct audit *a, uint64_t time_ms, uint64_t now_ms);

#endif
