// SPDX-License-Identifier: Apache-2.0
#include "config/key_descriptions.hpp"

#include <algorithm>

namespace castra {
namespace {

struct Row {
    std::string_view table, key, text;
};

constexpr Row rows[] = {
    {"", "version", "Format of the file: \"0.2.0\". In \"0.1.0\" VMs keep their names; no count, no instances."},
    {"", "project", "What the project is called and where its state lies."},
    {"", "broker", "The broker between host and guests."},
    {"", "lifecycle", "How long castra waits for VMs, and how many boot at a time."},
    {"", "journal", "How many journals of past runs stay."},
    {"", "bootstrap", "Where the bootstrap of every VM starts from."},
    {"", "plugins", "Where plugins are, and what they are told: a table for each, by its name."},
    {"", "reporters", "Who is told of every event, besides the terminal."},
    {"", "secrets", "What plugins may ask for by its name, and castra.toml does not hold."},
    {"", "vms", "The VMs; each entry is a group of like ones."},

    {"project", "name", "What the project is called: a-z, 0-9 and -, at most 63."},
    {"project", "state_dir", "Where castra keeps what it must remember; default: below $XDG_STATE_HOME/castra."},

    {"broker", "launcher", "How the broker is started: \"process\", \"none\" or a plugin; absent: there is no broker."},
    {"broker", "cli", "The castra that broker-process starts; default: the running one."},
    {"broker", "tcp", "Guests may come over TCP too, with the secret of their boot."},
    {"broker", "port", "TCP port on 127.0.0.1, which means tcp = true; 0: none, or with tcp = true any free one."},
    {"broker", "sessions_max", "Sessions open at once."},
    {"broker", "frames_per_second_max", "Frames of one guest; what comes faster is read later."},
    {"broker", "queue_bytes_max", "Bytes that wait for one slow reader; then it is closed."},
    {"broker", "topic_bytes_max", "Bytes on disk of one durable topic; the oldest go first."},
    {"broker", "topics_max", "Durable topics of the project."},

    {"lifecycle", "graceful_shutdown_wait_secs", "Seconds from asking the guest to shut down to SIGTERM."},
    {"lifecycle", "sigterm_wait_secs", "Seconds from SIGTERM to SIGKILL."},
    {"lifecycle", "sigkill_wait_secs", "Seconds that a killed process may take to be gone."},
    {"lifecycle", "down_timeout_secs", "Seconds of a whole down; who is not down then is sent SIGKILL."},
    {"lifecycle", "ready_wait_secs", "Seconds that a VM has to become ready."},
    {"lifecycle", "boot_window", "How many VMs boot at the same time; 0: as many as the host has cores."},

    {"journal", "runs_max", "How many runs keep their journal, the current one counted; the oldest go first."},
    {"journal", "bytes_max", "Bytes of all journals together; the oldest go first."},

    {"bootstrap", "mode", "auto: when something changed; always; skip."},
    {"bootstrap", "handshake_timeout_secs", "Seconds to wait for the guest's handshake."},
    {"bootstrap", "connect_timeout_secs", "Seconds to reach the guest by SSH, all tries together."},
    {"bootstrap", "step_timeout_secs", "Seconds for each step that has no limit of its own."},
    {"bootstrap", "remote_dir", "Directory in the guest that is castra's alone; absolute."},
    {"bootstrap", "env", "Environment of the script, NAME = \"value\"; values are treated as secrets."},
    {"bootstrap", "parallel", "How many VMs are bootstrapped at the same time; 0: 8 for each core."},

    {"plugins", "search", "Directories to look for plugins in, before castra's own."},
    {"plugins", "*", "A plugin, by its name."},
    {"plugins.NAME", "path", "The plugin's file; default: looked for by its name."},
    {"plugins.NAME", "sha256", "The digest that the file must have; default: not checked."},
    {"plugins.NAME", "isolation",
     "Where it runs: in-process, or in a process of its own; default: by where it is from."},
    {"plugins.NAME", "config", "For the plugin; castra plugin inspect NAME shows what it takes."},

    {"reporters", "plugin", "The reporter: ndjson, exec, junit, html, otlp, nats, or one of your own."},
    {"reporters", "config", "For this reporter; castra plugin inspect NAME shows what it takes."},

    {"secrets", "name", "What plugins call it, such as in token_secret of reporter-nats."},
    {"secrets", "file", "The file that holds it; a line end at its end is none of it. Read when a plugin asks."},
    {"secrets", "plugins", "Ids of the plugins that may ask for it, such as \"reporter-nats\"."},

    {"vms", "name", "The VMs of this entry are called name-0, name-1, ...: a-z, 0-9 and -."},
    {"vms", "description", "For people."},
    {"vms", "count", "How many of them."},
    {"vms", "launcher", "The plugin that starts them: qemu, process, or one of your own."},
    {"vms", "image", "Name of an image in the store (castra image build); not with base_image."},
    {"vms", "base_image", "Disk image, never written to: a file, or an address to fetch it from; not with image."},
    {"vms", "sha256", "The digest that the base_image must have; an address needs one."},
    {"vms", "overlay", "The disk that is written to; default: castra's own, gone after down."},
    {"vms", "cpus", "Virtual processors."},
    {"vms", "memory", "\"2 GiB\", \"512 MiB\"; a number without unit is MiB."},
    {"vms", "boot", "Boots a kernel directly, without a boot loader."},
    {"vms", "port_forwards", "Ports of the host that lead into the guest."},
    {"vms", "bootstrap", "What is set up in the guest when it is ready; overrides [bootstrap]."},
    {"vms", "options", "For the launcher; castra plugin inspect qemu shows what it takes."},
    {"vms", "ready_marker", "A line on the serial console that says that the guest is ready."},
    {"vms", "instances", "Own values of single instances of this entry."},
    {"vms", "restart", "never, or on_failure: started again when it ends unasked and not with exit code 0."},
    {"vms", "restart_backoff_secs", "Seconds before a restart; doubled with each in a row, up to 300."},
    {"vms", "restarts_max", "Restarts in a row; a VM that was up for 600 seconds begins a new row."},

    {"vms", "lifecycle", "How long castra down waits for this VM."},

    {"vms.boot", "kernel", "The kernel's file."},
    {"vms.boot", "initrd", "The initial ramdisk's file."},
    {"vms.boot", "append", "The kernel's command line."},

    {"vms.port_forwards", "address", "Of the host; 0.0.0.0 is every address: the whole network sees the port."},
    {"vms.port_forwards", "host", "Port of the host for instance 0; 0: any free one. castra ports tells which."},
    {"vms.port_forwards", "guest", "Port of the guest."},
    {"vms.port_forwards", "protocol", "tcp or udp."},
    {"vms.port_forwards", "count", "So many ports in a row, on both sides."},

    {"vms.bootstrap", "script", "File that runs in the guest, as root."},
    {"vms.bootstrap", "payload", "File or directory that is sent along."},
    {"vms.bootstrap", "verify_command", "A shell command in the guest that must succeed."},
    {"vms.bootstrap", "verify_path", "A file in the guest that must exist; a relative one starts at remote_dir."},
    {"vms.bootstrap", "steps", "The whole list of steps, instead of castra's five."},

    {"vms.bootstrap.steps", "name", "What the step is called in events."},
    {"vms.bootstrap.steps", "plugin", "The plugin that does it; default: step-<name>."},
    {"vms.bootstrap.steps", "config", "For this step, over that of [plugins.NAME]."},
    {"vms.bootstrap.steps", "timeout_secs", "Seconds that it has; default: step_timeout_secs."},

    {"vms.instances", "id", "Which one: \"web-1\", \"1\" or 1."},
    {"vms.instances", "name", "Another word for id. It selects; it does not rename."},
};

std::string_view weaker_than(std::string_view table) {
    if (table == "vms.instances") return "vms";
    if (table == "vms.lifecycle") return "lifecycle";
    return table == "vms.bootstrap" ? "bootstrap" : std::string_view();
}

} // namespace

std::string_view description_of(std::string_view table, std::string_view key) {
    const auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.table == table && row.key == key; });
    if (found != std::end(rows)) return found->text;
    const auto weaker = weaker_than(table);
    return weaker.empty() ? std::string_view() : description_of(weaker, key);
}

} // namespace castra
