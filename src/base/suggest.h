/*
 * suggest.h: what somebody may have meant who typed something else.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/defs.h"

/* The word that is nearest to what was typed, or NULL when none is near: at most two letters
 * wrong, missing, too many or swapped, and no more than half of the word; or it is the word's
 * beginning. */
const char *suggest(const char *typed, const char *const *words, size_t n);

#endif
