#include "sys/runner.h"

enum err_code
runner_start(struct runner *r, const struct run_spec *spec, struct run **out, struct err *err)
{
	if (r->ops->start(r, spec, out, err))
		return err_wrap(err, "run %s", spec->argv[0]);
	return ERR_OK;
}

enum err_code
runner_dial(struct runner *r, const char *address, int *fd, struct err *err)
{
	if (r->ops->dial == NULL)
		return err_set(err, ERR_UNSUPPORTED, "cannot connect to %s from here", address);
	return r->ops->dial(r, address, fd, err);
}

void
runner_close(struct runner *r)
{
	if (r != NULL)
		r->ops->close(r);
}

enum err_code
run_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	return run->ops->read(run, out, len, got, err);
}

void
run_set_patience(struct run *run, int timeout_ms)
{
	if (run->ops->set_patience != NULL)
		run->ops->set_patience(run, timeout_ms);
}

enum err_code
run_write(struct run *run, const void *data, size_t len, struct err *err)
{
	return run->ops->write(run, data, len, err);
}

enum err_code
run_close_stdin(struct run *run, struct err *err)
{
	return run->ops->close_stdin(run, err);
}

enum err_code
run_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	return run->ops->wait(run, timeout_ms, status, err);
}

const char *
run_errors(struct run *run)
{
	return run->ops->errors(run);
}

void
run_free(struct run *run)
{
	if (run != NULL)
		run->ops->free(run);
}
