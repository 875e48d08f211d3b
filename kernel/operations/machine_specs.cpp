// SPDX-License-Identifier: Apache-2.0
#include "operations/machine_specs.hpp"

#include "config/names.hpp"
#include "operations/config_findings.hpp"
#include "operations/image_format.hpp"
#include "operations/image_phase.hpp"
#include "operations/image_recipes.hpp"
#include "state/image_store.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

constexpr std::uint16_t ssh_port = 22;

std::string make_uuid(Clock& clock) {
    const auto first = clock.entropy();
    const auto second = clock.entropy();
    std::array<std::uint8_t, 16> bytes{};
    std::copy(first.begin(), first.end(), bytes.begin());
    std::copy_n(second.begin(), 6, bytes.begin() + 10);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U); // version 4
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += digits[bytes[i] >> 4U];
        text += digits[bytes[i] & 15U];
    }
    return text;
}

std::string joined(const std::string& left, const std::string& right) {
    return left.empty() ? right : right.empty() ? left : left + " " + right;
}

// `image = "tiny"`: what the file leaves open comes from the image. With options.disk = false a VM needs no disk.
Result<> apply_image(const Installation& installation, const VmConfig& vm, MachineSpec& spec) {
    auto found = find_image(cache_dir(installation.environment), vm.image);
    if (!found && !has_recipe(installation.share_dir, vm.image))
        found.error().hint = "castra builds: " + recipes_in(installation.share_dir) +
                             "; for another disk write base_image = \"disk.qcow2\" instead of image";
    if (!found) return Failure(found.error());
    const auto& image = *found;
    if (spec.vm.boot.kernel.empty()) {
        spec.vm.boot.kernel = image.kernel;
        if (spec.vm.boot.initrd.empty()) spec.vm.boot.initrd = image.initrd;
        spec.vm.boot.append = joined(image.append, spec.vm.boot.append);
    }
    if (spec.vm.ready_marker.empty()) spec.vm.ready_marker = image.ready_marker;
    const bool wants_disk = spec.vm.options.value("disk", true);
    if (wants_disk && !image.disk.empty()) {
        spec.vm.base_image = image.disk;
        spec.vm.base_format = image.disk_format;
        spec.vm.boot.append = joined(spec.vm.boot.append, image.root_append);
        if (!image.disk_sha256.empty()) spec.base_digest = "sha256:" + image.disk_sha256;
        spec.base_cached = true;
    }
    return {};
}

Result<MachineSpec> spec_of(const Installation& installation, Clock& clock, const Project& project, PluginSet& plugins,
                            const VmConfig& vm) {
    MachineSpec spec;
    CASTRA_TRY(launcher, plugins.launcher(vm.launcher));
    spec.launcher = launcher;
    spec.ready_wait = project.config.lifecycle.ready_wait;
    spec.vm.name = vm.name;
    spec.vm.project = project.config.name;
    spec.vm.uuid = make_uuid(clock);
    spec.vm.cpus = vm.cpus;
    spec.vm.memory_bytes = static_cast<std::int64_t>(vm.memory.bytes());
    spec.vm.base_image =
        vm.base_url.empty() ? vm.base_image : fetched_image(installation.environment, vm.base_sha256).string();
    // What preflight refuses, or an image that is not fetched yet, has none so far.
    if (!spec.vm.base_image.empty()) spec.vm.base_format = format_of_image(spec.vm.base_image).value_or("");
    if (!vm.base_sha256.empty()) spec.base_digest = "sha256:" + vm.base_sha256;
    spec.base_cached = !vm.base_url.empty();
    spec.vm.boot = {vm.boot.kernel, vm.boot.initrd, vm.boot.append};
    spec.vm.ready_marker = vm.ready_marker;
    spec.vm.options = vm.launcher_options;
    spec.overlay = vm.overlay;
    for (const auto& forward : vm.port_forwards) {
        spec.vm.port_forwards.push_back({forward.address, forward.host, forward.guest, forward.protocol});
        if (forward.guest == ssh_port && forward.protocol == "tcp" && vm.launcher != "process")
            spec.wants_ssh_key = true;
    }
    if (!vm.image.empty()) CASTRA_CHECK(apply_image(installation, vm, spec));
    spec.vm.options.erase("disk");
    return spec;
}

} // namespace

tl::expected<std::vector<MachineSpec>, std::vector<Error>> machine_specs(const Installation& installation, Clock& clock,
                                                                         const Project& project, PluginSet& plugins,
                                                                         const std::vector<std::string>& names) {
    std::vector<Error> findings;
    std::vector<std::string> known;
    for (const auto& vm : project.config.vms)
        known.push_back(vm.name);
    for (const auto& name : names)
        if (std::ranges::find(known, name) == known.end()) {
            const auto meant = did_you_mean(name, known);
            findings.push_back({ErrorCode::usage, project.config.path + " has no VM \"" + name + "\"",
                                meant ? "did you mean \"" + *meant + "\"?" : "castra status lists them"});
        }
    std::ranges::move(plugin_refusals(installation, project.config), std::back_inserter(findings));
    if (!findings.empty()) return tl::unexpected(std::move(findings)); // before any plugin is loaded
    std::vector<MachineSpec> specs;
    std::set<std::string> said; // the same finding for twenty VMs is one
    for (const auto& vm : project.config.vms) {
        if (!names.empty() && std::ranges::find(names, vm.name) == names.end()) continue;
        auto spec = spec_of(installation, clock, project, plugins, vm);
        if (spec) {
            specs.push_back(std::move(*spec));
        } else if (said.insert(spec.error().text).second) {
            auto error = spec.error().within("VM " + vm.name);
            if (error.code == ErrorCode::not_found || error.code == ErrorCode::io) error.code = ErrorCode::preflight;
            findings.push_back(std::move(error));
        }
    }
    if (!findings.empty()) return tl::unexpected(std::move(findings));
    return specs;
}

} // namespace castra
