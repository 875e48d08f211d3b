/* SPDX-License-Identifier: Apache-2.0
 * Exports functions that use every type of the border, so that abidiff sees them: behind a plugin's entry, which hands
 * out pointers, it would see nothing. With a SEEDED_ macro a header is bent while it is read: the gate must fail then.
 */
#ifdef SEEDED_FIELD
#define cancel_fd reserved_before, cancel_fd /* a field more in castra_call */
#endif
#ifdef SEEDED_TYPE
#define abi_minor_min                                                                                                  \
    abi_minor_min_low;                                                                                                 \
    uint32_t abi_minor_min /* a wider field in castra_plugin */
#endif
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

CASTRA_EXPORT int32_t canary_slot(castra_slot slot, void* instance, const castra_call* call, castra_bytes request,
                                  const castra_sink* reply, const castra_sink* error);
CASTRA_EXPORT const castra_interface* canary_plugin(const castra_plugin* plugin, castra_plugin_entry entry);
CASTRA_EXPORT const castra_interface* canary_host(const castra_host* host);

int32_t canary_slot(castra_slot slot, void* instance, const castra_call* call, castra_bytes request,
                    const castra_sink* reply, const castra_sink* error) {
    return slot(instance, call, request, reply, error);
}
const castra_interface* canary_plugin(const castra_plugin* plugin, castra_plugin_entry entry) {
    return (entry ? entry() : plugin)->find_interface(CASTRA_REPORTER_V1);
}
const castra_interface* canary_host(const castra_host* host) {
    return host->find_interface(host, CASTRA_HOST_V1);
}
