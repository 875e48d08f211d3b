// SPDX-License-Identifier: Apache-2.0
// The kernel's threads, run one at a time on the thread of the simulation: pthread's calls lead here
// (thread_calls.cpp), and who goes on is drawn from the seed. So the real code of journal and sinks runs, with all its
// interleavings, and every one can be had again.
#pragma once
#include "random.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace castra::sim {

class Fibers {
public:
    using Id = unsigned long;
    // `now_us` is moved forward when all wait for time. `stuck`: all wait and none for time; must not return.
    Fibers(Random& random, std::int64_t& now_us, std::function<void()> stuck);
    Fibers(const Fibers&) = delete;
    Fibers& operator=(const Fibers&) = delete;
    ~Fibers();

    Id start(std::function<void()> work);
    void join(Id id);
    // Waits to be woken through `what`; false: the deadline came first.
    bool wait(const void* what, std::optional<std::int64_t> deadline_us);
    void wake(const void* what, bool all);
    void maybe_yield(); // lets others go on, sometimes
    void run_others();  // until every other one waits
    std::optional<std::int64_t> next_deadline_us() const;
    void expire(); // whose deadline has come may go on
    // Saved and restored at every switch.
    void** context = nullptr;

private:
    struct Fiber;
    void resume_another(bool prefer_others);
    void jump(Fiber& to);
    static void enter();

    Random& random_;
    std::int64_t& now_us_;
    std::function<void()> stuck_;
    std::vector<std::unique_ptr<Fiber>> fibers_; // the first is whoever made this
    Fiber* running_ = nullptr;
    Id last_id_ = 0;
};

} // namespace castra::sim
