#include "net/aws_login.h"

#include "net/aws_login_impl.h"
#include "net/aws_profile.h"
#include "net/web.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/fs.h"

#include <pthread.h>

#define RENEW_BEFORE_NS (300 * NS_PER_S)
/* The metadata service is beside us, or not at all. */
#define METADATA_CONNECT_MS 1000
#define METADATA_STALL_S 5

struct aws_login {
	pthread_mutex_t lock; /* guards current, and all refs */
	struct aws_pass *current;
	char *file;
	char *profile;
	char *region;
	char *service;
	bool is_aws;
	struct web *web;
};

static void
pass_free(struct aws_pass *p)
{
	if (p == NULL)
		return;
	sigv4_free(p->signer);
	secret_free(p->key_id);
	secret_free(p->key);
	secret_free(p->token);
	free(p);
}
AUTO_FREE(pass, struct aws_pass *, pass_free)

void
aws_login_close(struct aws_login *l)
{
	if (l == NULL)
		return;
	pass_free(l->current);
	web_close(l->web);
	pthread_mutex_destroy(&l->lock);
	free(l->file);
	free(l->profile);
	free(l->region);
	free(l->service);
	free(l);
}

enum err_code
aws_login_open(struct aws_login **out, const struct aws_login_options *opt, struct err *err)
{
	AUTO(aws_login) struct aws_login *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	pthread_mutex_init(&l->lock, NULL);
	struct web_options web = WEB_OPTIONS_INIT;
	web.cancel = opt->cancel;
	web.connect_ms = METADATA_CONNECT_MS;
	web.stall_s = METADATA_STALL_S;
	web.is_direct = true;
	l->is_aws = opt->is_aws;
	if ((opt->file != NULL && str_dup(&l->file, opt->file, err)) ||
	    (opt->profile != NULL && str_dup(&l->profile, opt->profile, err)) ||
	    str_dup(&l->region, opt->region, err) || str_dup(&l->service, opt->service, err) ||
	    web_open(&l->web, &web, err))
		return err->code;
	*out = TAKE(l);
	return ERR_OK;
}

/* --- sources --- */

static enum err_code
from_environment(struct aws_pass *p, struct err *err)
{
	const char *id = env_get("AWS_ACCESS_KEY_ID");
	const char *key = env_get("AWS_SECRET_ACCESS_KEY");
	const char *token = env_get("AWS_SESSION_TOKEN");
	if (id == NULL && key == NULL)
		return err_set(err, ERR_NOT_FOUND, "not in the environment");
	if (id == NULL || key == NULL)
		return err_set(err, ERR_USAGE,
		    "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
	snprintf(p->from, sizeof p->from, "the environment (AWS_ACCESS_KEY_ID)");
	if (secret_copy(&p->key_id, id, strlen(id), err) ||
	    secret_copy(&p->key, key, strlen(key), err))
		return err->code;
	return token != NULL ? secret_copy(&p->token, token, strlen(token), err) : ERR_OK;
}

static enum err_code
read_pair(struct aws_pass *p, enum aws_file kind, const char *path, const char *profile,
    struct err *err)
{
	if (aws_profile_get(&p->key_id, kind, path, profile, "aws_access_key_id", err) ||
	    aws_profile_get(&p->key, kind, path, profile, "aws_secret_access_key", err) ||
	    aws_profile_get(&p->token, kind, path, profile, "aws_session_token", err))
		return err->code;
	if (p->key_id == NULL && p->key == NULL)
		return err_set(err, ERR_NOT_FOUND, "not there");
	if (p->key_id == NULL || p->key == NULL)
		return err_set(err, ERR_USAGE,
		    "%s: profile %s has only one of aws_access_key_id and "
		    "aws_secret_access_key",
		    path, profile);
	snprintf(p->from, sizeof p->from, "profile %.60s of %.110s", profile, path);
	return ERR_OK;
}

/* A profile that was asked for and has no keys. */
static enum err_code
no_keys(const char *profile, const char *credentials, const char *config, struct err *err)
{
	bool in_credentials = false;
	bool in_config = false;
	if (aws_profile_exists(&in_credentials, AWS_CREDENTIALS, credentials, profile, err) ||
	    aws_profile_exists(&in_config, AWS_CONFIG, config, profile, err))
		return err->code;
	if (in_credentials || in_config)
		return err_set(err, ERR_USAGE,
		    "profile %s has no aws_access_key_id; roles, SSO and credential processes "
		    "are not followed: 'aws configure export-credentials --format env' gives "
		    "keys for a while",
		    profile);
	return err_set(err, ERR_USAGE, "there is no profile %s in %s", profile,
	    credentials != NULL ? credentials : "~/.aws/credentials");
}

static enum err_code
from_profile(const struct aws_login *l, struct aws_pass *p, struct err *err)
{
	AUTO(str) char *credentials = NULL;
	AUTO(str) char *config = NULL;
	const char *env = env_get("AWS_PROFILE");
	const char *profile = l->profile != NULL ? l->profile : env != NULL ? env : "default";
	bool is_asked_for = l->profile != NULL || l->file != NULL || env != NULL;
	if (l->file != NULL ? str_dup(&credentials, l->file, err)
			    : aws_profile_path(&credentials, AWS_CREDENTIALS, err))
		return err->code;
	if (l->file != NULL && !fs_exists(l->file))
		return err_set(err, ERR_USAGE, "%s: no such file of credentials", l->file);
	if (l->file == NULL && aws_profile_path(&config, AWS_CONFIG, err))
		return err->code;
	enum err_code rc = read_pair(p, AWS_CREDENTIALS, credentials, profile, err);
	if (rc == ERR_NOT_FOUND)
		rc = read_pair(p, AWS_CONFIG, config, profile, err);
	if (rc == ERR_NOT_FOUND && is_asked_for)
		return no_keys(profile, credentials, config, err);
	return rc;
}

static enum err_code
nobody(struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write "
	    "them to ~/.aws/credentials, or name a file with --s3-credentials");
}

static enum err_code
fetch(struct aws_login *l, struct aws_pass *p, struct err *err)
{
	enum err_code rc = ERR_NOT_FOUND;
	if (l->file == NULL && l->profile == NULL)
		rc = from_environment(p, err);
	if (rc == ERR_NOT_FOUND)
		rc = from_profile(l, p, err);
	if (rc == ERR_NOT_FOUND)
		rc = aws_container_fetch(l->web, p, err);
	bool may_ask = l->is_aws || env_get("AWS_EC2_METADATA_SERVICE_ENDPOINT") != NULL;
	if (rc == ERR_NOT_FOUND && may_ask)
		rc = aws_instance_fetch(l->web, p, err);
	return rc == ERR_NOT_FOUND ? nobody(err) : rc;
}

static enum err_code
fetch_pass(struct aws_login *l, struct aws_pass **out, struct err *err)
{
	AUTO(pass) struct aws_pass *p = calloc(1, sizeof *p);
	AUTO(str) char *id = NULL;
	if (p == NULL)
		return err_nomem(err);
	if (fetch(l, p, err) ||
	    str_dupn(&id, (const char *)p->key_id->data, p->key_id->len, err) ||
	    sigv4_new(&p->signer, id, p->key, l->region, l->service, err))
		return err->code;
	p->refs = 1; /* the login's own */
	*out = TAKE(p);
	return ERR_OK;
}

/* --- taking and renewing --- */

static bool
is_same_secret(const struct secret *a, const struct secret *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* With the lock. */
static void
drop(struct aws_pass *p)
{
	if (p != NULL && --p->refs == 0)
		pass_free(p);
}

static enum err_code
replace(struct aws_login *l, struct err *err)
{
	struct aws_pass *fresh;
	if (fetch_pass(l, &fresh, err))
		return err->code;
	drop(l->current);
	l->current = fresh;
	return ERR_OK;
}

enum err_code
aws_login_take(struct aws_login *l, struct aws_pass **out, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct err why;
	pthread_mutex_lock(&l->lock);
	const struct aws_pass *p = l->current;
	int64_t left_ns =
	    p != NULL && p->expires_ns > 0 ? p->expires_ns - clock_wall_ns() : INT64_MAX;
	if (p == NULL)
		rc = replace(l, err);
	else if (left_ns < RENEW_BEFORE_NS && replace(l, &why) && left_ns <= 0) {
		/* Before its end the old one still does. */
		*err = why;
		rc = err_wrap(err, "renew the credentials of %s", p->from);
	}
	if (rc == ERR_OK) {
		l->current->refs++;
		*out = l->current;
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void
aws_login_drop(struct aws_login *l, struct aws_pass *p)
{
	pthread_mutex_lock(&l->lock);
	drop(p);
	pthread_mutex_unlock(&l->lock);
}

enum err_code
aws_login_renew(
    struct aws_login *l, const struct aws_pass *refused, bool *is_new, struct err *err)
{
	enum err_code rc = ERR_OK;
	pthread_mutex_lock(&l->lock);
	if (l->current == refused) /* else another thread has been here */
		rc = replace(l, err);
	if (rc == ERR_OK)
		*is_new = !is_same_secret(l->current->key_id, refused->key_id) ||
			  !is_same_secret(l->current->key, refused->key) ||
			  !is_same_secret(l->current->token, refused->token);
	pthread_mutex_unlock(&l->lock);
	return rc;
}
