#include "serve/verb.h"

const struct verb restore_verbs[] = { { .name = NULL } };
