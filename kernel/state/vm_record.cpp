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

// One key a line; only keys of the outermost object stand behind a single blank. The plan comes last: see cut_plan.
std::string text_of(const VmRecord& record) {
    auto head = nlohmann::json(record);
    head.erase("plan");
    head["accelerator"] = record.plan.value("accelerator", "");
    head["asks_state"] = record.plan.contains("state") && !record.plan["state"].is_null();
    auto text = head.dump(1);
    text.resize(text.size() - 2); // "\n}"
    return text + "," + nlohmann::json{{"plan", record.plan}}.dump(1).substr(1);
}

// Leaves what stands before the plan, as a document of its own. A record that is cut or was written otherwise stays as
// it is.
void cut_plan(std::string& text) {
    const auto plan = text.find(",\n \"plan\": {");
    if (plan == std::string::npos || !text.ends_with("\n}")) return;
    if (text.find("\n \"", text.find("\n }", plan)) != std::string::npos) return; // it is not the last
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
    cut_plan(text);
    return record_in(text, path, vm);
}

Result<std::vector<std::string>> recorded_vms(const Layout& layout) {
    std::vector<std::string> names;
    std::error_code error;
    auto at = std::filesystem::directory_iterator(layout.vms_dir(), error);
    for (; !error && at != std::filesystem::end(at); at.increment(error)) {
        std::error_code unknown;
        if (at->is_directory(unknown) && (std::filesystem::exists(at->path() / "record.json", unknown) || unknown))
            names.push_back(at->path().filename());
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::io, "list the VMs in " + layout.vms_dir().string() + ": " + error.message(),
                    "see to it that the directory can be read, then try again");
    std::ranges::sort(names);
    return names;
}

} // namespace castra
