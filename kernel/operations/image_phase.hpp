// SPDX-License-Identifier: Apache-2.0
// What an up does about base images before anything is made: fetches those that castra.toml names by URL, into the
// cache that all projects share by digest, and holds each that has a sha256 against it. Tells progress as events; each
// VM's image that was found good is a vm.image_verified. Order: after command.accepted, before the fleet.
// Thread: the kernel's; castra-image-worker does the work. Limits: fetches_max at a time.
#pragma once
#include "lifecycle/fleet.hpp"
#include "operations/workshop.hpp"

namespace castra {

// One image and the VMs that boot from it.
struct ImageWish {
    std::string path;        // where it is or will be
    std::string url, sha256; // url empty: a file of the user's
    std::vector<std::string> vms;
};

inline constexpr std::int64_t fetches_max = 4;

// Where an image with this digest is or will be in the cache.
std::filesystem::path fetched_image(const Environment& environment, const std::string& sha256);

// Of the VMs that `specs` will start: the images that want something done, each once.
std::vector<ImageWish> image_wishes(const ProjectConfig& config, const std::vector<MachineSpec>& specs,
                                    const std::set<std::string>& running);

// The images that are not there yet.
std::set<std::string> to_fetch(const std::vector<ImageWish>& wishes);

// Errors: by VM; the others' images are good. `specs` learn the format and the digest of theirs. `cancel` opened: every
// VM whose image is not ready yet has an error of code cancelled.
Task<std::map<std::string, Error>> prepare_images(Workshop& workshop, EventBus& bus, std::vector<ImageWish> wishes,
                                                  std::vector<MachineSpec>& specs, Gate& cancel);

// VMs that an up with --keep-going leaves out because of their images have failed it.
void add_spoiled(FleetResult& result, const std::map<std::string, Error>& spoiled);

} // namespace castra
