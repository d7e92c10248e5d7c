/*
 * wire.h: what keeper and web say to each other (docs/decisions/0028).
 *
 * A message is a length (u32, little-endian, without itself) and that many bytes of JSON, one
 * object. One descriptor may travel with it.  Both sides take the other for hostile: a message
 * that is too long, is no object, or stops in the middle ends the connection with an error.
 *
 *   web to keeper   {"id", "verb", "from", "args", "session"? | "token"?, "csrf"?}
 *   keeper to web   {"id", "status", "body"?, "cookie"?, "keep_ms"?}
 *                   {"id", "status", "download": {"name", "type", "bytes"?}}  + a descriptor
 *                   {"id", "status", "problem": {"title", "detail", "code", ...}}
 *                   {"event": {"id", "type", "data"}}
 *                   {"forget": true}
 *
 * id counts up on web's side; answers may come in another order.  session, token, csrf and
 * cookie are 64 hexadecimal digits; cookie "" takes the cookie away.  keep_ms: for so long web
 * may give the same answer to the same verb, args and credential, unless it is told to forget.
 *
 * Ownership: the caller's, both ways.
 * Threads:   one sender and one receiver at a time for a socket.
 * Errors:    ERR_CANCELLED when the other side has closed between two messages, ERR_CORRUPT
 *            for what is no message, ERR_IO.
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
