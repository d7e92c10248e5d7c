/*
 * outcome_view.h: complete, partial or failed, at a glance.
 */
#ifndef CLI_OUTCOME_VIEW_H
#define CLI_OUTCOME_VIEW_H

#include "cli/exit_code.h"
#include "ui/screen.h"

/* The word to standard output: green, yellow or red where there are colours. */
void outcome_print(const struct screen *screen, enum exit_code code);

#endif
