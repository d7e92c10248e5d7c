/* The proof's document, as docs/format.md has it. */
#include "engine/drill_impl.h"

#include "repo/proof.h"

#include <stdio.h>
#include <unistd.h>

#define PROOF_VERSION 1

static void
write_database(struct json_writer *w, const struct drill_database *x)
{
	json_obj(w, NULL);
	json_str(w, "service", x->db->service);
	json_str(w, "engine", db_kind_word(x->db->kind));
	json_flag(w, "compared", x->is_compared);
	json_u64(w, "streams", x->streams);
	json_u64(w, "tables", x->tables);
	json_u64(w, "rows", x->rows);
	json_u64(w, "objects", x->objects);
	json_u64(w, "fleeting", x->fleeting);
	json_u64(w, "differ", x->differ);
	json_strings(w, "differences", &x->differences);
	json_obj_end(w);
}

static void
write_cuts(struct json_writer *w, const struct drill_cuts *cuts)
{
	json_arr(w, "cut_off");
	for (size_t i = 0; i < cuts->count; i++) {
		json_obj(w, NULL);
		json_str(w, "service", cuts->items[i].service);
		json_str(w, "what", cuts->items[i].what);
		json_flag(w, "matters", cuts->items[i].matters);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static void
write_files(struct json_writer *w, const struct drill_files *f)
{
	json_obj(w, "files");
	json_flag(w, "compared", f->is_compared);
	json_u64(w, "files", f->files);
	json_u64(w, "bytes", f->bytes);
	json_u64(w, "differ", f->wrong);
	json_obj_end(w);
}

static void
write_services(struct json_writer *w, const struct drill *d)
{
	json_arr(w, "services");
	for (size_t i = 0; i < d->n_services; i++) {
		json_obj(w, NULL);
		json_str(w, "service", d->services[i].name);
		json_str(w, "state", d->services[i].how);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_arr(w, "images");
	for (size_t i = 0; i < d->n_images; i++) {
		json_obj(w, NULL);
		json_str(w, "service", d->images[i].service);
		json_str(w, "image", d->images[i].ref);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_u64(w, "checks", d->checks);
}

enum err_code
drill_document(
    struct buf *out, const struct drill *d, const struct drill_result *r, struct err *err)
{
	char id[ID_HEX_SIZE];
	char host[256] = "";
	struct json_writer w;
	id_hex(id, &d->job->snapshot.id);
	if (gethostname(host, sizeof host - 1) != 0)
		return err_sys(err, "ask for this host's name");
	json_init(&w, out);
	json_obj(&w, NULL);
	json_u64(&w, "version", PROOF_VERSION);
	json_str(&w, "kind", "drill");
	json_str(&w, "snapshot", id);
	json_str(&w, "stack", d->job->recorded_name);
	json_i64(&w, "time_ns", d->began_wall_ns);
	json_str(&w, "host", host);
	json_str(&w, "program", "stacksnap " STACKSNAP_VERSION);
	json_str(&w, "verdict", drill_verdict_word(r->verdict));
	if (r->reason[0] != '\0')
		json_str(&w, "reason", r->reason);
	json_i64(&w, "rto_ns", r->rto_ns);
	json_i64(&w, "compare_ns", d->compared_ns);
	json_i64(&w, "took_ns", r->took_ns);
	write_files(&w, &d->files);
	json_arr(&w, "databases");
	for (size_t i = 0; d->databases != NULL && i < d->job->n_databases; i++)
		write_database(&w, &d->databases[i]);
	json_arr_end(&w);
	write_services(&w, d);
	write_cuts(&w, &d->cuts);
	json_obj_end(&w);
	return json_finish(&w, err);
}
