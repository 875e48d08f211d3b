// SPDX-License-Identifier: Apache-2.0
import type { KnownEvent } from "../castra-events";
export const flew = (event: KnownEvent): boolean => event.type === "vm.flew"; // expect: TS2367
