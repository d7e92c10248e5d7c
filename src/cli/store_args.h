/*
 * store_args.h: from what -r or --from says to a store: a folder, or a bucket
 * ("s3:…", see store/s3_address.h).
 */
#ifndef CLI_STORE_ARGS_H
#define CLI_STORE_ARGS_H

#include "cli/cli.h"
#include "store/s3.h"

/* Open it.  STORE_CREATE makes a missing folder; buckets are made by their owners. */
MUST_CHECK enum err_code cli_store(struct cli *c, const char *where, enum store_open_mode mode,
    struct store **out, struct err *err);

/* A new repository is there: find out what its server can do, and remember it. */
MUST_CHECK enum err_code cli_store_probe(struct cli *c, const char *where, struct err *err);

/* For a place that s3_address_is.  cache is what place_of_cache gives, and must outlive opt. */
struct store_s3_options cli_s3_options(struct cli *c, const char *where, const char *cache);

#endif
