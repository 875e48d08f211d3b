// SPDX-License-Identifier: Apache-2.0
import type { VmShutdownEscalated } from "../castra-events";
export const killed = (event: VmShutdownEscalated): boolean => event.signal === "SIGHUP"; // expect: TS2367
