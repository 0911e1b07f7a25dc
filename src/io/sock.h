/* Sockets: listening, accepting, and the ways a stream can end. All descriptors are non-blocking and close-on-exec; all
 * TCP sockets have TCP_NODELAY. */
#ifndef ADIT_IO_SOCK_H
#define ADIT_IO_SOCK_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/ip.h"

struct addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

enum { ADDR_TEXT = 64 };
/* "127.0.0.1" or "::1" without port (a unix socket: "unix"; nothing usable: "unknown"), and the port; `port` may be
 * NULL. */
void addr_text(const struct addr *a, char out[ADDR_TEXT], uint16_t *port);
/* The port of an IP address, 0 for others. */
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
/* A unix socket's address. OK, or ERR_SYNTAX for a path that is empty or longer than 107 bytes. */
int addr_unix(struct addr *a, const char *path, struct why *why) MUST_CHECK;

/* The number behind an address, without port and zone. False for a unix socket. */
bool addr_ip(const struct addr *a, struct ip *out);
/* Does a connection to this address arrive at this host: one of loopback, or one that an interface has now? Not for
 * 0.0.0.0 and ::. False also when the kernel does not say which there are. */
bool addr_is_here(const struct ip *a);
/* The socket address of a number (family 4 or 6). */
void addr_of_ip(struct addr *a, const struct ip *ip, uint16_t port);

enum { LISTEN_MAX = 16 };

/* What to listen on. */
struct listen_spec {
	const char *host; /* NULL or "localhost": both loopback families or an error; "*" or "": every address;
			     otherwise an address, or a name, which is looked up while the caller waits */
	uint16_t port;	  /* 0: the kernel chooses, the same one for every family */
	const char *path; /* a unix socket instead; then host and port are ignored */
	int family;	  /* AF_UNSPEC, AF_INET or AF_INET6 */
	unsigned mask;	  /* StreamLocalBindMask, 0177 by default */
	bool unlink;	  /* StreamLocalBindUnlink: an existing socket of ours is removed first, and nothing else */
	bool brief; /* in errors, do not look through /proc for who holds the address: for requests of strangers */
};

/* Binds and listens (IPV6_V6ONLY, SO_REUSEADDR; backlog 4096). fds[0..*n) and the port (0 for a unix socket). All of
 * the addresses or none: on failure nothing stays open and `why` says which address and port; for EADDRINUSE also the
 * process that holds it where /proc shows it; for EACCES below 1024 that root or CAP_NET_BIND_SERVICE is needed. A
 * family the host lacks does not count for "localhost" and "*". A path in a folder where everybody may write, without
 * the sticky bit, is ERR_DENIED. OK, ERR_IN_USE, ERR_IO, ERR_DENIED, ERR_NOT_FOUND (the name) or ERR_SYNTAX. */
int sock_listen(const struct listen_spec *spec, int fds[LISTEN_MAX], size_t *n, uint16_t *port,
		struct why *why) MUST_CHECK;

/* The file of a unix listener, so that the owner can remove that one and no other that has its name by then. */
struct sock_file {
	dev_t dev;
	ino_t ino;
};
/* Right after sock_listen(). Zero for a socket without a file. */
void sock_file_of(int listener, struct sock_file *out);
/* Removes the file, if it is still the same; before the listener is closed. */
void sock_file_remove(int listener, const struct sock_file *file);

enum accept_result { ACCEPT_ONE = 1, ACCEPT_NONE = 0, ACCEPT_FULL = -1 /* EMFILE and friends: pause */ };
/* One waiting connection; transient errors (ECONNABORTED, EPROTO, ...) are skipped. */
enum accept_result sock_accept(int listener, int *fd, struct addr *from);

/* For an inherited socket: non-blocking, close-on-exec, TCP_NODELAY (ignored on others). */
void sock_prepare(int fd);
void sock_keepalive(int fd, bool on);
/* IPQoS: the DSCP byte for IP_TOS and IPV6_TCLASS; ignored where it does not apply. */
void sock_tos(int fd, int tos);
/* The socket counts as readable only when so many bytes wait, or its end (SO_RCVLOWAT). 1 is the ordinary state. */
void sock_wake_at(int fd, int bytes);
/* TCP_NOTSENT_LOWAT: the socket counts as writable while fewer bytes than about half of this wait to be sent. */
void sock_unsent_limit(int fd, int bytes);
/* Acknowledges what was read at once, instead of waiting for an answer to carry it. */
void sock_ack_now(int fd);

/* readv/writev that retry EINTR. > 0 bytes; 0 = end of file (read only); SOCK_AGAIN; SOCK_BROKEN with errno. */
enum { SOCK_AGAIN = -1, SOCK_BROKEN = -2 };
ssize_t sock_readv(int fd, const struct iovec *iov, size_t n);
ssize_t sock_writev(int fd, const struct iovec *iov, size_t n); /* MSG_NOSIGNAL; short writes happen */

/* No more data from us (FIN). */
void sock_shut(int fd);
/* Closes; the other side sees a FIN, unless it has sent what was never read. Negative descriptors are ignored, here and
 * below. */
void sock_close(int fd);
/* Closes so that the other side sees a reset; what it has not received yet is lost (a unix socket knows no reset). */
void sock_reset(int fd);
/* Bytes written and not yet acknowledged by the other side; 0 where unknown, or where a reset has ended it all. */
size_t sock_unsent(int fd);

/* The local name of a socket, and that of the other end; a length of 0 where there is none. */
void sock_name(int fd, struct addr *out);
void sock_peer(int fd, struct addr *out);
/* An IPv6 socket that IPv4 may use, too (RFC 3493 section 5.3): service managers make those. */
bool sock_is_dual(int fd);

#endif
