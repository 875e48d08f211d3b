// SPDX-License-Identifier: Apache-2.0
#include "checks.hpp"

#include <algorithm>

namespace castra::sim {
namespace {

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

bool is_record(const std::string& path) {
    return path.ends_with("/record.json") && path.find("/vms/") != std::string::npos;
}

bool is_journal(const std::string& path) {
    return path.ends_with(".ndjson") && path.find("/journal/") != std::string::npos;
}

std::vector<std::string> files_where(bool (*is_one)(const std::string&)) {
    auto paths = world->disk.list(Place::home);
    std::erase_if(paths, [&](const auto& path) { return !is_one(path); });
    return paths;
}

int count_of(std::string_view text, const std::string& word) {
    int count = 0;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        ++count;
    return count;
}

std::string findings_of(std::string_view text, bool is_whole) {
    contract::Verifier verifier;
    if (!is_whole) text = text.substr(0, text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1);
    verifier.feed(text);
    if (is_whole) verifier.finish();
    if (verifier.is_good()) return {};
    const auto& first = verifier.findings().front();
    return "line " + std::to_string(first.line) + ", rule " + std::to_string(first.rule) + ": " + first.text;
}

} // namespace

Checks::Checks() {
    world->on_effect = [this](const char* call, const std::string& path) {
        if (std::string_view(call) == "remove") removed(path);
    };
}

Checks::~Checks() {
    world->on_effect = nullptr;
}

void Checks::removed(const std::string& path) {
    const bool is_ours = path.starts_with(std::string(Place::home) + "/") || path.starts_with("/sim/cache/castra/");
    if (!is_ours && path != "/sim/project/own.qcow2") world->violation("removed what is not castra's: " + path);
    const auto name = name_of(path);
    const bool matters = name == "overlay.qcow2" || name == "own.qcow2" || is_record(path) || is_journal(path);
    if (!matters) return;
    if (const auto node = world->disk.find(path);
        is_journal(path) && node && node->bytes.find('\n') == std::string::npos)
        return; // of a run that nobody was ever told of
    if (excuses_failed_journals && world->current->journal_broke && !is_journal(path)) return;
    int announced = 0;
    int gone = 0;
    for (const auto& [fd, file] : world->current->files) {
        if (!file->node || !is_journal(file->path)) continue;
        announced +=
            count_of(std::string_view(file->node->bytes).substr(0, file->node->synced), "path\":\"" + path + "\"");
        gone += ++removed_[file->path + path];
    }
    if (gone == 0 || announced < gone) world->violation("removed " + path + " before its announcement was durable");
}

void Checks::stream(const std::string& text, bool is_whole) const {
    if (const auto found = findings_of(text, is_whole); !found.empty())
        world->violation("the client's stream breaks the contract: " + found);
    if (text.find("contract_violation") != std::string::npos)
        world->violation("castra broke its own contract: " + text.substr(text.find("contract_violation"), 400));
}

void Checks::journals(bool are_sealed) const {
    for (const auto& path : files_where(is_journal)) {
        const auto& bytes = world->disk.find(path)->bytes;
        if (bytes.empty() && !are_sealed) continue;
        if (const auto found = findings_of(bytes, are_sealed); !found.empty())
            world->violation("journal " + name_of(path) + ": " + found);
    }
}

void Checks::records() const {
    for (const auto& path : files_where(is_record)) {
        const auto json = nlohmann::json::parse(world->disk.find(path)->bytes, nullptr, false);
        if (!json.is_object() || !json.contains("plan")) world->violation("a record is not whole: " + path);
    }
}

void Checks::truth(Session& session) const {
    const auto states = session.states();
    for (const auto& guest : world->living(Proc::Role::guest)) {
        if (!guest->has_begun) continue;
        const auto said = states.find(guest->name);
        if (said == states.end() || !said->second.ends_with(" " + std::to_string(guest->pid)))
            world->violation("status says of " + guest->name + ": " +
                             (said == states.end() ? "nothing" : said->second) + "; but process " +
                             std::to_string(guest->pid) + " lives");
    }
    for (const auto& [vm, state] : states) {
        const auto space = state.find(' ');
        if (space == std::string::npos) continue;
        const auto proc = world->find(std::stoi(state.substr(space)));
        if (!proc || proc->name != vm) world->violation("status says of " + vm + ": " + state + "; it does not live");
    }
}

void Checks::nothing_stands() const {
    for (const auto& guest : world->living(Proc::Role::guest))
        world->violation("after down " + guest->name + " lives: process " + std::to_string(guest->pid));
    for (const auto& path : world->disk.list("/sim"))
        if (const auto name = name_of(path); name == "overlay.qcow2" || name == "own.qcow2" || is_record(path) ||
                                             name == "id_ed25519" || name == "seed.json")
            world->violation("after down " + path + " stands");
    for (const auto& [port, lease] : world->leases)
        if (!lease.expired()) world->violation("after down port " + port + " is still leased");
}

void Checks::nothing_leaks() const {
    nothing_stands();
    for (const auto role : {Proc::Role::castra, Proc::Role::tool})
        for (const auto& proc : world->living(role))
            world->violation("process " + proc->name + " is left");
    for (const auto& path : world->disk.list(Place::home)) {
        const auto node = world->disk.find(path);
        const auto name = name_of(path);
        if (node->kind == Node::Kind::socket || name.ends_with(".tmp") ||
            (path.find("/run/") != std::string::npos && node->kind == Node::Kind::file) ||
            (path.find("/vms/") != std::string::npos && node->kind == Node::Kind::file))
            world->violation("left over: " + path);
        if (!node->exclusive.expired()) world->violation("lock " + path + " is still held");
    }
}

void Checks::strangers_are_well(const std::vector<ProcPtr>& strangers) const {
    for (const auto& stranger : strangers)
        if (!stranger->lives) world->violation("a stranger's process was ended");
    for (const auto* path : {"/sim/project/castra.toml", "/sim/project/base.raw", "/sim/project/notes.txt"})
        if (!world->disk.find(path)) world->violation(std::string(path) + " is gone");
}

} // namespace castra::sim
