#include "engine/engine.h"

#include "docker/engine.h"

enum err_code
engine_docker(struct docker **out, const struct engine *e, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = e->docker_host;
	opt.cancel = e->cancel;
	return docker_open(out, &opt, err);
}

const char *
outcome_word(enum outcome o)
{
	return o == OUTCOME_COMPLETE ? "complete" : "partial";
}
