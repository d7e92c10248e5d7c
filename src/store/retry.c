#include "store/retry.h"

#include "store/store_impl.h"
#include "sys/clock.h"
#include "sys/rand.h"

#include <stdatomic.h>
#include <string.h>

#define TRIES 10
#define TRIES_AT_FIRST 4
#define BASE_NS (NS_PER_S / 2)
#define CAP_NS (30 * NS_PER_S)
#define TOTAL_NS (300 * NS_PER_S)
#define ASKED_MAX_NS (60 * NS_PER_S)
/* Shorter waits are nobody's business. */
#define TELL_NS (2 * NS_PER_S)
#define COMPARE_SIZE ((size_t)1 << 20)

struct retry {
	struct store store;
	struct store *inner;
	struct retry_options opt;
	atomic_bool has_succeeded;
};

/* One operation, over all its tries. */
struct attempt {
	struct retry *r;
	unsigned failed;
	int64_t since_ns;
};

static struct retry *
retry_of(struct store *s)
{
	return (struct retry *)s;
}

static struct attempt
begin(struct store *s)
{
	return (struct attempt){ retry_of(s), 0, 0 };
}

/* A random time up to base, 2 base, 4 base… */
static int64_t
next_wait(const struct attempt *a)
{
	struct err scratch; /* without random bytes: the whole time */
	uint64_t random = UINT64_MAX;
	int64_t most = a->r->opt.base_ns;
	for (unsigned i = 1; i < a->failed && most < CAP_NS; i++)
		most *= 2;
	if (most > CAP_NS)
		most = CAP_NS;
	if (rand_bytes(&random, sizeof random, &scratch))
		return most;
	return (int64_t)(random % (uint64_t)(most + 1));
}

/* What the server has asked for. */
static int64_t
asked_wait(const struct attempt *a, int64_t now_ns)
{
	int64_t wait_ns = atomic_load(&a->r->inner->not_before_ns) - now_ns;
	if (wait_ns <= 0)
		return 0;
	return wait_ns < ASKED_MAX_NS ? wait_ns : ASKED_MAX_NS;
}

static void
tell(const struct attempt *a, int64_t wait_ns, const struct err *err)
{
	char text[600];
	if (a->r->opt.tell == NULL || (wait_ns < TELL_NS && a->failed < 3))
		return;
	snprintf(text, sizeof text, "trying again in %lld s: %s",
	    (long long)((wait_ns + NS_PER_S - 1) / NS_PER_S), err->msg);
	a->r->opt.tell(a->r->opt.arg, text);
}

/* Has it failed in a way that may pass, and is there another try?  Waits for it, then. */
static bool
again(struct attempt *a, enum err_code rc, struct err *err)
{
	struct retry *r = a->r;
	struct err stopped;
	if (rc != ERR_TRANSIENT) {
		if (rc == ERR_OK || rc == ERR_NOT_FOUND || rc == ERR_EXISTS)
			atomic_store(&r->has_succeeded, true);
		return false;
	}
	int64_t now = clock_mono_ns();
	if (a->failed++ == 0)
		a->since_ns = now;
	unsigned tries = atomic_load(&r->has_succeeded)
			     ? r->opt.tries
			     : (unsigned)min_size(r->opt.tries, TRIES_AT_FIRST);
	int64_t wait_ns = asked_wait(a, now) + next_wait(a);
	if (cancel_is_raised(r->opt.cancel))
		return false;
	if (a->failed >= tries || now + wait_ns - a->since_ns > r->opt.total_ns) {
		err_wrap(
		    err, "given up after %u %s", a->failed, a->failed == 1 ? "try" : "tries");
		return false;
	}
	tell(a, wait_ns, err);
	if (cancel_wait(r->opt.cancel, wait_ns, &stopped)) {
		*err = stopped;
		return false;
	}
	return true;
}

static enum err_code
retry_check_writable(struct store *s, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	return in->ops->check_writable != NULL ? in->ops->check_writable(in, err) : ERR_OK;
}

/* Is the object what was to be put? */
static enum err_code
is_put(struct store *in, const char *key, const uint8_t *data, size_t len, bool *same,
    struct err *err)
{
	AUTO(mem) uint8_t *part = malloc(COMPARE_SIZE);
	uint64_t size;
	if (part == NULL)
		return err_nomem(err);
	*same = false;
	if (in->ops->size(in, key, &size, err))
		return err->code;
	if (size != len)
		return ERR_OK;
	for (size_t at = 0; at < len; at += COMPARE_SIZE) {
		size_t n = min_size(COMPARE_SIZE, len - at);
		if (in->ops->get_range(in, key, at, part, n, err))
			return err->code;
		if (memcmp(part, data + at, n) != 0)
			return ERR_OK;
	}
	*same = true;
	return ERR_OK;
}

static enum err_code
retry_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	enum err_code rc;
	do {
		bool same = false;
		rc = in->ops->put(in, key, data, len, err);
		if (rc != ERR_EXISTS || a.failed == 0)
			continue;
		/* An earlier try was carried out, or somebody else was here. */
		struct err taken = *err;
		rc = is_put(in, key, data, len, &same, err);
		if (rc == ERR_OK && same)
			return ERR_OK;
		if (rc == ERR_OK) {
			*err = taken;
			rc = ERR_EXISTS;
		}
	} while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

static enum err_code
retry_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	size_t before = out->len;
	enum err_code rc;
	do {
		out->len = before;
		rc = in->ops->get(in, key, max, out, err);
	} while (again(&a, rc, err));
	if (rc == ERR_OK)
		return ERR_OK;
	out->len = before;
	return err->code;
}

static enum err_code
retry_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	enum err_code rc;
	do
		rc = in->ops->get_range(in, key, offset, out, len, err);
	while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

static enum err_code
retry_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	enum err_code rc;
	do
		rc = in->ops->size(in, key, size, err);
	while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

/* A listing that remembers how far it was told. */
struct listing {
	store_entry_fn *fn;
	void *arg;
	char last[STORE_KEY_MAX];
	bool is_told; /* since the last try */
	bool is_ended; /* by the callback, whose errors are its own */
};

static enum err_code
pass_on(void *arg, const struct store_entry *e, struct err *err)
{
	struct listing *l = arg;
	l->is_told = true;
	memcpy(l->last, e->key, sizeof l->last);
	if (l->fn(l->arg, e, err) == ERR_OK)
		return ERR_OK;
	l->is_ended = true;
	return err->code;
}

static enum err_code
retry_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	struct listing l = { .fn = fn, .arg = arg };
	enum err_code rc;
	do {
		l.is_told = false;
		rc = in->ops->list(
		    in, prefix, l.last[0] != '\0' ? l.last : after, pass_on, &l, err);
		if (l.is_ended)
			return rc;
		if (l.is_told)
			a = begin(s); /* it got on */
	} while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

static enum err_code
retry_settle(struct store *s, const char *folder, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	enum err_code rc;
	if (in->ops->settle == NULL)
		return ERR_OK;
	do
		rc = in->ops->settle(in, folder, err);
	while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

static enum err_code
retry_delete(struct store *s, const char *key, struct err *err)
{
	struct store *in = retry_of(s)->inner;
	struct attempt a = begin(s);
	enum err_code rc;
	do {
		rc = in->ops->del(in, key, err);
		if (rc == ERR_NOT_FOUND && a.failed > 0)
			return ERR_OK;
	} while (again(&a, rc, err));
	return rc == ERR_OK ? ERR_OK : err->code;
}

static void
retry_close(struct store *s)
{
	store_close(retry_of(s)->inner);
	free(retry_of(s));
}

static const struct store_ops retry_ops = {
	.check_writable = retry_check_writable,
	.put = retry_put,
	.get = retry_get,
	.get_range = retry_get_range,
	.size = retry_size,
	.list = retry_list,
	.settle = retry_settle,
	.del = retry_delete,
	.close = retry_close,
};

enum err_code
store_open_retry(
    struct store **out, struct store *inner, const struct retry_options *opt, struct err *err)
{
	struct retry *r = calloc(1, sizeof *r);
	if (r == NULL) {
		store_close(inner);
		return err_nomem(err);
	}
	r->store.ops = &retry_ops;
	r->store.location = inner->location;
	r->store.list_lag_s = inner->list_lag_s;
	r->store.parallel = inner->parallel;
	r->inner = inner;
	r->opt = *opt;
	if (r->opt.tries == 0)
		r->opt.tries = TRIES;
	if (r->opt.base_ns == 0)
		r->opt.base_ns = BASE_NS;
	if (r->opt.total_ns == 0)
		r->opt.total_ns = TOTAL_NS;
	*out = &r->store;
	return ERR_OK;
}
