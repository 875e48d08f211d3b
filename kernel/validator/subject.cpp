// SPDX-License-Identifier: Apache-2.0
#include "validator/subject.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "castra/sdk/bootstrap_step.hpp"
#include "castra/sdk/broker_launcher.hpp"
#include "castra/sdk/launch_plan.hpp"
#include "plugin/config_check.hpp"
#include "plugin/json_text.hpp"

#include <dlfcn.h>

namespace castra {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

std::int64_t ms_since(Clock::time_point began) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
}

struct RefusingSink {
    bool was_written = false;
    static std::int32_t write(void* self, castra_bytes) noexcept {
        static_cast<RefusingSink*>(self)->was_written = true;
        return 1;
    }
};

json event_header(const char* type, std::uint64_t seq, const char* severity) {
    const json line{{"contract", "1.0"},
                    {"run_id", "01HV"},
                    {"operation", "up"},
                    {"seq", seq},
                    {"type", type},
                    {"family", "summary"},
                    {"severity", severity},
                    {"source", "kernel"},
                    {"project", "p"},
                    {"elapsed_us", 1000},
                    {"message", "it happened \xe2\x80\xae \x1b[31m"},
                    {"vm", "web-0"}};
    return {{"type", type}, {"seq", seq}, {"severity", severity}, {"vm", "web-0"}, {"line", line.dump()}};
}

} // namespace

Subject::Subject(std::filesystem::path file, std::filesystem::path scratch, bool host_refuses)
    : file_(std::move(file)), scratch_(std::move(scratch)), host_(host_refuses) {}

Result<> Subject::load() {
    CASTRA_TRY(manifest, read_manifest(file_));
    manifest_ = std::move(manifest);
    library_ = std::make_shared<PluginLibrary>(file_, manifest_, host_);
    const auto how = manifest_.accepts_isolation("in-process") ? Isolation::in_process : Isolation::process;
    return library_->load(ContractVersion{}, how);
}

const castra_plugin* Subject::table() const {
    void* handle = ::dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (handle == nullptr) return nullptr;
    const auto entry = reinterpret_cast<castra_plugin_entry>(::dlsym(handle, CASTRA_PLUGIN_ENTRY_SYMBOL));
    return entry ? entry() : nullptr;
}

std::vector<json> Subject::configs() const {
    std::vector<json> all;
    auto candidates = manifest_.config_schema.value("examples", json::array());
    candidates.insert(candidates.begin(), json::object());
    for (const auto& candidate : candidates)
        if (auto filled = check_plugin_config(manifest_, candidate)) all.push_back(std::move(*filled));
    return all;
}

SlotAnswer Subject::create(const std::string& kind, std::string_view config, void** keep) const {
    SlotAnswer answer;
    BoundedSink error(plugin_error_bytes_max);
    const auto sink = error.c_sink();
    void* instance = nullptr;
    const auto began = Clock::now();
    answer.status = library_->create(kind, {config.data(), config.size()}, &sink, &instance);
    answer.duration_ms = ms_since(began);
    answer.error = error.text();
    if (answer.status == CASTRA_OK && keep != nullptr)
        *keep = instance;
    else if (answer.status == CASTRA_OK && instance != nullptr)
        library_->destroy(instance);
    return answer;
}

void* Subject::make(const std::string& kind, std::string* why) const {
    if (why) *why = "no config fits its own schema: neither its defaults nor an example";
    for (const auto& config : configs()) {
        void* instance = nullptr;
        const auto answer = create(kind, config.dump(), &instance);
        if (answer.status == CASTRA_OK && instance != nullptr) return instance;
        if (why) *why = answer.error.empty() ? "create answered " + std::to_string(answer.status) : answer.error;
    }
    return nullptr;
}

std::int64_t Subject::destroy(void* instance) const {
    const auto began = Clock::now();
    library_->destroy(instance);
    return ms_since(began);
}

bool Subject::has_slot(const std::string& kind, std::uint32_t slot) const {
    const auto* interface = library_->find_interface(kind);
    return interface != nullptr && slot < interface->slot_count && interface->slots[slot] != nullptr;
}

SlotAnswer Subject::call(const std::string& kind, void* instance, std::uint32_t slot, std::string_view request,
                         const CallOptions& options, bool takes_reply) const {
    SlotAnswer answer;
    castra_call context{sizeof(castra_call), 0, 1, 0, options.cancel_fd, 0};
    if (options.deadline)
        context.deadline_ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>(options.deadline->time_since_epoch()).count();
    BoundedSink reply(plugin_reply_bytes_max), error(plugin_error_bytes_max);
    RefusingSink refusing;
    const auto reply_sink = takes_reply ? reply.c_sink() : castra_sink{&refusing, RefusingSink::write};
    const auto error_sink = error.c_sink();
    const auto began = Clock::now();
    answer.status = library_->find_interface(kind)->slots[slot](instance, &context, {request.data(), request.size()},
                                                                &reply_sink, &error_sink);
    answer.duration_ms = ms_since(began);
    answer.reply = reply.text();
    answer.error = error.text();
    answer.has_written = refusing.was_written || !reply.text().empty();
    return answer;
}

std::vector<SlotRequest> Subject::conversation(const std::string& kind) const {
    const auto dir = scratch_.string();
    if (kind == CASTRA_LAUNCHER_V1) {
        const json vm{{"name", "web-0"},
                      {"project", "p"},
                      {"uuid", "4be0643f-1d98-473b-97cd-ca98a65347dd"},
                      {"cpus", 1},
                      {"memory_bytes", 268435456},
                      {"base_image", "/nowhere/base.qcow2"},
                      {"base_format", "qcow2"},
                      {"boot", json::object()},
                      {"ready_marker", ""},
                      {"port_forwards", json::array({{{"host", 2222}, {"guest", 22}}})},
                      {"options", json::object()}};
        auto with_command = vm; // what many launchers want
        with_command["options"] = {{"command", {"/bin/sleep", "1"}}};
        const json paths{{"state_dir", dir}, {"runtime_dir", dir}, {"overlay", dir + "/o"}, {"authorized_keys", ""}};
        return {
            {CASTRA_LAUNCHER_REQUIREMENTS, "requirements", {{"vm", vm}}, true},
            {CASTRA_LAUNCHER_PLAN, "plan", {{"vm", vm}, {"paths", paths}, {"probes", json::object()}}, true},
            {CASTRA_LAUNCHER_PLAN, "plan", {{"vm", with_command}, {"paths", paths}, {"probes", json::object()}}, true},
            {CASTRA_LAUNCHER_EXPLAIN_EXIT,
             "explain_exit",
             {{"vm", vm}, {"phase", "boot"}, {"exit_code", 1}, {"stderr_tail", "out of luck"}},
             true}};
    }
    if (kind == CASTRA_BROKER_LAUNCHER_V1)
        return {{CASTRA_BROKER_LAUNCHER_PLAN,
                 "plan",
                 {{"project", "p"}, {"paths", {{"state_dir", dir}, {"runtime_dir", dir}}}, {"port", 0}},
                 true}};
    if (kind == CASTRA_BOOTSTRAP_STEP_V1) {
        const json vm{{"name", "web-0"},
                      {"project", "p"},
                      {"uuid", "4be0643f-1d98-473b-97cd-ca98a65347dd"},
                      {"state_dir", dir},
                      {"runtime_dir", dir}};
        // Not apply: what that does to a machine is nobody's to try. Only cancelling looks at it.
        return {{CASTRA_BOOTSTRAP_STEP_PLAN, "plan", {{"vm", vm}, {"inputs", json::object()}}, true}};
    }
    const json known = event_header("vm.ready", 2, "info"), unknown = event_header("x.future.thing", 3, "warn");
    return {{CASTRA_REPORTER_OPEN,
             "open",
             {{"run_id", "01HV"},
              {"operation", "up"},
              {"project", "p"},
              {"terminal", {{"is_tty", false}, {"width", 0}, {"color", false}}}},
             false},
            {CASTRA_REPORTER_EVENTS, "events", {{"events", json::array({known, unknown})}}, false},
            {CASTRA_REPORTER_EVENTS,
             "events",
             {{"events", json::array({event_header("summary", 9, "error")})},
              {"gap", {{"first_seq", 4}, {"last_seq", 8}, {"count", 5}, {"reason", "overflow"}}}},
             false},
            {CASTRA_REPORTER_FLUSH, "flush", json::object(), false},
            {CASTRA_REPORTER_CLOSE, "close", json::object(), false}};
}

std::string problem_of_error(const SlotAnswer& answer) {
    if (answer.status < CASTRA_FAILED || answer.status > CASTRA_INTERNAL)
        return "answers the unknown status " + std::to_string(answer.status);
    const auto said = parse_json_object(answer.error);
    if (!said) return "its error is " + said.error().text;
    for (const auto* field : {"code", "title"}) {
        const auto found = said->find(field);
        if (found == said->end() || !found->is_string() || found->get_ref<const std::string&>().empty())
            return std::string("its error has no ") + field + ": " + clipped(answer.error, 200);
    }
    return {};
}

std::string problem_of_reply(const std::string& kind, std::uint32_t slot, const std::string& reply) {
    const auto said = reply.empty() ? json::object() : parse_json_object(reply);
    if (!said) return "its reply is " + said.error().text;
    try {
        if (kind == CASTRA_LAUNCHER_V1 && slot == CASTRA_LAUNCHER_REQUIREMENTS) said->get<sdk::Requirements>();
        if (kind == CASTRA_LAUNCHER_V1 && slot == CASTRA_LAUNCHER_EXPLAIN_EXIT) said->get<sdk::ExitExplanation>();
        if (kind == CASTRA_BOOTSTRAP_STEP_V1 && slot == CASTRA_BOOTSTRAP_STEP_PLAN) said->get<sdk::StepPlan>();
        if (kind == CASTRA_LAUNCHER_V1 && slot == CASTRA_LAUNCHER_PLAN) {
            const auto plan = said->get<sdk::LaunchPlan>();
            if (plan.argv.empty() || plan.argv[0].empty()) return "its plan has no argv";
            if (plan.readiness.kind != "started" && plan.readiness.kind != "marker" && plan.readiness.kind != "notify")
                return "its plan has a readiness of unknown kind \"" + plan.readiness.kind + "\"";
        }
        if (kind == CASTRA_BROKER_LAUNCHER_V1) {
            const auto plan = said->get<sdk::BrokerPlan>();
            if (plan.enabled && plan.argv.empty()) return "its plan is enabled and has no argv";
        }
    } catch (const std::exception& error) {
        return std::string("its reply does not fit: ") + error.what();
    }
    return {};
}

} // namespace castra
