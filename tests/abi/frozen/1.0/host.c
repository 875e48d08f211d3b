/* SPDX-License-Identifier: Apache-2.0
 * A host of border 1.0, in C and from the frozen headers alone:
 *     host FILE CONFIG [KIND SLOT WORDS]...
 * Loads a plugin, makes an instance of each kind that it provides and calls every slot that 1.0 has, with 1.0's
 * requests. Each answer must be one that 1.0 knows; `WORDS` must stand in the reply of that slot. Exit code 0: all that
 * holds. */
#include "castra/abi/host.h"
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/entry.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char bytes[1 << 16];
    size_t size;
};

static int host_calls;

static void give_up(const char* what, const char* more) {
    fprintf(stderr, "host of 1.0: %s: %s\n", what, more);
    exit(1);
}

static int32_t append(void* self, castra_bytes chunk) {
    struct text* text = self;
    if (text->size + chunk.size >= sizeof text->bytes) return 1;
    memcpy(text->bytes + text->size, chunk.data, (size_t)chunk.size);
    text->size += (size_t)chunk.size;
    text->bytes[text->size] = '\0';
    return 0;
}

static castra_bytes bytes_of(const char* text) {
    castra_bytes bytes = {text, strlen(text)};
    return bytes;
}

/* ---- what it offers ------------------------------------------------------------------------------------------ */

static int32_t serve(void* self, const castra_call* call, castra_bytes request, const castra_sink* reply,
                     const castra_sink* error) {
    static const char time[] = "{\"unix_us\":5,\"monotonic_ns\":6,\"cancelled\":false}";
    (void)self, (void)call, (void)error;
    if (request.size == 0 || ((const char*)request.data)[0] != '{') give_up("a host call", "its request is no object");
    ++host_calls;
    return reply->write(reply->self, bytes_of(time));
}

static const castra_slot host_slots[CASTRA_HOST_SLOTS] = {serve, serve, serve, serve};
static const castra_interface host_interface = {sizeof(castra_interface), CASTRA_HOST_SLOTS, host_slots};

static const castra_interface* find_host_interface(const castra_host* host, const char* id) {
    (void)host;
    return strcmp(id, CASTRA_HOST_V1) == 0 ? &host_interface : NULL;
}

static const castra_host host_table = {sizeof(castra_host), CASTRA_ABI_MAJOR, CASTRA_ABI_MINOR, NULL,
                                       find_host_interface};

/* ---- what it asks -------------------------------------------------------------------------------------------- */

#define VM                                                                                                             \
    "\"vm\":{\"name\":\"web-0\",\"project\":\"p\",\"uuid\":\"u\",\"cpus\":1,\"memory_bytes\":1048576,"                 \
    "\"state_dir\":\"/s\",\"runtime_dir\":\"/r\","               \
    "\"port_forwards\":[{\"host\":2222,\"guest\":22}],\"options\":{\"command\":[\"/bin/true\"]}}"
#define PATHS "\"paths\":{\"state_dir\":\"/s\",\"runtime_dir\":\"/r\",\"overlay\":\"/s/o\",\"authorized_keys\":\"\"}"

struct question {
    const char* kind;
    uint32_t slot, slots;
    const char* request;
};
static const struct question questions[] = {
    {CASTRA_LAUNCHER_V1, CASTRA_LAUNCHER_REQUIREMENTS, CASTRA_LAUNCHER_SLOTS, "{" VM "}"},
    {CASTRA_LAUNCHER_V1, CASTRA_LAUNCHER_PLAN, CASTRA_LAUNCHER_SLOTS, "{" VM "," PATHS ",\"probes\":{}}"},
    {CASTRA_LAUNCHER_V1, CASTRA_LAUNCHER_EXPLAIN_EXIT, CASTRA_LAUNCHER_SLOTS,
     "{" VM ",\"phase\":\"boot\",\"exit_code\":1,\"stderr_tail\":\"\"}"},
    {CASTRA_BROKER_LAUNCHER_V1, CASTRA_BROKER_LAUNCHER_PLAN, CASTRA_BROKER_LAUNCHER_SLOTS,
     "{\"project\":\"p\"," PATHS ",\"port\":9}"},
    {CASTRA_BOOTSTRAP_STEP_V1, CASTRA_BOOTSTRAP_STEP_PLAN, CASTRA_BOOTSTRAP_STEP_SLOTS,
     "{" VM ",\"inputs\":{\"a\":1}}"},
    {CASTRA_REPORTER_V1, CASTRA_REPORTER_OPEN, CASTRA_REPORTER_SLOTS,
     "{\"run_id\":\"r\",\"operation\":\"up\",\"project\":\"p\",\"terminal\":{\"is_tty\":false,\"width\":0,"
     "\"color\":false}}"},
    {CASTRA_REPORTER_V1, CASTRA_REPORTER_EVENTS, CASTRA_REPORTER_SLOTS,
     "{\"events\":[{\"type\":\"vm.ready\",\"seq\":1,\"severity\":\"info\",\"vm\":\"web-0\",\"line\":\"{"
     "\\\"contract\\\":"
     "\\\"1.0\\\",\\\"type\\\":\\\"vm.ready\\\",\\\"seq\\\":1}\"}]}"},
    {CASTRA_REPORTER_V1, CASTRA_REPORTER_FLUSH, CASTRA_REPORTER_SLOTS, "{}"},
    {CASTRA_REPORTER_V1, CASTRA_REPORTER_CLOSE, CASTRA_REPORTER_SLOTS, "{}"},
};

static struct text reply, error;

static void ask(const castra_interface* interface, void* instance, const struct question* question) {
    const castra_sink reply_sink = {&reply, append}, error_sink = {&error, append};
    const castra_call call = {sizeof(castra_call), 0, 1, 0, -1, 0};
    int32_t status;
    reply.size = error.size = 0;
    reply.bytes[0] = error.bytes[0] = '\0';
    if (interface->slots[question->slot] == NULL) return;
    status = interface->slots[question->slot](instance, &call, bytes_of(question->request), &reply_sink, &error_sink);
    if (status < CASTRA_OK || status > CASTRA_INTERNAL) give_up(question->kind, "a status that 1.0 does not know");
    if (status == CASTRA_OK && reply.size > 0 && reply.bytes[0] != '{') give_up(question->kind, reply.bytes);
    if (status != CASTRA_OK && (!strstr(error.bytes, "\"code\"") || !strstr(error.bytes, "\"title\"")))
        give_up(question->kind, error.bytes);
    printf("%s %u: %d %s%s\n", question->kind, (unsigned)question->slot, (int)status, reply.bytes, error.bytes);
}

int main(int argc, char** argv) {
    const castra_plugin* plugin;
    castra_plugin_entry entry;
    void* library;
    int seen[sizeof questions / sizeof *questions] = {0};
    int made = 0;
    if (argc < 3 || argc % 3 != 0) give_up("arguments", "FILE CONFIG [KIND SLOT WORDS]...");
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) give_up("load", dlerror());
    *(void**)&entry = dlsym(library, CASTRA_PLUGIN_ENTRY_SYMBOL);
    if (entry == NULL) give_up("load", dlerror());
    plugin = entry();
    if (plugin->magic != CASTRA_ABI_MAGIC || plugin->size < sizeof(castra_plugin)) give_up("table", "magic or size");
    if (plugin->abi_major != CASTRA_ABI_MAJOR || plugin->abi_minor_min > CASTRA_ABI_MINOR) give_up("table", "version");
    if (plugin->init(&host_table) != CASTRA_OK) give_up("init", "refused");
    if (plugin->find_interface("castra.nonsense/1") != NULL) give_up("find_interface", "knows nonsense");

    for (size_t i = 0; i < sizeof questions / sizeof *questions;) {
        const char* kind = questions[i].kind;
        const castra_interface* interface = plugin->find_interface(kind);
        const castra_sink error_sink = {&error, append};
        void* instance = NULL;
        error.size = 0;
        if (interface != NULL) {
            if (interface->size < sizeof(castra_interface) || interface->slot_count < questions[i].slots)
                give_up(kind, "fewer slots than 1.0 has");
            if (plugin->create(kind, bytes_of(argv[2]), &error_sink, &instance) != CASTRA_OK)
                give_up(kind, error.bytes);
            ++made;
        }
        for (; i < sizeof questions / sizeof *questions && strcmp(questions[i].kind, kind) == 0; ++i) {
            if (interface == NULL) continue;
            ask(interface, instance, &questions[i]);
            for (int wanted = 3; wanted < argc; wanted += 3)
                if (strcmp(argv[wanted], kind) == 0 && (uint32_t)atoi(argv[wanted + 1]) == questions[i].slot) {
                    if (strstr(reply.bytes, argv[wanted + 2]) == NULL) give_up(argv[wanted + 2], reply.bytes);
                    seen[i] = 1;
                }
        }
        if (instance != NULL) plugin->destroy(instance);
    }
    if (made == 0) give_up("kinds", "it provides none of 1.0");
    for (int wanted = 3; wanted < argc; wanted += 3) {
        int was_seen = 0;
        for (size_t i = 0; i < sizeof questions / sizeof *questions; ++i)
            was_seen |= seen[i] && strcmp(argv[wanted], questions[i].kind) == 0 &&
                        (uint32_t)atoi(argv[wanted + 1]) == questions[i].slot;
        if (!was_seen) give_up(argv[wanted], "was never asked");
    }
    printf("%d kinds, %d host calls\n", made, host_calls);
    return 0;
}
