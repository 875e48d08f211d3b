// SPDX-License-Identifier: Apache-2.0
#include "config/project.hpp"

#include "config/bootstrap_table.hpp"
#include "config/limits.hpp"
#include "config/plugin_tables.hpp"
#include "config/vm_group.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

constexpr Choice versions[] = {{"0.1.0", "0.1.0"}, {"0.2.0", "0.2.0"}};

void read_project_table(const Reader& root, ProjectConfig& project) {
    const auto reader = root.table("project", known::project);
    if (!reader) {
        if (!root.has("project")) root.refuse_missing("project", "write [project] and below it name = \"my-project\"");
        return;
    }
    if (!reader->has("name")) reader->refuse_missing("name", "write a name such as name = \"my-project\"");
    reader->read_name("name", project.name);
    reader->read_path("state_dir", project.state_dir);
}

void read_broker(const Reader& root, BrokerConfig& broker) {
    const auto reader = root.section("broker", known::broker);
    reader.read_name("launcher", broker.launcher);
    reader.read_path("cli", broker.cli);
    reader.read_port("port", 0, broker.port);
    broker.has_tcp = broker.port != 0;
    reader.read_bool("tcp", broker.has_tcp);
    if (broker.port != 0 && !broker.has_tcp)
        reader.refuse("port", "a port, and tcp = false",
                      "remove one of them: tcp = false keeps guests from coming over TCP");
    reader.read_integer("sessions_max", {1, limits::broker_sessions_max}, broker.sessions_max);
    reader.read_integer("frames_per_second_max", {1, limits::broker_frames_per_second_max},
                        broker.frames_per_second_max);
    reader.read_integer("queue_bytes_max", {limits::broker_queue_bytes_min, limits::broker_queue_bytes_max},
                        broker.queue_bytes_max);
    reader.read_integer("topic_bytes_max", {limits::broker_topic_bytes_min, limits::broker_topic_bytes_max},
                        broker.topic_bytes_max);
    reader.read_integer("topics_max", {0, limits::broker_topics_max}, broker.topics_max);
}

void read_lifecycle(const Reader& root, LifecycleConfig& lifecycle) {
    const auto reader = root.section("lifecycle", known::lifecycle);
    reader.read_seconds("graceful_shutdown_wait_secs", 0, lifecycle.graceful_shutdown_wait);
    reader.read_seconds("sigterm_wait_secs", 0, lifecycle.sigterm_wait);
    reader.read_seconds("sigkill_wait_secs", 1, lifecycle.sigkill_wait); // the kernel needs a moment to end a process
    reader.read_seconds("down_timeout_secs", 0, lifecycle.down_timeout);
    reader.read_seconds("ready_wait_secs", 0, lifecycle.ready_wait);
    reader.read_integer("boot_window", {0, limits::boot_window_max}, lifecycle.boot_window);
}

void read_journal(const Reader& root, JournalConfig& journal) {
    const auto reader = root.section("journal", known::journal);
    reader.read_integer("runs_max", {1, limits::journal_runs_max}, journal.runs_max);
    reader.read_integer("bytes_max", {limits::journal_bytes_min, limits::journal_bytes_max}, journal.bytes_max);
}

std::vector<VmGroup> read_groups(const Reader& root, const BootstrapConfig& defaults) {
    std::vector<VmGroup> groups;
    std::map<std::string, int> lines; // of names
    root.narrow("vms", {{"minItems", 1}});
    if (!root.has("vms") || root.has_empty_array("vms"))
        root.refuse_missing("vms", "write [[vms]] and below it name = \"web\" and image = \"NAME\"");
    const auto readers = root.tables("vms", known::vm, limits::vms_max);
    for (const auto& reader : readers) {
        auto group = read_vm_group(reader, defaults);
        if (!group) continue;
        const auto [first, is_new] = lines.emplace(group->shape.name, group->shape.line);
        if (is_new)
            groups.push_back(*std::move(group));
        else
            reader.refuse("name",
                          in_quotes(group->shape.name) + " is already the name of the VM in line " +
                              std::to_string(first->second),
                          "names are unique; for like VMs write count = 2");
    }
    return groups;
}

std::vector<VmConfig> expand_all(const std::vector<VmGroup>& groups, const Reader& root) {
    std::vector<VmConfig> vms;
    std::int64_t total = 0;
    for (const auto& group : groups)
        total += group.count;
    if (total > limits::vms_max) {
        root.refuse("vms", std::to_string(total) + " VMs, at most " + std::to_string(limits::vms_max) + " are allowed",
                    "lower count");
        return vms;
    }
    for (const auto& group : groups) {
        check_forward_entries(group.forwards, group.count, root.context().problems);
        std::ranges::move(expand(group, root.context()), std::back_inserter(vms));
    }
    return vms;
}

// An overlay is written to: it is nobody else's disk.
void check_overlays(const std::vector<VmConfig>& vms, Problems& problems) {
    std::map<std::string, std::string> disks; // path to whose it is
    std::set<int> told;                       // groups of like instances, by line
    for (const auto& vm : vms)
        if (!vm.base_image.empty())
            disks.emplace(vm.base_image, "the base_image of " + vm.name + " (line " + std::to_string(vm.line) + ")");
    for (const auto& vm : vms) {
        if (vm.overlay.empty()) continue;
        const auto [first, is_new] =
            disks.emplace(vm.overlay, "the overlay of " + vm.name + " (line " + std::to_string(vm.line) + ")");
        if (!is_new && told.insert(vm.line).second)
            problems.add({vm.line, vm.column}, "vms." + vm.name + ".overlay",
                         in_quotes(vm.overlay) + " is already " + first->second,
                         "a VM writes to its overlay; give each its own, or none");
    }
}

} // namespace

ProjectConfig read_project(const toml::table& document, ReadContext& context) {
    ProjectConfig project;
    const Reader root(document, known::root, "", context);
    root.read_choice("version", versions, project.version);
    context.expands_names = project.version != "0.1.0";
    read_project_table(root, project);
    read_broker(root, project.broker);
    read_lifecycle(root, project.lifecycle);
    read_journal(root, project.journal);
    const auto bootstrap = root.section("bootstrap", known::bootstrap);
    read_bootstrap(bootstrap, project.bootstrap);
    bootstrap.read_integer("parallel", {0, limits::bootstrap_parallel_max}, project.bootstrap_parallel);
    read_plugins(root, document["plugins"].as_table(), project);
    read_reporters(root, project);
    read_secrets(root, project);
    project.vms = expand_all(read_groups(root, project.bootstrap), root);
    check_overlays(project.vms, context.problems);
    check_port_collisions(project, root.where("broker"), context.problems);
    return project;
}

} // namespace castra
