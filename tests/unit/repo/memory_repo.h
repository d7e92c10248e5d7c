/*
 * memory_repo.h: a real repository in memory, with a writer.
 */
#ifndef TESTS_UNIT_REPO_MEMORY_REPO_H
#define TESTS_UNIT_REPO_MEMORY_REPO_H

#include "testing.h"

#include "repo/stream.h"

struct memory_repo {
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	struct writer *writer;
};

static inline void
memory_repo_open(struct memory_repo *m)
{
	struct err err;
	struct repo_create_options quick = { 8, 1, NULL };
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(store_open_mem(&m->store, &err));
	ok(secret_copy(&m->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = m->pass };
	ok(repo_create(m->store, &key, &quick, &err));
	ok(repo_open(&m->repo, m->store, &key, NULL, &err));
	ok(writer_open(&m->writer, m->repo, &opt, &err));
}

static inline void
memory_repo_close(struct memory_repo *m)
{
	writer_close(m->writer);
	repo_close(m->repo);
	store_close(m->store);
	secret_free(m->pass);
}

#endif
