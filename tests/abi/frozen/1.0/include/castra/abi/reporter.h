/* SPDX-License-Identifier: Apache-2.0
 * A reporter is told everything, in order, and can break nothing: the kernel owns its queue and what happens when the
 * queue is full. `events` takes a batch in which each line is the exact bytes of the journal. */
#ifndef CASTRA_ABI_REPORTER_H
#define CASTRA_ABI_REPORTER_H
#define CASTRA_REPORTER_V1 "castra.reporter/1"
enum {
    CASTRA_REPORTER_OPEN =
        0, /* {run_id, operation, project, terminal {is_tty, width, color}} -> {}    [call & created] */
    CASTRA_REPORTER_EVENTS =
        1, /* {events [{type, seq, severity, vm?, line}], gap?} -> {}                [call & open] */
    CASTRA_REPORTER_FLUSH =
        2, /* {} -> {}            everything taken so far is where it belongs        [call & open] */
    CASTRA_REPORTER_CLOSE =
        3, /* {} -> {}                                                               [call & open] */
    CASTRA_REPORTER_SLOTS = 4
};
#endif
