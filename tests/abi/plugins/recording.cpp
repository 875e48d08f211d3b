// SPDX-License-Identifier: Apache-2.0
// One .so, four kinds that work, and in front of each slot a scribe: what castra asks and what the glue answers is
// kept, byte for byte, in the file `record` beside CASTRA_HOME, a line for each: where its schema is, a tab, the
// payload.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/process_broker.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace castra::sdk;

class Machine : public Launcher {
public:
    Requirements requirements(const RequirementsRequest&) override {
        Requirements wanted;
        wanted.programs = {{"sleep", "coreutils"}};
        wanted.files = {{"/etc/passwd", "the users", "none"}};
        wanted.probes = {{.id = "true", .argv = {"/bin/true"}, .files = {{"{dir}/x", "eA=="}}, .cache_key = "1"}};
        return wanted;
    }
    LaunchPlan plan(const PlanRequest& request) override {
        LaunchPlan plan;
        const bool ends = request.vm.options.value("ends", false);
        plan.argv = {"/bin/sh", "-c", ends ? "exit 3" : "echo READY >&$FD; exec sleep 1000"};
        plan.env["FD"] = "{fd:notify}";
        plan.readiness = {"notify", "", "", 30000};
        plan.warnings = {{"recorded", "this one is written down", "read it"}};
        return plan;
    }
    ExitExplanation explain_exit(const ExitReport&) override { return {"it was told to end"}; }
};

class Broker : public BrokerLauncher {
public:
    explicit Broker(const Json& config) : cli_(config.value("greeting", "")) {}
    BrokerPlan plan(const BrokerPlanRequest& request) override { return process_broker_plan(cli_, request); }

private:
    std::string cli_;
};

class Step : public BootstrapStep {
public:
    StepPlan plan(const StepPlanRequest& request, const Call&) override {
        const auto inputs = request.inputs.get<StepInputs>();
        return {.reason = inputs.step, .details = {{"kept", inputs.remote_dir}}, .warnings = {"said"}};
    }
    StepOutcome apply(const StepRequest& request, const Call&) override {
        const auto inputs = request.inputs.get<StepRunInputs>();
        return {.status = inputs.env.empty() ? StepStatus::failed : StepStatus::success,
                .detail = "done",
                .outputs = {{"seen", true}}};
    }
};

class Scribe : public Reporter {
public:
    void events(const EventBatch& batch, const Call&) override {
        for (const auto& event : batch.events)
            host().emit({.type = "x.recording.seen", .message = event.type});
        (void)host().now();
        (void)host().cancelled();
    }
};

// ---- the scribe -----------------------------------------------------------------------------------------------------

void write_down(const std::string& line) {
    const char* home = std::getenv("CASTRA_HOME");
    const auto path = std::string(home ? home : "") + "/../record";
    const int fd = home ? ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    if (::write(fd, line.data(), line.size()) < 0) std::abort();
    ::close(fd);
}

template <class Kind>
constexpr const char* names[] = {""};
template <>
constexpr const char* names<Launcher>[] = {"launcher/requirements", "launcher/plan", "launcher/explain_exit"};
template <>
constexpr const char* names<BrokerLauncher>[] = {"broker_launcher/plan"};
template <>
constexpr const char* names<BootstrapStep>[] = {"bootstrap_step/plan", "bootstrap_step/apply", "bootstrap_step/verify"};
template <>
constexpr const char* names<Reporter>[] = {"reporter/open", "reporter/events", "reporter/flush", "reporter/close"};

std::int32_t append(void* text, castra_bytes chunk) {
    static_cast<std::string*>(text)->append(static_cast<const char*>(chunk.data), chunk.size);
    return 0;
}

template <class Kind, std::size_t Index>
std::int32_t recorded(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                      const castra_sink* error) {
    const std::string name = names<Kind>[Index];
    write_down(name + ".request.json\t" + std::string(static_cast<const char*>(request.data), request.size) + "\n");
    std::string said;
    const castra_sink kept{&said, append};
    const auto status = detail::KindTraits<Kind>::slots[Index](instance, call, request, &kept, error);
    if (status == CASTRA_OK) write_down(name + ".reply.json\t" + said + "\n");
    return reply->write(reply->self, {said.data(), said.size()}) == 0 ? status : CASTRA_INTERNAL;
}

template <class Kind, class Indices>
struct Recorded;
template <class Kind, std::size_t... Index>
struct Recorded<Kind, std::index_sequence<Index...>> {
    static constexpr castra_slot slots[] = {recorded<Kind, Index>...};
    static constexpr castra_interface table{sizeof(castra_interface), sizeof...(Index), slots};
};

using Made = detail::Plugin<Machine, Broker, Step, Scribe>;

const castra_interface* find(const char* id) {
    const castra_interface* found = nullptr;
    Made::any_kind([&]<class Kind>() {
        if (std::string_view(id) != detail::KindTraits<Kind>::id) return false;
        found = &Recorded<Kind, std::make_index_sequence<std::size(detail::KindTraits<Kind>::slots)>>::table;
        return true;
    });
    return found;
}

constexpr castra_plugin table = [] {
    auto copy = Made::table;
    copy.find_interface = find;
    return copy;
}();

} // namespace

extern "C" CASTRA_EXPORT const castra_plugin* castra_plugin_entry_v1(void);
extern "C" const castra_plugin* castra_plugin_entry_v1(void) {
    return &table;
}
