#include "base/log.h"
#include "serve/keeper_impl.h"
#include "store/s3.h"
#include "sys/clock.h"
#include "sys/fs.h"

/* What others store is seen so much later. */
#define LOOK_AGAIN_NS (30 * NS_PER_S)

struct kept_repo {
	atomic_uint refs;
	atomic_bool is_stale;
	int64_t looked_ns; /* guarded by the keeper's repo_lock */
	struct store *store;
	struct repo *repo;
};

struct repo *
kept_repo_repo(const struct kept_repo *r)
{
	return r->repo;
}

void
kept_repo_release(struct kept_repo *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	repo_close(r->repo);
	store_close(r->store);
	free(r);
}

static void
tell_retry(void *arg, const char *what)
{
	(void)arg;
	log_debug("repository: %s", what);
}

static void
tell_damage(void *arg, const char *object, const struct err *why)
{
	const struct keeper *k = arg;
	event_warning(k->opt.events, object,
	    "what only this index knows of counts as missing ('stacksnap repair index' mends "
	    "that): %s",
	    why->msg);
}

enum err_code
keeper_store(struct keeper *k, const char *address, const char *credentials, struct store **out,
    struct err *err)
{
	if (!s3_address_is(address))
		return store_open_local(out, address, STORE_EXISTING, err);
	const struct store_s3_options opt = {
		.address = address,
		.credentials = credentials != NULL ? credentials : k->opt.s3_credentials,
		.ca_file = k->opt.ca_file,
		.cache_dir = k->opt.cache_dir,
		.cancel = k->opt.cancel,
		.tell = tell_retry,
	};
	return store_open_s3(out, &opt, err);
}

enum err_code
keeper_place(struct keeper *k, struct repo_place *out, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (catalog_get(k->catalog, SETTING_REPOSITORY, &name, err))
		return err->code;
	if (name == NULL)
		return err_set(err, ERR_NO_REPOSITORY, "no repository was chosen yet");
	return repo_place_load(out, k->state_dir, name, err);
}

static enum err_code
read_passphrase(struct secret **out, const char *path, struct err *err)
{
	AUTO(secret_buf) struct buf text = BUF_INIT;
	if (fs_read_file(path, 4096, &text, err))
		return err_wrap(err, "read the passphrase");
	return secret_copy(out, text.data, text.len, err);
}

/* Those that failed to open are released by the caller, too. */
static enum err_code
open_into(struct keeper *k, const struct repo_place *p, struct kept_repo *r, struct err *err)
{
	AUTO(secret) struct secret *passphrase = NULL;
	uint64_t size;
	if (keeper_store(k, p->address, p->s3_credentials, &r->store, err))
		return err->code == ERR_NOT_FOUND
			   ? err_set(err, ERR_NO_REPOSITORY, "%s: no such folder", p->address)
			   : err->code;
	if (store_size(r->store, "config", &size, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_NO_REPOSITORY,
							"%s holds no repository", p->address)
						  : err->code;
	if (read_passphrase(&passphrase, p->password_file, err))
		return err->code;
	const struct repo_key key = { .passphrase = passphrase };
	if (repo_open_bare(&r->repo, r->store, &key, k->opt.cache_dir, err))
		return err->code;
	repo_pass_over_damage(r->repo, tell_damage, k);
	return repo_refresh(r->repo, err) ? err_wrap(err, "open repository") : ERR_OK;
}

enum err_code
keeper_open_place(
    struct keeper *k, const struct repo_place *p, struct kept_repo **out, struct err *err)
{
	struct kept_repo *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	atomic_init(&r->refs, 1);
	r->looked_ns = clock_mono_ns();
	if (open_into(k, p, r, err)) {
		kept_repo_release(r);
		return err->code;
	}
	*out = r;
	return ERR_OK;
}

static struct kept_repo *
kept(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	struct kept_repo *r = k->repo;
	if (r != NULL)
		atomic_fetch_add(&r->refs, 1);
	pthread_mutex_unlock(&k->lock);
	return r;
}

static void
keep(struct keeper *k, struct kept_repo *r)
{
	pthread_mutex_lock(&k->lock);
	struct kept_repo *old = k->repo;
	k->repo = r;
	pthread_mutex_unlock(&k->lock);
	kept_repo_release(old);
}

static enum err_code
look_again(struct kept_repo *r, struct err *err)
{
	int64_t now = clock_mono_ns();
	bool was_stale = atomic_exchange(&r->is_stale, false);
	if (!was_stale && now - r->looked_ns < LOOK_AGAIN_NS)
		return ERR_OK;
	if (repo_refresh(r->repo, err)) {
		atomic_store(&r->is_stale, true);
		return err_wrap(err, "look into the repository");
	}
	r->looked_ns = now;
	return ERR_OK;
}

static enum err_code
open_or_look(struct keeper *k, struct kept_repo **out, struct err *err)
{
	struct kept_repo *r = kept(k);
	if (r == NULL) {
		AUTO(repo_place) struct repo_place p = { NULL, NULL, NULL, NULL };
		if (keeper_place(k, &p, err) || keeper_open_place(k, &p, &r, err))
			return err->code;
		atomic_fetch_add(&r->refs, 1);
		keep(k, r);
	} else if (look_again(r, err)) {
		kept_repo_release(r);
		return err->code;
	}
	*out = r;
	return ERR_OK;
}

enum err_code
keeper_repo(struct keeper *k, struct kept_repo **out, struct err *err)
{
	pthread_mutex_lock(&k->repo_lock);
	enum err_code rc = open_or_look(k, out, err);
	pthread_mutex_unlock(&k->repo_lock);
	return rc;
}

void
keeper_repo_forget(struct keeper *k)
{
	keep(k, NULL);
	if (k->shelf != NULL)
		shelf_stale(k->shelf);
}

void
keeper_repo_stale(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	if (k->repo != NULL)
		atomic_store(&k->repo->is_stale, true);
	pthread_mutex_unlock(&k->lock);
	shelf_stale(k->shelf);
}
