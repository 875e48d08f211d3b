// SPDX-License-Identifier: Apache-2.0
// The family cleanup: what castra removes of its own.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

struct CleanupProgress {
    static constexpr About about{"cleanup.progress",
                                 Family::cleanup,
                                 Severity::info,
                                 {},
                                 "Something of castra's own is removed. Durable before it goes."};
    static constexpr std::string_view moment = "before it happens";
    std::string path, kind;
    std::int64_t bytes = 0;
    bool dry_run = false;
    static void describe(auto&& visit) {
        using E = CleanupProgress;
        visit("path", &E::path, Note{"What", {}, "\"/s/vms/web-0\""});
        visit("kind", &E::kind,
              Note{"Its category",
                   {},
                   "\"overlay\"",
                   {"images", "logs", "handshakes", "overlay", "pid_file", "runtime", "record", "keys"}});
        visit("bytes", &E::bytes, Note{"Allocated on disk", Unit::bytes, "4096"});
        visit("dry_run", &E::dry_run, Note{"True: nothing is removed", {}, "false"});
    }
};

} // namespace castra::contract
