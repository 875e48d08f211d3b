// SPDX-License-Identifier: Apache-2.0
#include "history.hpp"

#include "operations/exit_code.hpp"

#include <algorithm>

namespace castra::sim {
namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t operation_us_max = 5 * minute_us; // of every operation, whatever goes wrong

class History {
public:
    explicit History(Tally& tally) : tally_(tally), random_(world->random) {}

    void play() {
        choose_faults();
        world->disk.put("/sim/project/base.raw", std::string(512, '\0'));
        world->disk.put("/sim/project/notes.txt", "mine");
        write_config();
        for (auto moves = random_.between(3, 9); moves > 0 && !over(); --moves)
            move();
        heal();
        prove_health();
    }

private:
    bool over() const { return world->found().has_value(); }

    void choose_faults() {
        auto& faults = world->faults;
        faults.bad_guest_percent = random_.percent(70) ? static_cast<int>(random_.between(5, 60)) : 0;
        faults.kills = random_.percent(60);
        faults.strangers = random_.percent(30);
        if (random_.percent(35)) faults.spawn = static_cast<int>(random_.between(20, 200));
        if (random_.percent(25)) faults.tool = static_cast<int>(random_.between(20, 300));
        if (random_.percent(20)) faults.plugin = static_cast<int>(random_.between(20, 200));
        if (random_.percent(20)) faults.sink = static_cast<int>(random_.between(2, 60));
        faults.disk_fills = random_.percent(25);
        if (random_.percent(20)) {
            faults.write_eio = static_cast<int>(random_.between(1, 40));
            faults.sync_eio = static_cast<int>(random_.between(0, 40));
            faults.other_eio = static_cast<int>(random_.between(0, 25));
        }
        faults.reboots = random_.percent(20);
        world->disk.remembers = faults.reboots;
        vms_ = static_cast<int>(random_.between(1, 4));
        for (auto& own : chosen_)
            own = static_cast<int>(random_.below(1000));
    }

    void write_config() {
        std::string text = "version = \"0.1.0\"\n[project]\nname = \"p\"\n[lifecycle]\n"
                           "graceful_shutdown_wait_secs = 2\nsigterm_wait_secs = 1\nsigkill_wait_secs = 1\n"
                           "ready_wait_secs = 5\nboot_window = " +
                           std::to_string(chosen_[0] % 3) +
                           "\n[journal]\nruns_max = " + std::to_string(2 + chosen_[1] % 9) + "\n";
        for (int i = 0; i < vms_; ++i) {
            const auto own = chosen_[static_cast<std::size_t>(2 + i)];
            const std::array<const char*, 3> ready{"marker", "notify", "started"};
            text += "[[vms]]\nname = \"vm" + std::to_string(i) +
                    "\"\nlauncher = \"sim\"\ncpus = " + std::to_string(cpus_) + "\noptions = { ready = \"" +
                    ready[static_cast<std::size_t>(own % 3)] + "\", stop = " + (own % 7 == 0 ? "false" : "true") +
                    " }\n";
            if (own % 4 != 0) text += "base_image = \"base.raw\"\n";
            if (own % 4 == 1 && i == 0 && !world->faults.reboots) text += "overlay = \"own.qcow2\"\n";
            if (own % 5 == 0) text += "restart = \"on_failure\"\nrestarts_max = 2\n";
            if (own % 2 == 0)
                text += "port_forwards = [{ guest = 22 }, { host = " + std::to_string(30000 + i) + ", guest = 80 }]\n";
        }
        world->disk.put(Place::config, text);
    }

    // ---- time --------------------------------------------------------------------------------------------------

    // One step: whoever can go on does; otherwise the clock moves to what comes next.
    bool step() {
        world->fibers.run_others();
        std::size_t done = 0;
        if (session_) done += session_->poll();
        reap();
        if (done > 0) return true;
        if (session_ && wants_to_end_ && session_->is_idle()) {
            world->note("castra has nothing left to own and ends");
            session_.reset();
            wants_to_end_ = false;
            return true;
        }
        if (!world->next_event_us()) return false;
        world->run_next_event();
        return true;
    }

    void run_for(std::int64_t ms) {
        const auto until = world->now_us + ms * 1000;
        world->at(until, [] {});
        while (!over() && world->now_us < until)
            step();
    }

    void reap() {
        if (!session_) return;
        settle(*session_);
        if (session_->proc().lives) return;
        tally_.add("kills");
        session_.reset();
        wants_to_end_ = false;
        checks_.records();
        if (!is_disk_bad()) checks_.journals(false);
    }

    // Operations that have ended since.
    void settle(Session& session) {
        for (const auto& asked : session.operations()) {
            const bool was_killed = !session.proc().lives;
            if (settled_.contains(asked.get())) continue;
            if (!asked->result && !was_killed) {
                if (world->now_us - asked->began_us > operation_us_max)
                    world->violation("no progress: " + std::string(to_string(asked->request.operation)) +
                                     " goes on for 5 minutes");
                continue;
            }
            settled_.insert(asked.get());
            kept_.push_back(asked);
            checks_.stream(asked->stream, asked->result && !was_killed && !asked->client_broke);
            if (!asked->result) {
                tally_.add("operations killed");
                continue;
            }
            tally_.add(std::string(to_string(asked->request.operation)) + " " +
                       std::string(contract::text_of(asked->result->outcome)));
            checks_.records();
        }
    }

    // ---- people ------------------------------------------------------------------------------------------------

    bool ensure_session() {
        if (session_) return true;
        session_ = std::make_unique<Session>(++sessions_);
        auto* session = session_.get();
        if (world->faults.kills && random_.percent(15)) session->proc().effects_left = random_.between(1, 60);
        if (!session->open()) {
            const bool was_killed = !session->proc().lives;
            if (!was_killed && !is_disk_bad()) world->violation("castra does not start: " + session->why().text);
            session_.reset();
            return false;
        }
        session->kernel()->on_idle = [this] { wants_to_end_ = true; };
        reap();
        return session_ != nullptr;
    }

    bool is_disk_bad() const {
        return world->disk_is_full || world->faults.write_eio > 0 || world->faults.sync_eio > 0 ||
               world->faults.other_eio > 0;
    }

    std::vector<std::string> some_vms() {
        std::vector<std::string> names;
        if (random_.percent(60)) return names;
        for (int i = 0; i < vms_; ++i)
            if (random_.percent(50)) names.push_back("vm" + std::to_string(i));
        return names;
    }

    Request request(castra::Operation operation, std::vector<std::string> vms = {}) {
        Request wish;
        wish.operation = operation;
        wish.config = Place::config;
        wish.vms = std::move(vms);
        wish.argv = {"castra", std::string(to_string(operation))};
        return wish;
    }

    AskedPtr ask(Request wish) {
        if (!ensure_session()) return nullptr;
        tally_.add("operations");
        return session_->perform(std::move(wish));
    }

    void run_until_done(const AskedPtr& asked) {
        if (!asked) return;
        while (!over() && !asked->result && session_)
            if (!step()) return world->violation("no progress: nothing is left to happen, and an operation goes on");
    }

    void move() {
        tally_.add("moves");
        const auto dice = random_.below(100);
        if (dice < 34) {
            auto wish = request(castra::Operation::up, some_vms());
            wish.keep_going = random_.percent(30);
            wish.replace = random_.percent(30);
            operate(std::move(wish));
        } else if (dice < 54) {
            operate(request(castra::Operation::down, some_vms()));
        } else if (dice < 62) {
            clean();
        } else if (dice < 68) {
            cpus_ = static_cast<int>(random_.between(1, 2));
            write_config();
        } else if (dice < 74 && world->faults.kills) {
            if (session_) world->kill(session_->proc());
            reap();
        } else if (dice < 78 && world->faults.reboots) {
            reboot();
            reap();
        } else if (dice < 82 && world->faults.disk_fills) {
            world->disk_is_full = !world->disk_is_full;
            world->note(world->disk_is_full ? "the disk is full" : "the disk has room again");
        } else if (dice < 87 && world->faults.strangers) {
            strangers_.push_back(world->new_proc(Proc::Role::stranger, "stranger"));
        } else if (dice < 91) {
            second_kernel();
        } else {
            run_for(random_.between(1, 20000));
        }
        tell_truth();
    }

    // An operation, and what may come between.
    void operate(Request wish) {
        const auto asked = ask(std::move(wish));
        if (!asked) return;
        if (world->faults.kills && random_.percent(25)) session_->proc().effects_left = random_.between(1, 250);
        if (random_.percent(30)) run_for(random_.between(0, 3000));
        if (random_.percent(20) && session_)
            session_->perform(request(castra::Operation::down, some_vms())); // busy, as a rule
        if (random_.percent(12)) clean();
        if (random_.percent(12) && session_ && !asked->result) {
            session_->cancel(*asked);
            tally_.add("cancels");
        }
        if (world->faults.disk_fills && random_.percent(15)) world->disk_is_full = !world->disk_is_full;
        if (world->faults.reboots && random_.percent(6)) {
            reboot();
        }
        if (random_.percent(85)) run_until_done(asked);
        if (asked->result && asked->result->exit_code == 0 && asked->request.operation == castra::Operation::down &&
            asked->request.vms.empty() && session_ && session_->running() == 0 && session_->is_idle())
            checks_.nothing_stands();
        if (session_) session_->proc().effects_left = -1;
    }

    void clean() {
        Session cleaner(++sessions_);
        if (world->faults.kills && random_.percent(25)) cleaner.proc().effects_left = random_.between(1, 60);
        checks_.excuses_failed_journals = false;
        const auto asked = cleaner.clean();
        checks_.excuses_failed_journals = true;
        checks_.stream(asked->stream, cleaner.proc().lives && !asked->client_broke);
        // An overlay outside of castra's directories stays, and people are told to remove it.
        if (asked->stream.find("not_ours") != std::string::npos)
            (void)world->disk.remove("/sim/project/own.qcow2", false);
        tally_.add("cleans");
    }

    void reboot() {
        world->reboot();
        strangers_.clear();
        tally_.add("reboots");
    }

    // While one lives, no other may own the project.
    void second_kernel() {
        const bool is_owned = session_ && session_->proc().lives;
        Session second(++sessions_);
        if (second.open() && is_owned) world->violation("two kernels own one project");
        if (second.kernel() && !is_owned) world->kill(second.proc());
    }

    void tell_truth() {
        if (over() || world->faults.other_eio > 0 || (session_ && session_->running() > 0)) return;
        if (session_ && !session_->is_idle() && restarts_may_run()) return;
        Session looker(++sessions_);
        checks_.truth(looker);
    }
    bool restarts_may_run() const {
        return std::ranges::any_of(chosen_, [](int own) { return own % 5 == 0; });
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    void heal() {
        if (over()) return;
        world->note("everything is healed");
        world->faults = {};
        world->disk_is_full = false;
        if (session_) session_->proc().effects_left = -1;
        run_for(45000); // tools that hang are given up, guests die of what they have
        for (const auto& guest : world->living(Proc::Role::guest))
            guest->kill_takes_us = 0;
        if (session_ && random_.percent(50)) world->kill(session_->proc());
        reap();
    }

    // In the end everything works. What is still busy with a restart is asked again.
    AskedPtr insist(Request wish) {
        AskedPtr asked;
        for (int tries = 0; tries < 5 && !over(); ++tries) {
            asked = ask(wish);
            run_until_done(asked);
            if (over() || !asked || !asked->result) return asked;
            if (asked->result->exit_code != exit_code::busy) break;
            run_for(10000);
        }
        if (!over() && asked->result->exit_code != 0)
            world->violation(std::string(to_string(wish.operation)) + " fails although nothing is wrong any more: " +
                             asked->stream.substr(asked->stream.rfind("{\"type")));
        return asked;
    }

    void prove_health() {
        if (over()) return;
        tell_truth();
        auto up = request(castra::Operation::up);
        up.replace = true;
        insist(up);
        if (over()) return;
        tell_truth();
        insist(request(castra::Operation::down));
        if (over()) return;
        checks_.nothing_stands();
        run_for(1000);
        if (session_) world->violation("castra stays although it owns nothing");
        if (over()) return;
        clean();
        if (ensure_session()) session_.reset(); // seals what killed ones left
        checks_.nothing_leaks();
        checks_.journals(true);
        checks_.strangers_are_well(strangers_);
    }

    Tally& tally_;
    Random& random_;
    Checks checks_;
    std::unique_ptr<Session> session_;
    std::vector<ProcPtr> strangers_;
    std::set<const Asked*> settled_;
    std::vector<AskedPtr> kept_; // so that no address comes twice
    std::array<int, 6> chosen_{};
    int vms_ = 1, cpus_ = 1, sessions_ = 0;
    bool wants_to_end_ = false;
};

} // namespace

Played play(std::uint64_t seed, SeamBug bug, bool traces, Tally& tally) {
    World one(seed, bug, traces);
    world = &one;
    Played played;
    {
        History history(tally);
        history.play();
        played.violation = one.found();
    }
    played.trace = one.trace();
    tally.add("virtual seconds", one.now_us / 1000000);
    world = nullptr;
    return played;
}

} // namespace castra::sim
