/* SPDX-License-Identifier: Apache-2.0
 * A broker launcher knows how the broker process of a project is started; like a VM launcher it answers with a plan. */
#ifndef CASTRA_ABI_BROKER_LAUNCHER_H
#define CASTRA_ABI_BROKER_LAUNCHER_H
#define CASTRA_BROKER_LAUNCHER_V1 "castra.broker_launcher/1"
enum {
    CASTRA_BROKER_LAUNCHER_PLAN = 0, /* {project, paths, port} -> {enabled, argv, env, sockets}   [call & created] */
    CASTRA_BROKER_LAUNCHER_SLOTS = 1
};
#endif
