// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace castra::sim {

World* world = nullptr;

OpenFile::~OpenFile() {
    for (const auto& one : pending)
        one->peer_closed = true;
    if (const auto other = peer.lock()) {
        other->peer_closed = true;
        if (world) world->wake(*other);
    }
}

World::World(std::uint64_t seed, SeamBug seam_bug, bool wants_trace)
    : random(seed), fibers(random, now_us, [this] { violation("deadlock: every thread of castra waits for another"); }),
      bug(seam_bug), traces_(wants_trace) {
    disk.now_us = &now_us;
    fibers.context = reinterpret_cast<void**>(&current);
}

World::~World() {
    events_.clear();
    const auto all = std::exchange(procs_, {}); // ends of sockets wake nobody any more
    for (const auto& [pid, proc] : all) {
        proc->on_exit.clear();
        proc->on_signal = nullptr;
        proc->files.clear();
    }
}

void World::at(std::int64_t time_us, std::function<void()> what) {
    events_.emplace(std::pair{std::max(time_us, now_us), ++last_event_}, std::move(what));
}

std::optional<std::int64_t> World::next_event_us() const {
    auto next = fibers.next_deadline_us();
    if (!events_.empty() && (!next || events_.begin()->first.first < *next)) next = events_.begin()->first.first;
    return next;
}

void World::run_next_event() {
    const auto fiber = fibers.next_deadline_us();
    if (fiber && (events_.empty() || *fiber < events_.begin()->first.first)) {
        now_us = std::max(now_us, *fiber);
        return fibers.expire();
    }
    const auto first = events_.begin();
    now_us = std::max(now_us, first->first.first);
    const auto what = std::move(first->second);
    events_.erase(first);
    what();
}

ProcPtr World::new_proc(Proc::Role role, std::string name) {
    const auto ticks = static_cast<std::uint64_t>((now_us - booted_us_) / 10000) + 500;
    int pid = 0;
    do // few numbers, so that they come back soon; never within one tick of the clock
        pid = static_cast<int>(random.between(300, 340));
    while (procs_.contains(pid) || (last_ticks_.contains(pid) && last_ticks_[pid] == ticks));
    auto proc = std::make_shared<Proc>();
    proc->role = role;
    proc->name = std::move(name);
    proc->pid = pid;
    proc->start_ticks = ticks;
    last_ticks_[pid] = ticks;
    procs_[pid] = proc;
    return proc;
}

ProcPtr World::find(int pid) const {
    const auto found = procs_.find(pid);
    return found == procs_.end() ? nullptr : found->second;
}

std::vector<ProcPtr> World::living(Proc::Role role) const {
    std::vector<ProcPtr> found;
    for (const auto& [pid, proc] : procs_)
        if (proc->role == role) found.push_back(proc);
    return found;
}

void World::end(Proc& proc, ExitWord how) {
    if (!proc.lives) return;
    const auto self = proc.shared_from_this();
    proc.lives = false;
    if (traces_)
        note(proc.name + " (" + std::to_string(proc.pid) + ") ends, " +
             (how.signal ? "signal " + std::to_string(how.signal) : "code " + std::to_string(how.code)));
    procs_.erase(proc.pid);
    proc.on_signal = nullptr;
    const auto files = std::exchange(proc.files, {});
    for (const auto& child : proc.held)
        if (const auto held = child.lock(); held && (held->is_tied || held->held_by == proc.pid)) end(*held, {127, 0});
    for (const auto& tell : std::exchange(proc.on_exit, {}))
        tell(how);
}

void World::signal(Proc& proc, int number, const Proc* by) {
    if (!proc.lives) return;
    if (traces_)
        note((by ? by->name + " " + std::to_string(by->pid) : std::string("somebody")) + " sends signal " +
             std::to_string(number) + " to " + proc.name + " (" + std::to_string(proc.pid) + ")");
    if (by && proc.role != Proc::Role::guest && proc.role != Proc::Role::tool)
        violation("wrong kill: castra sent signal " + std::to_string(number) + " to " + proc.name);
    if (number != SIGKILL) {
        if (proc.on_signal)
            proc.on_signal(number);
        else
            end(proc, {0, number});
        return;
    }
    const std::weak_ptr<Proc> self = proc.shared_from_this();
    at(now_us + proc.kill_takes_us, [this, self] {
        if (const auto alive = self.lock()) end(*alive, {0, SIGKILL});
    });
}

void World::kill(Proc& castra) {
    note("castra " + std::to_string(castra.pid) + " is killed");
    end(castra, {0, SIGKILL});
}

void World::reboot() {
    note("the machine reboots");
    for (const auto& [pid, proc] : std::map(procs_)) {
        proc->on_exit.clear(); // nobody is left to be told
        for (auto& child : proc->held)
            child.reset();
        end(*proc, {0, SIGKILL});
    }
    disk.lose_power(random);
    boot_id = "boot-" + std::to_string(++boots_);
    booted_us_ = now_us;
    last_ticks_.clear();
}

int World::admit(Call call, const std::string& path) {
    if (!current || current->role != Proc::Role::castra) return 0;
    if (!current->lives) return EIO;
    if (current->effects_left > 0 && --current->effects_left == 0) {
        kill(*current);
        return EIO;
    }
    static constexpr std::array<const char*, 7> names{"open", "write", "sync", "remove", "rename", "make", "other"};
    const auto* name = names[static_cast<std::size_t>(call)];
    if (disk_is_full && (call == Call::open || call == Call::make)) return ENOSPC;
    const int chance = call == Call::write                         ? faults.write_eio
                       : call == Call::sync                        ? faults.sync_eio
                       : call == Call::open || call == Call::other ? faults.other_eio
                                                                   : faults.other_eio;
    if (chance > 0 && random.below(1000) < chance) {
        if (traces_) note(std::string(name) + " " + path + " fails: EIO");
        return EIO;
    }
    if (on_effect) on_effect(name, path);
    return 0;
}

int World::open_fd(OpenFilePtr file) {
    if (!current || !current->lives) return ++last_fd_; // a dead process: a number of nothing
    current->files[++last_fd_] = std::move(file);
    return last_fd_;
}

OpenFilePtr World::file_of(int fd) const {
    if (!current) return nullptr;
    const auto found = current->files.find(fd);
    return found == current->files.end() ? nullptr : found->second;
}

bool World::close_fd(int fd) {
    if (!current) return false;
    const auto found = current->files.find(fd);
    if (found == current->files.end()) return false;
    const auto file = std::move(found->second);
    current->files.erase(found);
    return true;
}

void World::wake(OpenFile& file) {
    if (file.on_input) return file.on_input();
    const auto watcher = file.watcher.lock();
    if (!watcher || file.is_queued) return;
    file.is_queued = true;
    watcher->ready.push_back(file.weak_from_this());
}

std::pair<OpenFilePtr, OpenFilePtr> World::socket_pair() {
    auto left = std::make_shared<OpenFile>();
    auto right = std::make_shared<OpenFile>();
    left->kind = right->kind = OpenFile::Kind::socket;
    left->peer = right;
    right->peer = left;
    return {left, right};
}

void World::note(const std::string& line) {
    if (!traces_) return;
    auto time = std::to_string(now_us);
    if (time.size() < 7) time.insert(0, 7 - time.size(), '0');
    trace_ += time.substr(0, time.size() - 6) + "." + time.substr(time.size() - 6) + " " + line + "\n";
}

void World::violation(const std::string& what) {
    note("VIOLATION: " + what);
    if (!found_) found_ = what;
}

} // namespace castra::sim
