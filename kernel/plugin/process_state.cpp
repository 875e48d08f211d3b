// SPDX-License-Identifier: Apache-2.0
#include "plugin/process_state.hpp"

#include <algorithm>
#include <cfenv>
#include <charconv>
#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

// "Umask:\t0022" of /proc/self/status, read there because umask(2) cannot be asked without being changed.
std::string status_line(std::string_view key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key)) return line.substr(line.find_first_not_of(" \t", key.size()));
    return {};
}

unsigned read_umask() {
    const auto text = status_line("Umask:");
    unsigned value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value, 8).ec == std::errc()) return value;
    const auto old = ::umask(077); // a kernel without that line
    ::umask(old);
    return old;
}

std::vector<std::string> thread_ids() {
    std::error_code problem;
    std::vector<std::string> ids;
    for (std::filesystem::directory_iterator entry("/proc/self/task", problem), end; !problem && entry != end;
         entry.increment(problem))
        ids.push_back(entry->path().filename());
    std::ranges::sort(ids);
    return ids;
}

#if defined(__x86_64__)
std::uint64_t read_float_control() {
    std::fenv_t environment{};
    std::fegetenv(&environment);
    return (std::uint64_t{environment.__control_word} << 32) | (environment.__mxcsr & ~0x3fU);
}
void write_float_control(std::uint64_t control) {
    std::fenv_t environment{};
    std::fegetenv(&environment);
    environment.__control_word = static_cast<unsigned short>(control >> 32);
    environment.__mxcsr = static_cast<unsigned>(control) | (environment.__mxcsr & 0x3fU);
    std::fesetenv(&environment);
}
#else
std::uint64_t read_float_control() {
    return static_cast<std::uint64_t>(std::fegetround());
}
void write_float_control(std::uint64_t control) {
    std::fesetround(static_cast<int>(control));
}
#endif

std::string signal_name(int number) {
    const auto* name = ::sigabbrev_np(number);
    return name ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

bool same_set(const sigset_t& a, const sigset_t& b) {
    for (int number = 1; number < 65; ++number)
        if (::sigismember(&a, number) != ::sigismember(&b, number)) return false;
    return true;
}

bool same_action(const struct sigaction& a, const struct sigaction& b) {
    return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags && same_set(a.sa_mask, b.sa_mask);
}

// "HOME" of the first entry that only one side has.
std::string changed_variable(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    std::vector<std::string> changed;
    std::ranges::set_symmetric_difference(before, now, std::back_inserter(changed));
    return changed.empty() ? "its order" : changed.front().substr(0, changed.front().find('='));
}

} // namespace

ProcessState ProcessState::capture() {
    ProcessState state;
    for (int number = 1; number < 65; ++number)
        ::sigaction(number, nullptr, &state.actions_.at(number));
    ::pthread_sigmask(SIG_SETMASK, nullptr, &state.mask_);
    const auto* locale = std::setlocale(LC_ALL, nullptr);
    state.locale_ = locale ? locale : "";
    std::error_code problem;
    state.working_dir_ = std::filesystem::current_path(problem).string();
    state.umask_ = read_umask();
    state.float_control_ = read_float_control();
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry)
        state.environment_.emplace_back(*entry);
    std::ranges::sort(state.environment_);
    state.threads_ = thread_ids();
    return state;
}

std::vector<std::string> ProcessState::differences(const ProcessState& now) const {
    std::vector<std::string> found;
    for (int number = 1; number < 65; ++number)
        if (!same_action(actions_.at(number), now.actions_.at(number)))
            found.push_back("the signal handler of " + signal_name(number));
    if (!same_set(mask_, now.mask_)) found.emplace_back("the signal mask");
    if (locale_ != now.locale_) found.emplace_back("the locale");
    if (working_dir_ != now.working_dir_) found.emplace_back("the working directory");
    if (umask_ != now.umask_) found.emplace_back("the umask");
    if (float_control_ != now.float_control_) found.emplace_back("the floating point control word");
    if (environment_ != now.environment_)
        found.push_back("the environment (" + changed_variable(environment_, now.environment_) + ")");
    // One that was joined may still be listed for a moment, so that a thread is gone says nothing.
    if (!std::ranges::includes(threads_, now.threads_)) found.emplace_back("the number of threads");
    return found;
}

void ProcessState::restore() const {
    for (int number = 1; number < 65; ++number) {
        struct sigaction current {};
        if (::sigaction(number, nullptr, &current) == 0 && !same_action(current, actions_.at(number)))
            ::sigaction(number, &actions_.at(number), nullptr);
    }
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    std::setlocale(LC_ALL, locale_.c_str());
    std::error_code ignored;
    if (!working_dir_.empty()) std::filesystem::current_path(working_dir_, ignored);
    ::umask(umask_);
    if (read_float_control() != float_control_) write_float_control(float_control_);
    const auto now = capture();
    if (now.environment_ == environment_) return;
    ::clearenv();
    for (const auto& entry : environment_)
        if (const auto equals = entry.find('='); equals != std::string::npos && equals > 0)
            ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
}

} // namespace castra
