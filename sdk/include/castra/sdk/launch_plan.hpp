// SPDX-License-Identifier: Apache-2.0
// The words in which a launcher and the kernel speak: what a VM should be, and the plan that makes it so.
// Plain values; nothing here does anything. Units stand last in the names. Paths are absolute.
#pragma once
#include "castra/sdk/json.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace castra::sdk {

// ---- what the kernel tells -------------------------------------------------------------------------------------

struct PortForward {
    std::string address = "127.0.0.1"; // on the host
    std::uint16_t host = 0;            // leased by the kernel; never 0 in a plan request
    std::uint16_t guest = 0;
    std::string protocol = "tcp"; // tcp, udp
};
CASTRA_SDK_JSON(PortForward, address, host, guest, protocol)

// Direct kernel boot. Empty kernel: the VM boots from its disk.
struct Boot {
    std::string kernel, initrd, append;
};
CASTRA_SDK_JSON(Boot, kernel, initrd, append)

// A VM as castra.toml wants it, defaults applied, instances expanded.
struct VmSpec {
    std::string name;    // [a-z0-9][a-z0-9-]*, at most 63
    std::string project; // same alphabet
    std::string uuid;    // identity of this incarnation
    std::int64_t cpus = 1;
    std::int64_t memory_bytes = 0;
    std::string base_image, base_format; // empty: no disk. Format: qcow2, raw
    Boot boot;
    std::string ready_marker; // a serial line that begins with this means ready; empty: no marker known
    std::vector<PortForward> port_forwards;
    Json options = Json::object(); // [vms.launcher_options] of castra.toml, checked against the manifest's schema
};
CASTRA_SDK_JSON(VmSpec, name, project, uuid, cpus, memory_bytes, base_image, base_format, boot, ready_marker,
                port_forwards, options)

// Where the VM may keep things. Owner: the kernel makes both directories (0700) and removes what plans named.
struct VmPaths {
    std::string state_dir;   // on disk: overlay, logs
    std::string runtime_dir; // for sockets; short enough that runtime_dir + 24 characters fits a unix socket address
    std::string overlay;     // where an overlay belongs
    std::string authorized_keys; // public key file for this VM; empty: none wanted
    // With a broker, else both empty. A plan that can give the guest a channel of its own has a socket "agent" at
    // agent_socket; the file says to the guest how to reach the broker otherwise, and is a secret of this VM.
    std::string agent_socket, broker_file;
};
CASTRA_SDK_JSON(VmPaths, state_dir, runtime_dir, overlay, authorized_keys, agent_socket, broker_file)

// ---- requirements ----------------------------------------------------------------------------------------------

struct Program {
    std::string name; // looked up in PATH unless absolute
    std::string hint; // the cure when missing: "apt-get install qemu-system-x86"
};
CASTRA_SDK_JSON(Program, name, hint)

struct NeededFile {
    std::string path, what, hint;
};
CASTRA_SDK_JSON(NeededFile, path, what, hint)

struct PlanFile {
    std::string path, content_base64;
};
CASTRA_SDK_JSON(PlanFile, path, content_base64)

// A short experiment that the kernel runs before planning: spawn argv, wait at most deadline_ms, compare the exit code.
// "{dir}" in argv and in file paths is a private temporary directory. The verdict is cached per host boot and
// `cache_key`.
struct Probe {
    std::string id;
    std::vector<std::string> argv;
    std::vector<PlanFile> files;
    std::int64_t deadline_ms = 5000;
    std::int64_t success_exit_code = 0;
    std::string cache_key; // everything that the verdict depends on, apart from the host's boot and argv[0]'s file
};
CASTRA_SDK_JSON(Probe, id, argv, files, deadline_ms, success_exit_code, cache_key)

struct ProbeVerdict {
    bool ok = false;
    std::string detail; // "timed out after 3000 ms", "exit code 1: Could not access KVM kernel module", ...
};
CASTRA_SDK_JSON(ProbeVerdict, ok, detail)

struct Requirements {
    std::vector<Program> programs;
    std::vector<NeededFile> files;
    std::vector<Probe> probes;
};
CASTRA_SDK_JSON(Requirements, programs, files, probes)

struct RequirementsRequest {
    VmSpec vm;
};
CASTRA_SDK_JSON(RequirementsRequest, vm)

// ---- the plan --------------------------------------------------------------------------------------------------

struct PlanRequest {
    VmSpec vm;
    VmPaths paths;
    std::map<std::string, ProbeVerdict> probes; // by Probe::id
};
CASTRA_SDK_JSON(PlanRequest, vm, paths, probes)

// An overlay to be made before launch, by running argv to exit code 0.
struct OverlayPlan {
    std::string path, base_image;
    std::vector<std::string> argv;
    std::int64_t deadline_ms = 30000;
};
CASTRA_SDK_JSON(OverlayPlan, path, base_image, argv, deadline_ms)

// A listening unix socket that the kernel opens and the child inherits: "{fd:NAME}" in argv or env is its number.
// Because it listens before the child runs, connecting never has to be retried.
struct SocketPlan {
    std::string name, path;
    std::string log; // not empty: the kernel stays connected and keeps what arrives in this file, bounded
};
CASTRA_SDK_JSON(SocketPlan, name, path, log)

// How ready is told. Always pushed.
//   marker:  a line beginning with `text` arrives on socket `socket` (one with a log)
//   notify:  the child writes a line "READY" to the pipe whose number is "{fd:notify}"
//   started: ready as soon as the process runs
struct Readiness {
    std::string kind = "started";
    std::string socket, text;
    std::int64_t deadline_ms = 60000;
};
CASTRA_SDK_JSON(Readiness, kind, socket, text, deadline_ms)

// Lines sent on a control socket; each must be answered by a line containing `expect` (other lines are skipped).
struct Exchange {
    std::string send, expect;
};
CASTRA_SDK_JSON(Exchange, send, expect)

// A cooperative way to stop: a conversation, after which the process is expected to end by itself.
struct StopMethod {
    std::string method; // acpi, agent
    std::string socket;
    std::vector<Exchange> exchanges;
};
CASTRA_SDK_JSON(StopMethod, method, socket, exchanges)

// A conversation that only the right process can hold: proves after a crash of ours that a process is this VM.
struct IdentityCheck {
    std::string socket;
    std::vector<Exchange> exchanges;
};
CASTRA_SDK_JSON(IdentityCheck, socket, exchanges)

// Asks a running VM which ports of the host lead into it now. Every place in the last answer that `row` (ECMAScript)
// matches is one; its groups are, in this order: protocol (in any case), address of the host ("*": every one), port of
// the host, port of the guest.
struct PortQuery {
    std::string socket;
    std::vector<Exchange> exchanges;
    std::string row;
};
CASTRA_SDK_JSON(PortQuery, socket, exchanges, row)

// Asks a running VM whether its guest runs now. The one group of `row` (ECMAScript) in the last answer is a word of the
// launcher's for what it does; `running` is the word for all is well, `hints` say by word what to do otherwise.
struct StateQuery {
    std::string socket;
    std::vector<Exchange> exchanges;
    std::string row, running;
    std::map<std::string, std::string> hints;
};
CASTRA_SDK_JSON(StateQuery, socket, exchanges, row, running, hints)

struct Warning {
    std::string code, text, hint;
};
CASTRA_SDK_JSON(Warning, code, text, hint)

struct LaunchPlan {
    std::vector<std::string> argv;          // argv[0] is looked up in PATH unless absolute
    std::map<std::string, std::string> env; // added to a minimal environment (PATH, HOME, LANG=C)
    std::string working_dir;                // empty: the VM's state_dir
    std::vector<PlanFile> files;            // written 0600 before the spawn, below state_dir
    std::vector<OverlayPlan> overlays;
    std::vector<SocketPlan> sockets;
    Readiness readiness;
    std::vector<StopMethod> stop;          // tried in order; none: straight to SIGTERM
    std::optional<IdentityCheck> identity; // none: pidfd and start time only
    std::optional<PortQuery> ports;        // none: what was planned, and who listens on this machine
    std::optional<StateQuery> state;       // none: a process that lives has a guest that runs
    std::string accelerator = "none";      // kvm, tcg, none
    std::vector<Warning> warnings;         // become `message` events with severity warn
};
CASTRA_SDK_JSON(LaunchPlan, argv, env, working_dir, files, overlays, sockets, readiness, stop, identity, ports, state,
                accelerator, warnings)

// ---- after the fact --------------------------------------------------------------------------------------------

struct ExitReport {
    VmSpec vm;
    std::string phase; // launch, boot, running, shutdown
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> signal; // SIGKILL, ...
    std::string stderr_tail;           // of the process, then of the guest's serial console
};
CASTRA_SDK_JSON(ExitReport, vm, phase, exit_code, signal, stderr_tail)

struct ExitExplanation {
    std::string hint; // empty: nothing to add
};
CASTRA_SDK_JSON(ExitExplanation, hint)

} // namespace castra::sdk
