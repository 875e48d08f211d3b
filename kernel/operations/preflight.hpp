// SPDX-License-Identifier: Apache-2.0
// Whether this machine can do what an up asks of it, asked before anything is made: programs, files, image formats,
// ports, socket paths, and the resources of the machine. Touches nothing. Every finding names what was tried and the
// cure; all of them at once. What an image's digest says comes later (image_phase.hpp), for that can take long.
#pragma once
#include "host/machine_resources.hpp"
#include "lifecycle/machine.hpp"
#include "state/layout.hpp"

#include <functional>
#include <set>

namespace castra {

struct PreflightWish {
    const Layout& layout;
    const std::vector<MachineSpec>& specs;
    std::set<std::string> running;  // VMs that run and stay: nothing is asked for them
    std::set<std::string> replaced; // VMs that run and will be replaced: they hold ports that they may keep
    std::set<std::string> to_fetch; // images that will be fetched: not there yet
};

struct PreflightReport {
    std::vector<Error> findings;
    std::vector<Error> scarce; // resources: too few cores, too little memory or disk; --force goes on nevertheless

    // What stands in the way.
    std::vector<Error> refusals(bool force) const;
};

PreflightReport preflight(Host& host, const PreflightWish& wish);

// With --force: what is scarce, as warnings.
void tell_scarce(EventBus& bus, const std::vector<Error>& scarce);

// The same finding for twenty VMs is one.
class Findings {
public:
    void add(std::string text, std::string hint, ErrorCode code = ErrorCode::preflight);
    std::vector<Error> take() { return std::move(list_); }

private:
    std::vector<Error> list_;
    std::set<std::string> said_;
};

// The parts. `starting`: the VMs that will be started.
using Starting = std::vector<const MachineSpec*>;
void check_needs(Host& host, const PreflightWish& wish, const Starting& starting, Findings& findings);
void check_images(const PreflightWish& wish, const Starting& starting, Findings& findings);
void check_socket_paths(const PreflightWish& wish, const Starting& starting, Findings& findings);
// Whether what will be made can be made where it is to be.
void check_directories(const PreflightWish& wish, const Starting& starting, Findings& findings);
// Only VMs that boot a kernel or a disk take a machine's cores and memory; an ordinary process takes what it takes.
void check_resources(const MachineResources& has, const Starting& starting, Findings& findings);
// Each file system by what all that lies on it needs together. `space_of`: disk_space().
using SpaceOf = std::function<DiskSpace(const std::filesystem::path& directory)>;
void check_disks(const SpaceOf& space_of, const std::filesystem::path& state_dir, const Starting& starting,
                 Findings& findings);

// Room that each VM's overlay and logs, and the run's journal, need to begin with.
inline constexpr std::int64_t overlay_bytes_min = 32LL << 20;
inline constexpr std::int64_t state_bytes_min = 16LL << 20;

} // namespace castra
