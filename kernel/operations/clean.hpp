// SPDX-License-Identifier: Apache-2.0
// `castra clean`: removes what castra left behind, by category. Walks castra's own directories only, by descriptor and
// by the names that castra gives; what a record says is never a path to remove. Announces each removal durably before
// it happens. Spares VMs that live, and whatever a process still uses. Needs no castra.toml and no sound record.
#pragma once
#include "host/directory.hpp"
#include "host/file_lock.hpp"
#include "operations/run.hpp"
#include "operations/workshop.hpp"

#include <map>

namespace castra {

// Words of --only and of `kind` in cleanup.progress. All but images are the default.
inline constexpr std::array<std::string_view, 8> cleanup_kinds{"overlay", "keys",       "files", "runtime",
                                                               "record",  "handshakes", "logs",  "images"};

struct CleanWish {
    std::vector<std::string> vms;   // empty: all, and what belongs to no VM
    std::vector<std::string> kinds; // of cleanup_kinds; empty: the default
    bool dry_run = false;           // only say what would go; writes nothing
};

// One project to be cleaned. `config_path` empty: not known any more.
struct CleanTarget {
    Layout layout;
    std::string config_path;
    std::string problem; // why its entry in the register is not to be trusted; empty: it is
};

struct CleanResult {
    std::vector<contract::VmResult> vms;
    std::int64_t reclaimed_bytes = 0; // or, in a dry run, what would be
    std::int64_t removed = 0;         // announced items
    std::vector<std::string> leftovers;
    bool failed = false;
};

class Cleaner {
public:
    // `run_id`: journals of later runs stay.
    Cleaner(Workshop& workshop, EventBus& bus, std::string run_id, CleanWish wish);

    // Requires: the caller holds the project's operation lock, or this is a dry run.
    void project(const CleanTarget& target);
    // Images that no VM of `targets` has in use.
    void images(const std::vector<CleanTarget>& targets);
    // Journals of runs that belong to no project.
    void machine_journals();
    // A finding about something that stays although it was to go.
    void keep(const std::string& path, const Error& why);

    CleanResult& result() { return result_; }

private:
    struct Site; // one project while it is cleaned
    bool wants(std::string_view kind) const;
    void machine(Site& site, const Directory& vms, const std::string& vm);
    void drop_runtime(Site& site, const Directory& parent, const std::string& name);
    void journals(const Directory& parent, const std::string& name, bool has_writer);
    void rest_of_project(Site& site);
    void drop_reserve(Site& site);
    void abandon_folder(Site& site);
    // As drop; a directory of that name is not of castra's making, and stays.
    void drop_file(const Directory& in, const Directory::Entry& entry, std::string_view kind, const std::string& vm);
    // Announces, then removes.
    void drop(const Directory& in, const std::string& name, std::string_view kind, const std::string& vm = {});

    Workshop& workshop_;
    EventBus& bus_;
    std::string run_id_;
    CleanWish wish_;
    CleanResult result_;
    std::map<std::string, std::int64_t> told_; // in a dry run: what was announced, and is still there to be counted
};

} // namespace castra
