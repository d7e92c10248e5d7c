#include "serve/login_limit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#define ADDRESSES 1024
#define FREE_TRIES 3
#define WAIT_MAX_S 600
#define FORGIVEN_NS (INT64_C(3600) * 1000000000)
#define ALL_TRIES 30
#define ALL_REFILL_NS (INT64_C(2) * 1000000000)
#define KEY_SIZE 16
#define NS INT64_C(1000000000)

struct address {
	uint8_t key[KEY_SIZE];
	int64_t last_ns; /* 0: a free slot */
	int64_t not_before_ns;
	unsigned failures;
	bool is_known; /* somebody has logged in from there */
};

struct login_limit {
	pthread_mutex_t lock; /* guards all below */
	struct address addresses[ADDRESSES];
	unsigned left; /* tries of all together */
	int64_t refilled_ns;
};

enum err_code
login_limit_new(struct login_limit **out, struct err *err)
{
	struct login_limit *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	pthread_mutex_init(&l->lock, NULL);
	l->left = ALL_TRIES;
	*out = l;
	return ERR_OK;
}

void
login_limit_free(struct login_limit *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
key_of(uint8_t key[KEY_SIZE], const char *whence)
{
	uint8_t v6[16];
	memset(key, 0, KEY_SIZE);
	if (inet_pton(AF_INET, whence, key + 1) == 1)
		key[0] = 4;
	else if (inet_pton(AF_INET6, whence, v6) == 1) {
		key[0] = 6;
		memcpy(key + 1, v6, 8);
	}
}

/* Strangers give way before those who have logged in, so that who has many addresses does not
 * make friends wait with the strangers. */
static bool
gives_way_to(const struct address *a, const struct address *b)
{
	return a->is_known != b->is_known ? !a->is_known : a->last_ns < b->last_ns;
}

/* Its slot, or the one that was used longest ago. */
static struct address *
address_of(struct login_limit *l, const char *whence)
{
	uint8_t key[KEY_SIZE];
	struct address *oldest = &l->addresses[0];
	key_of(key, whence);
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct address *a = &l->addresses[i];
		if (a->last_ns != 0 && memcmp(a->key, key, KEY_SIZE) == 0)
			return a;
		if (gives_way_to(a, oldest))
			oldest = a;
	}
	*oldest = (struct address){ .last_ns = 0 };
	memcpy(oldest->key, key, KEY_SIZE);
	return oldest;
}

static unsigned
seconds_until(int64_t then_ns, int64_t now_ns)
{
	return (unsigned)((then_ns - now_ns + NS - 1) / NS);
}

static void
refill(struct login_limit *l, int64_t now_ns)
{
	int64_t more = (now_ns - l->refilled_ns) / ALL_REFILL_NS;
	if (more <= 0)
		return;
	l->left = more + l->left >= ALL_TRIES ? ALL_TRIES : l->left + (unsigned)more;
	l->refilled_ns = now_ns;
}

static void
count_failure(struct address *a, int64_t now_ns)
{
	int64_t wait_s = 0;
	a->failures++;
	if (a->failures >= FREE_TRIES) {
		unsigned doubled = a->failures - FREE_TRIES;
		wait_s = doubled < 10 ? INT64_C(1) << doubled : WAIT_MAX_S;
	}
	a->not_before_ns = now_ns + (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S) * NS;
	a->last_ns = now_ns;
}

static unsigned
try_it(struct login_limit *l, const char *whence, int64_t now_ns)
{
	struct address *a = address_of(l, whence);
	if (now_ns - a->last_ns > FORGIVEN_NS)
		a->failures = 0;
	if (a->failures >= FREE_TRIES && now_ns < a->not_before_ns)
		return seconds_until(a->not_before_ns, now_ns);
	refill(l, now_ns);
	if (!a->is_known && l->left == 0)
		return seconds_until(l->refilled_ns + ALL_REFILL_NS, now_ns);
	if (!a->is_known)
		l->left--;
	count_failure(a, now_ns);
	return 0;
}

unsigned
login_limit_try(struct login_limit *l, const char *whence, int64_t now_ns)
{
	pthread_mutex_lock(&l->lock);
	unsigned wait_s = try_it(l, whence, now_ns);
	pthread_mutex_unlock(&l->lock);
	return wait_s;
}

void
login_limit_passed(struct login_limit *l, const char *whence, int64_t now_ns)
{
	pthread_mutex_lock(&l->lock);
	struct address *a = address_of(l, whence);
	if (!a->is_known && l->left < ALL_TRIES)
		l->left++;
	a->failures = 0;
	a->not_before_ns = 0;
	a->last_ns = now_ns;
	a->is_known = true;
	pthread_mutex_unlock(&l->lock);
}
