/* SPDX-License-Identifier: Apache-2.0
 * One step of a VM's bootstrap. `plan` has no side effect and names what would run; `apply` does it; `verify` proves
 * it. */
#ifndef CASTRA_ABI_BOOTSTRAP_STEP_H
#define CASTRA_ABI_BOOTSTRAP_STEP_H
#define CASTRA_BOOTSTRAP_STEP_V1 "castra.bootstrap_step/1"
enum {
    CASTRA_BOOTSTRAP_STEP_PLAN = 0,   /* {vm, inputs} -> {action, reason, hash?}      [call & created] */
    CASTRA_BOOTSTRAP_STEP_APPLY = 1,  /* {vm, inputs, plan} -> {status, detail?}      [call & created] */
    CASTRA_BOOTSTRAP_STEP_VERIFY = 2, /* {vm, inputs, plan} -> {status, detail?}      [call & created] */
    CASTRA_BOOTSTRAP_STEP_SLOTS = 3
};
#endif
