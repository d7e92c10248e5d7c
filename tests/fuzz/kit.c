/*
 * Fuzz target: recovery kits as they are typed.  What is read must print to lines that
 * read the same.  Build with clang -fsanitize=fuzzer,address,undefined.
 *
 * Random text hardly ever fits its check characters, so lines that do are made from the
 * input, too.
 */
#include "repo/recovery_lines.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_key(const struct recovery_key *k)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct recovery_key back;
	assert(recovery_lines_print(k, &text, &err) == ERR_OK);
	assert(recovery_parse((const char *)text.data, text.len, &back, &err) == ERR_OK);
	assert(memcmp(&back, k, sizeof back) == 0);
}

/* The slot of a key made of the input: magic and version are not printed, the label ends at its
 * first NUL. */
static void
check_made(const uint8_t *data, size_t len)
{
	struct recovery_key k = { .has_code = len > 0 && data[0] % 2 == 1 };
	memcpy(k.slot, data, min_size(len, sizeof k.slot));
	memcpy(k.slot, "SSNAPKEY\1\0", 10);
	size_t label = strnlen((const char *)k.slot + 80, 63);
	memset(k.slot + 80 + label, 0, 64 - label);
	if (k.has_code)
		recovery_code_text(k.code, k.slot + 144);
	check_key(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	struct recovery_key k;
	struct recovery_input in = RECOVERY_INPUT_INIT;
	if (recovery_parse((const char *)data, len, &k, &err) == ERR_OK &&
	    k.has_code == (k.code[0] != '\0'))
		check_key(&k);
	if (recovery_take_line(&in, 3, (const char *)data, len, &err) == ERR_OK)
		assert(in.len[2] > 0 && in.len[2] <= RECOVERY_LINE_BYTES);
	check_made(data, len);
	return 0;
}
