/*
 * wire.h: what keeper and web say to each other (docs/decisions/0028).
 *
 * A message is a length (u32, little-endian, without itself) and that many bytes of JSON, one
 * object. One descriptor may travel with it.  Both sides take the other for hostile: a message
 * that is too long, is no object, or stops in the middle ends the connection with an error.
 *
 *   web to keeper   {"id", "verb", "from", "args", "session"? | "token"?, "csrf"?, "again"?}
 *   keeper to web   {"id", "status", "known"?, "body"?, "cookie"?, "keep_ms"?}
 *                   {"id", "status", "known"?, "download": {"name", "type", "bytes"?}}, and a
 *                                              descriptor
 *                   {"id", "status", "known"?, "problem": {"title", "detail", "code", ...}}
 *                   {"event": {"id", "type", "data"}}
 *                   {"hello": {"listen", "public": [], "proxy"}}
 *                   {"forget": true, "rights"?}
 *
 * The keeper begins with the events that it still has (the last 10,000), then says hello: web
 * listens from then on.  listen is the address ("127.0.0.1:8080"), public the URLs by which
 * people reach it ("https://backup.example.org"), proxy whether X-Forwarded-For is to be
 * believed when it comes from loopback.
 *
 * id counts up on web's side; answers may come in another order.  session, token, csrf and
 * cookie are 64 hexadecimal digits; cookie "" takes the cookie away.  keep_ms: for so long web
 * may give the same answer to the same verb, args and credential, unless it is told to forget.
 * known: the session or token that was shown is somebody's.
 * Say forget before the answer to what made the change.
 *
 * Who wants to listen to events is asked for with the verb "events.listen" (no args, 200 when
 * it may); all events go to all who may listen.  Web asks again, with "again": true (which is
 * no use of a session: it does not keep it alive), each minute, and at once when it is told
 * "rights": true, which a keeper says when a session, token or user has ended or changed.
 *
 * bytes of a download is wanted wherever it is known: a stream that ends before is then cut
 * off where its reader sees it, instead of looking whole.
 *
 * Ownership: the caller's, both ways.
 * Threads:   one sender and one receiver at a time for a socket.
 * Errors:    ERR_CANCELLED when the other side has closed between two messages, ERR_CORRUPT
 *            for what is no message, ERR_USAGE for one that is too long to send (nothing of
 *            it was sent), ERR_IO.
 */
#ifndef SERVE_WIRE_H
#define SERVE_WIRE_H

#include "base/json.h"

#define WIRE_MAX (UINT32_C(4) << 20)

/* fd: -1, or a descriptor to send along, which stays the caller's. */
MUST_CHECK enum err_code wire_send(int sock, const json_t *message, int fd, struct err *err);
/* *fd: -1, or the caller's to close.  Descriptors are refused (closed, ERR_CORRUPT) where fd is
 * NULL. */
MUST_CHECK enum err_code wire_receive(int sock, json_t **message, int *fd, struct err *err);

#endif
