/*
 * format.h: numbers for people: sizes, rates, durations, counts.
 *
 * Sizes are decimal (1 kB is 1000 bytes), as disks and networks are sold.  The
 * texts are plain ASCII, never longer than FORMAT_MAX with the NUL, and the
 * same in every locale.
 */
#ifndef UI_FORMAT_H
#define UI_FORMAT_H

#include "base/counted.h"

#define FORMAT_MAX COUNTED_MAX

/* "0 B", "999 B", "1.0 kB", "12 MB", "1.2 GB" */
void format_size(char out[FORMAT_MAX], uint64_t bytes);
/* "12 MB/s" */
void format_rate(char out[FORMAT_MAX], double bytes_per_s);
/* "84 ms", "3.2 s", "45 s", "2 min 05 s", "1 h 02 min", "3 d 4 h"; less than 1 ms is "0 ms". */
void format_duration(char out[FORMAT_MAX], int64_t ns);
/* "12,345,678"; "12,345,678 files" is base/counted.h's. */
void format_count(char out[FORMAT_MAX], uint64_t n);

#endif
