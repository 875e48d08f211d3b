// SPDX-License-Identifier: Apache-2.0
// A reader as its author would write it: compiles under --strict and reads the samples.
import { readEvent, isKnown, type CastraEvent, type Severity } from "./castra-events";
import { readFileSync } from "node:fs";

export function describe(event: CastraEvent): string {
  if (!isKnown(event)) return `${event.severity}: ${event.message}`; // a type of a later minor
  switch (event.type) {
    case "vm.launch": {
      const pid: number = event.pid;
      const vm: string = event.vm; // required by this type
      return event.accelerator === "kvm" ? `${vm} runs fast as ${pid}` : `${vm} runs as ${pid}`;
    }
    case "vm.exited":
      return event.capsule === undefined ? "gone" : `lost: ${event.capsule.hint}`;
    case "vm.shutdown_escalated": {
      const signal: "SIGTERM" | "SIGKILL" = event.signal; // a closed enum
      return signal;
    }
    case "summary":
      return event.vms.map((vm) => `${vm.vm}=${vm.final_state}`).join(" ") + ` ${event.duration_ms} ms`;
    default:
      return event.message;
  }
}

const worst: Severity = "blocker";
const lines = readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
for (const line of lines) console.log(describe(readEvent(line)));
console.log(readEvent(lines[0]!).severity === worst ? "bad" : "fine");
