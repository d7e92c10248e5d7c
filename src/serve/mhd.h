/*
 * mhd.h: libmicrohttpd, loaded by the process that serves and by no other
 * (docs/decisions/0030-libcurl-when-needed.md).
 *
 * <microhttpd.h> is used as ever: mhd.c has each function of it that is called here, and hands
 * on to the library.  One that is called and not there is not linked: it goes into mhd.c.
 */
#ifndef SERVE_MHD_H
#define SERVE_MHD_H

#include "base/err.h"

/* Before any other call, and before files are out of reach; a second time does nothing.  One
 * thread at a time.  ERR_UNSUPPORTED when it is not installed. */
MUST_CHECK enum err_code mhd_load(struct err *err);

#endif
