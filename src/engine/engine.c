#include "engine/engine.h"

const char *
outcome_word(enum outcome o)
{
	return o == OUTCOME_COMPLETE ? "complete" : "partial";
}
