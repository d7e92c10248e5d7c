/*
 * Fuzz target: the config of a repository.  Build with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include "repo/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_sizes(const struct chunk_sizes *s)
{
	assert(s->min >= 64 && s->min < s->avg && s->avg < s->max && s->max <= 8U << 20);
	assert((s->avg & (s->avg - 1)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	struct config c;
	AUTO(secret) struct secret *subkeys = NULL;
	AUTO(secret) struct secret *master = NULL;
	if (config_parse(&c, data, len, &err))
		return 0;
	check_sizes(&c.data);
	check_sizes(&c.rows);
	check_sizes(&c.tree);
	/* Under another key nothing authenticates, and what was parsed encodes to what parses.
	 */
	uint8_t again[CONFIG_SIZE];
	struct config back;
	if (secret_new(&master, MASTER_KEY_SIZE, &err) ||
	    subkeys_derive(&subkeys, master, c.repo_id, &err))
		return 0;
	assert(config_encode(&c, subkeys, again, &err) == ERR_OK);
	assert(config_authenticate(again, subkeys, &err) == ERR_OK);
	assert(config_parse(&back, again, sizeof again, &err) == ERR_OK);
	again[8] ^= 1;
	assert(config_authenticate(again, subkeys, &err) == ERR_CORRUPT);
	return 0;
}
