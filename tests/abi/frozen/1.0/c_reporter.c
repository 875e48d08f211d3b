/* SPDX-License-Identifier: Apache-2.0
 * A reporter in plain C, without the glue: the border is usable from any language. With a BAD_ macro it is wrong in
 * exactly one way; with a word in the run_id of `open` it answers badly. */
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/reporter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct instance {
    unsigned batches;
};

static int32_t say(const castra_sink* sink, const char* text) {
    castra_bytes bytes = {text, strlen(text)};
    return sink->write(sink->self, bytes);
}

static int has(castra_bytes request, const char* word) {
    const size_t length = strlen(word);
    const char* text = (const char*)request.data;
    size_t i;
    for (i = 0; i + length <= request.size; ++i)
        if (memcmp(text + i, word, length) == 0) return 1;
    return 0;
}

static int32_t on_open(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                       const castra_sink* error) {
    (void)instance;
    (void)call;
    if (has(request, "say-garbage")) say(reply, "{\"half\": \x1b[31m");
    if (has(request, "say-array")) say(reply, "[]");
    if (has(request, "say-number")) say(reply, "{} 1");
    if (has(request, "say-deep")) {
        int i;
        say(reply, "{\"a\":");
        for (i = 0; i < 100000; ++i)
            say(reply, "[");
    }
    if (has(request, "say-much")) {
        static char block[1 << 20];
        int i;
        memset(block, 'x', sizeof block - 1);
        for (i = 0; i < 64; ++i)
            say(reply, block);
    }
    if (has(request, "fail-silently")) return CASTRA_FAILED;
    if (has(request, "fail-garbage")) {
        say(error, "not json");
        return CASTRA_FAILED;
    }
    if (has(request, "fail-much")) {
        static char block[100000];
        memset(block, 'x', sizeof block - 1);
        say(error, block);
        return CASTRA_INTERNAL;
    }
    if (has(request, "fail-strangely")) return -77;
    if (has(request, "fail-well")) {
        say(error, "{\"code\":\"full\",\"title\":\"the printer is out of paper\",\"detail\":\"tray 2\",");
        say(error, "\"field_path\":\"/tray\",\"hint\":\"add paper\"}");
        return CASTRA_FAILED;
    }
    return CASTRA_OK;
}

static int32_t on_events(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                         const castra_sink* error) {
    (void)call;
    (void)request;
    (void)error;
    ++((struct instance*)instance)->batches;
    return say(reply, "{}");
}

static int32_t on_close(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                        const castra_sink* error) {
    char text[64];
    (void)call;
    (void)request;
    (void)error;
    snprintf(text, sizeof text, "{\"batches\": %u}", ((struct instance*)instance)->batches);
    return say(reply, text);
}

static const castra_slot slots[CASTRA_REPORTER_SLOTS] = {on_open, on_events, NULL, on_close}; /* no flush */
#ifdef BAD_SLOTS
static const castra_interface reporter = {sizeof(castra_interface), 2, slots};
#else
static const castra_interface reporter = {sizeof(castra_interface), CASTRA_REPORTER_SLOTS, slots};
#endif

static int32_t init(const castra_host* host) {
    (void)host;
#ifdef BAD_INIT
    return CASTRA_INTERNAL;
#else
    return CASTRA_OK;
#endif
}

static int32_t create(const char* interface_id, castra_bytes config, const castra_sink* error, void** instance) {
    (void)interface_id;
    (void)config;
    (void)error;
    *instance = calloc(1, sizeof(struct instance));
    return *instance ? CASTRA_OK : CASTRA_INTERNAL;
}

static void destroy(void* instance) {
    free(instance);
}

static const castra_interface* find_interface(const char* id) {
    return strcmp(id, CASTRA_REPORTER_V1) == 0 ? &reporter : NULL;
}

static const castra_plugin table = {
#ifdef BAD_MAGIC
    .magic = 42,
#else
    .magic = CASTRA_ABI_MAGIC,
#endif
#ifdef BAD_SIZE
    .size = 24,
#else
    .size = sizeof(castra_plugin),
#endif
#ifdef BAD_MAJOR
    .abi_major = 99,
#else
    .abi_major = CASTRA_ABI_MAJOR,
#endif
#ifdef BAD_MINOR
    .abi_minor_min = 7,
#endif
#ifdef BAD_HASH
    .manifest_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
#else
    .manifest_sha256 = CASTRA_PLUGIN_MANIFEST_SHA256,
#endif
    .init = init,
    .create = create,
    .destroy = destroy,
    .find_interface = find_interface};

CASTRA_EXPORT const castra_plugin* castra_plugin_entry_v1(void);
const castra_plugin* castra_plugin_entry_v1(void) {
#ifdef BAD_NULL
    (void)table;
    return NULL;
#else
    return &table;
#endif
}
