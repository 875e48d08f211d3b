// SPDX-License-Identifier: Apache-2.0
// The little of Node.js that good.ts needs.
declare module "node:fs" {
  export function readFileSync(descriptor: number, encoding: "utf8"): string;
}
