// SPDX-License-Identifier: Apache-2.0
import type { VmLaunch } from "../castra-events";
export const pid = (event: VmLaunch): string => event.pid; // expect: TS2322
