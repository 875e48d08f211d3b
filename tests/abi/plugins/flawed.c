/* SPDX-License-Identifier: Apache-2.0
 * A launcher and reporter in C that the validator finds nothing to say about, until FLAW names one flaw: each of them
 * is what one check is there to find. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* gettid */
#endif
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum flaw {
    NONE,
    CRASHES_AT_LOAD,
    EXITS_AT_LOAD,
    HANGS_AT_LOAD,
    PRINTS_AT_LOAD,
    SLOW_TO_LOAD,
    OPENS_AT_LOAD,
    MAKES_ANYTHING,
    KNOWS_EVERY_INTERFACE,
    NO_EVENTS_SLOT,
    NEVER_MADE,
    CRASHES_WHEN_WRONG,
    CRASHES_WITHOUT,
    CRASHES_AT_GARBAGE,
    CRASHES_WHEN_HUGE,
    CRASHES_AT_NUL,
    CRASHES_AT_UNICODE,
    WRONG_FIELD_PATH,
    PLANS_NOTHING,
    ANSWERS_NO_JSON,
    PLANS_AT_RANDOM,
    STRICT_FIELDS,
    SILENT_ERRORS,
    DIFFERS_ISOLATED,
    CRASHES_AT_BAD_REQUEST,
    IGNORES_DEADLINE,
    IGNORES_CANCEL,
    SLOW_TO_DESTROY,
    NEEDS_ITS_EVENT,
    IGNORES_SINK,
    LOSES_DESCRIPTORS,
    LEAVES_THREADS,
    BOUND_TO_ITS_THREAD,
    DIES_OF_AN_ERROR
};
#ifndef FLAW
#define FLAW NONE
#endif

struct instance {
    pid_t maker; /* not pthread_self(): that number is used again at once */
    int broken, called;
    int fd;
};

static const castra_host* host;

static int32_t say(const castra_sink* sink, const char* text) {
    castra_bytes bytes = {text, strlen(text)};
    return sink->write(sink->self, bytes) == 0 ? CASTRA_OK : CASTRA_INTERNAL;
}

static int32_t refuse(const castra_sink* error, int32_t status, const char* text) {
    if (FLAW != SILENT_ERRORS) say(error, text);
    return status;
}

static int has(castra_bytes bytes, const char* word) {
    const size_t length = strlen(word);
    size_t i;
    for (i = 0; i + length <= bytes.size; ++i)
        if (memcmp((const char*)bytes.data + i, word, length) == 0) return 1;
    return 0;
}

static int is_object(castra_bytes bytes) {
    const char* text = (const char*)bytes.data;
    return bytes.size >= 2 && text[0] == '{' && text[bytes.size - 1] == '}';
}

static void crash(void) {
    volatile int* nowhere = NULL;
    *nowhere = 1;
}

static int32_t take_nothing(void* self, castra_bytes chunk) {
    (void)self;
    (void)chunk;
    return 0;
}

static int emit_is_taken(void) {
    static const char text[] = "{\"type\":\"x.flawed.thing\",\"message\":\"here\"}";
    const castra_sink sink = {NULL, take_nothing};
    const castra_call call = {sizeof(castra_call), 0, 0, 0, -1, 0};
    const castra_bytes request = {text, sizeof text - 1};
    return host->find_interface(host, CASTRA_HOST_V1)
               ->slots[CASTRA_HOST_EMIT](host->self, &call, request, &sink, &sink) == CASTRA_OK;
}

static void* sleeper(void* nothing) {
    pause();
    return nothing;
}

/* What every slot begins with. */
static int32_t begin(struct instance* self, const castra_call* call, castra_bytes request, const castra_sink* error) {
    self->called = 1;
    if (FLAW == IGNORES_DEADLINE && call->deadline_ns != 0) sleep(4);
    if (FLAW == IGNORES_CANCEL && call->deadline_ns == 0 && call->cancel_fd >= 0) sleep(4);
    if (FLAW == BOUND_TO_ITS_THREAD && gettid() != self->maker) abort();
    if (FLAW == NEEDS_ITS_EVENT && !emit_is_taken()) abort();
    if (FLAW == STRICT_FIELDS && has(request, "added_in_1_9"))
        return refuse(error, CASTRA_INVALID_REQUEST, "{\"code\":\"unknown\",\"title\":\"a field I do not know\"}");
    if (!is_object(request)) {
        if (FLAW == CRASHES_AT_BAD_REQUEST) crash();
        self->broken = 1;
        return refuse(error, CASTRA_INVALID_REQUEST, "{\"code\":\"no_json\",\"title\":\"the request is no object\"}");
    }
    if (FLAW == DIES_OF_AN_ERROR && self->broken)
        return refuse(error, CASTRA_FAILED, "{\"code\":\"broken\",\"title\":\"I am broken since the last error\"}");
    return CASTRA_OK;
}

static int32_t requirements(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                            const castra_sink* error) {
    const int32_t status = begin((struct instance*)instance, call, request, error);
    return status == CASTRA_OK ? say(reply, "{\"programs\":[{\"name\":\"sleep\",\"hint\":\"coreutils\"}]}") : status;
}

static int32_t plan(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                    const castra_sink* error) {
    static int counter;
    char text[128];
    const int32_t status = begin((struct instance*)instance, call, request, error);
    if (status != CASTRA_OK) return status;
    if (!has(request, "\"vm\":{"))
        return refuse(error, CASTRA_FAILED, "{\"code\":\"no_vm\",\"title\":\"no VM in the request\"}");
    if (FLAW == PLANS_NOTHING) return say(reply, "{\"argv\":[]}");
    if (FLAW == ANSWERS_NO_JSON) return say(reply, "argv: sleep");
    if (FLAW == PLANS_AT_RANDOM) {
        snprintf(text, sizeof text, "{\"argv\":[\"sleep\",\"%d\"]}", ++counter);
        return say(reply, text);
    }
    if (FLAW == DIFFERS_ISOLATED) {
        snprintf(text, sizeof text, "{\"argv\":[\"sleep\",\"%d\"]}", (int)getpid());
        return say(reply, text);
    }
    if (FLAW == IGNORES_SINK) {
        say(reply, "{\"argv\":[\"sleep\",\"1\"]}");
        return CASTRA_OK;
    }
    return say(reply, "{\"argv\":[\"sleep\",\"1\"]}");
}

static int32_t explain(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                       const castra_sink* error) {
    const int32_t status = begin((struct instance*)instance, call, request, error);
    return status == CASTRA_OK ? say(reply, "{\"hint\":\"it happens\"}") : status;
}

static int32_t report(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                      const castra_sink* error) {
    (void)reply;
    return begin((struct instance*)instance, call, request, error);
}

static const castra_slot launcher_slots[CASTRA_LAUNCHER_SLOTS] = {requirements, plan, explain};
static const castra_slot reporter_slots[CASTRA_REPORTER_SLOTS] = {report, FLAW == NO_EVENTS_SLOT ? NULL : report,
                                                                  report, report};
static const castra_interface launcher = {sizeof(castra_interface), CASTRA_LAUNCHER_SLOTS, launcher_slots};
static const castra_interface reporter = {sizeof(castra_interface), CASTRA_REPORTER_SLOTS, reporter_slots};

static int32_t init(const castra_host* table) {
    host = table;
    if (FLAW == EXITS_AT_LOAD) exit(0);
    if (FLAW == SLOW_TO_LOAD) sleep(3);
    if (FLAW == HANGS_AT_LOAD)
        for (;;)
            pause();
    if (FLAW == OPENS_AT_LOAD && open("/dev/null", O_RDONLY) < 0) return CASTRA_INTERNAL;
    return CASTRA_OK;
}

__attribute__((constructor)) static void construct(void) {
    if (FLAW == CRASHES_AT_LOAD) crash();
    if (FLAW == PRINTS_AT_LOAD) printf("flawed 1.0, (c) somebody\n"), fflush(stdout);
}

static int32_t create(const char* interface_id, castra_bytes config, const castra_sink* error, void** instance) {
    struct instance* self = NULL;
    const int is_known = strcmp(interface_id, CASTRA_LAUNCHER_V1) == 0 || strcmp(interface_id, CASTRA_REPORTER_V1) == 0;
    *instance = NULL;
    if (!is_known && FLAW != MAKES_ANYTHING)
        return refuse(error, CASTRA_UNSUPPORTED, "{\"code\":\"unknown\",\"title\":\"no such interface\"}");
    if (FLAW == NEVER_MADE) return refuse(error, CASTRA_FAILED, "{\"code\":\"no\",\"title\":\"not today\"}");
    if (!is_object(config)) {
        if (FLAW == CRASHES_AT_GARBAGE) crash();
        return refuse(error, CASTRA_INVALID_REQUEST, "{\"code\":\"no_json\",\"title\":\"the config is no object\"}");
    }
    if (FLAW == CRASHES_WITHOUT && !has(config, "\"greeting\":")) crash();
    if (has(config, "\"greeting\":") && !has(config, "\"greeting\":\"")) {
        if (FLAW == CRASHES_WHEN_WRONG) crash();
        return refuse(error, CASTRA_FAILED,
                      FLAW == WRONG_FIELD_PATH
                          ? "{\"code\":\"type\",\"title\":\"a greeting is text\",\"field_path\":\"salutation\"}"
                          : "{\"code\":\"type\",\"title\":\"a greeting is text\",\"field_path\":\"/greeting\"}");
    }
    if (FLAW == CRASHES_WHEN_HUGE && config.size > 65536) crash();
    if (FLAW == CRASHES_AT_NUL && has(config, "\\u0000")) crash();
    if (FLAW == CRASHES_AT_UNICODE && has(config, "\xf0\x9f\x98\x80")) crash();
    self = (struct instance*)calloc(1, sizeof(struct instance));
    if (!self) return CASTRA_INTERNAL;
    self->maker = gettid();
    if (FLAW == LOSES_DESCRIPTORS) self->fd = open("/dev/null", O_RDONLY);
    if (FLAW == LEAVES_THREADS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, sleeper, NULL) == 0) pthread_detach(thread);
    }
    *instance = self;
    return CASTRA_OK;
}

static void destroy(void* instance) {
    if (FLAW == SLOW_TO_DESTROY && ((struct instance*)instance)->called) sleep(3);
    free(instance);
}

static const castra_interface* find_interface(const char* id) {
    if (strcmp(id, CASTRA_LAUNCHER_V1) == 0) return &launcher;
    if (strcmp(id, CASTRA_REPORTER_V1) == 0) return &reporter;
    return FLAW == KNOWS_EVERY_INTERFACE ? &reporter : NULL;
}

static const castra_plugin table = {.magic = CASTRA_ABI_MAGIC,
                                    .size = sizeof(castra_plugin),
                                    .abi_major = CASTRA_ABI_MAJOR,
                                    .manifest_sha256 = CASTRA_PLUGIN_MANIFEST_SHA256,
                                    .init = init,
                                    .create = create,
                                    .destroy = destroy,
                                    .find_interface = find_interface};

#ifdef MORE_EXPORTS
CASTRA_EXPORT int castra_test_other_export(void);
int castra_test_other_export(void) {
    return 0;
}
#endif
#ifdef UNIQUE_SYMBOL
__asm__(".pushsection .data\n.globl castra_test_unique\n.type castra_test_unique, @gnu_unique_object\n"
        ".size castra_test_unique, 4\ncastra_test_unique:\n.long 0\n.popsection\n");
#endif
#ifdef FAST_MATH
__attribute__((used)) static void set_fast_math(void) {}
#endif

CASTRA_EXPORT const castra_plugin* castra_plugin_entry_v1(void);
const castra_plugin* castra_plugin_entry_v1(void) {
    return &table;
}
