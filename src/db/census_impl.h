/* census_impl.h: for the files that fill a census, nobody else. */
#ifndef DB_CENSUS_IMPL_H
#define DB_CENSUS_IMPL_H

#include "db/census.h"
#include "db/cuts.h"

/* Add to the item of that name; it is made when there is none. */
MUST_CHECK enum err_code census_add(
    struct census *c, const struct census_item *more, struct err *err);
/* Would census_finish fail here?  Changes nothing. */
MUST_CHECK enum err_code census_at_end(const struct census *c, struct err *err);
/* Nothing is added any more. */
void census_sort(struct census *c);

/* Before the first byte: note in cuts where tables and rows begin and end.  Gives the dump's
 * kind. */
enum census_dump census_cut(struct census *c, struct cuts *cuts);
/* What is undecided is none of a table. */
MUST_CHECK enum err_code census_decide(struct census *c, struct err *err);
/* No more bytes come. */
MUST_CHECK enum err_code census_end_cuts(struct census *c, struct err *err);

#endif
