// SPDX-License-Identifier: Apache-2.0
#include "operations/clean.hpp"

#include "bus/journal.hpp"
#include "contract/text.hpp"
#include "host/directory.hpp"
#include "host/files.hpp"
#include "lifecycle/vm_state.hpp"
#include "state/overlay_note.hpp"
#include "state/vm_folder.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {

using contract::Severity;
using contract::VmOutcome;

struct Cleaner::Site {
    const CleanTarget& target;
    const Directory& root;
    VmUsers users;
    bool has_supervisor = false;
    bool spared = false; // something of it lives
};

namespace {

using Kind = Directory::Entry::Kind;

std::string line(const std::string& text) {
    return contract::clean_text(text, 2048, true);
}

// Held by the supervisor for as long as it lives. Looks, writes nothing.
bool is_held(const std::filesystem::path& lock) {
    return !FileLock::probe(lock);
}

// Of the files that a launcher's plan wrote into the VM's own directory, the names.
std::vector<std::string> planned_files(const VmRecord& record, const std::filesystem::path& vm_dir) {
    std::vector<std::string> names;
    if (!record.plan.contains("files") || !record.plan["files"].is_array()) return names;
    for (const auto& file : record.plan["files"]) {
        if (!file.is_object()) continue;
        const std::filesystem::path path = file.value("path", "");
        if (path.parent_path() == vm_dir) names.push_back(path.filename());
    }
    return names;
}

std::string user_text(int pid) {
    return pid > 0 ? "process " + std::to_string(pid) : "a process that listens on a socket";
}

// What a VM's record says it needs to be launched again.
std::vector<std::string> files_of(const VmRecord& record) {
    std::vector<std::string> paths;
    try {
        const auto spec = record.spec.get<sdk::VmSpec>();
        paths = {spec.base_image, spec.boot.kernel, spec.boot.initrd};
    } catch (const std::exception&) { // such a VM is spared by what it has open
    }
    return paths;
}

} // namespace

Cleaner::Cleaner(Workshop& workshop, EventBus& bus, std::string run_id, CleanWish wish)
    : workshop_(workshop), bus_(bus), run_id_(std::move(run_id)), wish_(std::move(wish)) {}

bool Cleaner::wants(std::string_view kind) const {
    if (wish_.kinds.empty()) return kind != "images";
    return std::ranges::find(wish_.kinds, kind) != wish_.kinds.end();
}

void Cleaner::keep(const std::string& path, const Error& why) {
    result_.failed = true;
    result_.leftovers.push_back(line(path));
    bus_.publish(contract::message(Severity::error, line(why.text), "not_removed")
                     .because({std::string(to_string(why.code)), "it could not be removed", line(why.text), true})
                     .cure(line(why.hint.empty() ? "look at it, then run castra clean again" : why.hint)));
}

void Cleaner::drop(const Directory& in, const std::string& name, std::string_view kind, const std::string& vm) {
    if (!wants(kind)) return;
    const auto path = (in.path() / name).string();
    if (bus_.journal_failed())
        return keep(path, {ErrorCode::io, "remove " + path + ": the journal cannot announce it",
                           "free some space on the disk that holds castra's state"});
    auto bytes = in.allocated_bytes(name);
    if (!bytes) return keep(path, bytes.error());
    if (wish_.dry_run) {
        for (const auto& [other, counted] : told_)
            if (other.starts_with(path + "/")) *bytes -= counted;
        told_[path] = *bytes;
    }
    contract::CleanupProgress event;
    event.path = line(path);
    event.kind = kind;
    event.bytes = *bytes;
    event.dry_run = wish_.dry_run;
    auto notice = contract::draft(event, std::string(kind) + (wish_.dry_run ? " would be removed: " : " is removed: ") +
                                             event.path);
    bus_.publish(vm.empty() ? std::move(notice) : std::move(notice).on(vm));
    if (!wish_.dry_run) {
        if (bus_.journal_failed()) return drop(in, name, kind, vm); // it was this event that could not be written
        if (const auto gone = in.remove_tree(name); !gone) return keep(path, gone.error());
    }
    ++result_.removed;
    result_.reclaimed_bytes += *bytes;
}

void Cleaner::drop_file(const Directory& in, const Directory::Entry& entry, std::string_view kind,
                        const std::string& vm) {
    if (entry.kind != Kind::directory) return drop(in, entry.name, kind, vm);
    if (wants(kind))
        keep(in.path() / entry.name,
             {ErrorCode::io,
              (in.path() / entry.name).string() + " is a directory, and castra makes a file of that name",
              "look what is in it and move it away, then run castra clean again"});
}

void Cleaner::project(const CleanTarget& target) {
    const auto& layout = target.layout;
    const auto root = Directory::open(layout.state_dir());
    if (!root) {
        if (root.error().code != ErrorCode::not_found) keep(layout.state_dir(), root.error());
        return;
    }
    if (!root->is_own())
        return keep(layout.state_dir(), {ErrorCode::io, layout.state_dir().string() + " belongs to another user", ""});
    if (!target.problem.empty())
        bus_.publish(contract::message(Severity::warn, line(target.problem), "register_damaged")
                         .cure("run castra up or castra down in the project once: it is written again"));
    Site site{target, *root, VmUsers(layout), is_held(layout.supervisor_lock())};
    if (const auto entry = root->find("vms")) {
        auto vms = root->child("vms");
        auto entries = vms ? vms->entries() : Failure(vms.error());
        if (!entries) keep(layout.vms_dir(), entries.error());
        for (const auto& vm : entries ? *entries : std::vector<Directory::Entry>())
            if (wish_.vms.empty() || std::ranges::find(wish_.vms, vm.name) != wish_.vms.end())
                machine(site, *vms, vm.name);
    }
    if (wish_.vms.empty()) rest_of_project(site);
}

void Cleaner::machine(Site& site, const Directory& vms, const std::string& vm) {
    const auto& layout = site.target.layout;
    const auto folder = vms.child(vm);
    if (!folder) {
        site.spared = true;
        return keep(layout.vm_dir(vm), folder.error());
    }
    const auto record = load_record(layout, vm);
    std::string life;
    if (record && record->boot_id == workshop_.host().boot_id() && workshop_.host().is_alive(record->process()))
        life = "process " + std::to_string(record->pid) + " lives";
    else if (const auto user = site.users.user_of(vm))
        life = *user;
    if (!life.empty()) {
        site.spared = true;
        result_.vms.push_back(
            {vm, std::string(record ? to_string(VmState::running) : "unknown"), VmOutcome::unchanged});
        const auto cure = record ? "castra down" : "its record is damaged: end that process, then castra clean";
        bus_.publish(
            contract::message(Severity::info, line(vm + " is spared: " + life), "protected").on(vm).cure(cure));
        return;
    }
    const auto planned = record ? planned_files(*record, layout.vm_dir(vm)) : std::vector<std::string>();
    const auto entries = folder->entries();
    if (!entries) return keep(layout.vm_dir(vm), entries.error());
    const auto before = result_.removed;
    const auto leftovers_before = result_.leftovers.size();
    if (const auto runtime = Directory::open(layout.runtime_dir()); runtime && runtime->is_own())
        if (const auto name = layout.vm_runtime_dir(vm).filename(); runtime->find(name))
            drop(*runtime, name, "runtime", vm);
    const bool is_unread = !record && record.error().code != ErrorCode::not_found;
    for (const auto& entry : *entries) {
        if (entry.name == "overlay.qcow2")
            drop(*folder, entry.name, "overlay", vm);
        else if (entry.name == "ssh" || entry.name == "broker.json")
            drop(*folder, entry.name, "keys", vm);
        else if (is_log_file(entry.name))
            drop_file(*folder, entry, "logs", vm);
        else if (std::ranges::find(planned, entry.name) != planned.end())
            drop_file(*folder, entry, "files", vm);
        else if (is_unread && wants("record") && entry.kind != Kind::directory && !is_made_by_castra(entry.name))
            keep(layout.vm_dir(vm) / entry.name,
                 {ErrorCode::io,
                  "nobody can say whether castra made " + entry.name + " of " + vm + ": " + record.error().text,
                  "run castra clean again; if the record stays unreadable, remove that file yourself"});
    }
    const auto noted = noted_overlay(layout, vm);
    if (!noted) keep(overlay_note(layout, vm), noted.error());
    const bool keeps_note = !noted || !noted->empty(); // until that overlay goes: only it says that castra made it
    auto elsewhere = noted.value_or("");
    if (elsewhere.empty() && record && record->overlay != layout.vm_dir(vm) / "overlay.qcow2" &&
        files::exists(record->overlay))
        elsewhere = record->overlay;
    const auto has_rest = [&] { return result_.leftovers.size() > leftovers_before; };
    bool has_record = folder->find("record.json").has_value(); // afterwards, or after a run that is not dry
    for (const auto name : record_files) {
        const auto entry = folder->find(std::string(name));
        if (!entry || (keeps_note && name == "overlay.json")) continue;
        // It tells the next command of the rest.
        if (name == "record.json" && has_rest() && entry->kind != Kind::directory) continue;
        drop_file(*folder, *entry, "record", vm);
        if (name == "record.json") has_record = !wants("record") || has_rest();
    }
    if (!elsewhere.empty() && wants("overlay"))
        bus_.publish(contract::message(Severity::warn,
                                       line("the overlay of " + vm + ", " + elsewhere +
                                            ", is outside of castra's directories and stays"),
                                       "not_ours")
                         .on(vm)
                         .cure(keeps_note ? "the next castra up replaces it; or remove it yourself"
                                          : "remove it yourself if nothing else needs it"));
    if (result_.removed > before || has_rest()) // nothing of it lives: status says failed as long as it is recorded
        result_.vms.push_back({vm, std::string(to_string(has_record ? VmState::failed : VmState::absent)),
                               has_rest() ? VmOutcome::failed : VmOutcome::succeeded});
    if (!wish_.dry_run) (void)vms.remove_if_empty(vm);
}

// `has_writer`: somebody may be about to put a file in its place.
void Cleaner::journals(const Directory& parent, const std::string& name, bool has_writer) {
    if (!parent.find(name)) return;
    const auto folder = parent.child(name);
    const auto entries = folder ? folder->entries() : Failure(folder.error());
    if (!entries) return keep(parent.path() / name, entries.error());
    for (const auto& entry : *entries) // named by run id, which sorts by time: ours and what began after it stays
        if (entry.kind == Kind::file && entry.name < run_id_ &&
            (entry.name.ends_with(".ndjson") || entry.name.ends_with(".torn")))
            drop(*folder, entry.name, "logs");
        else if (entry.kind == Kind::file && entry.name.ends_with(".tmp") && !has_writer)
            drop(*folder, entry.name, "files");
    if (!wish_.dry_run) (void)parent.remove_if_empty(name);
}

void Cleaner::rest_of_project(Site& site) {
    const auto& layout = site.target.layout;
    journals(site.root, "journal", site.has_supervisor);
    journals(site.root, "quarantine", site.has_supervisor);
    if (!site.has_supervisor) // a dead one's socket
        if (const auto runtime = Directory::open(layout.runtime_dir()); runtime && runtime->is_own())
            if (runtime->find("s")) drop_runtime(site, *runtime, "s");
    if (!site.has_supervisor && !site.spared) {
        if (const auto entries = site.root.entries()) // half of a file that was never put in its place
            for (const auto& entry : *entries)
                if (entry.kind == Kind::file && entry.name.ends_with(".tmp")) drop(site.root, entry.name, "files");
        for (const auto& [name, kind] :
             {std::pair{"supervisor.log", "logs"}, std::pair{"broker", "handshakes"}, std::pair{"bootstrap", "logs"}})
            if (site.root.find(name)) drop(site.root, name, kind);
        if (const auto parent = Directory::open(layout.runtime_dir().parent_path()); parent && parent->is_own())
            if (const auto name = layout.runtime_dir().filename(); parent->find(name))
                drop_runtime(site, *parent, name);
    }
    if (wish_.dry_run) return;
    (void)site.root.remove_if_empty("vms");
    abandon_folder(site);
}

// Sockets that somebody listens on belong to a process that no record tells of any more.
void Cleaner::drop_runtime(Site& site, const Directory& parent, const std::string& name) {
    const auto user = site.users.user_of_runtime(parent.path() / name);
    if (!user) return drop(parent, name, "runtime");
    site.spared = true;
    const auto path = (parent.path() / name).string();
    bus_.publish(contract::message(Severity::warn, line(path + " is spared: " + *user + ", and no record tells of it"),
                                   "protected")
                     .cure("find that process (ss -xlp, ps) and end it, then run castra clean again"));
}

// It is kept as long as a run of the project may need it.
void Cleaner::drop_reserve(Site& site) {
    const auto folder = site.root.find("journal") ? site.root.child("journal") : Failure(Error{});
    const auto entries = folder ? folder->entries() : Failure(folder.error());
    if (!entries || entries->size() != 1 || entries->front().name != journal_reserve_name) return;
    drop(*folder, journal_reserve_name, "logs");
    (void)site.root.remove_if_empty("journal");
}

// A project whose castra.toml is gone and of which nothing is left goes altogether.
void Cleaner::abandon_folder(Site& site) {
    const auto& target = site.target;
    if (site.has_supervisor || site.spared || !wish_.kinds.empty() || !target.problem.empty()) return;
    if (target.config_path.empty() || files::exists(target.config_path)) return;
    drop_reserve(site);
    const auto entries = site.root.entries();
    if (!entries) return;
    constexpr std::array<std::string_view, 4> last{"project.json", "supervisor.lock", "start.lock", "operation.lock"};
    for (const auto& entry : *entries)
        if (std::ranges::find(last, entry.name) == last.end()) return;
    for (const auto& entry : *entries)
        drop(site.root, entry.name, "record");
    const auto parent = Directory::open(target.layout.state_dir().parent_path());
    if (parent) (void)parent->remove_if_empty(target.layout.state_dir().filename());
}

void Cleaner::machine_journals() {
    const auto folder = machine_journal_dir(workshop_.installation().environment);
    if (!wish_.vms.empty()) return;
    if (const auto parent = Directory::open(folder.parent_path()); parent && parent->is_own())
        for (const auto* name : {"journal", "quarantine"})
            journals(*parent, name, true);
}

void Cleaner::images(const std::vector<CleanTarget>& targets) {
    if (!wants("images")) return;
    const auto store = Directory::open(cache_dir(workshop_.installation().environment) / "images");
    if (!store || !store->is_own()) return;
    std::vector<std::string> needed;
    for (const auto& target : targets) {
        const auto recorded = recorded_vms(target.layout);
        if (!recorded) return keep(store->path(), recorded.error());
        for (const auto& vm : *recorded)
            if (const auto record = load_record(target.layout, vm);
                record && record->boot_id == workshop_.host().boot_id() && workshop_.host().is_alive(record->process()))
                for (auto& path : files_of(*record))
                    needed.push_back(std::move(path));
    }
    const auto open_files = OpenFiles::below(store->path());
    const auto entries = store->entries();
    if (!entries) return keep(store->path(), entries.error());
    for (const auto& entry : *entries) {
        if (entry.kind != Kind::directory || entry.name.starts_with('.')) continue;
        const auto folder = (store->path() / entry.name).string();
        const auto user = open_files.user_of(folder);
        const bool is_needed =
            std::ranges::any_of(needed, [&](const auto& path) { return path.starts_with(folder + "/"); });
        if (user || is_needed) {
            const auto who = user ? user_text(*user) + " uses it" : "a VM that lives was started from it";
            bus_.publish(
                contract::message(Severity::info, line("image " + entry.name + " is spared: " + who), "protected"));
            continue;
        }
        const auto building = FileLock::probe(store->path() / ("." + entry.name + ".lock"));
        if (!building)
            bus_.publish(
                contract::message(Severity::info, line("image " + entry.name + " is being built"), "protected"));
        else
            drop(*store, entry.name, "images");
    }
}

} // namespace castra
