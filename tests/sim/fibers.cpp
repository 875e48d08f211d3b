// SPDX-License-Identifier: Apache-2.0
#include "fibers.hpp"

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <cxxabi.h>
#include <ucontext.h>

namespace castra::sim {
namespace {

constexpr std::size_t stack_bytes = 256 << 10;
// Stacks, used again over all seeds of one process.
std::vector<std::unique_ptr<char[]>>& spare_stacks() {
    static std::vector<std::unique_ptr<char[]>> stacks;
    return stacks;
}
Fibers* starting = nullptr;

} // namespace

struct Fibers::Fiber {
    enum class State { ready, waiting, done } state = State::ready;
    Id id = 0;
    std::function<void()> work;
    std::unique_ptr<char[]> stack;
    bool has_begun = false;
    jmp_buf at{};
    const void* waits_for = nullptr;
    std::optional<std::int64_t> deadline_us;
    bool was_woken = false;
    void* context = nullptr;
    int saved_errno = 0;
    std::array<void*, 2> exceptions{}; // __cxa_eh_globals
};

Fibers::Fibers(Random& random, std::int64_t& now_us, std::function<void()> stuck)
    : random_(random), now_us_(now_us), stuck_(std::move(stuck)) {
    fibers_.push_back(std::make_unique<Fiber>());
    running_ = fibers_.front().get();
    running_->has_begun = true;
}

Fibers::~Fibers() {
    for (auto& fiber : fibers_)
        if (fiber->stack) spare_stacks().push_back(std::move(fiber->stack));
}

Fibers::Id Fibers::start(std::function<void()> work) {
    auto fiber = std::make_unique<Fiber>();
    fiber->id = ++last_id_;
    fiber->work = std::move(work);
    fiber->context = context ? *context : nullptr;
    if (spare_stacks().empty()) {
        fiber->stack = std::make_unique<char[]>(stack_bytes);
    } else {
        fiber->stack = std::move(spare_stacks().back());
        spare_stacks().pop_back();
    }
    fibers_.push_back(std::move(fiber));
    return last_id_;
}

void Fibers::enter() {
    auto& self = *starting;
    self.running_->work();
    self.running_->state = Fiber::State::done;
    self.wake(self.running_, true);
    self.resume_another(true);
}

void Fibers::jump(Fiber& to) {
    auto& from = *running_;
    if (&from == &to) return;
    const auto exceptions = reinterpret_cast<std::array<void*, 2>*>(abi::__cxa_get_globals());
    from.exceptions = *exceptions;
    from.saved_errno = errno;
    if (context) from.context = *context;
    if (_setjmp(from.at) == 0) {
        running_ = &to;
        if (to.has_begun) _longjmp(to.at, 1);
        to.has_begun = true;
        starting = this;
        if (context) *context = to.context;
        *exceptions = {};
        ucontext_t first;
        getcontext(&first);
        first.uc_stack.ss_sp = to.stack.get();
        first.uc_stack.ss_size = stack_bytes;
        first.uc_link = nullptr;
        makecontext(&first, &Fibers::enter, 0);
        setcontext(&first);
    }
    if (context) *context = running_->context;
    *reinterpret_cast<std::array<void*, 2>*>(abi::__cxa_get_globals()) = running_->exceptions;
    errno = running_->saved_errno;
}

void Fibers::resume_another(bool prefer_others) {
    std::vector<Fiber*> ready;
    for (const auto& fiber : fibers_)
        if (fiber->state == Fiber::State::ready && !(prefer_others && fiber.get() == running_))
            ready.push_back(fiber.get());
    if (!ready.empty())
        return jump(*ready[static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(ready.size())))]);
    if (running_->state == Fiber::State::ready) return;
    Fiber* first = nullptr;
    for (const auto& fiber : fibers_)
        if (fiber->state == Fiber::State::waiting && fiber->deadline_us &&
            (!first || *fiber->deadline_us < *first->deadline_us))
            first = fiber.get();
    if (!first) {
        stuck_();
        std::abort();
    }
    now_us_ = std::max(now_us_, *first->deadline_us);
    first->state = Fiber::State::ready;
    jump(*first);
}

bool Fibers::wait(const void* what, std::optional<std::int64_t> deadline_us) {
    auto& self = *running_;
    self.state = Fiber::State::waiting;
    self.waits_for = what;
    self.deadline_us = deadline_us;
    self.was_woken = false;
    resume_another(true);
    self.waits_for = nullptr;
    self.deadline_us.reset();
    return self.was_woken;
}

void Fibers::wake(const void* what, bool all) {
    for (const auto& fiber : fibers_) {
        if (fiber->state != Fiber::State::waiting || fiber->waits_for != what) continue;
        fiber->state = Fiber::State::ready;
        fiber->was_woken = true;
        if (!all) return;
    }
}

void Fibers::maybe_yield() {
    if (fibers_.size() > 1 && random_.percent(12)) resume_another(false);
}

void Fibers::run_others() {
    while (std::ranges::any_of(
        fibers_, [&](const auto& fiber) { return fiber.get() != running_ && fiber->state == Fiber::State::ready; }))
        resume_another(true);
}

void Fibers::join(Id id) {
    const auto found = std::ranges::find_if(fibers_, [&](const auto& fiber) { return fiber->id == id; });
    if (found == fibers_.end()) return;
    auto* fiber = found->get();
    while (fiber->state != Fiber::State::done)
        wait(fiber, std::nullopt);
    spare_stacks().push_back(std::move(fiber->stack));
    std::erase_if(fibers_, [&](const auto& one) { return one.get() == fiber; });
}

void Fibers::expire() {
    for (const auto& fiber : fibers_)
        if (fiber->state == Fiber::State::waiting && fiber->deadline_us && *fiber->deadline_us <= now_us_)
            fiber->state = Fiber::State::ready;
}

std::optional<std::int64_t> Fibers::next_deadline_us() const {
    std::optional<std::int64_t> next;
    for (const auto& fiber : fibers_)
        if (fiber->state == Fiber::State::waiting && fiber->deadline_us && (!next || *fiber->deadline_us < *next))
            next = fiber->deadline_us;
    return next;
}

} // namespace castra::sim
