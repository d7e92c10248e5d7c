/*
 * run_gate.h: a run's process, before it is let go.
 *
 * The process of a run is this program with a hidden command, which waits on its standard
 * input for one byte: by then its number stands in the catalogue.  Then it becomes the program
 * of the command line, with the same number.  A keeper that dies before that closes the pipe,
 * and nothing is done.
 */
#ifndef SERVE_RUN_GATE_H
#define SERVE_RUN_GATE_H

/* argv: of the command line, without the program.  Returns only when it is not let go. */
int run_gate_main(int argc, char **argv);

#endif
