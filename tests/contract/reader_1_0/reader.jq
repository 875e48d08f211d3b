# SPDX-License-Identifier: Apache-2.0
# The 1.0 reader once more, for jq: jq -c -n -f reader.jq STREAM prints the same as reader.cpp. Knows the types of 1.0 that it
# follows, shows `message` of those that are not in $known, and stops at another major. Frozen with 1.0.
# Usage: jq -c -n --argjson known '["vm.launch", ...]' -f reader.jq STREAM
reduce inputs as $event ({vms: {}, shown: [], end: null};
  if ($event.contract | split(".")[0]) != "1" then error("contract \($event.contract) is not for me")
  elif ($known | index($event.type)) == null then .shown += ["\($event.severity): \($event.message)"]
  elif $event.type == "vm.launch" then .vms[$event.vm] = "launched"
  elif $event.type == "vm.ready" then .vms[$event.vm] = "ready"
  elif $event.type == "vm.exited" then .vms[$event.vm] = (if $event.expected then "gone" else "lost" end)
  elif $event.type == "vm.shutdown_complete" then .vms[$event.vm] = "down"
  elif $event.type == "summary" then .end = {outcome: $event.outcome, exit_code: $event.exit_code}
  else . end)
