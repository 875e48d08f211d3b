/* SPDX-License-Identifier: Apache-2.0
 * A launcher knows how one kind of machine is started. It answers with plans, declarative data; it never forks, opens
 * sockets or waits: the kernel carries plans out and owns every process. Schemas: sdk/schema/launcher/. */
#ifndef CASTRA_ABI_LAUNCHER_H
#define CASTRA_ABI_LAUNCHER_H
#define CASTRA_LAUNCHER_V1 "castra.launcher/1"
enum {
    CASTRA_LAUNCHER_REQUIREMENTS = 0, /* {vm} -> {programs [], files [], probes []}   pure        [call & created] */
    CASTRA_LAUNCHER_PLAN = 1,         /* {vm, paths, ports, probes} -> plan           pure        [call & created] */
    CASTRA_LAUNCHER_EXPLAIN_EXIT = 2, /* {vm, exit_code?, signal?, stderr_tail, phase} -> {hint}  [call & created] */
    CASTRA_LAUNCHER_SLOTS = 3
};
#endif
