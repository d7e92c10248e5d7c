#include "serve/web_known.h"

#include "crypto/secret.h"
#include "serve/web_gate.h"
#include "sys/rand.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define KIND_MAX 8
#define NAME_SIZE (KIND_MAX + GATE_SECRET + 1)

struct known {
	uint64_t seed; /* nobody outside can choose what meets */
	pthread_mutex_t lock;
	char names[KNOWN_CREDENTIALS][NAME_SIZE]; /* under lock; "": none */
};

enum err_code
known_new(struct known **out, struct err *err)
{
	AUTO(mem) struct known *k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_nomem(err);
	if (rand_bytes(&k->seed, sizeof k->seed, err))
		return err->code;
	pthread_mutex_init(&k->lock, NULL);
	*out = TAKE(k);
	return ERR_OK;
}

void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	known_forget(k);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static void
name_of(char out[NAME_SIZE], const char *kind, const char *secret)
{
	snprintf(out, NAME_SIZE, "%.*s %s", KIND_MAX - 1, kind, secret);
}

static char *
place(struct known *k, const char *name)
{
	return k->names[XXH3_64bits_withSeed(name, strlen(name), k->seed) % KNOWN_CREDENTIALS];
}

bool
known_has(struct known *k, const char *kind, const char *secret)
{
	char name[NAME_SIZE];
	name_of(name, kind, secret);
	pthread_mutex_lock(&k->lock);
	const bool is_there = strcmp(place(k, name), name) == 0;
	pthread_mutex_unlock(&k->lock);
	return is_there;
}

void
known_set(struct known *k, const char *kind, const char *secret, bool is_good)
{
	char name[NAME_SIZE];
	name_of(name, kind, secret);
	pthread_mutex_lock(&k->lock);
	char *at = place(k, name);
	if (is_good)
		memcpy(at, name, NAME_SIZE);
	else if (strcmp(at, name) == 0)
		secret_wipe(at, NAME_SIZE);
	pthread_mutex_unlock(&k->lock);
}

void
known_forget(struct known *k)
{
	pthread_mutex_lock(&k->lock);
	secret_wipe(k->names, sizeof k->names);
	pthread_mutex_unlock(&k->lock);
}
