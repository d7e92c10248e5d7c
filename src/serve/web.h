/*
 * web.h: the process that reads what strangers send, and can do nothing else
 * (docs/decisions/0028).
 *
 * It is this program again, started by the keeper with a hidden command; by the time web_main
 * is called it has been confined: another user, no capabilities, an empty root, limits, nothing
 * open but the two descriptors and standard error.  It opens no file and no other socket.
 *
 * Threads: web_server_open starts its own, web_server_close ends them.
 */
#ifndef SERVE_WEB_H
#define SERVE_WEB_H

#include "base/err.h"

#define WEB_CONNECTIONS 1024
#define WEB_CONNECTIONS_EACH 768 /* of one address, which may be a proxy's */
/* What it needs: RLIMIT_NOFILE (a connection may have a download with it), and RLIMIT_AS, most
 * of which are stacks and arenas that are never touched. */
#define WEB_FILES (2 * WEB_CONNECTIONS + 64)
#define WEB_MEMORY (UINT64_C(2) << 30)

/* The whole life of the process.  listener: a listening stream socket; wire: its end of the
 * socket pair (wire.h).  Returns the exit status: 0 when the keeper has closed the wire. */
int web_main(int listener, int wire);

/* The same in parts, for tests. */
struct web_server;
/* Both descriptors are web's from here on, also when this fails. */
MUST_CHECK enum err_code web_server_open(
    struct web_server **out, int listener, int wire, struct err *err);
/* Until the keeper closes the wire (ERR_CANCELLED) or breaks the protocol. */
MUST_CHECK enum err_code web_server_wait(struct web_server *w, struct err *err);
void web_server_close(struct web_server *w);
AUTO_FREE(web_server, struct web_server *, web_server_close)

#endif
