// SPDX-License-Identifier: Apache-2.0
#include "validator/validator.hpp"

#include "host/blocking_child.hpp"
#include "host/files.hpp"
#include "plugin/json_text.hpp"
#include "validator/live_checks.hpp"
#include "validator/static_checks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

namespace castra {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds check_wait{20};
constexpr std::size_t verdict_bytes_max = 64 * 1024;

std::string read_whole(int memory_fd) {
    std::string text(verdict_bytes_max, '\0');
    const auto size = ::pread(memory_fd, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

// The child writes its verdict into one file in memory and whatever it prints into another: neither can be made to
// wait. `has_died`: so would every later check.
CheckResult in_child(const LiveCheck& check, const std::filesystem::path& file, const ValidatorSettings& settings,
                     bool& has_died) {
    const UniqueFd verdict(::memfd_create("verdict", MFD_CLOEXEC)), output(::memfd_create("output", MFD_CLOEXEC));
    if (!verdict || !output) return check_skipped("no file in memory");
    ChildRequest request;
    request.program = settings.program;
    request.argv = {"castra", "plugin", "check", file.string(), "--name", check.name, "--report-fd", "3"};
    request.fd = verdict.get();
    request.output_fd = output.get();
    auto child = BlockingChild::spawn(request);
    if (!child) return check_skipped(child.error().text);
    auto ended = (*child)->wait(Clock::now() + check_wait);
    const bool is_late = !ended;
    if (is_late) ended = (*child)->end(std::chrono::milliseconds(0));
    const auto printed = read_whole(output.get());
    const auto said = parse_json_object(read_whole(verdict.get()));
    has_died = is_late || !said || *ended != "exit code 0";
    if (is_late)
        return check_failed("did not come to an end within " + std::to_string(check_wait.count()) + " s",
                            "a call looks at its deadline and its cancel_fd");
    if (has_died)
        return check_failed("ended the process by " + *ended +
                                (printed.empty() ? "" : "; its last words: " + clipped(printed, 300)),
                            "a plugin never ends the process it is in");
    CheckResult result;
    const auto status = said->value("status", "failed");
    result.status = status == "passed"    ? CheckStatus::passed
                    : status == "skipped" ? CheckStatus::skipped
                                          : CheckStatus::failed;
    result.text = said->value("text", "");
    result.hint = said->value("hint", "");
    if (result.status == CheckStatus::passed && std::string_view(check.name) == "load.quiet" && !printed.empty())
        return check_failed("prints while it is loaded: \"" + clipped(printed, 100) + "\"",
                            "stdout may be a stream of events; use host().info()");
    return result;
}

} // namespace

Result<PluginReport> validate_plugin(const std::filesystem::path& file, const ValidatorSettings& settings) {
    std::error_code problem;
    PluginReport report;
    const auto real = std::filesystem::canonical(file, problem);
    if (problem) return fail(ErrorCode::not_found, file.string() + ": " + problem.message());
    report.file = real.string();
    report.level_max = settings.level_max;
    report.checks = static_checks(real, report.plugin);
    bool has_failed = false;
    for (const auto& check : report.checks)
        has_failed = has_failed || check.status == CheckStatus::failed;
    if (!has_failed) report.level_passed = 1;
    int failed_level = has_failed ? 1 : 0;
    bool has_died = false;
    for (const auto& check : live_checks()) {
        if (check.level > settings.level_max) break;
        CheckResult result;
        const auto began = Clock::now();
        if (has_died)
            result = check_skipped("an earlier check ended its process");
        else if (failed_level != 0 && failed_level < check.level)
            result = check_skipped("a check of level " + std::to_string(failed_level) + " failed");
        else
            result = in_child(check, real, settings, has_died);
        result.name = check.name;
        result.level = check.level;
        result.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
        if (result.status == CheckStatus::failed && failed_level == 0) failed_level = check.level;
        if (failed_level == 0) report.level_passed = check.level;
        report.checks.push_back(std::move(result));
    }
    if (failed_level > 0) report.level_passed = failed_level - 1;
    return report;
}

} // namespace castra
