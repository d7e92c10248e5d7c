#include "net/tls_runner.h"

#include "base/strv.h"

#include <string.h>

struct tls_runner {
	struct runner base;
	struct runner *inner;
	struct tls_options opt;
};

static enum err_code
start(struct runner *r, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct tls_runner *t = (struct tls_runner *)r;
	return runner_start(t->inner, spec, out, err);
}

static enum err_code
connect_tls(const struct tls_runner *t, int *fd, int net_fd, struct err *err)
{
	static const char *const advice[] = {
		[TLS_TROUBLE_NAME] =
		    "give the name that it is for; sslmode=verify-ca does not look "
		    "at the name",
		[TLS_TROUBLE_AUTHORITY] = "sslrootcert=FILE says which authority is trusted",
		[TLS_TROUBLE_OURS] =
		    "sslcert=FILE and sslkey=FILE say which certificate is ours",
	};
	enum tls_trouble trouble = TLS_TROUBLE_OTHER;
	struct tls_options opt = t->opt;
	opt.trouble = &trouble;
	enum err_code rc = tls_connect(fd, net_fd, &opt, err);
	if (rc != ERR_DENIED || trouble == TLS_TROUBLE_OTHER)
		return rc;
	struct err why = *err;
	return err_set(err, ERR_DENIED, "%.350s (%s)", why.msg, advice[trouble]);
}

static enum err_code
dial(struct runner *r, const char *address, int *fd, struct err *err)
{
	struct tls_runner *t = (struct tls_runner *)r;
	int net_fd;
	if (runner_dial(t->inner, address, &net_fd, err))
		return err->code;
	if (!str_starts(address, "tcp:")) {
		*fd = net_fd;
		return ERR_OK;
	}
	return connect_tls(t, fd, net_fd, err);
}

static void
close_both(struct runner *r)
{
	struct tls_runner *t = (struct tls_runner *)r;
	runner_close(t->inner);
	free(t);
}

static const struct runner_ops ops = { start, dial, close_both };

enum err_code
tls_runner_open(
    struct runner **out, struct runner *inner, const struct tls_options *opt, struct err *err)
{
	struct tls_runner *t = calloc(1, sizeof *t);
	if (t == NULL) {
		runner_close(inner);
		return err_nomem(err);
	}
	*t = (struct tls_runner){ .base = { &ops }, .inner = inner, .opt = *opt };
	*out = &t->base;
	return ERR_OK;
}
