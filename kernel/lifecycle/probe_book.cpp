// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/probe_book.hpp"

#include "host/files.hpp"
#include "host/run_program.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace castra {
namespace {

std::string with_dir(std::string text, const std::string& dir) {
    for (auto at = text.find("{dir}"); at != std::string::npos; at = text.find("{dir}", at + dir.size()))
        text.replace(at, 5, dir);
    return text;
}

sdk::ProbeVerdict judge(const Result<ExitStatus>& ended, const sdk::Probe& probe, const std::string& output) {
    if (ended && ended->exit_code == probe.success_exit_code) return {true, "proved"};
    auto detail = !ended             ? ended.error().text
                  : ended->exit_code ? "exit code " + std::to_string(*ended->exit_code)
                                     : ended->signal.value_or("unknown end");
    return {false, output.empty() ? detail : detail + ": " + output};
}

} // namespace

ProbeBook::ProbeBook(Host& host, std::filesystem::path cache, std::filesystem::path scratch)
    : host_(host), cache_(std::move(cache)), scratch_(std::move(scratch)) {}

std::string ProbeBook::key_of(const sdk::Probe& probe) const {
    const auto program = probe.argv.empty() ? std::string() : host_.find_program(probe.argv[0]).value_or(probe.argv[0]);
    struct stat info {};
    ::stat(program.c_str(), &info);
    return files::sha256_of(sdk::Json{host_.boot_id(), probe.id, probe.cache_key, probe.argv, program, info.st_dev,
                                      info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec}
                                .dump());
}

Task<sdk::ProbeVerdict> ProbeBook::verdict(sdk::Probe probe, Gate& cancel) {
    const auto key = key_of(probe);
    if (const auto found = pages_.find(key); found != pages_.end()) {
        const auto page = found->second; // it may be torn out meanwhile
        co_await page->done.wait();
        co_return page->verdict;
    }
    const auto page = std::make_shared<Page>(host_.executor());
    pages_[key] = page;
    auto found = co_await run(probe, key, cancel);
    page->verdict = found;
    if (cancel.is_open()) pages_.erase(key);
    page->done.open();
    co_return found;
}

Task<sdk::ProbeVerdict> ProbeBook::run(const sdk::Probe& probe, const std::string& key, Gate& cancel) {
    const auto page = cache_ / (key + ".json");
    if (const auto text = files::read(page, 65536)) {
        const auto json = sdk::Json::parse(*text, nullptr, false);
        if (json.is_object() && json.contains("ok") && json["ok"].is_boolean())
            co_return sdk::ProbeVerdict{json["ok"].get<bool>(), json.value("detail", "")};
    }
    const auto dir = scratch_ / ("probe-" + key.substr(0, 8));
    if (auto made = files::make_directories(dir); !made) co_return sdk::ProbeVerdict{false, made.error().text};
    for (const auto& file : probe.files)
        if (auto written = files::replace(with_dir(file.path, dir), files::decode_base64(file.content_base64), false);
            !written)
            co_return sdk::ProbeVerdict{false, written.error().text};
    ProgramRun program;
    for (const auto& argument : probe.argv)
        program.argv.push_back(with_dir(argument, dir));
    program.working_dir = dir;
    program.output_path = dir / "output";
    program.deadline = std::min(Milliseconds(std::max<std::int64_t>(1, probe.deadline_ms)), deadline_max);
    program.cancel = &cancel;
    const auto ended = co_await run_program(host_, std::move(program));
    const auto verdict = judge(ended, probe, files::tail_of(dir / "output", 400));
    (void)files::remove_tree(dir);
    // A deadline that passed is a verdict about the machine; a program that could not even be run is not.
    const bool is_verdict = ended || ended.error().code == ErrorCode::timeout;
    if (is_verdict && files::make_directories(cache_)) (void)files::replace(page, sdk::Json(verdict).dump(), false);
    co_return verdict;
}

} // namespace castra
