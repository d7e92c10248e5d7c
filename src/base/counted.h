/*
 * counted.h: numbers of things, for people.  In every locale the same.
 */
#ifndef BASE_COUNTED_H
#define BASE_COUNTED_H

#include "base/defs.h"

/* The longest number with its commas, and a noun of up to 32 bytes. */
#define COUNTED_MAX 64

/* "12,345,678" */
void counted_number(char out[COUNTED_MAX], uint64_t n);

/* "1 file", "12,345 files", "0 files"; for nouns that end in an s when there are many.  Returns
 * out. */
const char *counted(char out[COUNTED_MAX], uint64_t n, const char *noun);

#endif
