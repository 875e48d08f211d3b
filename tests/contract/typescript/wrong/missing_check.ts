// SPDX-License-Identifier: Apache-2.0
import type { VmExited } from "../castra-events";
export const hint = (event: VmExited): string => event.capsule.hint; // expect: TS18048
