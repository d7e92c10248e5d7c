/*
 * web_download.h: descriptors that the keeper has passed, sent on as files to be saved.
 *
 * A pipe that is empty suspends its connection; the pump waits for all of them at once, and
 * ends what has given nothing for DOWNLOAD_WAIT_NS.
 *
 * Threads: responses are read by MHD's; pump_turn and pump_close by one other.
 */
#ifndef SERVE_WEB_DOWNLOAD_H
#define SERVE_WEB_DOWNLOAD_H

#include "base/json.h"

#include <microhttpd.h>

#define DOWNLOAD_WAIT_NS (INT64_C(120) * 1000000000)

struct pump;

MUST_CHECK enum err_code pump_new(struct pump **out, struct err *err);
/* Its downloads have ended. */
void pump_free(struct pump *p);
AUTO_FREE(pump, struct pump *, pump_free)
/* Wait for data, at most so long, and let those go on who have some. */
void pump_turn(struct pump *p, int timeout_ms);
/* End the turn, and each that begins, at once: from any thread. */
void pump_ring(struct pump *p);
/* End all that wait, and those that would. */
void pump_close(struct pump *p);

/* A response that is read from fd, which it takes over, also when it fails (NULL).  what: the
 * keeper's {"name", "type", "bytes"?}.  A stream that is shorter than bytes is cut off where
 * its reader sees it. */
struct MHD_Response *download_response(
    struct pump *p, struct MHD_Connection *con, int fd, const json_t *what);

/* Content-Disposition for any name: only what no browser, shell or file system takes for more
 * than a name (RFC 6266, RFC 8187). */
#define DISPOSITION_MAX 1100
void download_disposition(char out[DISPOSITION_MAX], const char *name);

#endif
