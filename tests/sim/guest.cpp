// SPDX-License-Identifier: Apache-2.0
#include "guest.hpp"

#include <csignal>

namespace castra::sim {
namespace {

struct Guest : std::enable_shared_from_this<Guest> {
    std::weak_ptr<Proc> proc;
    std::string uuid, ready;
    Given given;
    std::vector<OpenFilePtr> serial, control; // connections
    std::string heard;                        // on a control connection, not a whole line yet
    bool answers_control = true, closes_control = false, obeys_button = true, obeys_sigterm = true;

    void say(const OpenFilePtr& to, const std::string& text) {
        if (const auto peer = to->peer.lock()) {
            peer->inbox += text;
            world->wake(*peer);
        }
    }
    void print(const std::string& text) {
        for (const auto& one : serial)
            say(one, text);
    }
    // Only while it lives.
    void later(std::int64_t ms, std::function<void(Guest&)> what) {
        world->after_ms(ms, [self = weak_from_this(), what = std::move(what)] {
            const auto guest = self.lock();
            if (guest && guest->proc.lock() && guest->proc.lock()->lives) what(*guest);
        });
    }
    void exit(int code) { world->end(*proc.lock(), {code, 0}); }

    void accept(const std::string& socket, std::vector<OpenFilePtr>& into) {
        const auto found = given.find(socket);
        if (found == given.end()) return;
        auto take = [this, &into, socket, listener = std::weak_ptr(found->second)] {
            const auto open = listener.lock();
            if (!open) return;
            for (auto& one : std::exchange(open->pending, {})) {
                into.push_back(one);
                if (socket == "control") converse(one);
            }
        };
        found->second->on_connect = take;
        take();
    }
    void converse(const OpenFilePtr& with) {
        if (closes_control) return control.clear();
        if (!answers_control) return;
        later(world->random.below(30), [with](Guest& guest) { guest.say(with, "HELLO " + guest.uuid + "\n"); });
        auto listen = [self = weak_from_this(), peer = std::weak_ptr(with)] {
            if (const auto guest = self.lock())
                guest->later(world->random.below(20), [peer](Guest& me) {
                    if (const auto open = peer.lock()) me.hear(open);
                });
        };
        with->on_input = listen;
        if (!with->inbox.empty()) listen();
    }
    void hear(const OpenFilePtr& from) {
        heard += std::exchange(from->inbox, {});
        for (auto end = heard.find('\n'); end != std::string::npos; end = heard.find('\n')) {
            const auto line = heard.substr(0, end);
            heard.erase(0, end + 1);
            if (line != "POWERDOWN") {
                say(from, "{\"error\":\"unknown\"}\n");
                continue;
            }
            say(from, "{\"event\":\"noise\"}\nOK\n");
            if (obeys_button) later(world->random.between(5, 2500), [](Guest& guest) { guest.exit(0); });
        }
    }
    void tell_ready() {
        if (ready == "marker") print("boot\nCASTRA-READY now\n");
        if (const auto notify = given.find("notify"); notify != given.end() && ready == "notify")
            say(notify->second, "READY\n");
    }
};

bool holds_disk(const ProcPtr& proc) {
    return proc->lives && !world->disk_is_full;
}

} // namespace

void begin_guest(const ProcPtr& proc, const std::string& uuid, const std::string& ready, Given given) {
    for (const auto& other : world->living(Proc::Role::guest))
        if (other != proc && other->has_begun && other->name == proc->name && other->project == proc->project)
            world->violation("two live incarnations of " + proc->name + ": processes " + std::to_string(other->pid) +
                             " and " + std::to_string(proc->pid));
    proc->has_begun = true;
    auto& random = world->random;
    const auto guest = std::make_shared<Guest>();
    guest->proc = proc;
    guest->uuid = uuid;
    guest->ready = ready;
    guest->given = std::move(given);
    const bool is_bad = random.percent(world->faults.bad_guest_percent);
    const auto vice = is_bad ? random.below(9) : -1;
    const auto boot_ms = vice == 0 ? random.between(9000, 14000) : random.between(20, 1500);
    guest->answers_control = vice != 3;
    guest->closes_control = vice == 4;
    guest->obeys_button = vice != 5 && vice != 6 && vice != 7;
    guest->obeys_sigterm = vice != 6 && vice != 7;
    if (vice == 7) proc->kill_takes_us = random.between(0, 4000) * 1000;
    world->note("guest " + proc->name + " (" + std::to_string(proc->pid) + ") runs" +
                (is_bad ? ", vice " + std::to_string(vice) : ""));

    // Owned by its process: what it holds goes with it.
    proc->on_exit.push_back([guest](ExitWord) {
        guest->serial.clear();
        guest->control.clear();
        for (const auto& [name, file] : guest->given)
            file->on_connect = nullptr;
        guest->given.clear();
    });
    proc->on_signal = [weak = std::weak_ptr(guest)](int number) {
        const auto self = weak.lock();
        if (!self || !self->obeys_sigterm) return;
        self->later(world->random.between(1, 400), [number](Guest& me) { world->end(*me.proc.lock(), {0, number}); });
    };
    guest->accept("serial", guest->serial);
    guest->accept("control", guest->control);
    guest->later(random.between(1, boot_ms), [](Guest& me) { me.print("[    0.000000] Linux\r\n"); });
    if (vice == 1) {
        guest->later(random.between(1, boot_ms), [](Guest& me) {
            me.print("panic\n");
            me.exit(static_cast<int>(world->random.between(0, 3)));
        });
    } else if (vice != 2) { // 2: never ready
        guest->later(boot_ms, [](Guest& me) { me.tell_ready(); });
    }
    if (vice == 8)
        guest->later(boot_ms + random.between(0, 20000),
                     [](Guest& me) { me.exit(static_cast<int>(world->random.between(0, 3))); });
}

void begin_tool(const ProcPtr& proc, const std::vector<std::string>& argv) {
    auto& random = world->random;
    const bool is_bad = world->faults.tool > 0 && random.below(1000) < world->faults.tool;
    if (is_bad && random.percent(20)) return; // hangs
    world->after_ms(random.between(2, is_bad ? 3000 : 120), [weak = std::weak_ptr(proc), argv, is_bad] {
        const auto self = weak.lock();
        if (!self || !self->lives) return;
        auto write = [&](const std::string& path, const std::string& bytes) {
            NodePtr made = world->disk.find(path);
            if (!made && world->disk.make(path, Node::Kind::file, made) != 0) return false;
            world->disk.write(*made, 0, bytes);
            world->note(self->name + " writes " + path);
            return true;
        };
        bool good = holds_disk(self);
        if (argv[0] == "sim-img") good = good && write(argv[2], std::string(9000, 'o'));
        if (argv[0] == "ssh-keygen") {
            good = good && write(argv.back(), "secret key") && write(argv.back() + ".pub", "public key");
        }
        world->end(*self, {good && !is_bad ? 0 : 1, 0});
    });
}

} // namespace castra::sim
