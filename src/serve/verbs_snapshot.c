#include "serve/verb.h"

const struct verb snapshot_verbs[] = { { .name = NULL } };
