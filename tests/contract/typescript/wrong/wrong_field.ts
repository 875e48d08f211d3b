// SPDX-License-Identifier: Apache-2.0
import { isKnown, type CastraEvent } from "../castra-events";
export const port = (event: CastraEvent): number => (isKnown(event) && event.type === "vm.ready" ? event.pid : 0); // expect: TS2339
