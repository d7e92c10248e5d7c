#include "db/mongo_link.h"

#include "base/strv.h"
#include "db/mongo_module.h"
#include "db/site.h"
#include "db/target.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

/* Building an index, or dropping a large database, says nothing until it is done. */
#define PATIENCE_MS (30 * 60 * 1000)

struct module_link {
	struct mongo_link base;
	const struct mongo_module *module;
	const struct mongo_login *login;
	void *client;
	struct err dial_err;
};

/* --- the module --- */

static enum err_code
try_module(const struct mongo_module **out, const char *path, struct err *err)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (so == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "MongoDB needs libmongoc: install the package libmongoc-1.0-0 (%s)",
		    dlerror());
	const struct mongo_module *m = dlsym(so, MONGO_MODULE_SYMBOL);
	if (m == NULL || m->abi != MONGO_MODULE_ABI) {
		dlclose(so);
		return err_set(err, ERR_UNSUPPORTED,
		    "%s belongs to another version of StackSnap: install both anew", path);
	}
	/* It stays until the program ends: libmongoc may not be loaded twice. */
	*out = m;
	return ERR_OK;
}

static enum err_code
own_folder(char out[PATH_MAX], struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	if (n < 0)
		return err_sys(err, "find this program's own folder");
	out[n] = '\0';
	char *slash = strrchr(out, '/');
	if (slash != NULL)
		*slash = '\0';
	return ERR_OK;
}

static enum err_code
load_module(const struct mongo_module **out, struct err *err)
{
	static const char *const places[] = { ".", "../lib/stacksnap",
		"../lib/x86_64-linux-gnu/stacksnap", "../lib/aarch64-linux-gnu/stacksnap" };
	char folder[PATH_MAX];
	if (own_folder(folder, err))
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		AUTO(str) char *path = NULL;
		if (str_printf(&path, err, "%s/%s/%s", folder, places[i], MONGO_MODULE_FILE))
			return err->code;
		if (access(path, F_OK) == 0)
			return try_module(out, path, err);
	}
	return err_set(err, ERR_UNSUPPORTED,
	    "this is a MongoDB server, and StackSnap was built without libmongoc: %s is not "
	    "beside the program. Install libmongoc-dev and build again",
	    MONGO_MODULE_FILE);
}

/* --- the link --- */

static int
dial(void *arg)
{
	struct module_link *k = arg;
	const struct mongo_login *l = k->login;
	int fd;
	if (runner_dial(l->t->runner, l->address, &fd, &k->dial_err))
		return -1;
	return fd;
}

static enum err_code
judge(struct module_link *k, enum mongo_outcome outcome, const struct mongo_said *said,
    struct err *err)
{
	switch (outcome) {
	case MONGO_DONE:
		break;
	case MONGO_REFUSED:
		return mongo_refuse(&k->base, said->code, said->text, err);
	case MONGO_NO_LOGIN:
		return err_set(err, ERR_DENIED, "the server refuses the login%s%s: %s",
		    k->login->user != NULL ? " as " : "",
		    k->login->user != NULL ? k->login->user : "", said->text);
	case MONGO_GONE:
		if (k->dial_err.code == ERR_OK)
			return err_set(
			    err, ERR_TRANSIENT, "%s: %s", k->login->address, said->text);
		*err = k->dial_err;
		return err->code;
	case MONGO_CANCELLED:
		return err_set(err, ERR_CANCELLED, "cancelled");
	case MONGO_NO_MEMORY:
		return err_nomem(err);
	}
	return ERR_OK;
}

static enum err_code
module_command(struct mongo_link *base, const char *database, const struct buf *command,
    struct mongo_answer *out, struct err *err)
{
	struct module_link *k = (struct module_link *)base;
	struct mongo_said said = { 0, "" };
	k->dial_err = (struct err)ERR_INIT;
	enum mongo_outcome outcome = k->module->command(k->client, database, command->data,
	    command->len, base->in_session, &out->data, &out->len, &said);
	return judge(k, outcome, &said, err);
}

static void
module_close(struct mongo_link *base)
{
	struct module_link *k = (struct module_link *)base;
	k->module->close(k->client);
	free(k);
}

static const struct mongo_link_ops module_ops = { module_command, module_close };

enum err_code
mongo_link_open(struct mongo_link **out, const struct mongo_login *l, struct err *err)
{
	const struct mongo_module *module;
	if (load_module(&module, err))
		return err->code;
	AUTO(mem) struct module_link *k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_nomem(err);
	struct mongo_module_options opt = {
		.dial = dial,
		.arg = k,
		.cancel_fd = cancel_fd(l->t->cancel),
		.patience_ms = l->t->stall_ms > 0 ? l->t->stall_ms : PATIENCE_MS,
		.user = l->user,
		.password = l->password,
		.source = l->source,
	};
	k->base.ops = &module_ops;
	k->module = module;
	k->login = l;
	k->client = module->open(&opt);
	if (k->client == NULL)
		return err_nomem(err);
	*out = &TAKE(k)->base;
	return ERR_OK;
}

void
mongo_link_close(struct mongo_link *k)
{
	if (k != NULL)
		k->ops->close(k);
}

enum err_code
mongo_refuse(struct mongo_link *k, int code, const char *text, struct err *err)
{
	enum err_code rc = ERR_IO;
	k->refusal = code;
	switch (code) {
	case MONGO_UNAUTHORIZED:
	case MONGO_LOGIN_FAILED:
		rc = ERR_DENIED;
		break;
	case MONGO_NO_NAMESPACE:
		rc = ERR_NOT_FOUND;
		break;
	case MONGO_NO_COMMAND:
		rc = ERR_UNSUPPORTED;
		break;
	default:
		break;
	}
	return err_set(err, rc, "%s (code %d)", text, code);
}

enum err_code
mongo_command(struct mongo_link *k, const char *database, const struct buf *command,
    struct mongo_answer *out, struct err *err)
{
	struct bson_walk w;
	struct bson_value first;
	k->refusal = 0;
	if (k->ops->command(k, database, command, out, err) == ERR_OK)
		return ERR_OK;
	bson_walk_init(&w, command->data, command->len);
	return err_wrap(err, "%s", bson_walk_next(&w, &first) ? first.name : "command");
}

enum err_code
mongo_simple(struct mongo_link *k, const char *database, const char *name,
    struct mongo_answer *out, struct err *err)
{
	struct bson_maker m;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&m, &command);
	bson_put_int32(&m, name, 1);
	if (bson_finish(&m, err))
		return err->code;
	return mongo_command(k, database, &command, out, err);
}

/* --- the login --- */

void
mongo_login_release(struct mongo_login *l)
{
	free(l->address);
	free(l->user);
	free(l->password);
	free(l->source);
	*l = (struct mongo_login){ NULL, NULL, NULL, NULL, NULL };
}

static enum err_code
find_user(struct mongo_login *l, struct err *err)
{
	static const char *const users[] = { "MONGO_INITDB_ROOT_USERNAME", "MONGODB_ROOT_USER",
		NULL };
	static const char *const passwords[] = { "MONGO_INITDB_ROOT_PASSWORD",
		"MONGODB_ROOT_PASSWORD", NULL };
	if (target_secret(&l->password, l->t, passwords, err) ||
	    target_secret(&l->user, l->t, users, err))
		return err->code;
	/* Bitnami's root is called so when nothing else is said. */
	if (l->password != NULL && l->user == NULL)
		return str_dup(&l->user, "root", err);
	if (l->password == NULL)
		free(TAKE(l->user));
	return ERR_OK;
}

static enum err_code
find_site(struct mongo_login *l, const struct db_site *site, struct err *err)
{
	if (site->socket != NULL ? str_printf(&l->address, err, "unix:%s", site->socket)
				 : str_printf(&l->address, err, "tcp:%u", site->port))
		return err->code;
	if (site->user == NULL)
		return ERR_OK;
	if (str_dup(&l->user, site->user, err) ||
	    str_dup(&l->password, site->password != NULL ? site->password : "", err))
		return err->code;
	return str_dup(&l->source, "admin", err);
}

enum err_code
mongo_login_find(struct mongo_login *l, const struct db_target *t, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	mongo_login_release(l);
	l->t = t;
	if (t->site != NULL)
		return find_site(l, t->site, err);
	if (target_words(&words, t, err))
		return err->code;
	const char *port = words_option(&words, "port");
	if (port == NULL)
		port = target_env(t, "MONGODB_PORT_NUMBER");
	if (str_printf(&l->address, err, "tcp:%s", port != NULL ? port : "27017") ||
	    str_dup(&l->source, "admin", err))
		return err->code;
	if (t->user == NULL)
		return find_user(l, err);
	if (str_dup(&l->user, t->user, err))
		return err->code;
	return str_dup(&l->password, t->password != NULL ? t->password : "", err);
}
