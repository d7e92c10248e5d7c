#include "serve/verb.h"

const struct verb run_verbs[] = { { .name = NULL } };
