// What this plugin promises, tried through the real border; castra does not run.
#include <castra/testkit/check.hpp>
#include <castra/testkit/plugin_under_test.hpp>
#include <castra/testkit/samples.hpp>

#include <filesystem>
#include <stdlib.h>
#include <sys/eventfd.h>

using namespace castra::testkit;
using castra::sdk::StepAction;
using castra::sdk::StepStatus;

int main() {
    static HostDouble host;
    const PluginUnderTest plugin(CASTRA_PLUGIN_FILE, host);
    std::string dir = std::filesystem::temp_directory_path() / "%ID%-XXXXXX";
    CASTRA_CHECK_THAT(::mkdtemp(dir.data()) != nullptr);
    const auto vm = sample_step_vm(dir);

    const auto step = plugin.step({{"marker", "done"}});
    const auto planned = step.plan({.vm = vm, .inputs = {{"a", 1}}});
    CASTRA_CHECK_THAT(planned.action == StepAction::would_run && planned.hash.has_value());
    CASTRA_CHECK_THAT(std::filesystem::is_empty(dir)); // planning has no side effect
    CASTRA_CHECK_THAT(step.verify({.vm = vm, .inputs = {}, .plan = planned}).status == StepStatus::failed);

    const int given_up = ::eventfd(1, EFD_CLOEXEC); // readable: castra gave up
    CASTRA_CHECK_THAT(throws<BadAnswer>(
        [&] { step.apply({.vm = vm, .inputs = {}, .plan = planned}, {.deadline = {}, .cancel_fd = given_up}); },
        [](const BadAnswer& answer) { return answer.status() == CASTRA_CANCELLED; }));
    CASTRA_CHECK_THAT(step.apply({.vm = vm, .inputs = {}, .plan = planned}).status == StepStatus::success);
    CASTRA_CHECK_THAT(step.verify({.vm = vm, .inputs = {}, .plan = planned}).status == StepStatus::success);
    CASTRA_CHECK_THAT(step.plan({.vm = vm, .inputs = {{"a", 1}}}).action == StepAction::would_skip);
    std::filesystem::remove_all(dir);
    return result();
}
