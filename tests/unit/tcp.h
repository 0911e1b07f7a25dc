/* TCP sockets on loopback, for tests. Ports are the kernel's choice. */
#ifndef ADIT_TESTS_TCP_H
#define ADIT_TESTS_TCP_H

#include <stddef.h>
#include <stdint.h>

/* A connected TCP pair on loopback: `ours` is non-blocking, `app` too. */
void tcp_pair(int *app, int *ours);
/* A listening socket on loopback, and its port. */
int tcp_listener(uint16_t *port);
int tcp_connect(uint16_t port);
/* Begins to connect, and does not wait. */
int tcp_start(uint16_t port);

enum socket_end { STILL_OPEN, ENDED, WAS_RESET };
/* Reads what is there; adds the bytes to *n and reports the end. */
enum socket_end drain(int fd, size_t *n);

#endif
