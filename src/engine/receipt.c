#include "engine/receipt.h"

#include "base/bytes.h"
#include "repo/snapshot.h"
#include "sys/clock.h"

void
receipt_release(struct receipt *r)
{
	json_decref(r->document);
	proofs_free(r->proofs);
}

enum err_code
receipt_make(struct receipt *out, struct engine *e, const struct id *snapshot, bool read_data,
    struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(receipt) struct receipt r = { .id = *snapshot, .read_data = read_data };
	struct verify_options opt = { .names = &names, .read_data = read_data };
	id_hex(r.hex, snapshot);
	hex_encode(r.repository, repo_id(e->repo), 16);
	r.now_ns = clock_wall_ns();
	if (snapshot_load(e->repo, snapshot, &r.document, err) ||
	    strv_add(&names, r.hex, err) || verify_repo(e, &opt, &r.verified, err) ||
	    proofs_load(&r.proofs, e->repo, err))
		return err->code;
	r.proof = proofs_of(r.proofs, snapshot);
	*out = r;
	r.document = NULL;
	r.proofs = NULL;
	return ERR_OK;
}
