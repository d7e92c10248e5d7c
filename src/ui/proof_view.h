/*
 * proof_view.h: what a drill came to, for people.
 *
 * Threads: any.
 */
#ifndef UI_PROOF_VIEW_H
#define UI_PROOF_VIEW_H

#include "base/json.h"

#include <stdio.h>

#define AGE_TEXT 40
/* "just now", "5 minutes ago", "2 days ago" */
void proof_view_age(char out[AGE_TEXT], int64_t then_ns, int64_t now_ns);

#define PROOF_TEXT 128
/* "proved 2 days ago, 41 s", "drill failed 3 hours ago", "inconclusive today"; "" without a
 * proof. */
void proof_view_short(char out[PROOF_TEXT], const json_t *proof, int64_t now_ns);

/* What was compared, what ran, what was cut off, how long it took: lines below a heading. */
void proof_view_print(FILE *out, const json_t *proof);

/* The fields of a list: verdict, time_ns, rto_ns, took_ns and reason; null without a proof. */
void proof_view_brief(struct json_writer *w, const char *key, const json_t *proof);

#endif
