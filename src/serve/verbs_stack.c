#include "serve/verb.h"

const struct verb stack_verbs[] = { { .name = NULL } };
