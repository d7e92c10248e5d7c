/*
 * Fuzz target: key slots.  Build with clang -fsanitize=fuzzer,address,undefined.
 *
 * A slot tells how much memory and time to spend on it; only those that cost little are opened.
 */
#include "repo/keys.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_cheap(const uint8_t *slot)
{
	return slot[10] != KEY_PASSPHRASE || get_u32(slot + 40) < 8192 ||
	       get_u32(slot + 40) > 4U << 20 || get_u32(slot + 44) > 64;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t any[REPO_ID_SIZE] = { 0 };
	struct err err = ERR_INIT;
	struct key_slot what;
	AUTO(secret) struct secret *key = NULL;
	AUTO(secret) struct secret *master = NULL;
	/* A slot for the repository that it says. */
	const uint8_t *repo = len >= SLOT_SIZE ? slot_repo_id(data) : any;
	if (slot_describe(&what, data, len, repo, &err))
		return 0;
	assert(strlen(what.label) <= KEY_LABEL_MAX);
	if (!is_cheap(data) || secret_copy(&key, "0123456789abcdef0123456789abcdef", 32, &err))
		return 0;
	struct repo_key by_file = { .key_file = key };
	struct repo_key by_passphrase = { .passphrase = key };
	enum err_code rc = slot_open(&master, data, len, repo, &by_file, &err);
	assert(rc != ERR_OK && master == NULL);
	rc = slot_open(&master, data, len, repo, &by_passphrase, &err);
	assert(rc != ERR_OK && master == NULL);
	return 0;
}
