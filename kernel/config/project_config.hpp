// SPDX-License-Identifier: Apache-2.0
// What castra.toml says, validated: plain values with every default filled in and every instance expanded.
// Never holds a relative host path, an unchecked name or a value outside the limits of limits.hpp.
// Lines and columns count from 1 and point into ProjectConfig::text; 0: the thing stands nowhere in the file.
#pragma once
#include "base/secret.hpp"
#include "base/units.hpp"
#include "config/position.hpp"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace castra {

struct PortForwardConfig {
    std::string address = "127.0.0.1"; // IPv4, of the host
    std::uint16_t host = 0;            // 0: automatic
    std::uint16_t guest = 0;
    std::string protocol = "tcp"; // or "udp"
    int line = 0;
    int column = 0;
};

// Direct kernel boot; absolute paths, empty where not used.
struct BootConfig {
    std::string kernel;
    std::string initrd;
    std::string append;
};

// One of [[vms.bootstrap.steps]].
struct BootstrapStepConfig {
    std::string name;
    std::string plugin;                               // as in [plugins.NAME] or a file name; empty: step-<name>
    nlohmann::json config = nlohmann::json::object(); // over [plugins.NAME] config
    Positions config_at;
    std::optional<Milliseconds> timeout; // empty: BootstrapConfig::step_timeout
};

// How bootstrap reaches the guest; empty: what castra knows of its port forward and key. From bootstrap.toml.
struct BootstrapSshConfig {
    std::string user, host, identity; // identity: absolute path of a private key
    std::uint16_t port = 0;
    std::vector<std::string> options; // words for ssh's -o
};

// In a VmConfig the project's [bootstrap] is already folded in.
struct BootstrapConfig {
    std::string mode = "auto";                        // or "always", "skip"
    std::string script;                               // absolute path on the host, or empty
    std::string payload;                              // absolute path on the host, or empty
    std::string remote_dir = "/tmp/castra-bootstrap"; // absolute path in the guest
    std::string verify_command;
    std::string verify_path; // path in the guest, or empty; relative: from remote_dir
    std::optional<Milliseconds> handshake_timeout;
    Milliseconds connect_timeout{60'000};
    Milliseconds step_timeout{600'000};
    std::vector<BootstrapStepConfig> steps; // empty: the five of castra
    std::map<std::string, Secret> env;
    // of bootstrap.toml alone
    std::string metadata; // its absolute path, or empty
    std::string handshake_identity;
    BootstrapSshConfig ssh;
};

// What the supervisor does when a VM ends unasked.
struct RestartConfig {
    std::string policy = "never";  // or "on_failure"
    Milliseconds backoff{1'000};   // before the first restart; doubles with each in a row
    std::int64_t restarts_max = 5; // in a row
};

// How long one VM is waited for while it stops; absent: as [lifecycle] says.
struct StopWaitConfig {
    std::optional<Milliseconds> graceful_shutdown, sigterm, sigkill;
};

struct VmConfig {
    std::string name;  // expanded, unique in the project
    std::string group; // the name before expansion
    std::string description;
    std::string launcher = "qemu";
    std::string image;       // name in the image store, or empty
    std::string base_image;  // absolute path, or empty
    std::string base_url;    // http(s); then base_image is empty and base_sha256 is not
    std::string base_sha256; // 64 lower-case hex digits, or empty: not checked
    std::string overlay;     // absolute path, or empty: castra chooses
    std::int64_t cpus = 1;
    MemorySize memory = MemorySize::of_bytes(512ULL << 20);
    BootConfig boot;
    std::vector<PortForwardConfig> port_forwards;
    BootstrapConfig bootstrap;
    nlohmann::json launcher_options = nlohmann::json::object(); // [vms.options], not interpreted here
    Positions options_at;                                       // where launcher_options stand
    std::string ready_marker;                                   // or empty
    RestartConfig restart;
    StopWaitConfig stop_wait;
    int line = 0;
    int column = 0;
};

struct PluginConfig {
    std::string name;
    std::string path;      // absolute, or empty: by name in the search directories
    std::string sha256;    // 64 lower-case hex digits, or empty
    std::string isolation; // "", "in-process" or "process"
    nlohmann::json config = nlohmann::json::object();
    Positions config_at;
    int line = 0;
    int column = 0;
};

struct ReporterConfig {
    std::string plugin;
    nlohmann::json config = nlohmann::json::object();
    Positions config_at;
    int line = 0;
    int column = 0;
};

// What a plugin may ask for by its name, so that castra.toml need not hold it.
struct SecretConfig {
    std::string name;
    std::string file;                 // absolute
    std::vector<std::string> plugins; // ids of those that may
    int line = 0;
    int column = 0;
};

struct LifecycleConfig {
    Milliseconds graceful_shutdown_wait{20'000};
    Milliseconds sigterm_wait{10'000};
    Milliseconds sigkill_wait{5'000};
    std::optional<Milliseconds> down_timeout; // when a down turns to SIGKILL, whatever the waits say
    Milliseconds ready_wait{120'000};
    std::int64_t boot_window = 0; // VMs that boot at the same time; 0: the number of cores
};

// How many journals of past runs stay. The current run's always does.
struct JournalConfig {
    std::int64_t runs_max = 200;
    std::int64_t bytes_max = 64LL << 20;
};

// The bus between host and guests. The numbers are limits of the process `castra broker`.
struct BrokerConfig {
    std::string launcher;                      // "process", "none", another plugin's name; empty: no broker
    std::string cli;                           // absolute path of a castra; empty: the one that runs
    bool has_tcp = false;                      // guests may come over TCP too
    std::uint16_t port = 0;                    // of 127.0.0.1; 0: any free one, if has_tcp
    std::int64_t sessions_max = 1024;          // open at once
    std::int64_t frames_per_second_max = 1000; // of one guest; more is not read until later
    std::int64_t queue_bytes_max = 1 << 20;    // waiting for one reader
    std::int64_t topic_bytes_max = 8 << 20;    // on disk, of one durable topic
    std::int64_t topics_max = 256;             // durable ones, of the whole project
};

struct ProjectConfig {
    std::string path;      // canonical absolute path of the file
    std::string directory; // where it stands; relative paths are resolved against it
    std::string name;
    std::string state_dir; // absolute, or empty: castra chooses
    std::string version = "0.2.0";
    std::string text; // the whole file, for the digest
    BrokerConfig broker;
    LifecycleConfig lifecycle;
    JournalConfig journal;
    BootstrapConfig bootstrap;              // [bootstrap], the defaults of every VM
    std::int64_t bootstrap_parallel = 0;    // VMs that are bootstrapped at the same time; 0: 8 for each core
    std::vector<std::string> plugin_search; // absolute directories
    std::vector<PluginConfig> plugins;
    std::vector<ReporterConfig> reporters;
    std::vector<SecretConfig> secrets;
    std::vector<VmConfig> vms;
};

} // namespace castra
