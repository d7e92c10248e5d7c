/*
 * recovery_lines.h: a recovery key as lines that can be printed, and typed again.
 *
 * Format: docs/format.md, "Recovery key".  Each line has a number and two
 * check characters, so that a typing error is found in the line where it was
 * made.  The alphabet is Crockford's base 32 (crockford.com/base32.html): no
 * I, L, O, U; reading takes o for 0, i and l for 1, and small letters.
 *
 *	 1  ABCD EFGH JKMN PQRS TVWX YZ01 2345 6789  7Q
 *	 C  ...                                              the code, if any
 *
 * Threads: one at a time for each input.
 */
#ifndef REPO_RECOVERY_LINES_H
#define REPO_RECOVERY_LINES_H

#include "repo/recovery.h"

#define RECOVERY_LINE_BYTES 20
#define RECOVERY_MAX_LINES 10
#define RECOVERY_CODE_BYTES 20

/* What stands before and behind the lines in a kit. */
#define RECOVERY_BEGIN "----- recovery key begins -----"
#define RECOVERY_END "----- recovery key ends -----"

/* A code's 160 bits as RECOVERY_CODE_LEN characters. */
void recovery_code_text(
    char out[RECOVERY_CODE_LEN + 1], const uint8_t bytes[RECOVERY_CODE_BYTES]);

/* Append the lines, each with a newline. */
MUST_CHECK enum err_code recovery_lines_print(
    const struct recovery_key *k, struct buf *out, struct err *err);

/* Lines as they come, in any order. */
struct recovery_input {
	uint8_t bytes[RECOVERY_MAX_LINES][RECOVERY_LINE_BYTES];
	size_t len[RECOVERY_MAX_LINES]; /* 0: not given yet */
	char code[RECOVERY_CODE_LEN + 1];
};

#define RECOVERY_INPUT_INIT                 \
	{                                   \
		.len = { 0 }, .code = { 0 } \
	}

static inline void UNUSED
recovery_input_auto(struct recovery_input *in)
{
	secret_wipe(in, sizeof *in);
}

/* Take one line.  number 0: the line begins with its own; else it may.  ERR_USAGE says which
 * line does not fit its check characters, and what is wrong with it. */
MUST_CHECK enum err_code recovery_take_line(
    struct recovery_input *in, unsigned number, const char *line, size_t len, struct err *err);
/* The code's line, which may begin with C. */
MUST_CHECK enum err_code recovery_take_code(
    struct recovery_input *in, const char *line, size_t len, struct err *err);

/* The first line that is still missing; 0 when there are enough. */
unsigned recovery_missing_line(const struct recovery_input *in);
/* Put the lines together.  ERR_USAGE names a line that is missing, or says that the whole does
 * not fit its check. */
MUST_CHECK enum err_code recovery_finish(
    const struct recovery_input *in, struct recovery_key *out, struct err *err);

/* All of that, from a kit (text or HTML: what stands between RECOVERY_BEGIN and RECOVERY_END)
 * or from nothing but lines. */
MUST_CHECK enum err_code recovery_parse(
    const char *text, size_t len, struct recovery_key *out, struct err *err);

#endif
