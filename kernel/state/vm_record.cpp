// SPDX-License-Identifier: Apache-2.0
#include "state/record_head.hpp"

#include "host/files.hpp"

#include <algorithm>

namespace castra {
namespace {
constexpr std::size_t record_bytes_max = 1 << 20;
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VmRecord, name, incarnation, uuid, launcher, phase, boot_id, pid,
                                                start_ticks, overlay, ssh_key, launched_unix_us, ready_unix_us,
                                                restart_unix_us, restart_attempt, spec, plan)

namespace {

// One key a line; only keys of the outermost object stand behind a single blank. Plan and spec come last: see cut.
std::string text_of(const VmRecord& record) {
    auto head = nlohmann::json(record);
    head.erase("plan");
    head.erase("spec");
    head["accelerator"] = record.plan.value("accelerator", "");
    head["asks_state"] = record.plan.contains("state") && !record.plan["state"].is_null();
    head["port_forwards"] = record.spec.value("port_forwards", nlohmann::json::array());
    auto text = head.dump(1);
    text.resize(text.size() - 2); // "\n}"
    return text + "," + nlohmann::json{{"plan", record.plan}, {"spec", record.spec}}.dump(1).substr(1);
}

// Leaves what stands before the plan, as a document of its own. A record that is cut or was written otherwise stays as
// it is.
void cut(std::string& text) {
    const auto plan = text.find(",\n \"plan\": {");
    if (plan == std::string::npos || !text.ends_with("\n}")) return;
    constexpr std::string_view key = "\n \"", spec = "\n \"spec\": {", ports = "\n \"port_forwards\": ";
    auto next = text.find(key, text.find("\n }", plan));
    const bool is_spec = next != std::string::npos && text.compare(next, spec.size(), spec) == 0;
    if (is_spec && text.rfind(ports, plan) != std::string::npos) next = text.find(key, next + 1);
    if (next != std::string::npos) return; // what the head does not repeat
    text.resize(plan);
    text += "\n}";
}

Result<VmRecord> record_in(const std::string& text, const std::filesystem::path& path, const std::string& vm) {
    try {
        const auto json = nlohmann::json::parse(text);
        auto record = json.get<VmRecord>();
        if (!json.contains("plan"))
            record.plan = {{"accelerator", json.value("accelerator", "")},
                           {"asks_state", json.value("asks_state", false)}};
        if (!json.contains("spec"))
            record.spec = {{"port_forwards", json.value("port_forwards", nlohmann::json::array())}};
        if (record.name != vm)
            return fail(ErrorCode::io, "record " + path.string() + " names another VM: " + record.name);
        return record;
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io, "record " + path.string() + " is damaged: " + error.what());
    }
}

} // namespace

Result<> save_record(const Layout& layout, const VmRecord& record) {
    // Not synced: a record has to survive our death, not the machine's, for no VM survives that either.
    return files::replace(layout.vm_record(record.name), text_of(record), false);
}

Result<VmRecord> load_record(const Layout& layout, const std::string& vm) {
    const auto path = layout.vm_record(vm);
    CASTRA_TRY(text, files::read(path, record_bytes_max));
    return record_in(text, path, vm);
}

Result<VmRecord> load_record_head(const Layout& layout, const std::string& vm) {
    const auto path = layout.vm_record(vm);
    CASTRA_TRY(text, files::read(path, record_bytes_max));
    cut(text);
    return record_in(text, path, vm);
}

Result<std::vector<std::string>> vm_directories(const Layout& layout) {
    std::vector<std::string> names;
    std::error_code error;
    auto at = std::filesystem::directory_iterator(layout.vms_dir(), error);
    for (; !error && at != std::filesystem::end(at); at.increment(error)) {
        std::error_code unknown;
        if (at->is_directory(unknown)) names.push_back(at->path().filename());
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::io, "list the VMs in " + layout.vms_dir().string() + ": " + error.message(),
                    "see to it that the directory can be read, then try again");
    std::ranges::sort(names);
    return names;
}

Result<std::vector<std::string>> recorded_vms(const Layout& layout) {
    CASTRA_TRY(names, vm_directories(layout));
    std::erase_if(names, [&](const std::string& name) {
        std::error_code unknown;
        return !std::filesystem::exists(layout.vm_record(name), unknown) && !unknown;
    });
    return names;
}

} // namespace castra
