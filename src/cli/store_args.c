#include "cli/store_args.h"

#include "cli/places.h"
#include "sys/env.h"

static void
tell_retry(void *arg, const char *what)
{
	const struct cli *c = arg;
	event_note(c->events, NULL, "%s", what);
}

struct store_s3_options
cli_s3_options(struct cli *c, const char *where, const char *cache)
{
	const char *credentials = c->args.s3_credentials;
	const char *ca_file = c->args.cacert;
	return (struct store_s3_options){
		.address = where,
		.credentials =
		    credentials != NULL ? credentials : env_get("STACKSNAP_S3_CREDENTIALS"),
		.ca_file = ca_file != NULL ? ca_file : env_get("STACKSNAP_CACERT"),
		.cache_dir = cache,
		.cancel = c->cancel,
		.tell = tell_retry,
		.tell_arg = c,
	};
}

enum err_code
cli_store(struct cli *c, const char *where, enum store_open_mode mode, struct store **out,
    struct err *err)
{
	AUTO(str) char *cache = NULL;
	if (!s3_address_is(where))
		return store_open_local(out, where, mode, err);
	if (place_of_cache(&cache, c->args.cache_dir, geteuid() == 0, err))
		return err->code;
	struct store_s3_options opt = cli_s3_options(c, where, cache);
	return store_open_s3(out, &opt, err);
}

enum err_code
cli_store_probe(struct cli *c, const char *where, struct err *err)
{
	AUTO(str) char *cache = NULL;
	if (!s3_address_is(where))
		return ERR_OK;
	if (place_of_cache(&cache, c->args.cache_dir, geteuid() == 0, err))
		return err->code;
	struct store_s3_options opt = cli_s3_options(c, where, cache);
	return store_probe_s3(&opt, err);
}
