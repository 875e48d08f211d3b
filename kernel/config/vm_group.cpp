// SPDX-License-Identifier: Apache-2.0
#include "config/vm_group.hpp"

#include "config/bootstrap_table.hpp"
#include "config/limits.hpp"
#include "config/names.hpp"
#include "config/value_shapes.hpp"

#include <charconv>
#include <filesystem>

namespace castra {
namespace {

bool is_url(const std::string& text) {
    return text.find("://") != std::string::npos;
}

void read_url(const Reader& reader, const std::string& text, VmConfig& vm) {
    if (!text.starts_with("https://") && !text.starts_with("http://"))
        return reader.refuse("base_image", in_quotes(text) + " is no address that castra fetches from",
                             "write https://..., http://... or the path of a file");
    const auto host = text.substr(text.find("://") + 3);
    if (host.empty() || host.front() == '/')
        return reader.refuse("base_image", in_quotes(text) + " names no server", "write https://SERVER/PATH");
    if (host.substr(0, host.find('/')).find('@') != std::string::npos)
        return reader.refuse("base_image", "an address with a password in it would stand in events and journals",
                             "fetch the image yourself and name the file");
    vm.base_url = text;
    vm.base_image.clear();
    vm.image.clear();
}

void read_base_image(const Reader& reader, VmConfig& vm) {
    std::string text;
    reader.narrow("base_image", value_shapes::path()); // an address has the form of one too
    if (!reader.read_line("base_image", text)) return;
    vm.base_sha256.clear();
    if (is_url(text)) return read_url(reader, text, vm);
    if (!reader.read_path("base_image", vm.base_image)) return;
    vm.base_url.clear();
    vm.image.clear();
}

void read_digest(const Reader& reader, VmConfig& vm) {
    const bool is_good = reader.read_sha256("sha256", vm.base_sha256);
    if (reader.has("sha256") && is_good && !reader.has("base_image") && vm.base_image.empty() && vm.base_url.empty())
        reader.refuse("sha256", "is the digest of a base_image, and there is none",
                      "images of the image store have theirs in the store");
    if (!vm.base_url.empty() && vm.base_sha256.empty() && !reader.has("sha256"))
        reader.refuse_missing("sha256", "an image that is fetched needs its digest: write what sha256sum prints");
}

void read_disk(const Reader& reader, VmConfig& vm) {
    reader.narrow_table({{"not", {{"required", {"image", "base_image"}}}}});
    if (reader.has("image") && reader.has("base_image")) {
        reader.refuse("base_image", "a VM has an image or a base_image, not both",
                      "keep image = for the image store or base_image = for a file");
        return;
    }
    // An instance with the one replaces the other of its group, and a digest belongs to one image.
    if (reader.read_name("image", vm.image)) {
        vm.base_image.clear();
        vm.base_url.clear();
        vm.base_sha256.clear();
    }
    read_base_image(reader, vm);
    read_digest(reader, vm);
}

void read_boot(const Reader& vm_reader, BootConfig& boot) {
    const auto reader = vm_reader.table("boot", known::boot);
    if (!reader) return;
    reader->read_path("kernel", boot.kernel);
    reader->read_path("initrd", boot.initrd);
    reader->read_line("append", boot.append);
    if (boot.kernel.empty() && !reader->has("kernel"))
        reader->refuse_missing("kernel", "initrd and append belong to a kernel; write kernel = \"path/to/vmlinuz\"");
}

constexpr Choice restart_policies[] = {{"never", "never"}, {"on_failure", "on_failure"}};

void read_restart(const Reader& reader, RestartConfig& restart) {
    reader.read_choice("restart", restart_policies, restart.policy);
    reader.read_seconds("restart_backoff_secs", 0, restart.backoff);
    reader.read_integer("restarts_max", {1, limits::restarts_max}, restart.restarts_max);
}

void read_stop_wait(const Reader& vm_reader, StopWaitConfig& wait) {
    const auto reader = vm_reader.section("lifecycle", known::vm_lifecycle);
    reader.read_seconds("graceful_shutdown_wait_secs", 0, wait.graceful_shutdown);
    reader.read_seconds("sigterm_wait_secs", 0, wait.sigterm);
    reader.read_seconds("sigkill_wait_secs", 1, wait.sigkill);
}

// What an entry and an instance both may say.
void read_vm_fields(const Reader& reader, VmConfig& vm) {
    reader.read_line("description", vm.description);
    read_disk(reader, vm);
    reader.read_path("overlay", vm.overlay);
    reader.read_integer("cpus", {1, limits::cpus_max}, vm.cpus);
    reader.read_memory("memory", vm.memory);
    read_boot(reader, vm.boot);
    read_bootstrap(reader.section("bootstrap", known::vm_bootstrap), vm.bootstrap);
    reader.read_free_table("options", vm.launcher_options, vm.options_at);
    reader.read_line("ready_marker", vm.ready_marker);
    read_restart(reader, vm.restart);
    read_stop_wait(reader, vm.stop_wait);
}

// Only qemu is known to need a disk or a kernel. A faulty value has its own error: presence is enough here.
bool says_what_to_boot(const Reader& reader) {
    return reader.has("image") || reader.has("base_image") || reader.has("boot");
}

void refuse_nothing_to_boot(const VmConfig& vm, Problems& problems) {
    problems.add({vm.line, vm.column}, "vms." + vm.name, "has nothing to boot from",
                 "write image = \"NAME\", base_image = \"FILE\", or [vms.boot] with a kernel");
}

// "web-2", "2" and 2 are instance 2 of web.
std::optional<std::int64_t> index_of(const Reader& reader, std::string_view key, const VmGroup& group) {
    std::string text;
    reader.narrow(key, {{"type", {"string", "integer"}}, {"minimum", 0}, {"pattern", "^([a-z0-9-]+-)?[0-9]+$"}});
    if (std::int64_t index = 0; reader.has_integer(key)) {
        if (reader.read_integer(key, {0, group.count - 1}, index)) return index;
        return std::nullopt;
    }
    if (!reader.read_line(key, text)) return std::nullopt;
    std::string_view digits = text;
    if (digits.starts_with(group.shape.name + "-")) digits.remove_prefix(group.shape.name.size() + 1);
    std::int64_t index = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (std::to_string(index) == digits && index >= 0 && index < group.count) return index;
    const auto first = "\"" + group.shape.name + "-0\"";
    const auto last = "\"" + group.shape.name + "-" + std::to_string(group.count - 1) + "\"";
    reader.refuse(key, in_quotes(text) + " is no instance of " + in_quotes(group.shape.name),
                  group.count == 1 ? "with count = 1 it can only be " + first
                                   : "write one of " + first + " to " + last);
    return std::nullopt;
}

void read_instances(const Reader& vm_reader, VmGroup& group) {
    for (const auto& reader : vm_reader.tables("instances", known::instance, limits::vms_max)) {
        if (reader.has("id") && reader.has("name")) {
            reader.refuse("name", "id and name mean the same here", "keep one of them");
            continue;
        }
        const std::string_view key = reader.has("name") ? "name" : "id";
        if (!reader.has(key)) {
            reader.refuse_missing_one_of({"id", "name"},
                                         "write which instance it is, such as id = \"" + group.shape.name + "-0\"");
            continue;
        }
        const auto index = index_of(reader, key, group);
        if (!index) continue;
        const auto [other, is_new] = group.instances.emplace(*index, reader);
        if (!is_new)
            reader.refuse(key,
                          "instance " + std::to_string(*index) + " already stands in line " +
                              std::to_string(other->second.where().line),
                          "put both into one [[vms.instances]]");
    }
}

void read_instance(const Reader& reader, VmConfig& vm) {
    read_vm_fields(reader, vm);
    if (!reader.has("port_forwards")) return;
    const auto entries = read_forward_entries(reader);
    check_forward_entries(entries, 1, reader.context().problems);
    vm.port_forwards = forwards_of_instance(entries, 0);
}

void read_count(const Reader& reader, VmGroup& group) {
    if (reader.context().expands_names) {
        reader.read_integer("count", {1, limits::vms_max}, group.count);
        return;
    }
    for (const std::string_view key : {"count", "instances"})
        if (reader.has(key))
            reader.refuse(key, "needs version 0.2.0", "write version = \"0.2.0\"; VM names then end in -0, -1, ...");
}

std::string name_of_instance(const VmGroup& group, std::int64_t index, const ReadContext& context) {
    return context.expands_names ? group.shape.name + "-" + std::to_string(index) : group.shape.name;
}

void check_last_name(const VmGroup& group, const ReadContext& context) {
    const auto last = name_of_instance(group, group.count - 1, context);
    if (!is_name(last))
        context.problems.add({group.shape.line, group.shape.column}, "vms." + last,
                             "the name is longer than 63 letters once expanded", "shorten it");
}

// x.qcow2 to x-2.qcow2, as the prototype did: instance 0 keeps the name.
std::string overlay_of_instance(const std::string& overlay, std::int64_t index) {
    if (overlay.empty() || index == 0) return overlay;
    const std::filesystem::path path(overlay);
    const auto name = path.stem().string() + "-" + std::to_string(index) + path.extension().string();
    return (path.parent_path() / name).string();
}

// Where instance `index` has its values from, strongest first.
std::vector<std::string> places_of(const VmGroup& group, std::int64_t index) {
    const auto own = group.instances.find(index);
    if (own == group.instances.end()) return {group.place};
    return {own->second.key(), group.place};
}

} // namespace

std::optional<VmGroup> read_vm_group(const Reader& reader, const BootstrapConfig& defaults) {
    VmGroup group;
    auto& vm = group.shape;
    group.place = reader.key();
    vm.line = reader.where().line;
    vm.column = reader.where().column;
    vm.bootstrap = defaults;
    if (!reader.has("name")) reader.refuse_missing("name", "write a name such as name = \"web\"");
    const bool is_named = reader.read_name("name", vm.name);
    vm.group = vm.name;
    reader.read_name("launcher", vm.launcher);
    read_count(reader, group);
    read_vm_fields(reader, vm);
    group.can_boot = vm.launcher != "qemu" || says_what_to_boot(reader);
    group.forwards = read_forward_entries(reader);
    if (!is_named) return std::nullopt;
    if (reader.context().expands_names) read_instances(reader, group);
    return group;
}

std::vector<VmConfig> expand(const VmGroup& group, const ReadContext& context) {
    std::vector<VmConfig> vms;
    check_last_name(group, context);
    bool can_boot = group.can_boot;
    for (std::int64_t i = 0; i < group.count; ++i) {
        auto vm = group.shape;
        vm.name = name_of_instance(group, i, context);
        vm.overlay = overlay_of_instance(vm.overlay, i);
        vm.port_forwards = forwards_of_instance(group.forwards, i);
        const auto own = group.instances.find(i);
        if (own != group.instances.end()) read_instance(own->second, vm);
        if (context.book != nullptr) context.book->lay(vm.name, places_of(group, i));
        if (!can_boot && (own == group.instances.end() || !says_what_to_boot(own->second))) {
            refuse_nothing_to_boot(vm, context.problems);
            can_boot = true; // once is enough
        }
        vms.push_back(std::move(vm));
    }
    return vms;
}

} // namespace castra
