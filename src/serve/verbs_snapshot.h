/*
 * verbs_snapshot.h: functions of snapshot_verbs, which stand in several files.
 *
 *	verbs_snapshot.c   lists, the certificate, receipts; the table
 *	verbs_tree.c       folders, files, dumps, databases
 *	verbs_point.c      runs on one snapshot: verify, drill, tags, ...
 */
#ifndef SERVE_VERBS_SNAPSHOT_H
#define SERVE_VERBS_SNAPSHOT_H

#include "serve/verb.h"

verb_fn snapshot_tree, snapshot_file, snapshot_download, snapshot_dump, snapshot_databases;
verb_fn snapshot_verify, snapshot_drill, snapshot_tag, snapshot_accept, snapshot_forget;

#endif
