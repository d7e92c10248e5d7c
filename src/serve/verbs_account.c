#include "serve/verb.h"

const struct verb account_verbs[] = { { .name = NULL } };
