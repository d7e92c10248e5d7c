#include "serve/verb.h"

const struct verb diff_verbs[] = { { .name = NULL } };
