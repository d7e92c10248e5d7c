/*
 * verbs_repository.h: functions of repository_verbs, which stand in two files.
 *
 *	verbs_repository.c        choosing, the recovery kit, care; the table
 *	verbs_repository_test.c   trying a place before it is chosen
 */
#ifndef SERVE_VERBS_REPOSITORY_H
#define SERVE_VERBS_REPOSITORY_H

#include "serve/verb.h"

/* The arguments "address" and "s3_keys": ERR_USAGE says what of them cannot be taken. */
MUST_CHECK enum err_code repository_check_place(const json_t *args, struct err *err);

verb_fn repository_test;

#endif
