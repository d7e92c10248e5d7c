#include "serve/verb.h"

const struct verb repository_verbs[] = { { .name = NULL } };
