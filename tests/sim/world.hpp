// SPDX-License-Identifier: Apache-2.0
// The simulated machine: one clock, one disk, processes with their open files, and what goes wrong. A process of castra
// runs real code; every system call of it ends here (file_calls.cpp, socket_calls.cpp, thread_calls.cpp) or in SimHost.
// All else (guests, tools, strangers) is a few callbacks on the clock. One world at a time: the calls find it by
// `world`.
#pragma once
#include "disk.hpp"
#include "fibers.hpp"

#include <cstdint>
#include <deque>
#include <set>
#include <stdexcept>

namespace castra::sim {

struct Proc;
using ProcPtr = std::shared_ptr<Proc>;

// What several descriptors of several processes may share.
struct OpenFile : std::enable_shared_from_this<OpenFile> {
    enum class Kind { file, directory, socket, listener, epoll, event, lease } kind = Kind::file;
    NodePtr node;
    std::string path;
    std::size_t at = 0;
    int flags = 0;
    // socket
    std::string inbox;
    std::weak_ptr<OpenFile> peer;
    bool peer_closed = false;
    std::function<void()> on_input; // of an end that no descriptor names: a guest's
    // listener
    std::vector<std::shared_ptr<OpenFile>> pending;
    std::function<void()> on_connect;
    // event
    std::uint64_t count = 0;
    // registered with
    std::weak_ptr<OpenFile> watcher;
    void* cookie = nullptr;
    bool is_queued = false;
    // epoll
    std::vector<std::weak_ptr<OpenFile>> ready;

    ~OpenFile();
};
using OpenFilePtr = std::shared_ptr<OpenFile>;

struct ExitWord {
    int code = 0;
    int signal = 0; // not 0: killed by it
};

struct Proc : std::enable_shared_from_this<Proc> {
    enum class Role { castra, tool, guest, stranger } role = Role::stranger;
    int pid = 0;
    std::uint64_t start_ticks = 0;
    bool lives = true;
    std::string name; // for the trace; of a guest: its VM
    std::string cwd;
    std::map<int, OpenFilePtr> files;
    std::function<void(int)> on_signal; // other than SIGKILL
    std::int64_t kill_takes_us = 0;     // stuck in the machine's kernel for so long
    std::vector<std::function<void(ExitWord)>> on_exit;
    bool is_tied = false;       // a child that ends with castra
    bool journal_broke = false; // the one it writes now
    int held_by = 0;            // a child that waits for this castra's word to begin
    bool has_begun = false;     // a guest that runs
    std::string project;        // of a guest
    // castra only
    std::int64_t effects_left = -1; // then it is killed; -1: never
    std::vector<std::weak_ptr<Proc>> held;
};

// What may go wrong in one history. Chances in per mille of calls.
struct Faults {
    int write_eio = 0, sync_eio = 0, other_eio = 0, spawn = 0, plugin = 0, tool = 0, bad_guest_percent = 0, sink = 0;
    bool disk_fills = false;
    bool reboots = false;
    bool kills = false;
    bool strangers = false;
};

// Deliberate bugs of the seam, to see that the harness finds them.
enum class SeamBug { none, held_runs_at_once, sync_lies, lock_ignored, adopts_any, short_write_unseen, torn_rename };

struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class World {
public:
    World(std::uint64_t seed, SeamBug bug, bool traces);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    Random random;
    std::int64_t now_us = 0;
    Disk disk;
    Fibers fibers;
    Faults faults;
    const SeamBug bug;
    Proc* current = nullptr; // whose code runs
    bool disk_is_full = false;
    std::string boot_id = "boot-1";
    std::map<std::string, std::weak_ptr<OpenFile>> leases;

    std::int64_t unix_us() const { return 1'790'000'000'000'000 + now_us; }
    void at(std::int64_t time_us, std::function<void()> what);
    void after_ms(std::int64_t ms, std::function<void()> what) { at(now_us + ms * 1000, std::move(what)); }
    std::optional<std::int64_t> next_event_us() const;
    void run_next_event(); // moves the clock

    ProcPtr new_proc(Proc::Role role, std::string name);
    ProcPtr find(int pid) const; // that lives
    void end(Proc& proc, ExitWord how);
    // As from `by`: null is the machine's owner. Watches that castra hits nobody else.
    void signal(Proc& proc, int number, const Proc* by);
    void kill(Proc& castra); // -9, at once; what it held ends
    std::vector<ProcPtr> living(Proc::Role role) const;
    void reboot();

    // Asked before each call of castra that has an effect: 0, or the errno it fails with. May kill the caller.
    enum class Call { open, write, sync, remove, rename, make, other };
    int admit(Call call, const std::string& path);
    bool is_dead() const { return current && !current->lives; }

    // Of castra's system calls, for whoever watches: before the effect.
    std::function<void(const char* call, const std::string& path)> on_effect;

    int open_fd(OpenFilePtr file); // in the current process
    OpenFilePtr file_of(int fd) const;
    static bool is_ours(int fd) { return fd >= first_fd; }
    bool close_fd(int fd);
    void wake(OpenFile& file); // something happened on it
    std::pair<OpenFilePtr, OpenFilePtr> socket_pair();

    bool traces() const { return traces_; }
    void note(const std::string& line);
    const std::string& trace() const { return trace_; }
    // The harness found something. The first is kept; the history ends soon.
    void violation(const std::string& what);
    const std::optional<std::string>& found() const { return found_; }

    static constexpr int first_fd = 1 << 20;

private:
    std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> events_;
    std::uint64_t last_event_ = 0;
    std::map<int, ProcPtr> procs_; // that live
    std::map<int, std::uint64_t> last_ticks_;
    std::int64_t booted_us_ = 0;
    int last_fd_ = first_fd;
    int boots_ = 1;
    bool traces_;
    std::string trace_;
    std::optional<std::string> found_;
};

extern World* world; // null: the calls are the real ones

// Runs what follows as code of that process.
class As {
public:
    explicit As(Proc* proc) : before_(world->current) { world->current = proc; }
    As(const As&) = delete;
    As& operator=(const As&) = delete;
    ~As() { world->current = before_; }

private:
    Proc* before_;
};

} // namespace castra::sim
